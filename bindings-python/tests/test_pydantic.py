"""pydantic and FastAPI take every public value, and errors too."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timezone
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import fastapi
import pydantic
import pytest
from fastapi.testclient import TestClient

import hightouch_sdk
from hightouch_sdk import (
    BatchItem,
    HightouchError,
    Json,
    NotFoundError,
    Page,
    RunFailedError,
    RunProblem,
    Sync,
    SyncRun,
    _errors,
)
from hightouch_sdk._value import Value

PUBLIC = {name: getattr(hightouch_sdk, name) for name in hightouch_sdk.__all__}
VALUES = [it for it in PUBLIC.values() if isinstance(it, type) and issubclass(it, Value)]
ERRORS = [it for it in PUBLIC.values() if isinstance(it, type) and issubclass(it, HightouchError)]


def example(of: Any) -> Any:
    """Creates a value of a type, with a value for each of its attributes."""
    plain: dict[Any, Any] = {
        int: 7,
        str: "a",
        float: 1.5,
        bool: True,
        Json: Json({"a": [1, None]}),
        datetime: datetime(2026, 1, 1, tzinfo=timezone.utc),
        HightouchError: NotFoundError("There is no such sync.", hint="Check the slug.", status=404),
    }
    if of in plain:
        return plain[of]
    parts, kind = get_args(of), get_origin(of)
    if kind is Literal:
        return parts[0]
    if kind in {Union, UnionType}:
        return example(next(part for part in parts if part is not type(None)))
    if kind is list:
        return [] if isinstance(parts[0], TypeVar) else [example(parts[0])]
    if kind is dict:
        return {"a": example(parts[1])}
    return of(**{each.name: example(each.type) for each in dataclasses.fields(of)})


@pytest.mark.parametrize("of", VALUES, ids=lambda of: of.__name__)
def test_pydantic_reads_and_writes_every_public_value(of: type[Value]) -> None:
    value, adapter = example(of), pydantic.TypeAdapter[Any](of)
    assert adapter.validate_python(value) is value
    assert adapter.dump_python(value) == value.to_dict()
    assert json.loads(adapter.dump_json(value)) == json.loads(value.to_json())
    for again in (adapter.validate_python(value.to_dict()), adapter.validate_json(adapter.dump_json(value))):
        assert type(again) is of
        assert again.to_dict() == value.to_dict()
    for mode in ("validation", "serialization"):
        assert adapter.json_schema(mode=mode)


def test_the_values_of_the_test_above_are_all_with_the_two_methods() -> None:
    with_methods = {it for it in PUBLIC.values() if isinstance(it, type) and hasattr(it, "to_dict")}
    assert with_methods == {*VALUES, *ERRORS}
    assert {"BatchItem", "BatchEstimate", "Diagnosis", "Meta", "Page", "Stats", "Sync"} <= {
        it.__name__ for it in VALUES
    }


@pytest.mark.parametrize("of", [*ERRORS], ids=lambda of: of.__name__)
def test_pydantic_reads_and_writes_every_error(of: type[HightouchError]) -> None:
    error = of("It failed.", code="a", hint="Look.", status=500, retry_after=1.5, run_token="t", resource="sync 7")
    adapter = pydantic.TypeAdapter[HightouchError](of)
    assert adapter.validate_python(error) is error
    assert adapter.dump_python(error) == error.to_dict()
    for again in (adapter.validate_python(error.to_dict()), adapter.validate_json(adapter.dump_json(error))):
        assert type(again) is _errors.BY_KIND[error.kind]
        assert again.to_dict() == error.to_dict()
    assert adapter.json_schema()["required"] == ["kind", "message"]


def test_an_error_that_pydantic_has_read_keeps_the_problem_the_items_and_the_request() -> None:
    problem = RunProblem(category="model", summary="It failed.", advice="Look.", guessed=False)
    failed = BatchItem(index=0, sync="a", state=SyncRun(id=9, status="failed", error="boom"), outcome="failure")
    of_run, of_batch = RunFailedError("It failed."), RunFailedError("1 of 2 syncs failed.")
    of_run.because(json.dumps({**problem.to_dict(), "rejectedRows": None}).encode())
    of_run.of_request("r")
    of_batch.of_items([failed])
    adapter = pydantic.TypeAdapter(HightouchError)
    for error in (of_run, of_batch):
        again = adapter.validate_json(adapter.dump_json(error))
        assert isinstance(again, RunFailedError)
        assert (again.problem, again.items, again.request_id) == (error.problem, error.items, error.request_id)
    assert of_run.problem == problem
    with pytest.raises(AttributeError, match="without the last state"):
        _ = of_run.result


def test_an_error_of_another_kind_or_of_none_is_no_error_of_this_class() -> None:
    adapter = pydantic.TypeAdapter(NotFoundError)
    with pytest.raises(pydantic.ValidationError, match="The kind of a NotFoundError is 'not_found', not 'server'"):
        adapter.validate_python({"kind": "server", "message": "It failed."})
    with pytest.raises(pydantic.ValidationError, match="kind"):
        adapter.validate_python({"message": "It failed."})
    newer = pydantic.TypeAdapter(HightouchError).validate_python({"kind": "eclipse", "message": "It is dark."})
    assert (type(newer), newer.kind) == (HightouchError, "eclipse")
    with pytest.raises(pydantic.ValidationError, match="sync"):
        pydantic.TypeAdapter(HightouchError).validate_python(
            {"kind": "run_failed", "message": "It failed.", "items": [{"index": 0}]}
        )


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"a": {1, 2}}, "`.a` is a set"),
        ({1: 2}, "has the key 1"),
        ({"a": float("nan")}, "`.a` is nan"),
        (json.loads("[" * 900 + "]" * 900), "nests too deep"),
    ],
    ids=["a set", "a number as a key", "no number", "too many levels"],
)
def test_what_is_not_json_is_an_error_of_validation(wrong: object, complaint: str) -> None:
    with pytest.raises(pydantic.ValidationError) as raised:
        pydantic.TypeAdapter(Json).validate_python(wrong)
    assert complaint in raised.value.errors()[0]["msg"]


def test_the_place_of_an_error_is_the_same_each_time() -> None:
    """pydantic names a function without a name by its address."""
    unions: list[Any] = [Sync | int, BatchItem | int, NotFoundError | int, Json | int]
    for of in unions:
        with pytest.raises(pydantic.ValidationError) as raised:
            pydantic.TypeAdapter[Any](of).validate_python({"id": {1}, "kind": "server"})
        places = {".".join(map(str, error["loc"])) for error in raised.value.errors()}
        assert not [place for place in places if " at 0x" in place]
    with pytest.raises(pydantic.ValidationError) as raised:
        pydantic.TypeAdapter(Sync).validate_python({"id": 1})
    assert [error["loc"] for error in raised.value.errors()] == [("slug",)]


def test_fastapi_describes_and_returns_the_items_of_a_batch() -> None:
    item = example(BatchItem)
    app = fastapi.FastAPI()
    app.get("/items", response_model=list[BatchItem])(lambda: [item])
    app.get("/pages", response_model=tuple[Page[Sync], Page[SyncRun]])(
        lambda: (Page([example(Sync)], has_next=True), Page([example(SyncRun)], has_next=True))
    )
    with TestClient(app) as web:
        assert web.get("/items").json() == [json.loads(item.to_json())]
        assert [page["items"][0]["id"] for page in web.get("/pages").json()] == [7, 7]
        shapes = web.get("/openapi.json").json()["components"]["schemas"]
    assert {"BatchItem", "HightouchError", "SyncRun", "Sync"} <= {*shapes}
