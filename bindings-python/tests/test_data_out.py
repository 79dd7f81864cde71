"""Passes results to other libraries. The tests use the real libraries as a user would."""

from __future__ import annotations

import asyncio
import importlib.abc
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional

import duckdb
import fastapi
import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pydantic
import pytest
from fastapi.testclient import TestClient

from hightouch_sdk import (
    AsyncHightouch,
    CronRule,
    DecisionEngineMessage,
    Hightouch,
    HightouchError,
    Json,
    Page,
    Records,
    RowCounts,
    Schedule,
    Sync,
    SyncRun,
    json_default,
)
from sandbox import ROOT, World

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
RUN = SyncRun(
    id=9,
    status="success",
    created_at=START,
    started_at=START,
    finished_at=START + timedelta(seconds=90),
    planned_rows=RowCounts(added_count=7),
)
SYNC = Sync(
    id=1,
    slug="a",
    created_at=START,
    configuration=Json({"mappings": [["id", "Id"]], "to": {"ab": 1}}),
    schedule=Schedule(type="cron", schedule=CronRule(expression="0 * * * *")),
)


def test_arrow_has_the_same_schema_for_no_rows_and_for_some(client: Hightouch) -> None:
    full, empty = client.syncs.runs(1).to_arrow(), Records(SyncRun, []).to_arrow()
    assert full.schema == empty.schema
    assert (full.num_rows, empty.num_rows) == (1, 0)
    assert full.schema.field("started_at").type == pa.timestamp("us", tz="UTC")
    assert full.to_pylist() == list(client.syncs.runs(1).records())
    tables: list[Any] = [
        client.syncs.list(),
        client.models.list(),
        client.sources.list(),
        client.destinations.list().first_page(),
        client.event_domains.list(),
    ]
    for each in tables:
        assert each.to_arrow().to_pylist() == list(each.records()) != []


def test_pandas_has_the_same_types_for_no_rows_and_for_some(client: Hightouch) -> None:
    full, empty = client.syncs.runs(1).to_pandas(), Records(SyncRun, []).to_pandas()
    assert (len(full), len(empty)) == (1, 0)
    assert full.dtypes.equals(empty.dtypes)
    assert full.dtypes.astype(str)[["sync_id", "error", "started_at", "duration_seconds"]].to_list() == [
        *("Int64", "string", "datetime64[us, UTC]", "Float64")
    ]
    syncs = client.syncs.list().to_pandas()
    joined = full.merge(syncs, left_on="sync_id", right_on="id")
    assert joined["slug"].to_list() == [client.syncs.get(1).slug]


def test_polars_has_the_same_types_for_no_rows_and_for_some(client: Hightouch) -> None:
    full, empty = client.syncs.runs(1).to_polars(), Records(SyncRun, []).to_polars()
    assert full.schema == empty.schema
    assert (full.height, empty.height) == (1, 0)
    assert full.schema["started_at"] == pl.Datetime("us", "UTC")
    assert pl.DataFrame(client.syncs.runs(1)).equals(full)
    assert pl.DataFrame(client.syncs.runs(1).first_page()).equals(full)


def test_frames_of_a_list_of_values_have_a_column_for_each_attribute() -> None:
    assert pd.DataFrame([RUN, RUN]).columns.to_list() == [*SyncRun.__struct_fields__]
    assert pd.DataFrame([RUN]).loc[0, "planned_rows"] == {"added_count": 7, "changed_count": 0, "removed_count": 0}
    frame = pl.DataFrame([RUN, RUN])
    assert frame.columns == [*SyncRun.__struct_fields__]
    assert frame["planned_rows"].struct.field("added_count").to_list() == [7, 7]
    assert pl.DataFrame([SYNC]).columns == pd.DataFrame([SYNC]).columns.to_list() == [*Sync.__struct_fields__]


def test_duckdb_and_pyarrow_read_the_stream_by_themselves(client: Hightouch) -> None:
    runs = client.syncs.runs(1)
    found = duckdb.sql("select sync_id, status, planned_total, duration_seconds > 0 from runs")
    assert found is not None
    (row,) = found.fetchall()
    assert row == (1, "success", next(iter(runs)).planned_rows.total, True)
    assert pa.table(runs) == runs.to_arrow()
    assert pa.table(Records(SyncRun, [RUN]))["duration_seconds"].to_pylist() == [90.0]


def test_parquet_returns_what_was_written(client: Hightouch, tmp_path: Path) -> None:
    path = tmp_path / "syncs.parquet"
    pq.write_table(client.syncs.list().to_arrow(), path)
    assert pq.read_table(path).to_pylist() == list(client.syncs.list().records())


def lists(world: World) -> int:
    return sum(request["operation"] == "ListSync" for request in world.requests())


def test_a_long_list_is_converted_page_by_page(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=234)
    with Hightouch(**world.settings()) as client:
        reader = client.syncs.list().to_arrow_batch_reader()
        assert lists(world) == 0
        assert (reader.read_next_batch().num_rows, lists(world)) == (100, 1)
        assert sum(batch.num_rows for batch in reader) == 134
        table = client.syncs.list().to_arrow()
        assert (table.num_rows, table["id"].num_chunks) == (234, 1)
        assert client.syncs.list().take(120).to_arrow().num_rows == 120
        runs = Records(SyncRun, (client.syncs.runs(sync) for sync in client.syncs.list().take(3)))
        assert runs.to_arrow()["sync_id"].to_pylist() == [1, 2, 2, 3, 3, 3]
        assert runs.to_arrow().num_rows == 0, "a generator can be read only once"

    async def main() -> tuple[pa.Table, pd.DataFrame, pl.DataFrame]:
        async with AsyncHightouch(**world.settings()) as client:
            listing = client.syncs.list()
            return await listing.to_arrow(), await listing.to_pandas(), await listing.to_polars()

    arrow, pandas, polars = asyncio.run(main())
    assert arrow == table
    assert pandas["id"].to_list() == polars["id"].to_list() == table["id"].to_pylist()


