"""``progress=True`` on a terminal, in a log and in a notebook."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from hightouch_sdk import Hightouch, Stats, Waiting
from hightouch_sdk._progress_display import Display, _Stage
from hightouch_sdk._progress_rows import Frame, LimitNotice, Row, RunBoard, clock
from hightouch_sdk._progress_text import Log
from sandbox import World
from scripts import run, whole
from terminal import Seen, Terminal

SLUGS = ["orders", "people", "stock"]
ENDS = {"people": {"status": "failed", "error": "the destination \x1b[2J[red]refused[/red]\nmore"}}
WITHOUT_RICH = "import sys\nsys.modules['rich'] = None\n"
BATCH = """
with Hightouch(**settings) as ht:
    ht.syncs.run_many(["orders", "people", 3]).wait(progress=True, on_failure="return")
"""
ASYNC_BATCH = """
async def main():
    async with AsyncHightouch(**settings) as ht:
        batch = await ht.syncs.run_many(["orders", "people", 3])
        await batch.wait(progress=True, on_failure="return")

asyncio.run(main())
"""
RUN = """
with Hightouch(**settings) as ht:
    ht.syncs.trigger("orders").wait(progress=True)
"""
ASYNC_RUN = """
async def main():
    async with AsyncHightouch(**settings) as ht:
        run = await ht.syncs.trigger("orders")
        await run.wait(progress=True)

