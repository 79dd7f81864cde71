"""Raw answers."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hightouch_sdk import (
    AsyncHightouch,
    AsyncIdentityGraphRunHandle,
    AsyncSequenceRunHandle,
    AsyncSyncRunHandle,
    Hightouch,
    HightouchError,
    IdentityGraphRunHandle,
    NotFoundError,
    ProtocolError,
    RawResponse,
    SequenceRunHandle,
    SyncRunHandle,
    ValidationError,
)
from hightouch_sdk._async_resources import AsyncResources
from hightouch_sdk._handles import Handle
from hightouch_sdk._resources import Resources
from sandbox import World


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """A server that answers every GET with the same bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Logs nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/v1"
        server.shutdown()


def test_an_answer_is_unchanged_and_parses_to_the_value_without_another_request(world: World) -> None:
    with Hightouch(**world.settings()) as client:
        raw = client.syncs.with_raw_response.get(2)
        assert (raw.status, raw.headers["content-type"].partition(";")[0]) == (200, "application/json")
        assert json.loads(raw.body)["id"] == json.loads(raw.text)["id"] == 2
        assert raw.meta.operation == "syncs.get"
        parsed = raw.parse()
        assert parsed == raw.parse()
        assert len(world.requests()) == 1
        assert parsed == client.syncs.get(2)


def test_an_answer_is_parsed_after_its_client_is_closed(new_world: Callable[..., World]) -> None:
    failing = {"when": {"operation": "GetSource"}, "answer": {"status": 200, "text": "<html>"}}
    world = new_world(script=[failing])
    with Hightouch(**world.settings()) as client:
        sync = client.syncs.get(2)
        raw, broken = client.syncs.with_raw_response.get(2), client.sources.with_raw_response.get(1)
        run = client.syncs.with_raw_response.trigger(3)
    assert raw.parse() == sync
    assert run.parse().sync_id == 3
    with pytest.raises(ProtocolError):
        broken.parse()

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            raw = await client.syncs.with_raw_response.get(2)
        assert raw.parse() == sync

    asyncio.run(main())


def test_an_asynchronous_answer_parses_to_the_same_value(world: World) -> None:
    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            raw = await client.syncs.with_raw_response.get(2)
            assert raw.status == 200
            assert raw.parse() == await client.syncs.get(2)

    asyncio.run(main())


def test_the_answer_of_a_list_is_its_first_page_and_parses_to_its_rows(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=5)
    with Hightouch(**world.settings()) as client:
        raw = client.syncs.with_raw_response.list(limit=2)
        rows = raw.parse()
        assert rows == client.syncs.list(limit=2).first_page().items
        assert [sync.id for sync in rows] == [1, 2]

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            assert (await client.syncs.with_raw_response.list(limit=2)).parse() == rows

    asyncio.run(main())
    assert len(world.requests()) == 3


def test_the_answer_of_a_trigger_parses_to_the_handle_of_its_run(world: World) -> None:
    with Hightouch(**world.settings()) as client:
        sync = client.syncs.with_raw_response.trigger(3).parse()
        assert isinstance(sync, SyncRunHandle)
        assert (sync.sync_id, sync.kind, sync.adopted) == (3, "sync", False)
        assert sync.wait(timeout=60).id == sync.id
        sequence = client.sync_sequences.with_raw_response.trigger("nightly").parse()
        assert isinstance(sequence, SequenceRunHandle)
        assert sequence.sequence_id == "nightly"
        graph = client.identity_graphs.with_raw_response.trigger("customers").parse()
        assert isinstance(graph, IdentityGraphRunHandle)
        assert graph.graph_id == "customers"


def test_the_answer_of_an_asynchronous_trigger_parses_to_an_asynchronous_handle(world: World) -> None:
    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            sync = (await client.syncs.with_raw_response.trigger(3)).parse()
            assert isinstance(sync, AsyncSyncRunHandle)
            assert (await sync.wait(timeout=60)).id == sync.id
            sequence = (await client.sync_sequences.with_raw_response.trigger("nightly")).parse()
            assert isinstance(sequence, AsyncSequenceRunHandle)
            graph = (await client.identity_graphs.with_raw_response.trigger("customers")).parse()
            assert isinstance(graph, AsyncIdentityGraphRunHandle)

    asyncio.run(main())


def test_the_answer_of_an_operation_without_a_result_parses_to_none(client: Hightouch) -> None:
    raw: RawResponse[Any] = client.syncs.with_raw_response.delete(1)
    assert raw.parse() is None
    with pytest.raises(NotFoundError):
        client.syncs.get(1)


