"""Keys that a function gives: when it is asked, how often, and what becomes of those who wait for it."""

from __future__ import annotations

import asyncio
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hightouch_sdk import (
    AsyncHightouch,
    AuthenticationError,
    CallEnd,
    ClientClosedError,
    ConfigError,
    Hightouch,
    HightouchError,
)
from sandbox import World, until
from scripts import run as run_script

CALLERS = 24


class Vault:
    """Gives one key after the other, the last of them for ever, and counts how often it was asked."""

    def __init__(self, *keys: str, before: Callable[[int], object] = lambda _: None) -> None:
        self._keys = list(keys)
        self._before = before
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        self._before(self.asked)
        return self._keys[min(self.asked, len(self._keys)) - 1]


class Refusals:
    """Counts the calls that ended for want of a good key."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, end: CallEnd) -> None:
        if isinstance(end.error, AuthenticationError):
            self.count += 1


def statuses(world: World) -> list[int]:
    return [request["status"] for request in world.requests()]


def test_the_function_is_asked_when_a_key_is_first_needed_and_not_again(world: World) -> None:
    vault = Vault(world.answer["apiKey"])
    with Hightouch(**world.settings(api_key=vault)) as client:
        client.stats()
        assert vault.asked == 0
        assert len(list(client.syncs.list())) == 3
        assert len(client.syncs.with_raw_response.list().parse()) == 3
        assert client.syncs.trigger(1).wait(timeout=60).status == "success"
        assert vault.asked == 1
    assert set(statuses(world)) == {200}


def test_a_diagnosis_asks_for_the_key_too(world: World) -> None:
    vault = Vault(world.answer["apiKey"])
    with Hightouch(**world.settings(api_key=vault)) as client:
        assert client.diagnose().ok

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=vault)) as client:
            assert (await client.diagnose()).ok

    asyncio.run(main())
    assert vault.asked == 2


def test_many_threads_that_are_refused_at_once_ask_once_and_all_go_on(world: World) -> None:
    refusals = Refusals()

    # The first call finds no key, is repeated with a bad one and refused; then all the others are.
    def all_refused(asked: int) -> None:
        until(lambda: asked == 1 or refusals.count == 2 + CALLERS)

    vault = Vault(world.keys.invalid, world.answer["apiKey"], before=all_refused)
    settings = world.settings(api_key=vault, on_end=refusals)
    with Hightouch(**settings) as client, ThreadPoolExecutor(CALLERS) as pool:
        with pytest.raises(AuthenticationError):
            list(client.syncs.list())
        assert list(pool.map(lambda _: len(list(client.syncs.list())), range(CALLERS))) == [3] * CALLERS
    assert vault.asked == 2


def test_many_tasks_that_are_refused_at_once_ask_once_and_all_go_on(world: World) -> None:
    refusals, asked = Refusals(), 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            return str(world.keys.invalid)
        while refusals.count < 2 + CALLERS:
            await asyncio.sleep(0.01)
        return str(world.answer["apiKey"])

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=ask, on_end=refusals)) as client:
            with pytest.raises(AuthenticationError):
                await client.syncs.list()
            pages = await asyncio.gather(*(client.syncs.list().first_page() for _ in range(CALLERS)))
            assert [len(page) for page in pages] == [3] * CALLERS

    asyncio.run(main())
    assert asked == 2


def late_refusal(new_world: Callable[..., World]) -> World:
    """The second request is refused long after the third."""
    return new_world(script=[{"when": {"nth": 2}, "answer": {"delayMs": 2000}}])


def test_a_thread_that_was_refused_with_an_older_key_goes_on_with_the_present_one(
    new_world: Callable[..., World],
) -> None:
    world = late_refusal(new_world)
    vault = Vault(world.keys.invalid, world.answer["apiKey"])
    with Hightouch(**world.settings(api_key=vault)) as client, ThreadPoolExecutor(1) as pool:
        with pytest.raises(AuthenticationError):
            client.request("GET", "/syncs")
        late = pool.submit(client.request, "GET", "/syncs")
        world.wait_for(lambda requests: len(requests) == 2)
        assert len(list(client.syncs.list())) == len(late.result()["data"]) == 3
    assert vault.asked == 2


def test_a_task_that_was_refused_with_an_older_key_goes_on_with_the_present_one(
    new_world: Callable[..., World],
) -> None:
    world = late_refusal(new_world)
    vault = Vault(world.keys.invalid, world.answer["apiKey"])

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=vault)) as client:
            with pytest.raises(AuthenticationError):
                await client.request("GET", "/syncs")
            late = asyncio.create_task(client.request("GET", "/syncs"))
            await asyncio.to_thread(world.wait_for, lambda requests: len(requests) == 2)
            assert len(await client.syncs.list()) == len((await late)["data"]) == 3

    asyncio.run(main())
    assert vault.asked == 2


def test_the_same_key_again_is_not_tried_again(world: World) -> None:
    vault = Vault(world.keys.invalid)
    with Hightouch(**world.settings(api_key=vault)) as client:
        for asked in (1, 2, 3):
            with pytest.raises(AuthenticationError) as raised:
                client.request("GET", "/syncs")
            assert (raised.value.status, vault.asked, statuses(world)) == (401, asked, [401] * asked)

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=vault)) as client:
            for asked in (4, 5):
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
    """The vault gives nothing."""


def shut(asked: int) -> None:
    raise ShutError("it is closed today")


def assert_caused(error: BaseException, world: World) -> None:
    assert isinstance(error, AuthenticationError)
    assert isinstance(error.__cause__, ShutError)
    assert world.answer["apiKey"] not in "".join(traceback.format_exception(error))


def test_a_function_that_fails_is_the_cause_of_an_authentication_error_and_is_asked_again_later(world: World) -> None:
    vault = Vault("never", before=shut)
    with Hightouch(**world.settings(api_key=vault)) as client:
        for asked in (1, 2):
            with pytest.raises(AuthenticationError) as raised:
                client.request("GET", "/syncs")
            assert_caused(raised.value, world)
            assert vault.asked == asked
    assert world.requests() == []


def test_a_coroutine_function_that_fails_fails_all_who_wait_for_it(world: World) -> None:
    refusals, asked = Refusals(), 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        while refusals.count < CALLERS:
            await asyncio.sleep(0.01)
        raise ShutError

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=ask, on_end=refusals)) as client:
            calls = (client.request("GET", "/syncs") for _ in range(CALLERS))
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert len({id(error) for error in errors}) == CALLERS
            for error in errors:
                assert_caused(error, world)

    asyncio.run(main())
    assert asked == 1
    assert world.requests() == []


@pytest.mark.parametrize("key", ["", "two words", b"bytes", None, 7])
def test_what_cannot_be_a_key_is_the_functions_failure(world: World, key: Any) -> None:
    with Hightouch(**world.settings(api_key=lambda: key)) as client, pytest.raises(AuthenticationError) as raised:
        client.request("GET", "/syncs")
    assert isinstance(raised.value.__cause__, (ConfigError, TypeError))
    assert "two words" not in "".join(traceback.format_exception(raised.value))


def test_a_task_that_is_cancelled_while_it_asks_takes_nothing_from_the_others(world: World) -> None:
    refusals, asked = Refusals(), 0

    async def main() -> None:
        asking, gate = asyncio.Event(), asyncio.Event()

        async def ask() -> str:
            nonlocal asked
            asked += 1
            asking.set()
            await gate.wait()
            return str(world.answer["apiKey"])

        async with AsyncHightouch(**world.settings(api_key=ask, on_end=refusals)) as client:
            first = asyncio.create_task(client.request("GET", "/syncs"))
            await asking.wait()
            others = [asyncio.create_task(client.request("GET", "/syncs")) for _ in range(3)]
            while refusals.count < 4:
                await asyncio.sleep(0.01)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            gate.set()
            assert [len((await other)["data"]) for other in others] == [3, 3, 3]

    asyncio.run(main())
    assert asked == 1


def test_a_thread_that_is_interrupted_while_it_asks_leaves_asking_to_the_next(world: World) -> None:
    refusals = Refusals()

    def ask_at_leisure(asked: int) -> None:
        if asked == 1:
            until(lambda: refusals.count == 2)
            signal.raise_signal(signal.SIGINT)

    vault = Vault(world.answer["apiKey"], before=ask_at_leisure)
    with Hightouch(**world.settings(api_key=vault, on_end=refusals)) as client, ThreadPoolExecutor(1) as pool:

        def second() -> int:
            until(lambda: vault.asked == 1)
            return len(list(client.syncs.list()))

        other = pool.submit(second)
        with pytest.raises(KeyboardInterrupt):
            list(client.syncs.list())
        assert other.result() == 3
    assert vault.asked == 2


def test_a_function_that_uses_its_own_client_fails_and_does_not_wait_for_itself(world: World) -> None:
    clients: list[Any] = []
    with Hightouch(**world.settings(api_key=lambda: clients[0].request("GET", "/syncs"))) as client:
        clients.append(client)
        with pytest.raises(AuthenticationError) as raised:
            client.request("GET", "/syncs")
        assert isinstance(raised.value.__cause__, AuthenticationError)

    async def main() -> None:
        async with AsyncHightouch(**world.settings(api_key=lambda: clients[0].request("GET", "/syncs"))) as client:
            clients[0] = client
            with pytest.raises(AuthenticationError) as raised:
                await client.request("GET", "/syncs")
            assert isinstance(raised.value.__cause__, AuthenticationError)

    asyncio.run(main())


def test_a_client_whose_loop_was_left_while_it_asked_asks_again_on_another(world: World) -> None:
    vault = Vault(world.answer["apiKey"])
    loop = asyncio.new_event_loop()
    asking = threading.Event()

    async def ask() -> str:
        if not asking.is_set():
            asking.set()
            await asyncio.sleep(3600)
        return vault()

    client = AsyncHightouch(**world.settings(api_key=ask))
    task = loop.create_task(client.request("GET", "/syncs"))
    while not asking.is_set():
        loop.run_until_complete(asyncio.sleep(0.01))
    assert len(asyncio.run(client.request("GET", "/syncs"))["data"]) == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    for left in asyncio.all_tasks(loop):
        left.cancel()
        loop.run_until_complete(asyncio.wait([left]))
    loop.close()


def test_other_failures_do_not_ask(new_world: Callable[..., World]) -> None:
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


def test_a_forked_child_has_the_key_and_asks_for_itself(world: World) -> None:
    out, _ = run_script(
        world,
        """
        key, asked = os.environ["HIGHTOUCH_API_KEY"], []
        def ask():
            asked.append(os.getpid())
            if len(asked) == 2:
                forked.set()
                time.sleep(3600)
            return key
        forked = threading.Event()
        ht = Hightouch(api_key=ask, **settings)
        list(ht.syncs.list())
        child = os.fork()
        if child == 0:
            list(ht.syncs.list())
            os._exit(len(asked))
        print(end_of(child))
        ht.set_api_key("not-this-one")
        threading.Thread(target=lambda: list(ht.syncs.list()), daemon=True).start()
        forked.wait()
        child = os.fork()
        if child == 0:
            os._exit(10 * len(list(ht.syncs.list())) + len(asked))
        print(end_of(child))
        """,
    )
    assert out.split() == ["1", "33"]