asyncio.run(main())
"""


@pytest.fixture
def three(new_world: Callable[..., World]) -> World:
    runs = {"seconds": 80, "queuedSeconds": 0, "phases": ["processing"], "bySlug": ENDS}
    return new_world(syncs=3, pastRuns=0, slugs=SLUGS, runs=runs)


def on_terminal(world: World, script: str, size: tuple[int, int] = (120, 30)) -> Seen:
    terminal = Terminal([sys.executable, "-c", whole(script)], world.environment(), size)
    seen = terminal.finish()
    assert seen.status == 0, seen.text
    return seen


PLAIN = [(WITHOUT_RICH, "plain"), ("", "rich")]


@pytest.mark.parametrize("before", [before for before, _ in PLAIN], ids=[name for _, name in PLAIN])
@pytest.mark.parametrize("script", [BATCH, ASYNC_BATCH], ids=["blocking", "asyncio"])
def test_a_terminal_shows_each_run_of_a_batch_on_a_line_of_its_own(three: World, before: str, script: str) -> None:
    seen = on_terminal(three, before + script)
    assert len(seen.screen) == 4, seen.screen
    orders, people, stock, summary = seen.screen
    assert re.fullmatch(r"orders \(run \d+\) +success +\d:\d\d +[\d,]+ of [\d,]+ rows.*", orders)
    assert re.fullmatch(r"people \(run \d+\) +failed +\d:\d\d +.* rows.*, the destination .*refused\[/red\]", people)
    assert re.match(r"sync 3 \(run \d+\) +success ", stock)
    assert summary == "3 of 3 ended, 1 failed"
    # Earlier frames showed the runs before their end.
    assert "processing" in seen.text
    assert "3 in progress" in seen.text


@pytest.mark.parametrize("before", [before for before, _ in PLAIN], ids=[name for _, name in PLAIN])
@pytest.mark.parametrize("script", [RUN, ASYNC_RUN], ids=["blocking", "asyncio"])
def test_a_terminal_shows_the_slug_state_rows_and_time_of_a_run(three: World, before: str, script: str) -> None:
    seen = on_terminal(three, before + script)
    assert len(seen.screen) == 1, seen.screen
    assert re.fullmatch(r"orders \(run \d+\) +success +\d:\d\d +[\d,]+ of [\d,]+ rows.*", seen.screen[0])
    assert "processing" in seen.text


FIVE_THREADS = """
with Hightouch(**settings) as ht:
    runs = [ht.syncs.trigger(sync) for sync in range(1, 6)]
    threads = [threading.Thread(target=run.wait, kwargs={"progress": True}) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
FIVE_TASKS = """
async def main():
    async with AsyncHightouch(**settings) as ht:
        runs = [await ht.syncs.trigger(sync) for sync in range(1, 6)]
        await asyncio.gather(*(run.wait(progress=True) for run in runs))

asyncio.run(main())
"""


@pytest.mark.parametrize("before", [before for before, _ in PLAIN], ids=[name for _, name in PLAIN])
@pytest.mark.parametrize("script", [FIVE_THREADS, FIVE_TASKS], ids=["threads", "tasks"])
def test_five_waits_at_once_do_not_overwrite_each_other(
    new_world: Callable[..., World], before: str, script: str
) -> None:
    slow = {"sync-2": {"seconds": 60}}
    slugs = [f"sync-{number}" for number in range(1, 6)]
    world = new_world(syncs=5, pastRuns=0, slugs=slugs, runs={"seconds": 20, "queuedSeconds": 0, "bySlug": slow})
    seen = on_terminal(world, before + script)
    assert len(seen.screen) == 5, seen.screen
    assert sorted(match[1] for line in seen.screen if (match := re.match(r"sync (\d) .* success ", line))) == list(
        "12345"
    )


def test_what_a_program_prints_stays_above_the_lines(three: World) -> None:
    script = """
    with Hightouch(**settings) as ht:
        run = ht.syncs.trigger("orders")
        thread = threading.Thread(target=run.wait, kwargs={"progress": True})
        thread.start()
        while not {state.status for state in ht.syncs.runs("orders")} & {"processing", "success"}:
            time.sleep(0.05)
        print("a line of the program", file=sys.stderr)
        thread.join()
    """
    line, run = on_terminal(three, script).screen
    assert line == "a line of the program"
    assert run.startswith("orders (run")


def test_waits_one_after_another_have_lines_of_their_own(three: World) -> None:
    script = """
    with Hightouch(**settings) as ht:
        for sync in (1, 3):
            ht.syncs.trigger(sync).wait(progress=True)
    """
    first, second = on_terminal(three, script).screen
    assert (first[:6], second[:6]) == ("sync 1", "sync 3")


def test_a_forked_child_shows_its_own_waits(three: World) -> None:
    script = """
    from hightouch_sdk import _progress_display, _progress_text

    with Hightouch(**settings) as ht:
        run = ht.syncs.trigger("orders")
        # A thread may hold the lock while another thread forks.
        _progress_display._Stages.lock.acquire()
        child = os.fork()
        if not child:
            run.wait(progress=True)
            os._exit(0)
        _progress_display._Stages.lock.release()
        run.wait(progress=True)
        print(end_of(child))
    """
    out, err = run(three, script)
    assert out == "0\n"
    assert err.count("success, ") == 2


@pytest.mark.parametrize("before", [before for before, _ in PLAIN], ids=[name for _, name in PLAIN])
def test_a_text_of_the_server_cannot_control_the_terminal(three: World, before: str) -> None:
    assert "\x1b[2J" not in on_terminal(three, before + BATCH).text


@pytest.mark.parametrize("before", [before for before, _ in PLAIN], ids=[name for _, name in PLAIN])
def test_more_runs_than_lines_do_not_scroll_the_terminal(new_world: Callable[..., World], before: str) -> None:
    slugs = [f"sync-number-{number:02}" for number in range(1, 31)]
    last = {"sync-number-30": {"status": "failed"}}
    world = new_world(syncs=30, pastRuns=0, slugs=slugs, runs={"seconds": 20, "queuedSeconds": 0, "bySlug": last})
    script = """
    with Hightouch(**settings) as ht:
        ht.syncs.run_many(range(1, 31)).wait(progress=True, on_failure="return")
    """
    seen = on_terminal(world, before + textwrap.dedent(script), (60, 10))
    assert len(seen.screen) <= 9
    *_, failed, left, summary = seen.screen
    assert failed.startswith("sync 30 ")
    assert re.fullmatch(r"… and \d+ more", left)
    assert summary == "30 of 30 ended, 1 failed"
    # If a frame were higher than the screen, a part of it would stay above the next frame.
    assert sum("ended" in line for line in seen.screen) == 1


@pytest.mark.parametrize("script", [BATCH, ASYNC_BATCH], ids=["blocking", "asyncio"])
def test_a_log_has_a_line_for_each_change_of_a_status(three: World, script: str) -> None:
    _, err = run(three, script)
    assert "\x1b" not in err
    assert "\r" not in err
    *lines, summary = err.splitlines()
    assert summary == "hightouch: 3 of 3 ended, 1 failed"
    assert all(line.startswith("hightouch: ") for line in lines)
    changes = [match.groups() for line in lines if (match := re.match(r"hightouch: (\S+) .*?: (\w+)", line))]
    assert len(changes) == len(set(changes)) == len(lines)
    orders = [state for name, state in changes if name == "orders"]
    assert orders[-1] == "success"
    assert "processing" in orders
    [failed] = [line for line in lines if ": failed, " in line]
    assert re.search(r"people \(run \d+\): failed, .* rows.*, the destination .*refused\[/red\], \d:\d\d$", failed)


def test_a_log_names_sequences_and_graphs(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 2}, graphs={"seconds": 2})
    script = """
    with Hightouch(**settings) as ht:
        ht.sync_sequences.trigger("nightly").wait(progress=True)
        ht.identity_graphs.trigger("customers").wait(progress=True)
    """
    _, err = run(world, script)
    lines = err.splitlines()
    assert any(
        re.match(r"hightouch: sequence nightly \(run seq-run-\d+\): done, 2 of 2 syncs ended, ", it) for it in lines
    )
    assert re.match(r"hightouch: identity graph customers \(run idr-run-\d+\): SUCCESS, ", lines[-1])


