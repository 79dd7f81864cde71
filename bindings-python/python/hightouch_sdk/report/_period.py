"""The period of a report, divided into buckets for the charts."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, final

from hightouch_sdk._arguments import moment
from hightouch_sdk._errors import InvalidRequestError

LONGEST = timedelta(days=3660)
HOUR, DAY, WEEK, FOUR_WEEKS = timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=28)
# Pairs of durations: a period up to the first duration is divided into buckets of the second duration. So a chart has
# at most about 130 buckets.
STEPS = ((timedelta(days=3), HOUR), (timedelta(days=92), DAY), (timedelta(days=731), WEEK), (LONGEST, FOUR_WEEKS))
SLACK = timedelta(minutes=1)
"""A period may be this much longer than the maximum, because the caller may have computed ``since`` a moment ago."""
NAMES = {HOUR: "hour", DAY: "day", WEEK: "7 days", FOUR_WEEKS: "28 days"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@final
class Period:
    """A period up to now. It begins at the start of an hour or of a day, so that only the last bucket is incomplete."""

    def __init__(self, since: Any, zone: Any) -> None:
        """Creates the period.

        Raises:
            InvalidRequestError: ``since`` or ``zone`` is not usable.
        """
        if not isinstance(zone, tzinfo):
            raise InvalidRequestError(f"`zone` must be a time zone, such as `ZoneInfo('Europe/Berlin')`, not {zone!r}.")
        self.zone = zone
        self.end: datetime = datetime.now(zone)
        self.step: timedelta
        self.start: datetime
        self.step, begin = self._begin(since)
        self.start = begin.replace(minute=0, second=0, microsecond=0)
        if self.step != HOUR:
            self.start = self.start.replace(hour=0)
        self.starts: list[datetime] = self._starts()
        # Python compares datetimes of one zone without their offsets. The result is wrong when clocks are set back, so
        # the search for a bucket compares timestamps.
        self._instants = [start.timestamp() for start in self.starts]

    def _begin(self, since: Any) -> tuple[timedelta, datetime]:
        if isinstance(since, timedelta):
            length = since
        elif isinstance(since, datetime):
            length = self.end - moment("since", since)
        else:
            raise InvalidRequestError(f"`since` must be a timedelta or a datetime, not {since!r}.")
        if not timedelta(0) < length <= LONGEST + SLACK:
            raise InvalidRequestError(
                f"`since` must reach back from now by at most {LONGEST.days} days, not {since!r}."
            )
        step = next(step for longest, step in STEPS if length <= longest + SLACK)
        return step, (self.end.astimezone(timezone.utc) - length).astimezone(self.zone)

    def _starts(self) -> list[datetime]:
        found: list[datetime] = []
        start = self.start
        while start <= self.end:
            found.append(start)
            if self.step == HOUR:
                start = (start.astimezone(timezone.utc) + HOUR).astimezone(self.zone)
            else:
                start += self.step  # Midnight in the zone, also after a day of 23 or 25 hours.
        return found

    def bucket(self, at: datetime) -> int | None:
        """Returns the index of the bucket of a time. Later times are in the last bucket, earlier times in no bucket."""
        index = bisect_right(self._instants, at.timestamp()) - 1
        return index if index >= 0 else None

    def local(self, at: datetime) -> datetime:
        """Converts a time to the zone of the report."""
        return at.astimezone(self.zone)

    def label(self, index: int) -> str:
        """Names a bucket by its start, such as ``3 Nov``."""
        start = self.starts[index]
        hour = f", {start:%H:%M}" if self.step == HOUR else ""
        year = f" {start.year}" if start.year != self.end.year else ""
        return f"{start.day} {MONTHS[start.month - 1]}{year}{hour}"

    @property
    def step_name(self) -> str:
        """The length of a bucket in words, such as ``hour``."""
        return NAMES[self.step]

    @property
    def zone_name(self) -> str:
        """The name of the time zone, such as ``UTC`` or ``Europe/Berlin``."""
        return str(getattr(self.zone, "key", None) or self.end.tzname() or self.zone)
