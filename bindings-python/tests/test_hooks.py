"""Hooks, which are called before and after each call."""

from __future__ import annotations

import asyncio
import logging
import urllib.parse
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from hightouch_sdk import (
    AsyncHightouch,
    CallEnd,
    CallStart,
    ConfigError,
    Hightouch,
    InvalidRequestError,
    NotFoundError,
)
from sandbox import World

Heard = list[Any]


def ear(heard: Heard) -> dict[str, Any]:
    return {"on_start": heard.append, "on_end": heard.append}


def test_hooks_are_called_before_and_after_a_call(world: World) -> None:
    heard: Heard = []
    with Hightouch(**world.settings(**ear(heard))) as client:
        sync = client.syncs.get(1)
        start, end = heard
        assert isinstance(start, CallStart)
        assert isinstance(end, CallEnd)
        assert (start.operation, start.operation_id) == ("syncs.get", "GetSync")
        assert (start.resource, start.sync) == ("sync 1", "1")
        assert (start.http_method, start.url_template) == ("GET", "/syncs/{syncId}")
        address = urllib.parse.urlsplit(world.answer["baseUrl"])
        assert (start.server_address, start.server_port) == (address.hostname, address.port)
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


def test_the_start_the_end_and_the_metadata_of_a_call_share_its_id(new_world: Callable[..., World]) -> None:
    heard: Heard = []
    world = new_world(syncs=3, slugs=["orders"], runs={"seconds": 1})
    with Hightouch(**world.settings(**ear(heard))) as client:
        client.syncs.trigger("orders").wait(timeout=60)
        with pytest.raises(NotFoundError):
            client.syncs.get("no-such-sync")
        client.diagnose()

    async def main() -> None:
        async with AsyncHightouch(**world.settings(**ear(heard))) as client:
            await client.syncs.get("orders")

    asyncio.run(main())
    starts = [event for event in heard if isinstance(event, CallStart)]
    ends = [event for event in heard if isinstance(event, CallEnd)]
    assert len({start.call_id for start in starts}) == len(starts) >= 5
    assert [start.call_id for start in starts] == [end.call_id for end in ends]
    for end in ends:
        assert end.meta is not None
        assert (end.meta.call_id, end.meta.sync, end.meta.resource) == (end.call_id, end.sync, end.resource)
    assert starts[0].sync == "orders"
    assert starts[1].resource == f"run 9001 of sync {starts[1].sync}"


def test_two_calls_at_once_are_told_apart_by_their_ids(world: World) -> None:
    heard: Heard = []

    async def main() -> None:
        async with AsyncHightouch(**world.settings(**ear(heard))) as client:
            await asyncio.gather(*(client.syncs.get(sync) for sync in (1, 2, 3)))

    asyncio.run(main())
    syncs = {start.call_id: start.sync for start in heard if isinstance(start, CallStart)}
    assert set(syncs.values()) == {"1", "2", "3"}
    assert len(syncs) == 3
    assert {end.call_id: end.sync for end in heard if isinstance(end, CallEnd)} == syncs


def test_a_hook_sets_headers_of_all_requests_of_a_call(new_world: Callable[..., World]) -> None:
    world = new_world(slugs=["orders"])

    def trace(call: CallStart) -> None:
        assert call.headers.pop("x-taken-away") == "yes"
        call.headers["traceparent"] = f"00-{call.call_id}-00f067aa0ba902b7-01"

    headers = {"x-kept": "yes", "x-taken-away": "yes"}
    ids: list[str] = []
    hooks = {"on_start": trace, "on_end": lambda end: ids.append(end.call_id)}
    with Hightouch(**world.settings(**hooks)) as client:
        client.syncs.trigger("orders", headers=headers)

    async def main() -> None:
        async with AsyncHightouch(**world.settings(**hooks)) as client:
            await client.syncs.get(1, headers=headers)

    asyncio.run(main())
    sent = [request["headers"] for request in world.requests()]
    assert [header["traceparent"].split("-")[1] for header in sent] == [ids[0], ids[0], ids[1]]
    assert all(header["x-kept"] == "yes" and "x-taken-away" not in header for header in sent)
    assert headers == {"x-kept": "yes", "x-taken-away": "yes"}


@pytest.mark.parametrize(("name", "value"), [("Authorization", "x"), ("X-Request-Id", "x"), ("a b", "x"), ("x-a", 7)])
def test_a_header_that_the_option_may_not_set_is_refused_from_a_hook_too(world: World, name: str, value: Any) -> None:
    heard: Heard = []

    def add(call: CallStart) -> None:
        call.headers[name] = value

    with Hightouch(**world.settings(on_start=add, on_end=heard.append)) as client:
        with pytest.raises(InvalidRequestError) as raised:
            client.syncs.get(1)
        assert heard[0].error is raised.value
    assert world.requests() == []