@pytest.mark.parametrize("client", ["blocking", "asyncio"])
def test_a_wait_for_the_rate_limit_is_shown(new_world: Callable[..., World], client: str) -> None:
    world = new_world(timeScale=1, limit={"requests": 3, "seconds": 12}, runs={"seconds": 1})
    blocking = """
    with Hightouch(**settings, limit=(3, 12)) as ht:
        run = ht.syncs.trigger(1)
        for _ in range(2):
            ht.request("GET", "/syncs")
        print(run.wait(progress=True).status)
    """
    asynchronous = """
    async def main():
        async with AsyncHightouch(**settings, limit=(3, 12)) as ht:
            run = await ht.syncs.trigger(1)
            for _ in range(2):
                await ht.request("GET", "/syncs")
            print((await run.wait(progress=True)).status)

    asyncio.run(main())
    """
    script = textwrap.dedent(blocking if client == "blocking" else asynchronous)
    out, err = run(world, 'settings["_internal"] = {}\n' + script)
    assert out == "success\n"
    assert re.search(r"^hightouch: waiting for the rate limit, for \d+ s so far$", err, re.MULTILINE)


def stats(**more: Any) -> Stats:
    usual: dict[str, Any] = {"limit": 200, "allowed": 200, "in_flight": 0, "used": 0, "waiting": Waiting()}
    return Stats(**{**usual, "scope": "process", "closed_for_ms": 0, "refused": 0, "cuts": 0, "granted": 0, **more})


def test_only_what_the_limit_holds_back_counts_as_waiting_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 0.0
    monkeypatch.setattr("hightouch_sdk._progress_rows.monotonic", lambda: seconds)

    def after(wait: float, **more: Any) -> str:
        """Returns the notice on the display after calls have waited for ``wait`` seconds."""
        nonlocal seconds
        notice = LimitNotice()
        notice.text(stats(**more))
        seconds += wait
        return notice.text(stats(**more))

    assert after(5, waiting=Waiting(read=1)) == "waiting for the rate limit, for 5 s so far"
    assert after(5, waiting=Waiting(trigger=1)) == "waiting for the rate limit, for 5 s so far"
    assert after(2, waiting=Waiting(read=1)) == ""
    # Calls that read the state of a run (`poll`) may use only a tenth of the rate limit. While only these calls wait
    # and the rate limit is not used up, no notice is shown.
    assert after(5, waiting=Waiting(poll=9), used=100) == ""
    assert after(5, waiting=Waiting(poll=9), used=200) == "waiting for the rate limit, for 5 s so far"
    closed = after(1, waiting=Waiting(poll=9), closed_for_ms=8000)
    assert closed == "waiting 8 s for the rate limit, because the server refused a request (429)"
    assert after(5, closed_for_ms=8000) == ""


def test_a_log_tells_a_notice_once_for_each_wait() -> None:
    stream = io.StringIO()
    log = Log(stream)
    for notice in ("", "waiting 3 s", "waiting 4 s", "", "waiting 5 s"):
        log.draw(Frame([], notice=notice))
    assert stream.getvalue() == "hightouch: waiting 3 s\nhightouch: waiting 5 s\n"


