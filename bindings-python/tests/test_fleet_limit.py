"""Processes on any machines share the rate limit of their workspace through a Redis or Valkey server."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import blocks
from command import command
from hightouch_sdk import AsyncHightouch, ConfigError, Hightouch, ScopeChange, Stats
from sandbox import World, until
from scripts import run, start
from servers import Server

PASSWORD = "hunter2-of-the-server"
LOAD = """
ht = {client}(limit_scope={url!r}, **settings)
async def work():
    for _ in range({requests} // 8):
        await ht.syncs.get(1)
async def all_work():
    await asyncio.gather(*(work() for _ in range(8)))
def work_in_thread():
    for _ in range({requests} // 8):
        ht.syncs.get(1)
if isinstance(ht, AsyncHightouch):
    asyncio.run(all_work())
else:
    threads = [threading.Thread(target=work_in_thread) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
end = time.monotonic() + 60
while (ht.stats().scope, ht.stats().members) != ("fleet", 4) and time.monotonic() < end:
    time.sleep(0.05)
print(ht.stats().scope, ht.stats().members, flush=True)
# A process that has ended is no member, so each process waits until the others have counted it.
sys.stdin.read()
"""


@pytest.fixture(params=["redis-server", "valkey-server"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(request.param)
    yield server
    server.end()


@pytest.fixture
def redis() -> Iterator[Server]:
    server = Server("redis-server")
    yield server
    server.end()


def in_turn(first: object, second: object, told: list[Any]) -> bool:
    """Whether two things were told in turn, once or more. The server has 800 ms to answer, so on a busy machine it may
    seem to hang more often than the test makes it hang."""
    return bool(told) and told == [first, second] * (len(told) // 2)


def known(client: Hightouch | AsyncHightouch) -> Stats:
    """Returns the client's statistics once the Redis or Valkey server has answered."""
    until(lambda: client.stats().members is not None)
    return client.stats()


def test_blocking_and_asynchronous_clients_of_four_processes_keep_within_the_limit_together(
    new_world: Callable[..., World], server: Server
) -> None:
    world = new_world(timeScale=4, limit={"requests": 200, "seconds": 10, "counter": "two-bucket", "phase": 0.7})
    clients = ("Hightouch", "AsyncHightouch") * 2
    processes = [start(world, LOAD.format(client=name, url=server.url, requests=120)) for name in clients]
    lines = [process.stdout.readline() for process in processes if process.stdout is not None]
    assert [process.communicate(timeout=100) for process in processes] == [("", "")] * 4
    assert lines == ["fleet 4\n"] * 4
    log = world.log()
    assert (log["refused"], log["violations"], len(log["requests"])) == (0, [], 480)


def test_a_server_that_hangs_is_told_and_so_is_its_return(new_world: Callable[..., World], redis: Server) -> None:
    world = new_world(timeScale=20)
    changes: list[ScopeChange] = []

    def note(call: Any) -> None:
        changes.extend(call.meta.scope_changes)

    with Hightouch(**world.settings(limit_scope=redis.url, share=0.5), on_end=note) as client:
        client.syncs.get(1)
        assert (known(client).scope, client.stats().fallback) == ("fleet", None)
        redis.stop()
        client.syncs.get(1)
        stats = client.stats()
        assert (stats.scope, stats.members, stats.allowed) == ("process", None, 100)
        assert stats.fallback == ("the server that keeps the limit cannot be used: it did not answer within 800 ms")
        redis.go_on()

        def is_shared_again() -> bool:
            client.syncs.get(1)
            return client.stats().fallback is None and changes[-1].scope == "fleet"

        until(is_shared_again)
        told = ScopeChange(scope="process", fallback=stats.fallback), ScopeChange(scope="fleet")
        assert in_turn(*told, changes), changes


def test_the_asynchronous_client_is_told_too(new_world: Callable[..., World], redis: Server) -> None:
    world = new_world(timeScale=20)

    async def changes() -> list[ScopeChange]:
        told: list[ScopeChange] = []
        client = AsyncHightouch(**world.settings(limit_scope=redis.url), on_end=lambda call: told.extend(of(call)))
        async with client:
            await client.syncs.get(1)
            redis.kill()
            await client.syncs.get(1)
            redis.start()
            until(lambda: client.stats().scope == "fleet")
            while told[-1] != ScopeChange(scope="fleet"):
                await client.syncs.get(1)
        return told

    def of(call: Any) -> list[ScopeChange]:
        found: list[ScopeChange] = call.meta.scope_changes
        return found

    assert in_turn("process", "fleet", [change.scope for change in asyncio.run(changes())])


def test_the_log_tells_once_when_the_limit_is_not_shared_and_once_when_it_is_again(
    new_world: Callable[..., World], redis: Server
) -> None:
    world = new_world(timeScale=20)
    redis.stop()
    _, err = run(
        world,
        f"""
        import logging
        logging.basicConfig(level=logging.INFO)
        ht = Hightouch(limit_scope={redis.url!r}, **settings)
        for sync in (1, 2):
            ht.syncs.get(sync)
        os.kill({redis.pid}, signal.SIGCONT)
        while ht.stats().scope != "fleet":
            time.sleep(0.01)
        for sync in (1, 2):
            ht.syncs.get(sync)
        """,
    )
    told = [line for line in err.splitlines() if " share" in line]
    assert told[:2] == [
        "INFO:hightouch_sdk:syncs.get (sync 1) keeps within a rate limit that other processes do not share: the server "
        "that keeps the limit cannot be used: it did not answer within 800 ms.",
        "INFO:hightouch_sdk:syncs.get (sync 1) shares the rate limit with the others again.",
    ]
    assert in_turn(False, True, ["again" in line for line in told]), told


def test_the_command_line_shows_what_the_server_knows(new_world: Callable[..., World], redis: Server) -> None:
    world = new_world(timeScale=20)
    with Hightouch(**world.settings(limit_scope=redis.url, base_url=world.answer["httpBaseUrl"])) as client:
        for _ in range(3):
            client.syncs.get(1)
        known(client)
        done = command(world, "limit", "--json", HIGHTOUCH_LIMIT_SCOPE=redis.url)
    [row] = done.rows
    assert (row["scope"], row["members"], row["fallback"], row["limit"]) == ("fleet", 2, None, 200)
    assert (row["waiting"], row["cuts"], row["granted"]) == (0, 0, 0)
    redis.kill()
    [row] = command(world, "limit", "--json", HIGHTOUCH_LIMIT_SCOPE=redis.url).rows
    assert (row["scope"], row["members"]) == ("process", None)
    assert row["fallback"].endswith("it cannot be reached: connection refused")


def test_the_password_of_the_server_is_shown_nowhere(world: World) -> None:
    server = Server("redis-server", "--requirepass", PASSWORD)
    try:
        url = server.url.replace("//", f"//:{PASSWORD}@")
        with Hightouch(**world.settings(limit_scope=url)) as client:
            client.syncs.get(1)
            assert known(client).scope == "fleet"
            assert PASSWORD not in repr(client)
            assert "limit_scope" not in repr(client)
            assert PASSWORD not in repr(vars(client)) + repr(client.stats()) + str(client.diagnose())
    finally:
        server.end()
    wrong = world.settings(limit_scope=f"redis://:{PASSWORD}@host:port")
    with pytest.raises(ConfigError, match="`limit_scope` is not a URL of a Redis server") as caught:
        Hightouch(**wrong)
    assert PASSWORD not in str(caught.value)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in shown.stack if "hightouch_sdk" in frame.filename]
    assert ours
    assert PASSWORD not in repr([frame.locals for frame in ours])


def test_two_limits_of_one_server_do_not_mix_and_no_key_stands_in_it(
    new_world: Callable[..., World], redis: Server
) -> None:
    for world in (new_world(), new_world()):
        with Hightouch(**world.settings(limit_scope=redis.url)) as client:
            client.syncs.get(1)
            assert known(client).members == 1
            kept = redis.command("KEYS", "*")
            assert world.answer["apiKey"] not in kept
    assert kept.count("hightouch-limit:1:{") == kept.count("\r\n$") >= 2


def test_a_user_with_the_documented_permissions_may_use_the_server(
    new_world: Callable[..., World], redis: Server
) -> None:
    [documented] = blocks.assigned("test_fleet_limit.py")
    redis.command(*documented.replace("PASSWORD", PASSWORD).split())
    url = redis.url.replace("//", f"//limits:{PASSWORD}@")
    with Hightouch(**new_world().settings(limit_scope=url)) as client:
        client.syncs.get(1)
        assert known(client).scope == "fleet"
    redis.command("ACL", "SETUSER", "limits", "-eval", "-evalsha")
    with Hightouch(**new_world().settings(limit_scope=url)) as client:
        client.syncs.get(1)
        assert "has no permission" in str(client.stats().fallback)
