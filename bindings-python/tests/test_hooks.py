"""Hooks, which are called before and after each call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from hightouch_sdk import AsyncHightouch, CallEnd, CallStart, ConfigError, Hightouch, NotFoundError
from sandbox import World

Heard = list[Any]


def ear(heard: Heard) -> dict[str, Any]:
    return {"on_start": heard.append, "on_end": heard.append}


def test_hooks_are_called_before_and_after_a_call(world: World) -> None:
    heard: Heard = []
    with Hightouch(**world.settings(**ear(heard))) as client:
        sync = client.syncs.get(1)
        assert heard[0] == CallStart(operation="syncs.get", operation_id="GetSync")
        end = heard[1]
        assert isinstance(end, CallEnd)
        assert (end.operation, end.operation_id, end.error, sync.id) == ("syncs.get", "GetSync", None, 1)
        assert end.meta is not None
        assert [attempt.status for attempt in end.meta.attempts] == [200]
        with pytest.raises(NotFoundError) as raised:
            client.syncs.get(999)
        assert heard[3].error is raised.value
        assert heard[3].meta == raised.value.meta


def test_hooks_see_each_page_of_a_list_and_each_step_of_a_wait_but_no_local_operation(
    new_world: Callable[..., World],
) -> None:
    heard: Heard = []
    world = new_world(syncs=5, runs={"seconds": 2})
    with Hightouch(**world.settings(**ear(heard))) as client:
        assert len(list(client.syncs.list(limit=2))) == 5
        pages = [event.operation for event in heard]
        assert set(pages) == {"syncs.list"}
        assert len(pages) == 2 * len(world.requests())
        heard.clear()
        raw = client.syncs.with_raw_response.trigger(1)
        handle = client.run(raw.parse().token)
        client.stats()
        assert [event.operation for event in heard] == ["syncs.trigger"] * 2
        handle.wait(timeout=60)
        client.diagnose()
        assert {event.operation for event in heard[2:-2]} == {"run"}
        metas = [event.meta for event in heard[2:-2] if isinstance(event, CallEnd)]
        assert {meta.operation for meta in metas if meta is not None} == {"run"}
        assert [event.operation for event in heard[-2:]] == ["diagnose"] * 2


def test_hooks_are_called_around_an_asynchronous_call_even_if_it_is_cancelled(new_world: Callable[..., World]) -> None:
    heard: Heard = []
    world = new_world(script=[{"when": {"nth": 2}, "answer": {"hang": True}}])

    async def main() -> None:
        async with AsyncHightouch(**world.settings(**ear(heard))) as client:
            await client.request("GET", "/syncs")
            assert [type(event) for event in heard] == [CallStart, CallEnd]
            call = asyncio.create_task(client.request("GET", "/syncs"))
            await asyncio.to_thread(world.wait_for, lambda requests: len(requests) == 2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(main())
    assert isinstance(heard[3].error, asyncio.CancelledError)
    assert heard[3].meta is None


def throws(event: object) -> NoReturn:
    raise LookupError("a hook with a defect")


def test_an_exception_of_a_hook_is_logged_and_changes_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    hooks = {"on_start": throws, "on_end": throws}
    with Hightouch(**world.settings(**hooks)) as client:
        assert len(list(client.syncs.list())) == 3
        with pytest.raises(NotFoundError):
            client.syncs.get(999)

    async def main() -> None:
        async with AsyncHightouch(**world.settings(**hooks)) as client:
            assert len(await client.syncs.list()) == 3

    asyncio.run(main())
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(failures) == 6
    for record in failures:
        assert record.name == "hightouch_sdk"
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], LookupError)


def test_one_hook_alone_is_enough(world: World) -> None:
    for name, kind in (("on_start", CallStart), ("on_end", CallEnd)):
        heard: Heard = []
        with Hightouch(**world.settings(**{name: heard.append})) as client:
            client.request("GET", "/syncs")
        assert [type(event) for event in heard] == [kind]


def test_hooks_are_not_called_if_the_client_cannot_be_created() -> None:
    heard: Heard = []
    with pytest.raises(ConfigError):
        Hightouch(api_key="", **ear(heard))
    assert heard == []
