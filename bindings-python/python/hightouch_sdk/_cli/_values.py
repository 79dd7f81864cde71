"""The types of the arguments of the command line."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PARTS = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")


class Duration(click.ParamType[timedelta]):
    """A duration, such as ``30m`` or ``1h30m``. A number without a unit means seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = duration(str(value))
        if found is None:
            self.fail(f"{value!r} is not a duration. Write it like 90s, 30m, 1h30m or 7d.", param, ctx)
        return found


def duration(text: str) -> timedelta | None:
    """Reads a duration. Returns None if the text is not a duration."""
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        text += "s"
    if not _WHOLE.fullmatch(text):
        return None
    try:
        return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in _PARTS.findall(text)), timedelta())
    except OverflowError:
        return None


class Moment(click.ParamType[datetime]):
    """A point in time: a duration before now, or a date with or without a time. Without a zone, the time is in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        ago = duration(str(value))
        try:
            if ago is not None:
                return datetime.now(timezone.utc) - ago
            # `fromisoformat` of Python 3.10 does not accept a `Z`.
            at = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither a duration, such as 7d, nor a time, such as 2026-01-31.", param, ctx)
        return at if at.tzinfo is not None else at.replace(tzinfo=timezone.utc)


class Pair(click.ParamType[tuple[str, str]]):
    """A name and a value, joined by ``=``."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value  # pyright: ignore[reportUnknownVariableType]
        name, equals, rest = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not a name and a value. Write it like team=growth.", param, ctx)
        return name, rest


def read_text(path: str) -> str:
    """Reads a file in UTF-8, with or without a byte order mark, or standard input if the path is ``-``.

    Raises:
        click.UsageError: The file cannot be read.
    """
    try:
        if path == "-":
            if sys.stdin is None:
                raise click.UsageError("Standard input cannot be read: it is closed.")
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text in UTF-8"
        raise click.UsageError(f"The file {path!r} cannot be read: {reason}.") from None


def names_in(text: str) -> list[str]:
    """Returns the names in a list, one on each line. Ignores empty lines, and everything after a ``#``."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
