"""Key functions: when and how often they are called, and what happens to calls that wait for the key."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hightouch_sdk import (
    AsyncHightouch,
    AuthenticationError,
    CallEnd,
    CallStart,
    ClientClosedError,
    ConfigError,
    Hightouch,
    HightouchError,
)
from sandbox import World, until
from vault import Vault

CALLERS = 24


def statuses(world: World) -> list[int]:
    return [request["status"] for request in world.requests()]


def test_the_function_is_called_when_a_key_is_first_needed_and_not_again(world: World) -> None:
    vault = Vault(world.answer["apiKey"])
    with Hightouch(**world.settings(api_key=vault)) as client:
        client.stats()
        assert vault.asked == 0
        assert len(list(client.syncs.list())) == 3
        assert len(client.syncs.with_raw_response.list().parse()) == 3
        assert client.syncs.trigger(1).wait(timeout=60).status == "success"
        assert vault.asked == 1
    assert set(statuses(world)) == {200}


def test_a_diagnosis_calls_the_key_function_too(world: World) -> None:
    vault = Vault(world.answer["apiKey"])
    with Hightouch(**world.settings(api_key=vault)) as client:
        assert client.diagnose().ok

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=vault)) as client:
            assert (await client.diagnose()).ok

    asyncio.run(main())
    assert vault.asked == 2


def refused(world: World, count: int) -> Callable[[int], None]:
    """Returns a function for ``Vault(before=…)`` that waits until the server has refused ``count`` requests (401)."""
    return lambda _: until(lambda: statuses(world) == [401] * count)


def test_many_threads_that_are_refused_at_once_share_one_call_of_the_function(world: World) -> None:
    vault = Vault(world.answer["apiKey"], before=refused(world, CALLERS))
    with Hightouch(**world.settings(api_key=vault)) as client, ThreadPoolExecutor(CALLERS) as pool:
        client.set_api_key(world.keys.invalid)
        assert list(pool.map(lambda _: len(list(client.syncs.list())), range(CALLERS))) == [3] * CALLERS
    assert vault.asked == 1


def test_many_tasks_that_are_refused_at_once_share_one_call_of_the_function(world: World) -> None:
    asked = 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        await asyncio.to_thread(refused(world, CALLERS), asked)
        return str(world.answer["apiKey"])

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=ask)) as client:
            client.set_api_key(world.keys.invalid)
            pages = await asyncio.gather(*(client.syncs.list().first_page() for _ in range(CALLERS)))
            assert [len(page) for page in pages] == [3] * CALLERS

    asyncio.run(main())
    assert asked == 1


def test_a_first_key_that_is_stale_is_renewed_within_one_call(world: World) -> None:
    ends: list[CallEnd] = []
    vault = Vault(world.keys.invalid, world.answer["apiKey"])
    with Hightouch(**world.settings(api_key=vault, on_end=ends.append)) as client:
        assert len(client.request("GET", "/syncs")["data"]) == 3
    assert (vault.asked, statuses(world)) == (2, [401, 200])
    (end,) = ends
    assert end.error is None
    assert end.meta is not None
    assert [attempt.status for attempt in end.meta.attempts] == [401, 200]


def late_refusal(new_world: Callable[..., World]) -> World:
    """Creates a world that answers the first request with a delay of 2 seconds, long after the second request."""
    return new_world(script=[{"when": {"nth": 1}, "answer": {"delayMs": 2000}}])


def test_a_thread_that_was_refused_with_an_older_key_tries_again_with_the_current_key(
    new_world: Callable[..., World],
) -> None:
    world = late_refusal(new_world)
    vault = Vault(world.answer["apiKey"])
    with Hightouch(**world.settings(api_key=vault)) as client, ThreadPoolExecutor(1) as pool:
        client.set_api_key(world.keys.invalid)
        late = pool.submit(client.request, "GET", "/syncs")
        world.wait_for(lambda requests: len(requests) == 1)
        assert len(list(client.syncs.list())) == len(late.result()["data"]) == 3
    assert vault.asked == 1


def test_a_task_that_was_refused_with_an_older_key_tries_again_with_the_current_key(
    new_world: Callable[..., World],
) -> None:
    world = late_refusal(new_world)
    vault = Vault(world.answer["apiKey"])

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=vault)) as client:
            client.set_api_key(world.keys.invalid)
            late = asyncio.create_task(client.request("GET", "/syncs"))
            await asyncio.to_thread(world.wait_for, lambda requests: len(requests) == 1)
            assert len(await client.syncs.list()) == len((await late)["data"]) == 3

    asyncio.run(main())
    assert vault.asked == 1


def test_a_refused_request_is_not_repeated_with_the_same_key(world: World) -> None:
    vault = Vault(world.keys.invalid)
    with Hightouch(**world.settings(api_key=vault)) as client:
        for sent in (1, 2, 3):
            with pytest.raises(AuthenticationError) as raised:
                client.request("GET", "/syncs")
            assert (raised.value.status, vault.asked, statuses(world)) == (401, sent + 1, [401] * sent)

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=vault)) as client:
            for asked in (6, 7):
                with pytest.raises(AuthenticationError):
                    await client.request("GET", "/syncs")
                assert vault.asked == asked

    asyncio.run(main())


def test_a_key_that_was_set_by_hand_is_used_until_it_is_refused(world: World) -> None:
    vault = Vault(world.answer["apiKey"])
    with Hightouch(**world.settings(api_key=vault)) as client:
        client.set_api_key(world.answer["apiKey"])
        assert len(list(client.syncs.list())) == 3
        assert vault.asked == 0
        client.set_api_key(world.keys.invalid)
        assert len(list(client.syncs.list())) == 3
        assert vault.asked == 1


class ShutError(Exception):
    """What a key function raises if it has no key to return."""


def shut(asked: int) -> None:
    raise ShutError("it is closed today")


def assert_caused(error: BaseException, world: World) -> None:
    assert isinstance(error, AuthenticationError)
    assert error.code == "key_function"
    assert isinstance(error.__cause__, ShutError)
    assert world.answer["apiKey"] not in "".join(traceback.format_exception(error))


def test_a_function_that_fails_is_the_cause_of_an_authentication_error_and_is_called_again_later(world: World) -> None:
    vault = Vault("never", before=shut)
    with Hightouch(**world.settings(api_key=vault)) as client:
        for asked in (1, 2):
            with pytest.raises(AuthenticationError) as raised:
                client.request("GET", "/syncs")
            assert_caused(raised.value, world)
            assert vault.asked == asked
    assert world.requests() == []


def test_a_coroutine_function_that_fails_fails_all_calls_that_wait_for_it(world: World) -> None:
    asked, started = 0, 0

    def count(_: CallStart) -> None:
        nonlocal started
        started += 1

    async def ask() -> str:
        nonlocal asked
        asked += 1
        while started < CALLERS:
            await asyncio.sleep(0.01)
        # All calls have started. The pause lets each call begin to wait for the key.
        await asyncio.sleep(0.5)
        raise ShutError

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=ask, on_start=count)) as client:
            calls = (client.request("GET", "/syncs") for _ in range(CALLERS))
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert len({id(error) for error in errors}) == CALLERS
            for error in errors:
                assert_caused(error, world)

    asyncio.run(main())
    assert asked == 1
    assert world.requests() == []


@pytest.mark.parametrize("key", ["", "two words", b"bytes", None, 7])
def test_a_function_that_returns_no_valid_key_has_failed(world: World, key: Any) -> None:
    with Hightouch(**world.settings(api_key=lambda: key)) as client, pytest.raises(AuthenticationError) as raised:
        client.request("GET", "/syncs")
    assert isinstance(raised.value.__cause__, (ConfigError, TypeError))
    assert "two words" not in "".join(traceback.format_exception(raised.value))


def test_a_function_that_uses_its_own_client_fails_and_does_not_wait_for_itself(world: World) -> None:
    clients: list[Any] = []

    def check(error: BaseException) -> None:
        assert isinstance(error, AuthenticationError)
        cause = error.__cause__
        assert isinstance(cause, AuthenticationError)
        assert (error.code, cause.code) == ("key_function", "key_function")

    with Hightouch(**world.settings(api_key=lambda: clients[0].request("GET", "/syncs"))) as client:
        clients.append(client)
        with pytest.raises(AuthenticationError) as raised:
            client.request("GET", "/syncs")
        check(raised.value)

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=lambda: clients[0].request("GET", "/syncs"))) as client:
            clients[0] = client
            with pytest.raises(AuthenticationError) as raised:
                await client.request("GET", "/syncs")
            check(raised.value)

    asyncio.run(main())
    assert world.requests() == []


def test_other_failures_do_not_call_the_function(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"answer": {"status": 403, "body": {"message": "no"}}}])
    vault = Vault(world.answer["apiKey"])
    client = Hightouch(**world.settings(api_key=vault))
    for _ in range(2):
        with pytest.raises(HightouchError):
            client.syncs.get(999)
    client.close()
    with pytest.raises(ClientClosedError):
        client.syncs.get(1)
    assert vault.asked == 1


def test_a_key_comes_from_a_function_or_from_a_file_and_not_from_both() -> None:
    with pytest.raises(ConfigError, match="api_key_file"):
        Hightouch(api_key=lambda: "key", api_key_file="key.txt")


def test_the_key_of_a_function_is_in_no_text_of_its_client(world: World) -> None:
    key = world.answer["apiKey"]
    with Hightouch(**world.settings(api_key=lambda: key)) as client:
        list(client.syncs.list())
        held = [client, client.syncs, client._local, client._local.keys, *vars(client).values()]
        assert key not in f"{held} {vars(client)} {vars(client._local.keys)}"
