"""Converts what a caller may pass as an argument, and checks what the core cannot see."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from ._datetimes import real_datetime
from ._encoding import json_argument, options, seconds
from ._errors import InvalidRequestError
from ._models import CronRule, DbtRule, IntervalRule, Schedule, Sync, UnknownScheduleRule, VisualRule

__all__ = ["camel", "json_argument", "minutes", "moment", "options", "schedule_of", "sync_id"]

_TYPES = {CronRule: "cron", IntervalRule: "interval"}
"""The type of a schedule by its rule; the API does not document those of other rules."""


def moment(name: str, value: Any) -> Any:
    """Checks a point in time.

    Raises:
        InvalidRequestError: It is a ``datetime`` without a time zone, or not a point in time.
    """
    try:
        # Frozen clocks and pandas have subclasses of `datetime`.
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
    """Converts a ``timedelta`` to whole minutes, rounded up; returns a number as it is."""
    return math.ceil(seconds(name, value) / 60) if isinstance(value, timedelta) else value


def sync_id(value: Any) -> Any:
    """Replaces a sync by its id."""
    return value.id if isinstance(value, Sync) else value


def schedule_of(value: Any) -> Any:
    """Wraps a cron expression or a rule in a :class:`Schedule`.

    Raises:
        InvalidRequestError: The API does not document which type of schedule has this rule.
    """
    if isinstance(value, str):
        value = CronRule(expression=value)
    if isinstance(value, (DbtRule, UnknownScheduleRule, VisualRule)):
        raise InvalidRequestError(
            f"`schedule` is a {type(value).__name__}, whose type of schedule is not documented. Pass"
            " `Schedule(type=…, schedule=…)` with the type that the API returns for such a schedule."
        )
    rule: Any = value
    kind = next((name for cls, name in _TYPES.items() if isinstance(rule, cls)), None)
    return rule if kind is None else Schedule(type=kind, schedule=rule)


def camel(value: Any) -> Any:
    """Spells a name as the API does: ``created_at`` is ``createdAt``."""
    if not isinstance(value, str):
        return value
    first, *rest = value.split("_")
    return first + "".join(map(str.title, rest))
