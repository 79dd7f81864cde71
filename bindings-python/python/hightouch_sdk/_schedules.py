"""Converts the arguments that name a sync or describe its schedule."""

from __future__ import annotations

from typing import Any

from ._errors import InvalidRequestError
from ._models import CronRule, DbtRule, IntervalRule, Schedule, Sync, UnknownScheduleRule, VisualRule

_TYPES = {CronRule: "cron", IntervalRule: "interval"}
"""The ``type`` of a schedule, by the class of its rule. The API documents no type for any other rule."""


def sync_id(value: Any) -> Any:
    """Returns the id of a :class:`Sync`, and any other value as it is."""
    return value.id if isinstance(value, Sync) else value


def schedule_of(value: Any) -> Any:
    """Wraps a cron expression or a rule in a :class:`Schedule`; returns any other value as it is.

    Raises:
        InvalidRequestError: ``value`` is a rule, and the API does not document the type of a schedule with this rule.
    """
    if isinstance(value, str):
        value = CronRule(expression=value)
    if isinstance(value, (DbtRule, UnknownScheduleRule, VisualRule)):
        raise InvalidRequestError(
            f"`schedule` is a {type(value).__name__}, and the API does not document the `type` of such a schedule. Pass"
            " `Schedule(type=…, schedule=…)` with the type that the API returns for such a schedule."
        )
    rule: Any = value
    kind = next((name for cls, name in _TYPES.items() if isinstance(rule, cls)), None)
    return rule if kind is None else Schedule(type=kind, schedule=rule)
