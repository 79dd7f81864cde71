"""Hypothesis strategies for values that a user can create."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import strategies as st

from hightouch_sdk import (
    CronRule,
    DbtAccount,
    DbtJob,
    DbtRule,
    EventSchema,
    Interval,
    IntervalRule,
    Json,
    MessageVariable,
    MessageVariableConfig,
    MessageVariant,
    Schedule,
    UnknownScheduleRule,
    VisualDays,
    VisualExpression,
    VisualRule,
)

T = TypeVar("T")

# Any text that UTF-8 can encode.
text = st.text(st.characters(codec="utf-8"), max_size=12)
quantity = st.integers(0, 2**53 - 1)
texts = st.dictionaries(text, text, max_size=4)
number = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalar = st.none() | st.booleans() | text | number


def optional(of: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | of


def json_with(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Returns a strategy for JSON that is built from ``leaves``. The JSON may nest to more than 90 levels."""

    def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4)

    def walled(core: object, walls: list[bool]) -> object:
        for is_list in walls:
            core = [core] if is_list else {"in": core}
        return core

    shallow = st.recursive(leaves, wider, max_leaves=12)
    walls = st.integers(0, 90).flatmap(lambda n: st.lists(st.booleans(), min_size=n, max_size=n))
    return shallow | st.builds(walled, shallow, walls)


json = json_with(scalar)
# Python has integers of any length, so the core must keep all their digits.
long_json = json_with(scalar | st.integers(-(10**400), 10**400))
objects = st.dictionaries(text, json, max_size=4)

days = st.builds(
    VisualDays,
    **{day: optional(st.booleans()) for day in VisualDays.__struct_fields__ if day != "other_members"},
)
RULE_MARKS = {"interval", "expression", "expressions", "job"}
units = st.sampled_from(["minute", "hour", "day", "week"])
documented_rules = (
    st.builds(IntervalRule, interval=st.builds(Interval, unit=units, quantity=quantity))
    | st.builds(CronRule, expression=text)
    | st.builds(VisualRule, expressions=st.lists(st.builds(VisualExpression, days=days, time=text), max_size=3))
    | st.builds(DbtRule, account=st.builds(DbtAccount, id=text), job=st.builds(DbtJob, id=text))
)
rules = (
    documented_rules
    | st.builds(IntervalRule, interval=st.builds(Interval, unit=text, quantity=quantity))
    # A rule of an unknown kind: its JSON has no member by which the client recognises a known kind.
    | st.builds(UnknownScheduleRule, raw=objects.filter(lambda raw: not RULE_MARKS & raw.keys()).map(Json))
)
documented_schedules = st.builds(Schedule, type=text, schedule=documented_rules) | st.just(
    Schedule(type="match_booster")
)
schedules = st.builds(Schedule, type=text, schedule=optional(rules))

variants = st.builds(
    MessageVariant,
    value=text,
    tags=optional(texts),
    first_eligible_send_date=optional(text),
    last_eligible_send_date=optional(text),
    user_audience_filter=optional(objects.map(Json)),
    locale_values=optional(texts),
)
variables = st.builds(
    MessageVariable,
    name=text,
    config=optional(
        st.builds(
            MessageVariableConfig,
            localization_enabled=optional(st.booleans()),
            max_sends_per_user_window_days=optional(quantity),
            max_sends_per_user=optional(quantity),
        )
    ),
    variants=st.lists(variants, max_size=3),
)
events = st.builds(
    EventSchema,
    schema=objects.map(Json),
    type=st.just("track") | text,
    on_undeclared_fields=optional(st.just("OMIT_FIELDS") | text),
    on_schema_violation=optional(st.just("BLOCK_EVENT") | text),
    version=optional(text),
    slug=optional(text),
    name=optional(text),
)
