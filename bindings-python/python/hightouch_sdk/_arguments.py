"""Converts the arguments of callers for the core, and makes the checks that need the Python types."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from ._datetimes import real_datetime
from ._encoding import json_argument, options, seconds
from ._errors import InvalidRequestError

__all__ = ["camel", "json_argument", "minutes", "moment", "options"]


def moment(name: str, value: Any) -> Any:
    """Checks a point in time, and converts an instance of a subclass of ``datetime`` to the real class.

    Raises:
        InvalidRequestError: ``value`` has no time zone, or is not a point in time, such as pandas' ``NaT``.
    """
    if value is None:
        return None
    try:
        # freezegun and pandas return instances of subclasses of `datetime`.
        real: Any = real_datetime(value)
    except ValueError as error:
        raise InvalidRequestError(f"{error}, and `{name}` must be one.") from None
    if hasattr(real, "utcoffset") and hasattr(real, "date") and real.utcoffset() is None:
        raise InvalidRequestError(
            f"`{name}` has no time zone: {value}. Pass an aware datetime, such as `datetime.now(timezone.utc)`, or add"
            f" a zone with `{name}.replace(tzinfo=timezone.utc)`."
        )
    return real


def minutes(name: str, value: Any) -> Any:
    """Converts a ``timedelta`` to whole minutes, rounded up; returns any other value as it is."""
    return math.ceil(seconds(name, value) / 60) if isinstance(value, timedelta) else value


def camel(value: Any) -> Any:
    """Spells a name as the API does: ``created_at`` becomes ``createdAt``."""
    if not isinstance(value, str):
        return value
    first, *rest = value.split("_")
    return first + "".join(map(str.title, rest))