def test_an_answer_can_be_pickled_and_copied(world: World) -> None:
    with Hightouch(**world.settings()) as client:
        calls = client.syncs.with_raw_response
        answers: list[RawResponse[Any]] = [calls.get(2), calls.list(), calls.delete(3)]
        run = calls.trigger(1)
    for raw in answers:
        for other in (pickle.loads(pickle.dumps(raw)), copy.copy(raw), copy.deepcopy(raw)):
            assert (other.status, other.headers, other.body, other.meta) == (
                raw.status,
                raw.headers,
                raw.body,
                raw.meta,
            )
            assert other.parse() == raw.parse()
    assert copy.deepcopy(answers[0]).headers is not answers[0].headers
    assert copy.deepcopy(run).body == copy.copy(run).body == run.body
    with pytest.raises(TypeError, match=r"a handle, which holds a client\. Pickle its `body`"):
        pickle.dumps(run)


def test_an_error_under_status_200_is_an_answer_that_raises_when_it_is_parsed(new_world: Callable[..., World]) -> None:
    body = {"message": "Validation failed", "details": {"slug": "odd"}}
    world = new_world(script=[{"answer": {"status": 200, "body": body}}])
    with Hightouch(**world.settings()) as client:
        raw = client.models.with_raw_response.update(1, name="x")
        assert (raw.status, json.loads(raw.body)) == (200, body)
        with pytest.raises(ValidationError) as raised:
            raw.parse()
        assert (raised.value.operation, raised.value.details) == ("models.update", body["details"])


def test_an_answer_with_the_status_of_an_error_is_raised(client: Hightouch) -> None:
    with pytest.raises(NotFoundError):
        client.syncs.with_raw_response.get(999)


def test_an_answer_that_is_not_json_is_returned_and_raises_when_it_is_parsed(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"answer": {"status": 200, "text": "<html>", "headers": {"X-Odd": "yes"}}}])
    with Hightouch(**world.settings()) as client:
        raw = client.syncs.with_raw_response.get(1)
        assert (raw.text, raw.body, raw.headers["x-odd"]) == ("<html>", b"<html>", "yes")
        with pytest.raises(HightouchError):
            raw.parse()


def test_an_answer_that_is_not_utf_8_raises_when_it_is_parsed() -> None:
    body = b'{"id":1,"slug":"\xff"}'
    with answering(body) as base_url, Hightouch(api_key="k", base_url=base_url) as client:
        raw = client.syncs.with_raw_response.get(1)
        assert (raw.body, raw.text) == (body, '{"id":1,"slug":"\ufffd"}')
        with pytest.raises(ProtocolError):
            raw.parse()


def test_an_answer_with_a_lone_surrogate_in_opaque_json_can_be_parsed() -> None:
    heard: list[Any] = []
    body = rb'{"id":1,"slug":"a","configuration":{"cut":"\ud83d"}}'
    with answering(body) as base_url, Hightouch(api_key="k", base_url=base_url, on_end=heard.append) as client:
        raw = client.syncs.with_raw_response.get(1)
        assert raw.parse() == client.syncs.get(1)
        assert (raw.body, heard[0].error, heard[0].meta) == (body, None, raw.meta)


def test_the_repr_of_an_answer_shows_neither_its_body_nor_the_key(world: World) -> None:
    with Hightouch(**world.settings()) as client:
        raw = client.syncs.with_raw_response.get(1)
        assert repr(raw) == f"RawResponse(status=200, {len(raw.body)} bytes)"
        assert world.answer["apiKey"] not in f"{raw!r} {raw.headers} {raw.meta}"


@pytest.mark.parametrize("resources", [Resources, AsyncResources])
def test_every_method_has_its_raw_counterpart_with_the_same_arguments_and_docs(resources: Any) -> None:
    handles = [getattr(resources, name) for name, it in vars(resources).items() if isinstance(it, Handle)]
    assert len(handles) == 10
    for resource in handles:
        raw = getattr(sys.modules[resource.__module__], f"{resource.__name__}WithRawResponse")
        methods = {key: of for key, of in vars(resource).items() if inspect.isfunction(of)}
        assert methods
        assert methods.keys() == {key for key in vars(raw) if not key.startswith("__")}
        # The methods are only inspected and never called, so the resource needs no `Calls`.
        bound = raw(resource(None))
        for key, method in methods.items():
            counterpart = getattr(bound, key)
            assert counterpart.__doc__ == method.__doc__
            assert list(inspect.signature(counterpart).parameters) == list(inspect.signature(method).parameters)[1:]
