"""Asks the core why a run did not succeed."""

from __future__ import annotations

from functools import cache

from msgspec.json import Decoder

import hightouch_sdk

from ._encoding import encoded
from ._native import local


@cache
def _decoder() -> Decoder[hightouch_sdk.RunProblem | None]:
    return Decoder(hightouch_sdk.RunProblem | None)


def problem_of(run: object) -> hightouch_sdk.RunProblem | None:
    """Returns why a run did not succeed; None if the run succeeded or has not ended."""
    return _decoder().decode(local("run.problem", encoded(run)))
