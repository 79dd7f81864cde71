"""Determines why runs did not succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from hightouch_sdk._models import SyncRun

LONGEST_TEXT = 400


class Reason(Struct, frozen=True):
    """Why a run failed or ended with warnings. Equal reasons are counted together."""

    text: str
    """The error message of the run, or the summary of the problem, shortened to 400 characters."""
    advice: str | None = None
    """What to do about the problem, if known."""
    code: str | None = None
    """The code of the problem, if it is known."""
    is_guess: bool = False
    """Whether the advice is only guessed from the error message, and may be wrong."""


def reason_of(run: SyncRun) -> Reason | None:
    """Returns why a run did not succeed. Returns None if a run ended with warnings, and nothing says why."""
    problem = problem_of(run)
    text = shortened(run.error or getattr(problem, "summary", None) or "")
    if not text:
        if run.status == "warning":
            return None
        text = f"The run ended as “{shortened(run.status)}”, and Hightouch gave no reason."
    return Reason(
        text,
        getattr(problem, "advice", None),
        getattr(problem, "code", None),
        bool(getattr(problem, "guessed", False)),
    )


def problem_of(run: SyncRun) -> Any:
    """Returns what the SDK knows of the problem of a run; None if the SDK knows nothing."""
    return getattr(run, "problem", None)


def shortened(text: str) -> str:
    """Joins the lines of a text, replaces control characters by spaces, and shortens the text to 400 characters."""
    joined = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * LONGEST_TEXT]).split())
    return joined if len(joined) <= LONGEST_TEXT else f"{joined[: LONGEST_TEXT - 1]}…"
