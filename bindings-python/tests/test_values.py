"""Values and errors: equality, immutability, pickling, and no key in their text."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import hightouch_sdk
from hightouch_sdk import (
    AsyncHightouch,
    CronRule,
    Hightouch,
    HightouchError,
    Json,
    NotFoundError,
    OutcomeUnknownError,
    RunFailedError,
    Schedule,
    Sync,
    SyncRun,
    UnknownScheduleRule,
    _errors,
    _names,
)
from sandbox import World

PACKAGE = Path(hightouch_sdk.__file__).parent


def again(value: object) -> object:
    return pickle.loads(pickle.dumps(value))


def test_values_are_frozen_equal_and_picklable(client: Hightouch) -> None:
    first, second = list(client.syncs.list()), list(client.syncs.list())
    assert first == second
    assert again(first) == first
    assert copy.deepcopy(first) == first
    assert first[0] != first[1]
    with pytest.raises(AttributeError):
        first[0].slug = "other"  # type: ignore[misc]


def test_a_value_can_be_matched_and_created_by_a_user() -> None:
    sync = Sync(id=1, slug="orders", schedule=Schedule(type="cron", schedule=CronRule(expression="0 * * * *")))
    match sync:
        case Sync(slug="orders", schedule=Schedule(schedule=CronRule(expression=expression))):
            assert expression == "0 * * * *"
        case _:
            pytest.fail("no match")
    assert sync.referenced_columns == []
    run = SyncRun(id=1, status="odd")
    assert (run.status, run.planned_rows.added_count) == ("odd", 0)


def test_a_schedule_of_an_unknown_kind_keeps_its_json() -> None:
    text = b'{"id":1,"slug":"a","referencedColumns":[],"schedule":{"schedule":{"kind":"unknown","raw":{"moon":[1]}}}}'
    sync = msgspec.json.decode(text, type=Sync)
    assert sync.schedule is not None
    assert sync.schedule.schedule == UnknownScheduleRule(raw=Json({"moon": [1]}))
    assert again(sync) == sync


def test_opaque_json_is_equal_by_value_and_behaves_like_its_value() -> None:
    spaced, plain = Json.from_raw(b'{ "b": [1, null],\n"a": 1.5 }'), Json({"a": 1.5, "b": [1, None]})
    assert spaced == plain == {"a": 1.5, "b": [1, None]}
    assert plain != Json({"a": 1.5})
    assert (spaced["a"], spaced.get("c", 7), len(spaced), "b" in spaced, list(plain)) == (1.5, 7, 2, True, ["a", "b"])
    assert again(spaced) == spaced
    beyond = b"1e" + b"9" * 5000
    assert Json.from_raw(beyond) == Json.from_raw(beyond) != Json.from_raw(b"1e9")
    assert repr(plain) == "Json({'a': 1.5, 'b': [1, None]})"
    assert Json.from_raw(b"1e400").value == float("inf")
    assert Json.from_raw(b"123456789012345678901234567890").value == 123456789012345678901234567890
    assert Json.from_raw(b'{"a":' + b"9" * 5000 + b"}").value == {"a": float("inf")}
    with pytest.raises(TypeError):
        hash(plain)
    with pytest.raises(ValueError, match="JSON"):
        Json(float("nan"))


def test_every_kind_of_the_catalogue_has_a_class_and_every_class_a_kind() -> None:
    assert set(_errors.BY_KIND) == set(_names.KINDS)
    assert set(_errors.BY_KIND.values()) == set(HightouchError.__subclasses__())
    for kind, error in _errors.BY_KIND.items():
        assert error.kind == kind
        assert getattr(hightouch_sdk, error.__name__) is error


def test_error_classes_inherit_from_the_builtin_error_that_fits() -> None:
    inherited = {
        "timeout": TimeoutError,
        "wait_timeout": TimeoutError,
        "config": ValueError,
        "invalid_request": ValueError,
    }
    inherited |= dict.fromkeys(("connect", "tls", "proxy"), ConnectionError)
    for kind, error in _errors.BY_KIND.items():
        builtin = inherited.get(kind)
        assert issubclass(error, (TimeoutError, ConnectionError, ValueError)) == (builtin is not None)
        assert builtin is None or issubclass(error, builtin)


def test_an_error_of_an_unknown_kind_is_of_the_base_class() -> None:
    error = _errors.failure('{"kind": "eclipse", "message": "It is dark.", "hint": "Wait.", "status": 599}')
    assert type(error) is HightouchError
    assert (error.kind, str(error), error.status, error.details) == ("eclipse", "It is dark. Wait.", 599, None)


@pytest.mark.parametrize("kind", _names.KINDS)
def test_an_error_of_any_kind_is_picklable_with_all_its_attributes(kind: str) -> None:
    head = {
        "kind": kind,
        "message": "ListSync: it failed",
        "status": 500,
        "details": {"id": 3, "status": "failed"},
        "operation": "ListSync",
        "resource": "sync 3",
        "retryAfterMs": 1500,
        "hint": "Look again.",
        "causes": ["a", "b"],
        "run": "token",
        "meta": {"requestId": "r", "operation": "ListSync", "attempts": [{"status": 500, "ms": 3}]},
    }
    error = _errors.failure(msgspec.json.encode(head))
    for other in (again(error), copy.copy(error)):
        assert isinstance(other, _errors.BY_KIND[kind])
        assert type(other) is type(error)
        assert (other.kind, str(other), repr(other)) == (kind, str(error), repr(error))
        assert other.__dict__ == error.__dict__
    assert (error.retry_after, error.request_id, error.run_token) == (1.5, "r", "token")
    assert error.details == {"id": 3, "status": "failed"}
    if isinstance(error, RunFailedError):
        assert error.result == SyncRun(id=3, status="failed")


def test_an_error_of_the_server_arrives_as_its_class(client: Hightouch) -> None:
    with pytest.raises(NotFoundError) as raised:
        client.syncs.trigger("no-such-slug")
    assert again(raised.value).__dict__ == raised.value.__dict__


def test_a_lost_answer_to_a_trigger_is_an_unknown_outcome(new_world: Callable[..., World]) -> None:
    script = [{"when": {"operation": "TriggerRun"}, "answer": {"reset": "before-headers", "apply": True}}]
    world = new_world(script=script)
    with Hightouch(**world.settings()) as client, pytest.raises(OutcomeUnknownError):
        client.syncs.trigger(1, full_resync=True)
    assert sum(request["operation"] == "TriggerRun" for request in world.requests()) == 1


CANARY = "canary-2f7c41d0a9"


@pytest.mark.parametrize("client_class", [Hightouch, AsyncHightouch])
def test_the_key_is_in_no_text_of_a_client(client_class: type[Hightouch | AsyncHightouch]) -> None:
    client = client_class(api_key=CANARY)
    held = [client, client.syncs, client._local, *vars(client).values()]
    assert CANARY not in "".join(map(repr, held)) + "".join(map(str, held)) + str(vars(client))
    for thing in (client, client.syncs, client.syncs.list()):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(thing)


def test_the_key_is_in_no_error_even_if_the_server_repeats_it(new_world: Callable[..., World]) -> None:
    echo = {"status": 422, "body": {"message": "Validation failed", "details": {"key": ["{{key}} is odd"]}}}
    world = new_world(script=[{"answer": echo}, {"answer": {"status": 500, "text": "<html>{{key}}</html>"}}])
    key = world.answer["apiKey"]
    with Hightouch(**world.settings()) as client:
        for _ in range(2):
            with pytest.raises(HightouchError) as raised:
                client.request("GET", "/syncs", max_retries=0)
            error = raised.value
            said = f"{error} {error!r} {error.__dict__} {error.details}"
            assert key not in said
            assert key.encode() not in pickle.dumps(error)


@pytest.mark.parametrize("key", [f"{CANARY} x", f"{CANARY}\n\n", f"{CANARY}\x00", f"{CANARY}\ud800"])
def test_an_invalid_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(hightouch_sdk.ConfigError) as raised:
        Hightouch(api_key=key)
    assert CANARY not in f"{raised.value} {raised.value!r} {raised.value.__dict__} {raised.value.__context__!r}"


def test_one_file_imports_the_native_module() -> None:
    importers = [
        path.name for path in PACKAGE.glob("*.py") if re.search(r"import.*_bridge|_bridge import", path.read_text())
    ]
    assert importers == ["_native.py"]


def test_the_client_offers_every_setting_of_the_catalogue() -> None:
    offered = set(inspect.signature(Hightouch).parameters) - {"_internal", "on_start", "on_end"}
    assert offered == {name.removesuffix("_ms") for name in _names.SETTINGS}
    assert inspect.signature(AsyncHightouch) == inspect.signature(Hightouch)
