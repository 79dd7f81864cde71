"""Writes the page of a report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib import resources
from pathlib import Path
from secrets import token_hex
from typing import IO, TYPE_CHECKING, Any, final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hightouch_sdk import __version__

from . import _format
from ._charts import Charts
from ._figures import RunFigures, SyncFigures
from ._format import durations_in_words, outcomes_in_words, rows_in_words
from ._reasons import Reason, shortened

if TYPE_CHECKING:
    from . import RunsReport

MOST_REASONS = 60
"""How many reasons the page shows at most, and how many syncs with rejected rows at most."""
MOST_AFFECTED = 12
"""How many affected syncs the page names for each reason."""


@final
@dataclass(slots=True)
class Shared:
    """One reason why runs did not succeed, with all affected syncs."""

    reason: Reason
    is_failure: bool
    last_at: datetime
    last_run_id: int
    runs: int = 0
    syncs: list[tuple[SyncFigures, int]] = field(default_factory=list[tuple[SyncFigures, int]])


@final
@dataclass(slots=True)
class Row:
    """One line of the table of syncs."""

    sync: SyncFigures
    outcomes: Markup
    rows: Markup
    durations: Markup


def shared_reasons(syncs: list[SyncFigures]) -> list[Shared]:
    """Combines equal reasons of several syncs. Sorts failures before warnings, then by the number of runs."""
    found: dict[tuple[Reason, bool], Shared] = {}
    for sync in syncs:
        for each in sync.reasons:
            new = Shared(each.reason, each.is_failure, each.last_at, each.last_run_id)
            shared = found.setdefault((each.reason, each.is_failure), new)
            shared.runs += each.runs
            shared.syncs.append((sync, each.runs))
            if each.last_at >= shared.last_at:
                shared.last_at, shared.last_run_id = each.last_at, each.last_run_id
    for shared in found.values():
        shared.syncs.sort(key=lambda pair: -pair[1])
    return sorted(found.values(), key=lambda shared: (not shared.is_failure, -shared.runs, shared.reason.text))


def rows(report: RunsReport, charts: Charts) -> Iterator[Row]:
    """Draws the lines of the table one by one, so that only one line is in memory."""
    for sync in report.syncs:
        if sync.total.ended or sync.total.in_progress:
            words = (sync.total, sync.buckets, report.period)
            yield Row(
                sync,
                charts.outcomes(sync.buckets, outcomes_in_words(*words)),
                charts.rows(sync.buckets, rows_in_words(*words)),
                charts.durations(sync.buckets, durations_in_words(*words)),
            )


def parts(report: RunsReport) -> Iterator[str]:
    """Yields the HTML of the page in small parts."""
    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    period, buckets = report.period, report.buckets
    charts = Charts(period)
    words = (report.total, buckets, period)
    reasons = shared_reasons(report.syncs)
    rejected = sorted((sync for sync in report.syncs if sync.total.rejected_rows), key=_most_rejected)
    style = resources.files(__package__ or "").joinpath("templates/report.css").read_text("utf-8")
    filters: dict[str, Any] = environment.filters
    filters.update(
        number=_format.number,
        brief=_format.brief,
        plural=_format.plural,
        percent=_format.percent,
        duration=_format.duration,
        day=partial(_format.day, period=period),
        short_time=partial(_format.short_time, period=period),
        time=partial(_format.time, period=period),
        shortened=shortened,
    )
    yield from environment.get_template("report.html.j2").generate(
        report=report,
        total=report.total,
        period=period,
        version=__version__,
        style=Markup(style),  # noqa: S704  # A file of this package.
        wide_outcomes=charts.wide_outcomes(buckets, outcomes_in_words(*words)),
        wide_troubles=charts.wide_troubles(buckets, outcomes_in_words(*words)),
        wide_rows=charts.wide_rows(buckets, rows_in_words(*words)),
        wide_durations=charts.wide_durations(buckets, durations_in_words(*words)),
        empty=RunFigures(),
        reasons=reasons[:MOST_REASONS],
        more_reasons=len(reasons) - MOST_REASONS,
        other_runs=sum(sync.other_reasons for sync in report.syncs),
        most_affected=MOST_AFFECTED,
        rejected=rejected[:MOST_REASONS],
        more_rejected=len(rejected) - MOST_REASONS,
        failing=sum(sync.is_failing for sync in report.syncs),
        rows=rows(report, charts),
        quiet=[sync for sync in report.syncs if not sync.total.ended and not sync.total.in_progress],
    )


def _most_rejected(sync: SyncFigures) -> tuple[int, str]:
    return (-sync.total.rejected_rows, sync.slug)


@final
class Output:
    """The file for the page of a report. The page is written to a draft, and the complete draft replaces the file.

    The draft is opened before anything is read, so that a missing folder is noticed at once.
    """

    def __init__(self, output: str | os.PathLike[str] | IO[str]) -> None:
        self._path: Path | None = None
        self._draft: Path | None = None
        self._opened = isinstance(output, (str, os.PathLike))
        if not isinstance(output, (str, os.PathLike)):
            self._file: IO[str] = output
            return
        path = Path(output)
        if not path.exists() or path.is_file():
            # If the path is a symbolic link, the draft replaces the target of the link, and not the link.
            self._path = path.resolve()
            self._draft = self._path.with_name(f".{path.name[:100]}.{token_hex(4)}.draft")
        self._file = (self._draft or path).open("w", encoding="utf-8", errors="replace", newline="\n")

    def write(self, report: RunsReport) -> None:
        for part in parts(report):
            self._file.write(part)
        if self._draft is not None and self._path is not None:
            self._file.close()
            self._draft.replace(self._path)

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened:
            self._file.close()
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)