def test_an_error_in_the_middle_of_a_list_is_raised_as_it_is(new_world: Callable[..., World]) -> None:
    script = [{"when": {"operation": "ListSync", "nth": 2}, "answer": {"status": 403, "body": {"message": "No."}}}]
    world = new_world(syncs=234, script=script)
    with Hightouch(**world.settings()) as client:
        reader = client.syncs.list().to_arrow_batch_reader()
        assert reader.read_next_batch().num_rows == 100
        with pytest.raises(HightouchError) as raised:
            reader.read_next_batch()
        assert raised.value.status == 403


@pytest.mark.parametrize(
    ("library", "extra", "method"),
    [
        ("pyarrow", "arrow", "to_arrow"),
        ("pyarrow", "arrow", "to_arrow_batch_reader"),
        ("pyarrow", "arrow", "__arrow_c_stream__"),
        ("pandas", "pandas", "to_pandas"),
        ("polars", "polars", "to_polars"),
    ],
)
def test_a_missing_library_is_named_with_its_extra(
    library: str, extra: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Missing(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, *_: object) -> None:
            if name == library:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    # `None` in `sys.modules` would not do: pyarrow takes it for pandas.
    monkeypatch.delitem(sys.modules, library, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(
        ImportError, match=rf"needs {library}\. Install it with `pip install 'hightouch-sdk\[{extra}\]'`"
    ):
        getattr(Page([RUN], has_next=False), method)()


def test_msgspec_converts_values_and_with_a_hook_their_opaque_json() -> None:
    assert msgspec.to_builtins(RUN)["plannedRows"]["addedCount"] == 7
    assert SYNC.configuration is not None
    assert msgspec.to_builtins(SYNC, enc_hook=json_default)["configuration"] == SYNC.configuration.to_python()
    assert json.loads(msgspec.json.encode(SYNC, enc_hook=json_default))["createdAt"] == "2026-01-01T00:00:00Z"


class Report(pydantic.BaseModel):
    """A pydantic model that a user of the package may write."""

    sync: Sync
    runs: list[SyncRun]
    last: Optional[SyncRun] = None  # noqa: UP045


def test_pydantic_takes_values_and_what_it_wrote_of_them() -> None:
    report = Report(sync=SYNC, runs=[RUN])
    assert report.sync is SYNC
    assert report.model_dump()["sync"] == SYNC.to_dict()
    assert json.loads(report.model_dump_json())["runs"] == [json.loads(RUN.to_json())]
    assert Report.model_validate(report.model_dump()) == report
    assert Report.model_validate_json(report.model_dump_json()) == report
    shape = Report.model_json_schema()["$defs"]
    assert shape["SyncRun"]["properties"]["planned_rows"] == {"$ref": "#/$defs/RowCounts"}
    assert shape["SyncRun"]["required"] == ["id", "status"]
    with pytest.raises(pydantic.ValidationError, match="slug"):
        Report.model_validate({"sync": {"id": 1}, "runs": []})
    message = DecisionEngineMessage(id="a", name="b", tags=Json([["a", "b"]]))
    adapter = pydantic.TypeAdapter(DecisionEngineMessage)
    assert adapter.validate_python(adapter.dump_python(message)) == message


def test_fastapi_returns_values_with_and_without_a_declared_type() -> None:
    app = fastapi.FastAPI()
    page = Page([RUN], has_next=True)

    def serve(path: str, value: object, of: Any = None) -> None:
        app.get(path, response_model=of)(lambda: value)

    serve("/sync", SYNC)
    serve("/typed/sync", SYNC, Sync)
    serve("/runs", [RUN, RUN])
    serve("/typed/runs", [RUN, RUN], list[SyncRun])
    serve("/page", page)
    serve("/stats", {"configuration": SYNC.configuration})
    with TestClient(app) as web:
        for path in ("/sync", "/typed/sync"):
            assert web.get(path).json()["configuration"] == SYNC.to_dict()["configuration"], path
        for path in ("/runs", "/typed/runs"):
            assert [run["planned_rows"]["added_count"] for run in web.get(path).json()] == [7, 7], path
        assert web.get("/page").json()["has_next"] is True
        assert web.get("/stats").json() == {"configuration": {"mappings": [["id", "Id"]], "to": {"ab": 1}}}
        shapes = web.get("/openapi.json").json()["components"]["schemas"]
    assert "planned_rows" in json.dumps(shapes)


def test_the_daily_job_of_the_docs_writes_the_runs_of_every_sync(
    new_world: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = new_world(syncs=10).answer
    monkeypatch.setenv("HIGHTOUCH_API_KEY", answer["apiKey"])
    monkeypatch.setenv("HIGHTOUCH_BASE_URL", answer["httpBaseUrl"])
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "data.md").read_text()
    job = text.split("```python\n")[1].split("```")[0]
    assert len(job.splitlines()) <= 10
    exec(job, {})
    runs = pq.read_table("runs.parquet")
    with Hightouch() as ht:
        listed = [(sync, ht.syncs.runs(sync, within=timedelta(days=7))) for sync in ht.syncs.list()]
        expected = [(sync.id, sync.slug, run.id) for sync, week in listed for run in week]
    assert expected
    assert [tuple(row.values())[:3] for row in runs.to_pylist()] == expected
    assert runs.schema == Records(SyncRun, []).to_arrow().schema
