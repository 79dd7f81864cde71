"""``hightouch_sdk.testing``: worlds, armed faults, and the requests that worlds record."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from hightouch_sdk import (
    AuthenticationError,
    Hightouch,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitedError,
    RequestTimeoutError,
    RunFailedError,
    ServerError,
)
from hightouch_sdk.testing import Sandbox, World, WorldError, _server
from sandbox import Sandbox as Built
from sandbox import until

SLUG = "orders-to-salesforce"


@pytest.fixture
def world(sandbox: Built) -> Iterator[World]:
    with World(slugs=[SLUG], sandbox=sandbox) as world:
        yield world


def test_a_failure_that_is_armed_meets_the_next_call_and_no_other(world: World) -> None:
    world.fail_next("syncs.get", 503, message="maintenance")
    with world.client(max_retries=0) as ht:
        ht.syncs.trigger(2)
        with pytest.raises(ServerError, match="maintenance"):
            ht.syncs.get(1)
        assert ht.syncs.get(1).id == 1


def test_a_failure_that_is_armed_for_ever_is_met_each_time(world: World) -> None:
    world.fail_next("syncs.get", 404, times=None)
    with world.client() as ht:
        for _ in range(3):
            with pytest.raises(NotFoundError):
                ht.syncs.get(1)


def test_an_answer_that_is_lost_after_the_run_began_leads_to_the_run(world: World) -> None:
    world.lose_answer("syncs.trigger")
    with world.client() as ht:
        run = ht.syncs.trigger(SLUG)
        assert run.adopted
        assert run.wait().status == "success"
    assert len(world.requests("syncs.trigger")) == 1


def test_an_answer_that_is_lost_before_the_run_began_is_of_unknown_outcome(world: World) -> None:
    world.lose_answer("syncs.trigger", performed=False)
    with world.client() as ht, pytest.raises(OutcomeUnknownError):
        ht.syncs.trigger(SLUG)


def test_a_gateway_that_fails_after_the_run_began_leads_to_the_run(world: World) -> None:
    world.fail_next("syncs.trigger", 502, performed=True)
    with world.client() as ht:
        assert ht.syncs.trigger(SLUG).adopted


def test_the_next_run_fails_and_the_one_after_it_succeeds(world: World) -> None:
    world.fail_next_run(SLUG, "no such table")
    with world.client() as ht:
        with pytest.raises(RunFailedError, match="no such table"):
            ht.syncs.trigger(SLUG).wait()
        assert ht.syncs.trigger(SLUG).wait().status == "success"


def test_the_next_run_ends_with_a_warning_and_its_rejected_rows(world: World) -> None:
    world.warn_next_run(2, rejected=7)
    with world.client() as ht:
        run = ht.syncs.trigger(2).wait()
    assert (run.status, run.failed_rows.added_count, run.successful_rows.added_count) == ("warning", 7, 143)


def test_runs_go_as_they_are_planned_from_now_on(world: World) -> None:
    world.plan_runs(status="cancelled", seconds=1)
    with world.client() as ht:
        assert [ht.syncs.trigger(sync).wait(on_failure="return").status for sync in (1, 2, 1)] == ["cancelled"] * 3


def test_a_limit_that_the_client_does_not_know_is_learnt_and_kept(world: World) -> None:
    world.set_limit(3, 10)
    with world.client() as ht, ThreadPoolExecutor(max_workers=8) as pool:
        assert [sync.id for sync in pool.map(ht.syncs.get, [1] * 8)] == [1] * 8
    assert world.refused > 0


def test_a_call_that_may_not_wait_for_the_limit_fails(world: World) -> None:
    world.fail_next("syncs.get", 429, retry_after=60)
    with world.client(max_wait=0) as ht, pytest.raises(RateLimitedError):
        ht.syncs.get(1)


def test_an_answer_is_delayed_and_one_is_made_up(world: World) -> None:
    world.delay_next("syncs.get", 30)
    world.answer_next("syncs.get", {"id": 1, "slug": "made-up"})
    with world.client(max_retries=0, timeout=3) as ht, pytest.raises(RequestTimeoutError):
        ht.syncs.get(1)
    with world.client() as ht:
        assert ht.syncs.get(1).slug == "made-up"
        assert ht.syncs.get(1).slug == SLUG


def test_keys_are_refused_as_their_names_say(world: World) -> None:
    for key in (world.keys.invalid, world.keys.orphaned):
        with world.client(api_key=key) as ht, pytest.raises(AuthenticationError):
            ht.syncs.get(1)
    with world.client(api_key=world.keys.read_only) as ht:
        assert ht.syncs.get(1).id == 1
        with pytest.raises(PermissionDeniedError):
            ht.syncs.trigger(1)
    assert world.api_key not in repr(world.keys)


def test_requests_are_read_by_the_names_of_methods_and_without_the_key(world: World) -> None:
    with world.client() as ht:
        ht.syncs.trigger(2, full_resync=True)
    (request,) = world.requests()
    assert (request.method, request.operation, request.http_method) == ("syncs.trigger", "TriggerRun", "POST")
    assert (request.path, request.status, request.abandoned) == ("/syncs/2/trigger", 200, False)
    assert request.body["fullResync"] is True
    assert request.at.tzinfo is not None
    assert world.api_key not in repr(request)
    assert world.requests("syncs.list") == []


def test_requests_are_waited_for(world: World) -> None:
    with world.client() as ht:
        ht.syncs.get(1)
    assert len(world.wait_for_requests("syncs.get")) == 1
    with pytest.raises(WorldError, match=r"1 of 2 requests \(syncs.get\)"):
        world.wait_for_requests("syncs.get", count=2, timeout=0.05)


def test_a_wait_for_requests_ends_while_time_is_frozen(world: World) -> None:
    with freeze_time("2020-01-01"), pytest.raises(WorldError, match="0 of 1 requests"):
        world.wait_for_requests(timeout=0.05)


def test_the_client_for_asyncio_uses_the_world_too(world: World) -> None:
    world.fail_next("syncs.get", 503)

    async def read() -> int:
        async with world.async_client() as ht:
            return (await ht.syncs.get(1)).id

    assert asyncio.run(read()) == 1
    assert [request.status for request in world.requests()] == [503, 200]


def test_mistakes_of_a_test_are_errors_where_they_are_made(world: World) -> None:
    with pytest.raises(ValueError, match=r"no method 'syncs.triger'. Did you mean 'syncs.trigger'\?"):
        world.fail_next("syncs.triger")
    with pytest.raises(ValueError, match='no sync "no-such-sync"'):
        world.fail_next_run("no-such-sync")
    with pytest.raises(ValueError, match=r"'syncs.run_many' sends the requests.*Did you mean 'syncs.trigger'\?"):
        world.fail_next("syncs.run_many")
    with pytest.raises(ValueError, match=r"must be a name, such as .syncs\.trigger., or None, not 5"):
        world.fail_next(5, 502)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown field `weather`"):
        World(settings={"weather": "fine"}, sandbox=world.sandbox)


WRONG: list[tuple[str, Callable[[World], object], str]] = [
    ("a misspelt status", lambda world: world.plan_runs(status="fail"), "`status` .* Did you mean 'failed'"),  # type: ignore[arg-type]
    ("a negative time of a run", lambda world: world.plan_runs(seconds=-1), "`seconds` must be a number from 0"),
    ("a time that is no number", lambda world: world.plan_runs(seconds=float("nan")), "`seconds` .* not nan"),
    ("half a row", lambda world: world.plan_runs(rejected=1.5), "`rejected` must be a whole number from 0 to 150"),  # type: ignore[arg-type]
    ("an error that is no text", lambda world: world.plan_runs(error=7), "`error` must be a string"),  # type: ignore[arg-type]
    ("half a run", lambda world: world.plan_runs(times=1.5), "`times` must be a whole number"),  # type: ignore[arg-type]
    ("a status of no answer", lambda world: world.fail_next("syncs.get", 99), "`status` .* from 200 to 599, not 99"),
    ("half a request", lambda world: world.fail_next("syncs.get", times=1.5), "`times` must be a whole number"),  # type: ignore[arg-type]
    ("a time before now", lambda world: world.fail_next("syncs.get", 429, retry_after=-1), "`retry_after` .* not -1"),
    ("half a character", lambda world: world.fail_next("syncs.get", message="\ud800"), "`message` .* UTF-8"),
    ("a negative delay", lambda world: world.delay_next("syncs.get", -1), "`seconds` must be a number"),
    (
        "an answer that is not JSON",
        lambda world: world.answer_next("syncs.get", float("nan")),
        "JSON has no such number",
    ),
    ("a limit that allows nothing", lambda world: world.set_limit(0, 10), "`requests` must be a whole number from 1"),
    ("a window without a length", lambda world: world.set_limit(5, 0), "`seconds` must be a number from 0.001"),
    ("no other programs", lambda world: world.set_limit(5, others_per_second=0), "`others_per_second` must be"),
]


@pytest.mark.parametrize(("arm", "complaint"), [pytest.param(*it[1:], id=it[0]) for it in WRONG])
def test_a_fault_with_a_wrong_argument_is_not_armed(
    arm: Callable[[World], object], complaint: str, world: World
) -> None:
    with pytest.raises(ValueError, match=complaint):
        arm(world)
    assert world.judge() == []


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"slugs": SLUG}, "`slugs` must be a list of slugs, .* not 'orders-to-salesforce'"),
        ({"slugs": ["a", "a"]}, "`slugs` has 'a' twice"),
        ({"slugs": ["a", 7]}, r"`slugs\[1\]` must be a string, not 7"),
        ({"slugs": ["a", "b", "c"], "syncs": 2}, "`slugs` names 3 syncs, and `syncs` is 2"),
        ({"syncs": -1}, "`syncs` must be a whole number"),
        ({"limit": (0, 10)}, r"`limit\[0\]` must be a whole number of at least 1, not 0"),
        ({"limit": 5}, r"`limit` must be a number of requests and a number of seconds, as in \(200, 10\), not 5"),
        ({"seconds_per_run": -1}, "`seconds_per_run` must be a number from 0 to 1,000,000, not -1"),
        ({"time_scale": 0}, "`time_scale` must be a number from 0.001"),
        ({"seed": 1.5}, "`seed` must be a whole number"),
        ({"settings": {"runs": {"status": "faild"}}}, r"`settings\['runs'\]\['status'\]` .* Did you mean 'failed'\?"),
        ({"settings": {"runs": {"bySlug": {"a": {"status": "ok"}}}}}, r"\['bySlug'\]\['a'\]\['status'\]` must be"),
        ({"settings": {"sequences": {"status": "success"}}}, "must be 'done', 'failed' or 'cancelled', not 'success'"),
        ({"settings": {"graphs": {"status": "success"}}}, "Did you mean 'SUCCESS'"),
    ],
)
def test_a_world_with_a_wrong_setting_is_not_created(settings: dict[str, Any], complaint: str, sandbox: Built) -> None:
    with pytest.raises(ValueError, match=complaint):
        World(sandbox=sandbox, **settings)


def test_a_world_can_plan_a_status_that_the_package_does_not_know_in_its_control_interface(world: World) -> None:
    world.sandbox.control("POST", f"{world._path}/arm/runs", {"plan": {"status": "paused", "seconds": 0}})
    with world.client() as ht:
        run = ht.syncs.trigger(1)
        states = (run.state() for _ in range(1000))
        assert not next(state for state in states if state.status == "paused").has_ended


def test_the_judge_fails_a_block_whose_requests_are_wrong(sandbox: Built) -> None:
    with pytest.raises(WorldError, match="document:"), World(sandbox=sandbox) as world, world.client() as ht:
        ht.request("GET", "/syncs", query={"colour": "red"})
    with World(sandbox=sandbox, judge=False) as world, world.client() as ht:
        ht.request("GET", "/syncs", query={"colour": "red"})


def test_a_refusal_that_no_test_asked_for_fails_a_block(sandbox: Built) -> None:
    limited = World(limit=(2, 600), sandbox=sandbox)
    with pytest.raises(WorldError, match="The limit refused"), limited as world, world.client(max_wait=1) as ht:
        for _ in range(2):
            ht.syncs.get(1)
        with pytest.raises(RateLimitedError):
            ht.syncs.get(1)


def test_a_fault_that_is_not_met_fails_a_block(sandbox: Built) -> None:
    with pytest.raises(WorldError) as raised, World(sandbox=sandbox) as world:
        world.fail_next("syncs.trigger", 502, times=2)
        world.fail_next_run(1)
        with world.client() as ht, pytest.raises(OutcomeUnknownError):
            ht.syncs.trigger(1)
    assert str(raised.value).splitlines()[1:] == [
        "* fail_next('syncs.trigger', 502) was met 1 times instead of 2.",
        "* plan_runs(1, status='failed') was met 0 times instead of 1.",
    ]


def test_the_error_of_a_block_is_not_hidden_by_the_judge(sandbox: Built) -> None:
    with pytest.raises(ZeroDivisionError), World(sandbox=sandbox) as world:
        world.fail_next("syncs.get")
        _ = 1 / 0


def test_time_passes_faster_for_clients_that_read_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    world.fail_next("syncs.get", 429, retry_after=40)
    # `max_wait` is in real seconds. The pause is 40 seconds of the world, but takes fewer than 30 real seconds. So the
    # call succeeds.
    with Hightouch(max_wait=30) as ht:
        assert ht.syncs.get(1).id == 1


PROGRAM = """
import os, sys, time
from hightouch_sdk.testing import World

