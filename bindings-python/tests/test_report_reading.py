"""How a report reads a workspace with both clients: requests, progress, errors, the file and the period."""

from __future__ import annotations

import asyncio
import gc
import io
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hightouch_sdk import (
    AsyncHightouch,
    AuthenticationError,
    ConfigError,
    ConnectError,
    Hightouch,
    InvalidRequestError,
    ServerError,
    SyncRun,
)
from hightouch_sdk._door import Door
from hightouch_sdk.report import ReportProgress, async_runs_report, runs_report
from hightouch_sdk.report._period import Period
from sandbox import World, until

LONG = timedelta(days=60)
SLUGS = ["one", "two", "three"]


def operations(world: World) -> list[str]:
    return [request["operation"] for request in world.requests()]


def failing(operation: str, **answer: Any) -> dict[str, Any]:
    return {"when": {"operation": operation}, "answer": answer, "times": 1000}


def read(world: World, **options: Any) -> Any:
    with Hightouch(**world.settings()) as client:
        return runs_report(client, **{"since": LONG, "output": None, **options})


def test_progress_says_at_first_how_many_requests_are_needed(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=120, pastRuns=2)
    seen: list[ReportProgress] = []
    report = read(world, progress=seen.append)
    assert (seen[0].syncs_read, seen[0].syncs) == (0, 120)
    assert seen[0].expected_requests == seen[-1].requests == report.requests == len(world.requests())
    assert [each.syncs_read for each in seen] == list(range(121))
    assert str(seen[0]) == "the runs of 0 of 120 syncs were read; at least 120 requests are left"
    assert seen[-1].expected_requests == seen[-1].requests
    assert world.log()["refused"] == 0


