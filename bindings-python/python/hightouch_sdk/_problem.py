"""Asks the core why a run did not succeed."""

from __future__ import annotations

from msgspec.json import Decoder

from ._encoding import encoded
from ._models import RunProblem
from ._native import local

_DECODER: Decoder[RunProblem | None] = Decoder(RunProblem | None)


def problem_of(run: object) -> RunProblem | None:
    """Returns why a run did not succeed; None if the run succeeded or has not ended."""
    return _DECODER.decode(local("run.problem", encoded(run)))