world = World()
if sys.argv[1] == "fork":
    ready, tell = os.pipe()
    if os.fork() == 0:
        other = World()  # on a second server
        os.write(tell, b"1" if other.sandbox.http_url != world.sandbox.http_url else b"0")
        os.close(1)
        time.sleep(600)
        os._exit(0)
    assert os.read(ready, 1) == b"1"
print(len(world.requests()), world.sandbox.http_url, world.sandbox.ca_bundle, flush=True)
if sys.argv[1] != "end":
    time.sleep(600)
"""


@pytest.mark.parametrize("how", ["end", "kill", "fork"])
def test_the_server_ends_with_the_process_that_started_it(how: str, sandbox: Built) -> None:
    environment = {**os.environ, "HIGHTOUCH_SANDBOX": sandbox.program}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    try:
        assert process.stdout is not None
        requests, url, ca = process.stdout.readline().split()
        assert requests == "0"
        if how != "end":
            process.kill()
        process.wait(60)
        port = int(url.rpartition(":")[2])
        until(lambda: not _listens(port))
        until(lambda: not Path(ca).exists())
    finally:
        with contextlib.suppress(ProcessLookupError):
            # After SIGKILL, the server of the forked process would leave its folder behind.
            os.killpg(process.pid, signal.SIGTERM)
        assert process.stdout is not None
        process.stdout.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_missing_program_is_an_error_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HIGHTOUCH_SANDBOX", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "hightouch_sandbox", None)
    with pytest.raises(ImportError, match=r"Install `hightouch-sdk\[sandbox\]`"):
        Sandbox()
    with pytest.raises(RuntimeError, match=r"The sandbox did not start: /bin/false ended with 1"):
        Sandbox("/bin/false")


OTHERS = {
    "missing": (None, "cannot be started: No such file or directory"),
    "folder": (None, "cannot be started: Permission denied"),
    "text": ("echo hello; exec sleep 600", "is not the sandbox: it prints no addresses"),
    "other JSON": ("""echo '{"url": "x"}'; exec sleep 600""", "is not the sandbox: it prints no addresses"),
    "no object": ("echo 7; exec sleep 600", "is not the sandbox: it prints no addresses"),
    "silent": ("exec sleep 600", "printed nothing for 1 seconds"),
    "ended": ("exit 3", "ended with 3"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_program_than_the_sandbox_is_named_with_the_variable_and_ended(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, complaint = OTHERS[other]
    path, process = tmp_path / other, tmp_path / "process"
    if script is not None:
        path.write_text(f"#!/bin/sh\necho $$ >'{process}'\n{script}\n")
        path.chmod(0o755)
    elif other == "folder":
        path.mkdir()
    monkeypatch.setenv("HIGHTOUCH_SANDBOX", str(path))
    monkeypatch.setattr(_server, "_START", 1)
    hint = "The path comes from the variable HIGHTOUCH_SANDBOX."
    with pytest.raises(RuntimeError) as raised:
        Sandbox()
    assert str(raised.value) == f"The sandbox did not start: {path} {complaint}. {hint}"
    with pytest.raises(RuntimeError) as raised:
        Sandbox(str(path))
    assert hint not in str(raised.value)
    if script is not None:
        with pytest.raises(ProcessLookupError):
            os.kill(int(process.read_text()), 0)