class Counter:
    """A screen that counts the calls of its methods."""

    pause = 600.0

    def __init__(self) -> None:
        self.told = self.drawn = self.ended = 0

    def tell(self, changed: Row) -> None:
        self.told += 1

    def draw(self, frame: Frame) -> None:
        self.drawn += 1

    def left(self, frame: Frame) -> None:
        raise AssertionError("nothing else is shown")

    def end(self, frame: Frame) -> None:
        self.ended += 1


def test_many_changes_are_drawn_together(client: Hightouch) -> None:
    screen, display = Counter(), Display(RunBoard("orders"), client._local)
    stage = _Stage(None, screen)
    stage.open(display)
    at_first = screen.drawn
    for _ in range(1000):
        stage.draw(Row("orders", "querying", "", ""))
    stage.leave(display)
    # The last frame was drawn less than `pause` (600 seconds) ago, so the changes draw no frames. Only the thread that
    # `open` has started draws frames, one each second.
    assert (screen.told, screen.ended) == (1000, 1)
    assert screen.drawn - at_first < 500


def test_rows_of_runs_in_progress_and_failures_are_left_out_last() -> None:
    rows = [Row(str(index), "", "", "", is_running=index == 7, is_failed=index == 5) for index in range(9)]
    assert [row.name for row in Frame(rows, "summary").cropped(5).rows] == ["0", "5", "7", "… and 6 more"]
    assert Frame(rows, "summary").cropped(10).rows == rows


def test_times_are_written_like_those_of_a_clock() -> None:
    assert [clock(seconds) for seconds in (0.9, 102, 7301)] == ["0:00", "1:42", "2:01:41"]


def test_a_closed_standard_error_does_not_end_the_wait(three: World) -> None:
    out, _ = run(three, "sys.stderr.close()\n" + RUN + "print('done')\n")
    assert out == "done\n"
    out, _ = run(three, "sys.stderr = None\n" + RUN + "print('done')\n")
    assert out == "done\n"
    gone = """
    import io

    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    sys.stderr = Gone()
    """
    out, _ = run(three, textwrap.dedent(gone) + RUN + "print('done')\n")
    assert out == "done\n"


def test_without_progress_nothing_is_shown_and_no_library_is_imported(three: World) -> None:
    script = RUN.replace("progress=True", "progress=False")
    out, err = run(three, script + "print([name for name in sys.modules if name in {'rich', 'click', 'IPython'}])\n")
    assert (out, err) == ("[]\n", "")


def test_neither_the_command_line_nor_displays_are_imported_with_the_package() -> None:
    script = "import sys, hightouch_sdk; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "hightouch_sdk._client" in modules
    assert not [name for name in modules if name.startswith(("hightouch_sdk._cli.", "hightouch_sdk._progress"))]
    assert "hightouch_sdk._cli" not in modules


def test_a_notebook_shows_one_table_that_is_updated(three: World) -> None:
    messages, error = cell(three, whole(BATCH))
    assert error is None
    shown = [message for message in messages if message["msg_type"] in {"display_data", "update_display_data"}]
    first, *later = shown
    assert first["msg_type"] == "display_data"
    identity = first["content"]["transient"]["display_id"]
    assert later
    assert all(update["msg_type"] == "update_display_data" for update in later)
    assert {update["content"]["transient"]["display_id"] for update in later} == {identity}
    last = later[-1]["content"]["data"]
    assert last["text/html"].count("<tr>") == 3
    assert "<div>3 of 3 ended, 1 failed</div>" in last["text/html"]
    assert re.search(r"<td>orders \(run \d+\)</td><td>success</td><td>\d:\d\d</td><td>[\d,]+ of", last["text/html"])
    assert "3 of 3 ended" in last["text/plain"]
    assert not [message for message in messages if message["msg_type"] == "stream"]


def cell(world: World, code: str) -> tuple[list[dict[str, Any]], str | None]:
    """Runs code in a kernel of Jupyter. Returns the messages of the cell, and the error if there was one."""
    # Jupyter is not installed for Python 3.10.
    manager = pytest.importorskip("jupyter_client.manager").KernelManager(kernel_name="python3")
    manager.start_kernel(env=world.environment())
    client = manager.client()
    client.start_channels()
    messages: list[dict[str, Any]] = []
    try:
        client.wait_for_ready(timeout=60)
        reply = client.execute_interactive(code, timeout=60, output_hook=messages.append)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    content = reply["content"]
    return messages, None if content["status"] == "ok" else f"{content['ename']}: {content['evalue']}"
