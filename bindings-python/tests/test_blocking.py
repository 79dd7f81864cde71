"""The blocking client: threads, lists, options, logs, the command line."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from functools import partial
from inspect import signature
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from msgspec.json import Decoder

from hightouch_sdk import (
    UNSET,
    ConfigError,
    Hightouch,
    InvalidRequestError,
    ProtocolError,
    RateLimitedError,
    RequestTimeoutError,
    RunFailedError,
    SyncRun,
    WaitTimeoutError,
)
from hightouch_sdk._door import decoded
from sandbox import World


def test_thirty_two_threads_share_one_client(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=160)
    with Hightouch(**world.settings()) as client, ThreadPoolExecutor(32) as pool:
        ids = pool.map(lambda n: client.request("GET", "/syncs", query={"offset": n, "limit": 1}), range(160))
        assert [answer["data"][0]["id"] for answer in ids] == list(range(1, 161))
    assert world.log()["refused"] == 0


def test_other_threads_run_while_a_call_waits(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"answer": {"delayMs": 1000}}])
    with Hightouch(**world.settings()) as client, ThreadPoolExecutor(1) as pool:
        call = pool.submit(lambda: list(client.syncs.list()))
        turns = 0
        while not call.done():
            turns += 1
        assert turns > 1000
        assert len(call.result()) == 3


def test_a_list_sends_nothing_before_it_is_read_and_then_no_more_than_is_read(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=5)
    with Hightouch(**world.settings()) as client:
        listing = client.syncs.list(limit=2)
        assert world.requests() == []
        assert [sync.id for sync in listing.first_page()] == [1, 2]
        assert len(world.requests()) == 1
        assert next(iter(listing)).id == 1
        assert len(world.requests()) == 2
        assert [sync.id for sync in listing] == [1, 2, 3, 4, 5]


def test_a_filter_that_is_none_is_no_filter(client: Hightouch, world: World) -> None:
    assert len(list(client.syncs.list(slug=None, model_id=None))) == 3
    assert len(client.syncs.with_raw_response.list(slug=None).parse()) == 3
    assert not [request for request in world.requests() if request["query"].keys() & {"slug", "modelId"}]


def test_unset_leaves_an_argument_of_a_change_out_and_none_is_null(client: Hightouch, world: World) -> None:
    client.syncs.update(1, schedule=UNSET, disabled=True)
    client.syncs.update(1, schedule=None)
    assert [request["body"] for request in world.requests()] == [{"disabled": True}, {"schedule": None}]


def test_times_need_a_zone(client: Hightouch, world: World) -> None:
    aware = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    list(client.syncs.list(after=aware))
    assert world.requests()[0]["query"]["after"] == "2025-12-31T22:00:00.000Z"
    with pytest.raises(InvalidRequestError, match="after"):
        list(client.syncs.list(after=datetime(2026, 1, 1)))  # noqa: DTZ001
    assert len(world.requests()) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, 10**400, "1", True, b""])
def test_a_duration_must_be_a_finite_number_or_a_timedelta(client: Hightouch, value: object) -> None:
    with pytest.raises(InvalidRequestError, match="`timeout` must be"):
        client.syncs.list(timeout=value)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="`deadline` must be"):
        Hightouch(api_key="k", deadline=value)  # type: ignore[arg-type]


async def awaits(*_: object) -> None:
    """A coroutine function, which must be rejected because nothing would await it."""


class AwaitsWhenCalled:
    async def __call__(self, *_: object) -> None:
        """A coroutine function, which must be rejected because nothing would await it."""


ASYNCHRONOUS = [
    awaits,
    partial(awaits, 1),
    partial(partial(awaits, 1), 2),
    AwaitsWhenCalled(),
    AwaitsWhenCalled().__call__,
    AsyncMock(),
]


@pytest.mark.parametrize("timeout", [-5, -0.001, timedelta(seconds=-1)])
def test_a_negative_timeout_of_a_wait_is_refused(client: Hightouch, world: World, timeout: object) -> None:
    run = client.syncs.trigger(1)
    sent = len(world.requests())
    with pytest.raises(InvalidRequestError, match="`timeout`"):
        run.wait(timeout=timeout)  # type: ignore[arg-type]
    assert len(world.requests()) == sent


@pytest.mark.parametrize("progress", ["bar", 1, None, *ASYNCHRONOUS])
def test_progress_that_is_neither_a_bool_nor_a_plain_function_is_refused(
    client: Hightouch, world: World, progress: object
) -> None:
    run = client.syncs.trigger(1)
    sent = len(world.requests())
    with pytest.raises(InvalidRequestError, match="`progress`"):
        run.wait(progress=progress)  # type: ignore[arg-type]
    assert len(world.requests()) == sent


@pytest.mark.parametrize("hook", ["x", 7, *ASYNCHRONOUS])
@pytest.mark.parametrize("name", ["on_start", "on_end"])
def test_a_hook_that_is_not_a_plain_function_is_refused(name: str, hook: object) -> None:
    options: dict[str, Any] = {name: hook}
    with pytest.raises(ConfigError, match=f"`{name}`"):
        Hightouch(api_key="k", **options)


def test_a_mock_is_accepted_as_a_hook_and_as_progress(client: Hightouch, world: World) -> None:
    hook = Mock()
    with Hightouch(**world.settings(on_start=hook, on_end=partial(hook))) as hooked:
        hooked.syncs.trigger(1).wait(timeout=60, progress=hook)
    assert hook.call_count > 4


@pytest.mark.parametrize("ask", ASYNCHRONOUS)
def test_a_coroutine_function_cannot_give_the_key_of_a_blocking_client(ask: Any) -> None:
    with pytest.raises(ConfigError, match="AsyncHightouch"):
        Hightouch(api_key=ask)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_size_below_one_is_refused(client: Hightouch, world: World, limit: int) -> None:
    for call in (client.syncs.list, client.syncs.with_raw_response.list):
        with pytest.raises(InvalidRequestError, match="`limit`"):
            call(limit=limit)
    assert world.requests() == []


@pytest.mark.parametrize("value", [-1, -0.5, -0.0001, 0, 0.0, 1e30, timedelta(seconds=-1), timedelta(0)])
@pytest.mark.parametrize("name", ["timeout", "deadline"])
def test_a_timeout_or_deadline_out_of_range_is_refused_and_nothing_is_sent(
    client: Hightouch, world: World, value: object, name: str
) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(ConfigError, match=name):
        Hightouch(**world.settings(), **options)
    with pytest.raises(InvalidRequestError, match=name):
        client.syncs.trigger(1, **options)
    with pytest.raises(InvalidRequestError, match=name):
        client.request("GET", "/syncs", **options)
    assert world.requests() == []


@pytest.mark.parametrize(
    ("setting", "value", "path"),
    [
        ("base_url", "", "`base_url`"),
        ("base_url", "hightouch", "`base_url`"),
        ("base_url", "ftp://api.example.com", "`base_url`"),
        ("base_url", "http://api.example.com", "`base_url` must be https"),
        ("base_url", "https://user:canary@api.example.com", "`base_url` must not hold credentials"),
        ("proxy", "socks4://canary@proxy.example", "proxy"),
        ("proxy", "http://user:canary@proxy.example:port", "proxy"),
        ("api_key", "canary\nsecond", "line break"),
        ("share", 1.5, "share"),
        ("share", -1, "share"),
        ("max_retries", -1, "`max_retries`"),
        ("max_wait", -1, "`max_wait`"),
        ("limit", (0, 10), "limit"),
    ],
)
def test_an_error_names_the_wrong_setting_but_not_its_value(setting: str, value: object, path: str) -> None:
    settings: dict[str, Any] = {"api_key": "canary", "_internal": {"environment": {}}, setting: value}
    with pytest.raises(ConfigError, match=path) as raised:
        Hightouch(**settings)
    assert "canary" not in f"{raised.value} {raised.value!r}"


def test_timeout_and_timedelta_end_an_attempt(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"answer": {"hang": True}, "times": 2}], timeScale=1)
    with Hightouch(**world.settings()) as client:
        for timeout in (0.3, timedelta(milliseconds=300)):
            with pytest.raises(RequestTimeoutError) as raised:
                client.request("GET", "/syncs", timeout=timeout, max_retries=0)
            assert isinstance(raised.value, TimeoutError)


def test_max_wait_fails_before_anything_is_sent(new_world: Callable[..., World]) -> None:
    world = new_world(timeScale=1, limit={"requests": 1, "seconds": 600})
    with Hightouch(**world.settings(limit=(1, 600))) as client:
        client.request("GET", "/syncs")
        with pytest.raises(RateLimitedError):
            client.request("GET", "/syncs", max_wait=0.2)
    assert len(world.requests()) == 1


def test_headers_and_bodies_of_a_request_go_out_as_they_are(client: Hightouch, world: World) -> None:
    client.request("POST", "/syncs/1/trigger", body={"fullResync": False}, headers={"X-Team": "data"})
    sent = world.requests()[0]
    assert sent["body"] == {"fullResync": False}
    assert sent["headers"]["x-team"] == "data"


def test_headers_of_a_client_go_out_with_every_request_and_headers_of_a_call_replace_them(
    new_world: Callable[..., World],
) -> None:
    world = new_world(runs={"seconds": 2})
    with Hightouch(**world.settings(headers={"X-Gate": "open", "X-Team": "data"})) as client:
        client.syncs.trigger(1, headers={"X-Team": "mine"}).wait(timeout=60)
        assert client.diagnose().ok
    requests = world.requests()
    assert len(requests) >= 3
    for request in requests:
        assert request["headers"]["x-gate"] == "open"
        assert request["headers"]["x-team"] == ("mine" if request["operation"] == "TriggerRun" else "data")


def test_request_decodes_numbers_of_any_size(new_world: Callable[..., World]) -> None:
    text = '{"huge": 1e400, "long": 123456789012345678901234567890, "longest": ' + "9" * 5000 + "}"
    world = new_world(script=[{"answer": {"status": 200, "text": text}}])
    with Hightouch(**world.settings()) as client:
        answer = client.request("GET", "/syncs")
    assert (answer["huge"], answer["longest"]) == (math.inf, math.inf)


def test_an_answer_that_does_not_fit_its_type_is_a_protocol_error() -> None:
    assert decoded(Decoder(list[int]), b"[1]") == [1]
    with pytest.raises(ProtocolError, match="Expected `int`"):
        decoded(Decoder(list[int]), b'["a"]')


@pytest.mark.parametrize("body", [math.nan, {"a": object()}, {"a": {1, 2, 3}, "b": math.inf}, "\ud800"])
def test_a_body_without_a_json_form_is_refused_and_nothing_is_sent(
    client: Hightouch, world: World, body: object
) -> None:
    with pytest.raises(InvalidRequestError):
        client.request("POST", "/syncs/1/trigger", body=body)
    assert world.requests() == []


def test_a_run_is_followed_to_its_end_and_resumed_by_its_token(new_world: Callable[..., World]) -> None:
    edits = [{"at": "/data/0/status", "set": "querying"}, {"at": "/data/0/finishedAt", "set": None}]
    first = {"when": {"operation": "ListSyncRuns", "nth": 1}, "answer": {"edit": edits}}
    runs = {"seconds": 10, "status": "warning", "error": "3 rows were refused"}
    world = new_world(runs=runs, script=[first])
    seen: list[SyncRun] = []
    with Hightouch(**world.settings()) as client:
        run = client.syncs.trigger(2)
        result = run.wait(timeout=30, progress=seen.append)
        assert (result.id, result.status, result.error) == (run.id, "warning", "3 rows were refused")
        assert seen[-1] == result
        assert len({state.status for state in seen}) > 1
        assert client.run(run.token).wait() == result
        assert [state.status for state in client.run(run.token).states()] == ["warning"]
        with pytest.raises(RunFailedError) as raised:
            run.wait(on_warning="raise")
        assert raised.value.result == result


def test_a_failed_run_is_raised_with_its_result_or_returned(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 2, "status": "failed", "error": "no such table"})
    with Hightouch(**world.settings()) as client:
        run = client.syncs.trigger(1)
        with pytest.raises(RunFailedError) as raised:
            run.wait(timeout=30)
        assert isinstance(raised.value.result, SyncRun)
        assert raised.value.result.error == "no such table"
        assert raised.value.run_token == run.token
        assert run.wait(on_failure="return") == raised.value.result


def test_a_wait_that_times_out_carries_the_token_of_its_run(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 100_000})
    with Hightouch(**world.settings()) as client:
        with pytest.raises(WaitTimeoutError) as raised:
            client.syncs.trigger(1).wait(timeout=0.3)
        assert isinstance(raised.value, TimeoutError)
        assert raised.value.run_token is not None
        assert not client.run(raised.value.run_token).state().has_ended


def test_a_diagnosis_contains_the_result_of_the_tls_handshake(client: Hightouch) -> None:
    diagnosis = client.diagnose()
    assert diagnosis.ok
    assert diagnosis.tls is not None
    assert (diagnosis.tls.protocol, diagnosis.tls.application_protocol) == ("TLS 1.3", "h2")
    assert [finding.code for finding in diagnosis.findings] == ["ok"]


def test_every_public_name_exists_and_is_documented() -> None:
    module = sys.modules["hightouch_sdk"]
    for name in module.__all__:
        thing = getattr(module, name)
        if isinstance(thing, type):
            assert thing.__doc__, name
            for method, function in vars(thing).items():
                if not method.startswith("_") and callable(function):
                    assert function.__doc__, f"{name}.{method}"


def test_options_are_by_keyword_only() -> None:
    for method in (Hightouch, Hightouch.request, type(Hightouch(api_key="k").syncs).list):
        options = [p for n, p in signature(method).parameters.items() if n in ("timeout", "max_retries")]
        assert {option.kind.name for option in options} == {"KEYWORD_ONLY"}