def test_each_hundred_runs_cost_a_request_and_only_runs_of_the_period_are_read(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=1, pastRuns=350)
    report = read(world, since=timedelta(days=3000))
    assert report.total.ended == 350
    assert operations(world)[0] == "ListSync"
    assert report.requests == len(world.requests())
    assert {"after"} <= world.requests()[1]["query"].keys()
    middle = list(report.buckets)[len(report.buckets) // 2]
    later = read(world, since=report.period.starts[middle])
    assert 0 < later.total.ended < 350


def test_a_sync_that_did_not_run_in_the_period_is_not_read(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=3, pastRuns=2)
    report = read(world, since=timedelta(minutes=5))
    assert operations(world) == ["ListSync"]
    assert (report.total.ended, len(report.syncs)) == (0, 3)


def test_the_runs_of_a_sync_that_the_caller_has_are_read_whenever_it_ran(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=3, pastRuns=2)
    with Hightouch(**world.settings()) as client:
        sync = client.syncs.get(1)
        runs_report(client, since=timedelta(minutes=5), syncs=[sync, 1], output=None)
    assert operations(world) == ["GetSync", "GetSync", "ListSyncRuns"]


def test_chosen_syncs_are_read_once_each_and_one_that_does_not_exist_is_named(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=9, pastRuns=2, slugs=SLUGS)
    report = read(world, syncs=["two", 3, "no-such-sync", "3"])
    assert sorted(sync.slug for sync in report.syncs) == ["three", "two"]
    assert [(each.sync, each.error.kind) for each in report.unread] == [("no-such-sync", "not_found")]
    assert operations(world).count("ListSyncRuns") == 2


def test_requests_have_the_lowest_priority(new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def call(door: Door, op: str, args: Any, opts: Any) -> Any:
        asked.append(opts.get("priority"))
        return original(door, op, args, opts)

    original = Door.call
    monkeypatch.setattr(Door, "call", call)
    world = new_world(syncs=2, pastRuns=2)
    read(world)
    read(world, syncs=[1, 2])
    assert asked == ["bulk"] * 7


def test_progress_is_one_line_on_a_terminal_and_nothing_elsewhere(
    new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    world = new_world(syncs=2, pastRuns=2)
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        read(world, progress=True)
        shown = [text.rstrip() for text in stream.getvalue().split("\r")]
        if not stream.isatty():
            assert stream.getvalue() == ""
            continue
        assert stream.getvalue().count("\n") == 1
        assert shown[1] == "report: the runs of 0 of 2 syncs were read; at least 2 requests are left"
        assert shown[-1] == "report: the runs of 2 syncs were read with 3 requests"


def test_a_coroutine_function_is_no_progress_of_the_blocking_client(world: World) -> None:
    async def see(_: ReportProgress) -> None:
        """A coroutine function, which must be refused because the blocking client awaits nothing."""

    with pytest.raises(InvalidRequestError, match="plain function"):
        read(world, progress=see)
    assert world.requests() == []


def test_a_refused_key_ends_the_reading(new_world: Callable[..., World], tmp_path: Path) -> None:
    refused = failing("ListSyncRuns", status=401, body={"message": "Unauthorized"})
    world = new_world(syncs=5, pastRuns=2, script=[refused])
    output = tmp_path / "report.html"
    output.write_text("the old page")
    with pytest.raises(AuthenticationError):
        read(world, output=output)
    assert operations(world).count("ListSyncRuns") == 1
    assert (output.read_text(), [*tmp_path.iterdir()]) == ("the old page", [output])


def test_a_server_that_cannot_be_reached_ends_the_reading(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=20, pastRuns=2, script=[failing("ListSyncRuns", reset="before-headers")])
    with Hightouch(**world.settings(max_retries=0)) as client, pytest.raises(ConnectError):
        runs_report(client, since=LONG, output=None)
    assert operations(world).count("ListSyncRuns") == 5


def test_a_list_of_syncs_that_cannot_be_read_is_an_error(new_world: Callable[..., World]) -> None:
    world = new_world(script=[failing("ListSync", status=500, body={"message": "out of order"})])
    with pytest.raises(ServerError):
        read(world)


def test_both_clients_find_the_same(new_world: Callable[..., World]) -> None:
    broken = {"when": {"path": "/syncs/4/runs"}, "answer": {"status": 500, "body": {"message": "no"}}, "times": 99}
    world = new_world(syncs=30, pastRuns=7, script=[broken])
    seen: list[ReportProgress] = []

    async def see(state: ReportProgress) -> None:
        await asyncio.sleep(0)
        seen.append(state)

    async def main() -> Any:
        async with AsyncHightouch(**world.settings()) as client:
            return await async_runs_report(client, since=LONG, output=stream, progress=see)

    stream, other = io.StringIO(), io.StringIO()
    one = asyncio.run(main())
    two = read(world, output=other)
    assert (one.syncs, one.total, one.buckets) == (two.syncs, two.total, two.buckets)
    assert [each.sync for each in one.unread] == [each.sync for each in two.unread] == [4]
    assert sorted(each.syncs_read for each in seen) == list(range(31))
    times = re.compile(r"\d\d:\d\d\. Days")
    assert times.sub("", stream.getvalue()) == times.sub("", other.getvalue())


def test_the_asynchronous_client_reads_chosen_syncs(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=9, pastRuns=2, slugs=SLUGS)

    async def main() -> Any:
        async with AsyncHightouch(**world.settings()) as client:
            return await async_runs_report(client, since=LONG, output=None, syncs=["two", 3, "no-such-sync"])

    report = asyncio.run(main())
    assert sorted(sync.slug for sync in report.syncs) == ["three", "two"]
    assert [each.sync for each in report.unread] == ["no-such-sync"]


def test_a_cancelled_report_leaves_nothing_behind(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(syncs=20, pastRuns=2, script=[failing("ListSyncRuns", hang=True)])

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            report = async_runs_report(client, since=LONG, output=tmp_path / "report.html")
            task = asyncio.ensure_future(report)
            while operations(world).count("ListSyncRuns") < 8:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert [*tmp_path.iterdir()] == []
    assert operations(world).count("ListSyncRuns") == 8


def test_an_error_ends_the_reading_of_other_syncs(new_world: Callable[..., World]) -> None:
    answered = {"when": {"path": "/syncs/1/runs"}, "answer": {"delayMs": 0}, "times": 1}
    world = new_world(syncs=5, pastRuns=2, script=[answered, failing("ListSyncRuns", hang=True)])

    async def enough(state: ReportProgress) -> None:
        if state.syncs_read:
            # The answer for the first sync may arrive before the requests for the other four have been sent.
            while operations(world).count("ListSyncRuns") < 5:
                await asyncio.sleep(0.01)
            raise RuntimeError("enough")

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            with pytest.raises(RuntimeError, match="enough"):
                await async_runs_report(client, since=LONG, output=None, progress=enough)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    until(lambda: sum("gone_ms" in request for request in world.requests()) == 4)
    assert len(operations(world)) == 6


def test_an_error_of_the_progress_function_ends_the_reading(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(syncs=5, pastRuns=2)

    def enough(state: ReportProgress) -> None:
        raise RuntimeError(f"{state.expected_requests} are too many")

    with pytest.raises(RuntimeError, match="6 are too many"):
        read(world, output=tmp_path / "report.html", progress=enough)
    assert operations(world) == ["ListSync"]
    assert [*tmp_path.iterdir()] == []


def test_no_run_is_kept(new_world: Callable[..., World]) -> None:
    kept: list[int] = []

    def look(_: ReportProgress) -> None:
        kept.append(sum(isinstance(each, SyncRun) for each in gc.get_objects()))

    read(new_world(syncs=4, pastRuns=400), since=timedelta(days=3000), progress=look)
    # Only the runs of the page that was read last, at most 100, may still be in memory.
    assert max(kept) <= 100


def test_the_page_is_written_in_small_parts(new_world: Callable[..., World]) -> None:
    class Parts(io.StringIO):
        sizes: list[int] = []  # noqa: RUF012

        def write(self, part: str) -> int:
            self.sizes.append(len(part))
            return super().write(part)

    stream = Parts()
    read(new_world(syncs=60, pastRuns=20), output=stream)
    assert max(stream.sizes) < 20_000 < sum(stream.sizes) / 5


def test_a_page_replaces_the_file_and_a_link_stays_a_link(new_world: Callable[..., World], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    real, link = tmp_path / "other" / "real.html", tmp_path / "report.html"
    real.write_text("the old page")
    link.symlink_to(real)
    report = read(new_world(), output=str(link))
    assert link.is_symlink()
    assert "<!doctype html>" in real.read_text()
    report.save(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == real.read_text()
    plain = tmp_path / "plain"
    plain.touch()
    assert real.stat().st_mode == plain.stat().st_mode


def test_a_file_that_cannot_be_written_is_found_before_anything_is_sent(world: World, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(world, output=tmp_path / "no such folder" / "report.html")
    with pytest.raises(IsADirectoryError):
        read(world, output=tmp_path)
    assert world.requests() == []


@pytest.mark.parametrize("name", ["jinja2", "vl_convert"])
def test_without_the_extra_the_error_says_what_to_install(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for module in ("hightouch_sdk.report._page", "hightouch_sdk.report._charts"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=rf'needs the package {name}.*pip install "hightouch-sdk\[report\]"'):
        read(world, output="report.html")
    assert world.requests() == []
    assert read(world).total.ended > 0


def test_importing_the_package_imports_nothing_of_reports() -> None:
    code = (
        "import sys, hightouch_sdk; hightouch_sdk.Hightouch\n"
        "print([m for m in sys.modules if m.startswith('hightouch_sdk.report') or m in ('jinja2', 'vl_convert')])\n"
        "import hightouch_sdk.report\nprint([m for m in ('jinja2', 'vl_convert') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


@pytest.mark.parametrize(
    "options",
    [
        {"since": timedelta(0)},
        {"since": timedelta(days=-1)},
        {"since": timedelta.max},
        {"since": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"since": datetime(2999, 1, 1, tzinfo=timezone.utc)},
        {"since": 30},
        {"zone": "UTC"},
        {"syncs": "orders"},
        {"syncs": [True]},
        {"syncs": [1.5]},
        {"progress": "yes"},
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_sent(world: World, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        read(world, **options)
    assert world.requests() == []


@pytest.mark.parametrize(
    ("length", "step", "most"),
    [
        (timedelta(days=3), timedelta(hours=1), 73),
        (timedelta(days=4), timedelta(days=1), 5),
        (timedelta(days=92), timedelta(days=1), 93),
        (timedelta(days=700), timedelta(days=7), 101),
        (timedelta(days=3660), timedelta(days=28), 131),
    ],
)
def test_a_period_has_about_a_hundred_buckets_at_most(length: timedelta, step: timedelta, most: int) -> None:
    period = Period(length, timezone.utc)
    assert most - 1 <= len(period.starts) <= most
    assert {two - one for one, two in zip(period.starts, period.starts[1:], strict=False)} == {step}
    assert period.starts[0] <= period.end - length < period.starts[1]
    assert period.starts[-1] <= period.end < period.starts[-1] + step
    assert period.bucket(period.end + timedelta(days=1)) == len(period.starts) - 1
    assert period.bucket(period.start) == 0
    assert period.bucket(period.start - timedelta(microseconds=1)) is None


@pytest.mark.parametrize("days", [3, 92, 731, 3660])
def test_a_start_that_was_just_computed_gives_the_same_buckets_as_the_length(days: int) -> None:
    start = datetime.now(timezone.utc) - timedelta(days=days)
    assert Period(start, timezone.utc).step == Period(timedelta(days=days), timezone.utc).step
    with pytest.raises(InvalidRequestError):
        Period(timedelta(days=3661), timezone.utc)


def test_days_begin_at_midnight_also_where_clocks_are_changed() -> None:
    zone = ZoneInfo("Europe/Berlin")
    now = datetime.now(zone)
    period = Period(timedelta(days=400), zone)
    assert {start.hour for start in period.starts} == {0}
    assert {start.utcoffset() for start in period.starts} == {timedelta(hours=1), timedelta(hours=2)}
    assert period.zone_name == "Europe/Berlin"
    for index, start in enumerate(period.starts):
        assert period.bucket(start) == index
        assert period.bucket(start - timedelta(microseconds=1)) == (index - 1 if index else None)
    assert period.end >= now
