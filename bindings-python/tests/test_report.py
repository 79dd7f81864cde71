"""The page of a report: its figures, its markup, and what it never contains."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from hightouch_sdk import Hightouch, SyncRun
from hightouch_sdk.report import RunsReport, _reasons, runs_report
from hightouch_sdk.report._format import brief, duration, percent
from report_colours import SIGHTS, contrast, distance, themes
from report_page import PageOfReport, text
from sandbox import World

LONG = timedelta(days=60)
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)> & '<b>\u202ebold</b>"
ENDS = {"success": 0, "warning": 1, "failed": 2}


def made(world: World, **options: Any) -> tuple[RunsReport, PageOfReport]:
    """Creates a report on a world, and checks what must hold for every page."""
    stream = io.StringIO()
    with Hightouch(**world.settings()) as client:
        report = runs_report(client, output=stream, **{"since": LONG, **options})
    page = PageOfReport.of(stream.getvalue())
    check(page)
    return report, page


def check(page: PageOfReport) -> None:
    """Checks that a page is correct HTML, loads nothing, runs nothing, and describes its charts."""
    assert page.errors == []
    ids = Counter(each.get("id") for each in page.root.iter() if each.get("id"))
    assert not [name for name, count in ids.items() if count > 1]
    assert not {each.tag for each in page.root.iter()} & {"script", "link", "img", "iframe", "object", "image", "use"}
    assert "@import" not in page.source
    assert not re.search(r"url\(", page.source)
    for each in page.root.iter():
        names = set(each.keys())
        assert not names & {"src", "srcset", "data", "action", "poster"}
        assert not [name for name in names if str(name).startswith("on")]
        target = each.get("href")
        assert target is None or (target.startswith("#") and target[1:] in ids)
        assert target is None or each.tag == "a"
        for labels in (each.get("aria-labelledby"),):
            assert labels is None or labels in ids
    (policy,) = (each.get("content") for each in page.all("meta") if each.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    charts = [each for each in page.root.iter() if str(each.tag).endswith("svg")]
    assert all(each.get("role") == "img" and each.get("aria-label") for each in charts)
    assert not [each for each in page.all("th") if each.get("scope") not in ("col", "row")]
    assert len(page.all("h1")) == 1


def all_runs(world: World) -> dict[int, list[SyncRun]]:
    with Hightouch(**world.settings()) as client:
        return {sync.id: list(client.syncs.runs(sync.id)) for sync in client.syncs.list()}


def rows(run: SyncRun, which: str) -> int:
    counts = getattr(run, which)
    total: int = counts.added_count + counts.changed_count + counts.removed_count
    return total


def edited(operation: str, path: str, *edits: dict[str, Any]) -> dict[str, Any]:
    when = {"operation": operation, "path": path}
    return {"when": when, "answer": {"edit": list(edits)}, "times": 1000}


@pytest.fixture
def busy(new_world: Callable[..., World]) -> World:
    """A world with twelve syncs of nine runs each. The destination rejected rows of one run of the second sync."""
    reject = edited("ListSyncRuns", "/syncs/2/runs", {"at": "/data/3/failedRows/addedCount", "set": 40})
    return new_world(syncs=12, pastRuns=9, script=[reject])


def test_the_figures_are_those_of_the_runs(busy: World) -> None:
    report, page = made(busy)
    runs = all_runs(busy)
    every = [run for each in runs.values() for run in each]
    ends = Counter(run.status for run in every)
    assert len(every) == 108
    assert min(ends[status] for status in ENDS) > 5

    rate = f"{int((108 - ends['failed']) / 108 * 1000) / 10:.1f} %"
    accepted = sum(rows(run, "successful_rows") for run in every)
    assert page.totals() | {"Mean duration": ""} == {
        "Runs without failure": rate,
        "Failed runs": str(ends["failed"]),
        "Syncs failing now": str(sum(each[-1].status == "failed" for each in runs.values())),
        "Rows accepted": f"{accepted:,}",
        "Rows rejected": "40",
        "Mean duration": "",
    }
    assert page.notes()["Failed runs"] == f"{ends['warning']} more with warnings"
    assert page.notes()["Rows rejected"] == "of 1 sync"
    took = [(run.finished_at - run.started_at).total_seconds() for run in every if run.finished_at and run.started_at]
    assert report.total.mean_seconds == pytest.approx(sum(took) / 108)
    assert report.total.longest_seconds == max(took)

    for sync in report.syncs:
        own = Counter(run.status for run in runs[sync.id])
        total = sync.total
        assert (total.succeeded, total.warned, total.failed) == (own["success"], own["warning"], own["failed"])
        assert total.accepted_rows == sum(rows(run, "successful_rows") for run in runs[sync.id])
        cells = [text(cell) for cell in page.by_id(f"sync-{sync.id}")]
        assert cells[0].split()[0] == sync.slug
        failures = f"{own['failed']} of 9 failed" if own["failed"] else "9 runs"
        assert cells[2].endswith(failures)
        assert cells[4].split()[0] == f"{total.accepted_rows:,}"
    assert page.table("table-of-rejected")[0][1] == "40"


def test_the_figures_over_time_are_those_of_the_days_on_which_the_runs_started(busy: World) -> None:
    report, page = made(busy)
    days: dict[str, list[int]] = {}
    for runs in all_runs(busy).values():
        for run in runs:
            assert run.started_at is not None
            day = run.started_at.astimezone(timezone.utc)
            shown = days.setdefault(f"{day.day} {day:%b}", [0, 0, 0, 0, 0])
            shown[ENDS[run.status]] += 1
            shown[3] += rows(run, "successful_rows")
            shown[4] += rows(run, "failed_rows")
    table = {row[0]: [int(cell.replace(",", "")) for cell in row[1:6]] for row in page.table("over-time")}
    assert len(table) == 61
    assert list(table)[-1] == f"{report.end.day} {report.end:%b}"
    assert {name: figures for name, figures in table.items() if any(figures)} == days
    assert sum(figures[4] for figures in table.values()) == 40


def test_the_syncs_with_the_most_trouble_come_first(new_world: Callable[..., World]) -> None:
    ends = {
        1: ["success", "success", "success"],
        2: ["warning", "success", "success"],
        3: ["success", "success", "success"],
        4: ["failed", "failed", "success"],
        5: ["success", "success", "failed"],
        6: ["failed", "success", "success"],
        7: ["success", "failed", "cancelled"],
    }
    script = [
        edited("ListSyncRuns", f"/syncs/{sync}/runs", *({"at": f"/data/{n}/status", "set": end} for n, end in each))
        for sync, each in ((sync, list(enumerate(statuses))) for sync, statuses in ends.items() if sync != 3)
    ]
    rejected = {"at": "/data/1/failedRows/addedCount", "set": 5}
    script.append(edited("ListSyncRuns", "/syncs/3/runs", {"at": "/data/*/status", "set": "success"}, rejected))
    report, page = made(new_world(syncs=7, pastRuns=3, script=script))
    assert [sync.id for sync in report.syncs] == [7, 5, 4, 6, 3, 2, 1]
    assert [row.get("id") for row in page.by_id("table-of-syncs")] == [f"sync-{sync.id}" for sync in report.syncs]
    assert page.totals()["Syncs failing now"] == "2"


def test_reasons_are_counted_over_all_syncs_and_name_the_syncs(new_world: Callable[..., World]) -> None:
    quota: list[dict[str, Any]] = [
        {"at": "/data/*/error", "set": "quota\n exceeded"},
        {"at": "/data/*/status", "set": "failed"},
        {"at": "/data/5/status", "set": "warning"},
    ]
    script = [edited("ListSyncRuns", "/syncs/2/runs", *quota)]
    world = new_world(syncs=6, pastRuns=9, script=script)
    report, page = made(world)
    runs = all_runs(world)
    shown = page.section("reasons")
    refused = sum(run.status == "failed" for sync, each in runs.items() if sync != 2 for run in each)
    assert f"{refused} failed The destination refused the request." in shown
    assert "8 failed quota exceeded" in shown
    assert "1 with warnings quota exceeded" in shown
    newest = max((run for run in runs[2] if run.status == "failed"), key=lambda run: run.id)
    assert f"run {newest.id}." in shown
    assert next(sync for sync in report.syncs if sync.id == 2).slug in shown


def test_advice_is_shown_beside_the_reason(new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    def problem_of(run: SyncRun) -> Any:
        known = {
            "summary": "It is <full>.",
            "advice": "Empty <it>.",
            "code": "FULL",
            "guessed": run.status == "warning",
        }
        return SimpleNamespace(**known)

    monkeypatch.setattr(_reasons, "problem_of", problem_of)
    edits: list[dict[str, Any]] = [
        {"at": "/data/*/error", "remove": True},
        {"at": "/data/*/status", "set": "failed"},
        {"at": "/data/1/status", "set": "warning"},
    ]
    script = [edited("ListSyncRuns", "/syncs/1/runs", *edits)]
    report, page = made(new_world(syncs=1, pastRuns=3, script=script))
    assert sorted(each.runs for each in report.syncs[0].reasons) == [1, 2]
    shown = page.section("reasons")
    assert "2 failed It is <full>. Empty <it>. FULL" in shown
    assert "1 with warnings It is <full>. Perhaps: Empty <it>. FULL" in shown


def test_a_failed_run_without_any_reason_says_so(new_world: Callable[..., World]) -> None:
    edits: list[dict[str, Any]] = [
        {"at": "/data/*/error", "remove": True},
        {"at": "/data/*/status", "set": "interrupted"},
    ]
    script = [edited("ListSyncRuns", "/syncs/1/runs", *edits)]
    report, page = made(new_world(syncs=1, pastRuns=3, script=script))
    (reason,) = report.syncs[0].reasons
    assert reason.runs == 3
    assert page.section("reasons").startswith("Why runs did not succeed 3 failed ")


def test_numbers_are_written_so_that_they_do_not_claim_too_much() -> None:
    shares = (None, 0, 0.0004, 0.001, 0.9999, 1)
    assert [percent(share) for share in shares] == ["\N{EN DASH}", "0.0 %", "< 0.1 %", "0.1 %", "99.9 %", "100 %"]
    lengths = (None, 0.4, 59.7, 61, 599, 3600, 3661, 360_000)
    shown = ["\N{EN DASH}", "0 s", "1 min", "1 min 1 s", "9 min 59 s", "1 h", "1 h 1 min", "100 h"]
    assert [duration(seconds) for seconds in lengths] == shown
    numbers = (0, 9_999_999, 10_000_000, 12_399_999, 98_765_432_100)
    assert [brief(value) for value in numbers] == ["0", "9,999,999", "10.0 M", "12.3 M", "98.7 G"]


def test_markup_in_slugs_errors_and_messages_stays_text(new_world: Callable[..., World]) -> None:
    failed = {"when": {"operation": "ListSyncRuns", "path": "/syncs/3/runs"}, "times": 10}
    failed["answer"] = {"status": 404, "body": {"message": HOSTILE}}
    script = [
        edited("ListSync", "/syncs", {"at": "/data/*/slug", "set": HOSTILE}),
        edited(
            "ListSyncRuns",
            "/syncs/1/runs",
            {"at": "/data/*/error", "set": f"</style></bdi>{HOSTILE}\0\x1b[31m"},
            {"at": "/data/*/status", "set": "failed"},
        ),
        edited("ListSyncRuns", "/syncs/2/runs", {"at": "/data/*/status", "set": "cancelled"}),
        failed,
    ]
    report, page = made(new_world(syncs=4, pastRuns=3, script=script))
    # A cancelled run counts as failed.
    assert [sync.total.failed for sync in report.syncs if sync.id < 3] == [3, 3]
    shown = " ".join(HOSTILE.replace("\u202e", " ").split())
    assert len(report.unread) == 1
    assert page.section("unread").count(shown) == 2
    assert f"</style></bdi>{shown} [31m" in page.section("reasons")
    assert f"{shown} 1" in page.table("table-of-syncs")[0][0]
    assert page.all("b") == []


def test_a_status_that_is_not_known_is_in_progress_and_its_markup_is_not_shown(new_world: Callable[..., World]) -> None:
    script = [edited("ListSyncRuns", "/syncs/1/runs", {"at": "/data/*/status", "set": "<i>odd</i>"})]
    report, page = made(new_world(syncs=1, pastRuns=3, script=script))
    assert (report.total.in_progress, report.total.ended) == (3, 0)
    assert "odd" not in page.source
    assert "3 runs had not ended and are not counted." in text(page.root)


def test_a_long_error_is_shortened(new_world: Callable[..., World]) -> None:
    script = [
        edited(
            "ListSyncRuns",
            "/syncs/1/runs",
            {"at": "/data/*/error", "set": "x" * 100_000},
            {"at": "/data/*/status", "set": "failed"},
        )
    ]
    report, _ = made(new_world(syncs=1, pastRuns=3, script=script))
    (reason,) = report.syncs[0].reasons
    assert (reason.runs, reason.reason.text) == (3, "x" * 399 + "…")


def test_more_reasons_than_are_kept_are_counted(new_world: Callable[..., World]) -> None:
    edits = [{"at": f"/data/{index}/error", "set": f"reason {index}"} for index in range(30)]
    script = [edited("ListSyncRuns", "/syncs/1/runs", {"at": "/data/*/status", "set": "failed"}, *edits)]
    report, page = made(new_world(syncs=1, pastRuns=30, script=script))
    (sync,) = report.syncs
    assert (len(sync.reasons), sync.other_reasons, sync.total.failed) == (20, 10, 30)
    assert "10 runs did not succeed for other reasons" in page.section("reasons")


def test_an_empty_workspace_has_a_page(new_world: Callable[..., World]) -> None:
    report, page = made(new_world(syncs=0))
    assert (report.syncs, report.unread, report.requests) == ([], [], 1)
    assert "The workspace has no syncs." in text(page.root)
    assert page.totals()["Runs without failure"] == "\N{EN DASH}"
    assert str(report) == "0 runs of 0 syncs ended."


def test_one_sync_with_one_run_has_a_page(new_world: Callable[..., World]) -> None:
    report, page = made(new_world(syncs=1, pastRuns=1))
    assert report.total.ended == 1
    assert len(page.table("table-of-syncs")) == 1
    assert page.notes()["Runs without failure"] == "1 run ended"


def test_a_workspace_without_runs_has_a_page(new_world: Callable[..., World]) -> None:
    report, page = made(new_world(syncs=3, pastRuns=0))
    assert (report.total.ended, len(report.syncs)) == (0, 3)
    assert "No sync ran in this period." in text(page.root)
    assert page.all("table") == []


def test_syncs_without_runs_are_named(new_world: Callable[..., World]) -> None:
    report, page = made(new_world(syncs=4, slugs=["one", "two", "three", "four"]))
    (quiet,) = (sync for sync in report.syncs if not sync.total.ended)
    assert quiet.slug == "four"
    assert page.section("quiet") == "Without a run in this period four"
    assert len(page.table("table-of-syncs")) == 3


def test_a_sync_that_cannot_be_read_is_named_and_the_rest_is_counted(new_world: Callable[..., World]) -> None:
    broken = {"when": {"operation": "ListSyncRuns", "path": "/syncs/2/runs"}, "times": 10}
    broken["answer"] = {"status": 500, "body": {"message": "out of order"}}
    world = new_world(syncs=3, pastRuns=5, slugs=["one", "two", "three"], script=[broken])
    report, page = made(world)
    (unread,) = report.unread
    assert (unread.sync, unread.slug, unread.error.kind) == (2, "two", "server")
    assert [sync.slug for sync in report.syncs if sync.id == 2] == []
    assert report.total.ended == 10
    assert "1 sync could not be read and is not in the figures. two 2" in page.section("unread")
    assert "out of order" in page.section("unread")
    assert str(report).endswith("; 1 sync could not be read.")


def test_a_sync_with_a_page_that_cannot_be_read_is_in_no_figure(new_world: Callable[..., World]) -> None:
    broken = {"when": {"operation": "ListSyncRuns", "path": "/syncs/1/runs", "query": {"offset": "99"}}, "times": 10}
    broken["answer"] = {"status": 500, "body": {"message": "out of order"}}
    report, _ = made(new_world(syncs=2, pastRuns=150, script=[broken]), since=timedelta(days=200))
    assert [each.sync for each in report.unread] == [1]
    assert report.total.ended == 150


def test_colours_can_be_told_from_what_is_behind_them_in_both_themes() -> None:
    for theme in themes():
        for back in ("page", "card"):
            for name in ("text", "muted", "link", "failed"):
                assert contrast(theme[name], theme[back]) >= 4.5, (name, back)
        for name in ("succeeded", "warned", "failed", "quiet"):
            assert contrast(theme[name], theme["card"]) >= 3, name
        assert contrast(theme["text"], theme["mark"]) >= 4.5


def test_colour_blind_readers_can_tell_the_outcomes_apart() -> None:
    for theme in themes():
        for one, two in (("succeeded", "warned"), ("succeeded", "failed"), ("warned", "failed"), ("quiet", "failed")):
            for sight in SIGHTS:
                assert distance(theme[one], theme[two], sight) >= 25, (one, two, sight)


def test_the_time_zone_is_named_and_divides_the_days(busy: World) -> None:
    zone = timezone(timedelta(hours=14), "Far East")
    report, page = made(busy, zone=zone)
    assert "Days and times are in Far East." in text(page.root)
    days = Counter(
        run.started_at.astimezone(zone).date() for runs in all_runs(busy).values() for run in runs if run.started_at
    )
    counted = {report.period.starts[index].date(): it.ended for index, it in report.buckets.items()}
    assert counted == days
