"""Values as plain dicts and JSON, and lists as flat records."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import inspect
import io
import json
import pickle
import pprint
import typing
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

import hightouch_sdk
from hightouch_sdk import (
    AsyncHightouch,
    AsyncListing,
    BatchItem,
    CronRule,
    Destination,
    EventContract,
    Hightouch,
    IdentityGraphRun,
    InvalidRequestError,
    Json,
    JsonArray,
    JsonObject,
    Listing,
    Model,
    Page,
    Records,
    RowCounts,
    RunFailedError,
    Schedule,
    SequenceRun,
    Source,
    Stats,
    Sync,
    SyncRun,
    VisualDays,
    VisualExpression,
    VisualRule,
    _names,
    json_default,
)
from sandbox import World

RUN = [
    *("sync_id", "sync_slug", "id", "status", "created_at", "started_at", "finished_at", "duration_seconds"),
    *("query_size", "completion_ratio"),
    *("planned_added", "planned_changed", "planned_removed", "planned_total"),
    *("successful_added", "successful_changed", "successful_removed", "successful_total"),
    *("failed_added", "failed_changed", "failed_removed", "failed_total", "error"),
]
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def values() -> list[Any]:
    """Returns all public classes of values."""
    named = [getattr(hightouch_sdk, name) for name in [*hightouch_sdk.__all__]]
    return [it for it in named if isinstance(it, type) and hasattr(it, "to_json")]


def test_every_value_has_the_interface_of_a_dataclass_with_public_types() -> None:
    classes: list[Any] = values()
    assert {Sync, SyncRun, Stats, Page, BatchItem, hightouch_sdk.Meta, hightouch_sdk.Diagnosis} <= {*classes}
    assert {getattr(hightouch_sdk, name) for name in {*_names.__all__} - {*_names.ENUMS, "ScheduleRule"}} <= {*classes}
    for cls in classes:
        is_one: bool = dataclasses.is_dataclass(cls)
        assert is_one
        assert [each.name for each in dataclasses.fields(cls)] == [*cls.__struct_fields__]
        assert all(msgspec.Raw not in (each.type, *typing.get_args(each.type)) for each in dataclasses.fields(cls))
        made = Records(cls, [])
        assert list(made) == []
        assert set(made.columns.values()) <= {
            *("int64", "double", "bool", "string", "timestamp", "list<int64>", "list<string>")
        }


def test_a_value_becomes_a_dict_that_is_deep_and_has_a_key_for_each_attribute() -> None:
    sync = Sync(
        id=1,
        slug="a",
        last_run_at=START,
        referenced_columns=["x"],
        configuration=Json({"list": [{"a": 1.5}]}),
        schedule=Schedule(type="cron", schedule=CronRule(expression="0 * * * *")),
    )
    plain = sync.to_dict()
    assert list(plain) == [*Sync.__struct_fields__]
    assert (plain["workspace_id"], plain["last_run_at"]) == (None, START)
    assert type(plain["configuration"]["list"][0]) is dict
    rule = {"kind": "cron", "expression": "0 * * * *", "other_members": None}
    assert plain["schedule"] == {"type": "cron", "schedule": rule, "other_members": None}
    plain["referenced_columns"].append("y")
    plain["configuration"]["list"].clear()
    assert (sync.referenced_columns, sync.configuration) == (["x"], Json({"list": [{"a": 1.5}]}))


def test_json_of_a_value_has_the_same_names_and_every_digit_of_opaque_json() -> None:
    text = b'{ "big": 123456789012345678901234567890, "exact": 0.10000000000000000000001 }'
    sync = Sync(id=1, slug="a", created_at=START, configuration=Json.from_raw(text))
    written = sync.to_json()
    assert '"configuration":{ "big": 123456789012345678901234567890, "exact": 0.10000000000000000000001 }' in written
    assert '"created_at":"2026-01-01T00:00:00Z"' in written
    assert list(json.loads(written)) == [*Sync.__struct_fields__]
    assert json.loads(written)["configuration"] == sync.to_dict()["configuration"]
    assert json.loads(Sync(id=1, slug="\ud800").to_json())["slug"] == "\ud800"
    broken = Sync(id=1, slug="a", configuration=Json.from_raw(b"{"))
    for convert in (broken.to_dict, broken.to_json):
        with pytest.raises(ValueError, match=r"."):
            convert()
    with pytest.raises(TypeError, match="object is not JSON"):
        Sync(id=1, slug=object()).to_json()  # type: ignore[arg-type]


def test_a_default_for_json_writes_every_value_and_refuses_others() -> None:
    sync = Sync(id=1, slug="a", created_at=START, configuration=Json({"a": [1]}))
    assert json.loads(json.dumps([sync], default=json_default)) == [json.loads(sync.to_json())]
    parts = [sync.configuration, Json({"a": [1]}).value, Json([1]).value]
    assert json.dumps(parts, default=json_default) == '[{"a": [1]}, {"a": [1]}, [1]]'
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        json.dumps(object(), default=json_default)


def test_dataclass_functions_take_values() -> None:
    run = SyncRun(id=1, status="success", planned_rows=RowCounts(added_count=2))
    assert dataclasses.asdict(run) == run.to_dict()
    assert dataclasses.replace(run, status="failed") == SyncRun(id=1, status="failed", planned_rows=run.planned_rows)
    for field in dataclasses.fields(Sync):
        factory = None if field.default_factory is dataclasses.MISSING else field.default_factory()
        assert field.default is dataclasses.MISSING or field.default is None
        assert factory in (None, [])
    out = io.StringIO()
    pprint.pprint(run, stream=out, width=20)
    assert out.getvalue().strip() == repr(run)


def test_a_value_cannot_be_changed_and_a_list_in_it_is_sent_as_changed(client: Hightouch, world: World) -> None:
    sync = client.syncs.get(1)
    with pytest.raises(AttributeError):
        sync.slug = "other"  # type: ignore[misc]
    rule = VisualRule(expressions=[])
    rule.expressions.append(VisualExpression(days=VisualDays(monday=True), time="10:00"))
    client.syncs.update(1, schedule=Schedule(type="visual", schedule=rule))
    (sent,) = [request for request in world.requests() if request["method"] == "PATCH"]
    assert "10:00" in json.dumps(sent)


def test_facts_follow_from_the_fields() -> None:
    run = SyncRun(id=1, status="success", started_at=START, finished_at=START + timedelta(seconds=90))
    assert (run.duration, run.has_ended) == (timedelta(seconds=90), True)
    assert SyncRun(id=1, status="querying", started_at=START).duration is None
    assert RowCounts(added_count=1, changed_count=20, removed_count=300).total == 321
    assert IdentityGraphRun(id="a", status="FAILURE", started_at=START, finished_at=START).duration == timedelta(0)


@pytest.mark.parametrize(
    ("of", "enum", "ended"),
    [
        (SyncRun, "SyncRunStatus", {"success", "warning", "failed", "cancelled", "interrupted"}),
        (SequenceRun, "SequenceRunStatus", {"done", "failed", "cancelled"}),
        (IdentityGraphRun, "IdentityGraphRunStatus", {"SUCCESS", "FAILURE", "CANCELLED"}),
    ],
)
def test_every_status_is_either_ended_or_in_progress(of: Any, enum: str, ended: set[str]) -> None:
    known = set(typing.get_args(typing.get_args(getattr(hightouch_sdk, enum))[0]))
    in_progress = {"queued", "querying", "processing", "reporting", "pending", "running"}
    assert ended <= known
    assert {status.lower() for status in known - ended} <= in_progress, (
        "a new status: decide whether a run with it has ended"
    )
    assert {status for status in known if of(id=1, status=status).has_ended} == ended
    assert not of(id=1, status="odd").has_ended


def test_lists_have_the_same_columns_when_they_are_empty(client: Hightouch) -> None:
    lists: list[tuple[Any, Any]] = [
        (Sync, client.syncs.list()),
        (Model, client.models.list()),
        (Destination, client.destinations.list()),
        (Source, client.sources.list()),
        (SyncRun, client.syncs.runs(1)),
        (EventContract, client.event_contracts.list()),
    ]
    for of, listing in lists:
        columns = list(Records(of, []).columns)
        rows = list(listing.records())
        assert rows
        assert all(list(row) == columns for row in rows)
        assert all(value is None or isinstance(value, (str, int, float, list, datetime)) for value in rows[0].values())
    assert list(client.syncs.runs(1).records().columns) == RUN
    empty = client.syncs.list(slug="no-such-slug")
    assert (list(empty.records()), list(empty.first_page().records())) == ([], [])


def test_runs_know_their_sync_however_it_was_named(client: Hightouch, world: World) -> None:
    sync = client.syncs.get(1)
    for given, slug in ((1, None), ("1", None), (sync.slug, sync.slug), (sync, sync.slug)):
        (record,) = client.syncs.runs(given).records()
        assert (record["sync_id"], record["sync_slug"]) == (1, slug)
    page = client.syncs.runs(sync).first_page()
    again: list[Any] = [pickle.loads(pickle.dumps(page)), copy.copy(page), copy.deepcopy(page)]
    for each in again:
        assert each == page
        assert list(each.records()) == list(page.records())

    async def main() -> list[dict[str, Any]]:
        async with AsyncHightouch(**world.settings()) as client:
            return [record async for record in client.syncs.runs(sync.slug).records()]

    assert asyncio.run(main()) == list(client.syncs.runs(sync.slug).records())


def test_a_record_is_flat() -> None:
    run = SyncRun(
        id=9,
        status="failed",
        started_at=START,
        finished_at=START + timedelta(milliseconds=1500),
        planned_rows=RowCounts(added_count=1, changed_count=2, removed_count=3),
        error="It broke.",
    )
    (record,) = Records(SyncRun, [run])
    assert (record["duration_seconds"], record["planned_removed"], record["planned_total"]) == (1.5, 3, 6)
    assert (record["error"], record["sync_id"]) == ("It broke.", None)
    exact = Sync(id=1, slug="a", configuration=Json.from_raw(b'{"n":1.00000000000000000001}'), tags={"a": "b"})
    (record,) = Records(Sync, [exact])
    assert (record["configuration"], record["tags"]) == ('{"n":1.00000000000000000001}', '{"a":"b"}')
    assert (record["referenced_columns"], record["external_segment_id"]) == ([], None)


def test_records_of_a_batch_have_the_columns_of_their_runs(new_world: Callable[..., World]) -> None:
    with Hightouch(**new_world(syncs=2, runs={"seconds": 1}).settings()) as client:
        batch = client.syncs.run_many([1, "no-such-sync"])
        with pytest.raises(RunFailedError) as raised:
            batch.wait()
        first, second = Records(BatchItem, batch.items)
        assert (first["sync"], first["sync_id"], first["status"], first["outcome"]) == ("1", 1, "success", "success")
        assert first["planned_total"] > 0
        assert (second["outcome"], second["planned_total"]) == ("not_started", None)
        assert "no sync has this slug" in second["error"]
        failed = batch.items[1].to_dict()["error"]
        assert (failed["kind"], failed["status"]) == ("not_found", None)
        assert json.loads(batch.items[1].to_json())["error"] == failed
        told = raised.value.to_dict()
        assert (told["kind"], told["problem"]) == ("run_failed", None)
        assert told["items"] == [{**batch.items[1].to_dict(), "problem": None}]
        assert "no-such-sync" in batch._repr_html_()


def test_records_take_values_pages_and_lists_and_nothing_else(client: Hightouch, world: World) -> None:
    page = client.syncs.list().first_page()
    mixture: list[Any] = [page.items[0], page, client.syncs.list().take(2), page.items[1]]
    ids = [record["id"] for record in Records(Sync, mixture)]
    assert ids == [1, *(sync.id for sync in page), 1, 2, 2]
    assert [record["id"] for record in Records(Sync, page)] == [sync.id for sync in page]
    for wrong in ([page.items[0], 7], client.models.list()):
        with pytest.raises(TypeError, match="These are records of Sync, and one value is of "):
            list(Records(Sync, wrong))
    with pytest.raises(TypeError, match="one class of values"):
        Records(dict, [])
    number: Any = 7
    with pytest.raises(TypeError, match="must be an iterable"):
        Records(Sync, number)
    with pytest.raises(TypeError, match=r"Use `Records\(type, page\)`"):
        Page([], has_next=False).records()
    with pytest.raises(TypeError, match="must be awaited"):
        Records(Sync, AsyncHightouch(**world.settings()).syncs.list())  # type: ignore[arg-type]


def listed(world: World) -> list[dict[str, Any]]:
    return [request for request in world.requests() if request["operation"] == "ListSync"]


def test_a_list_can_be_bounded_by_a_number_of_rows(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=234)
    with Hightouch(**world.settings()) as client:
        assert [sync.id for sync in client.syncs.list().take(5)] == [1, 2, 3, 4, 5]
        assert len(listed(world)) == 1
        assert listed(world)[0]["query"]["limit"] == "5"
        assert [sync.id for sync in client.syncs.list().take(150)] == list(range(1, 151))
        assert len(listed(world)) == 3
        assert [len(page) for page in client.syncs.list(limit=100).take(234).pages()][:1] == [100]
        assert len(list(client.syncs.list().take(1000))) == 234
        before = len(listed(world))
        assert list(client.syncs.list().take(0)) == [*client.syncs.list().take(0).first_page()] == []
        assert len(listed(world)) == before
        pages = list(client.syncs.list(limit=2).take(3).pages())
        assert [(len(page), page.has_next) for page in pages] == [(2, True), (1, False)]
        assert len(list(client.syncs.list().take(9).take(4))) == len(list(client.syncs.list().take(4).take(9))) == 4
        first = client.syncs.list().first()
        assert first is not None
        assert (first.id, client.syncs.list(slug="no-such-slug").first()) == (1, None)
        assert listed(world)[-2]["query"]["limit"] == "1"
        with pytest.raises(InvalidRequestError, match="at least 0, not -1"):
            client.syncs.list().take(-1)
        with pytest.raises(InvalidRequestError, match="`limit`"):
            client.syncs.list(limit="many").take(3).first()  # type: ignore[arg-type]

    async def main() -> None:
        async with AsyncHightouch(**world.settings()) as client:
            assert [sync.id async for sync in client.syncs.list().take(3)] == [1, 2, 3]
            first = await client.syncs.list().first()
            assert first is not None
            assert (first.id, await client.syncs.list(slug="no-such-slug").first()) == (1, None)
            assert len(await client.syncs.list().take(0)) == 0

    asyncio.run(main())


def test_a_notebook_shows_values_escaped_and_sends_nothing(client: Hightouch, world: World) -> None:
    evil = Page([Sync(id=1, slug="<script>alert(1)</script>", primary_key="x" * 500)], has_next=True)
    for shown in (evil._repr_html_(), evil.items[0]._repr_html_()):
        assert "<script>" not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "x" * 101 not in shown
    many = Page([SyncRun(id=n, status="success") for n in range(25)], has_next=False)
    assert many._repr_html_().count("<tr>") == 21
    assert "5 more rows" in many._repr_html_()
    listing = client.syncs.list(slug="<b>")
    for shown in (listing._repr_html_(), listing.take(3)._repr_html_(), listing.records()._repr_html_()):
        assert "<b>" not in shown
    assert world.requests() == []


def test_hints_of_every_new_method_can_be_resolved() -> None:
    for cls in [*values(), Listing, AsyncListing, Records, Json, JsonArray, JsonObject]:
        for name, member in inspect.getmembers(cls):
            function: Any = member.fget if isinstance(member, property) else member
            ours = getattr(inspect.unwrap(function), "__module__", "") or ""
            if not name.startswith("_") and callable(function) and ours.startswith("hightouch_sdk"):
                assert "return" in typing.get_type_hints(function), f"{cls.__name__}.{name}"
    assert typing.get_type_hints(json_default)
