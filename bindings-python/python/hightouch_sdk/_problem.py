"""Asks the core why a run did not succeed."""

from __future__ import annotations

from typing import TypeVar

from msgspec.json import Decoder

from ._encoding import encoded
from ._native import local

P = TypeVar("P")


def problem_of(run: object, of: type[P]) -> P | None:
    """Returns why a run did not succeed, as a value of the type ``of``; None if the run succeeded or has not ended."""
    # The type is an argument, because this module cannot import the models, which import this module.
    found: P | None = Decoder(of | None).decode(local("run.problem", encoded(run)))
    return found
