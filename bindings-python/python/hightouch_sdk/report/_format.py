"""Numbers, durations and times as the page writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ._figures import RunFigures
from ._period import MONTHS, Period

UNKNOWN = "\N{EN DASH}"


def number(value: float) -> str:
    """Writes a number with separators, such as ``1,234``."""
    return f"{value:,.0f}"


def brief(value: float) -> str:
    """Writes a number briefly, such as ``12.3 M`` for 12,345,678. Numbers below ten million keep all their digits."""
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if value >= 10 * unit:
            return f"{int(value / unit * 10) / 10:,.1f} {name}"
    return number(value)


def plural(count: int, noun: str) -> str:
    """Writes a count with its noun, such as ``1 run`` or ``2 runs``."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def percent(share: float | None) -> str:
    """Writes a share from 0 to 1 as a percentage, rounded down, so that 100 % means all. Only 0 is shown as 0.0 %."""
    if share is None:
        return UNKNOWN
    if 0 < share < 0.001:
        return "< 0.1 %"
    return "100 %" if share == 1 else f"{int(share * 1000) / 10:.1f} %"


def duration(seconds: float | None) -> str:
    """Writes a duration in hours, minutes and seconds, such as ``1 h 5 min``; without seconds from ten minutes on."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    return f"{number(hours)} h" + (f" {minutes} min" if minutes else "")


def day(at: datetime, period: Period) -> str:
    """Writes a date in the zone of the report, such as ``3 Nov 2026``."""
    local = period.local(at)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def time(at: datetime, period: Period) -> str:
    """Writes a time in the zone of the report, such as ``3 Nov 2026, 14:05``."""
    return f"{day(at, period)}, {period.local(at):%H:%M}"


def short_time(at: datetime, period: Period) -> str:
    """Writes a time like :func:`time`, without the year if the report ends in the same year."""
    return time(at, period).replace(f" {period.end.year}, ", ", ")


def outcomes_in_words(total: RunFigures, buckets: Mapping[int, RunFigures], period: Period) -> str:
    """Describes a chart of outcomes in words."""
    text = f"{plural(total.ended, 'run')} ended: {number(total.succeeded)} succeeded, {number(total.warned)} with"
    text += f" warnings, {number(total.failed)} failed."
    bad = [period.label(index) for index, figures in sorted(buckets.items()) if figures.failed]
    return f"{text} Failures: {listed(bad)}." if bad else text


def rows_in_words(total: RunFigures, buckets: Mapping[int, RunFigures], period: Period) -> str:
    """Describes a chart of rows in words."""
    text = f"{number(total.accepted_rows)} rows accepted, {number(total.rejected_rows)} rejected."
    most = max(buckets, key=lambda index: buckets[index].accepted_rows, default=None)
    if most is not None and buckets[most].accepted_rows:
        text += f" Most accepted: {number(buckets[most].accepted_rows)}, {period.label(most)}."
    return text


def durations_in_words(total: RunFigures, buckets: Mapping[int, RunFigures], period: Period) -> str:
    """Describes a chart of durations in words."""
    timed = {index: it.mean_seconds for index, it in buckets.items() if it.mean_seconds is not None}
    if not timed:
        return "No durations are known."
    slowest = max(timed, key=lambda index: timed[index])
    text = f"A run took {duration(total.mean_seconds)} on average."
    return f"{text} Slowest: {duration(timed[slowest])} on average, {period.label(slowest)}."


def listed(names: list[str], most: int = 12) -> str:
    """Joins up to ``most`` names, and says how many more names there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
