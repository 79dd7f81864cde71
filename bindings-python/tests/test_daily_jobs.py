"""The README's programs for a daily job: running several syncs, of which some fail, and writing runs to a file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import hightouch_sdk
from hightouch_sdk import AsyncHightouch, Hightouch, Records, SyncRun
from sandbox import ROOT, World

README = (ROOT / "README.md").read_text(encoding="utf-8")
REQUESTS, WINDOW = 200, 10.0
"""The rate limit: requests in a window, and the length of the window in seconds."""


def programs(language: str, marker: str) -> list[str]:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if marker in block]


@pytest.mark.parametrize(
    ("markers", "most"),
    [
        ({"python": ".run_many(", "js": ".runMany(", "swift": ".runMany("}, 12),
        ({"python": "write_table", "js": "parquetWriteFile", "swift": ".csv("}, 10),
    ],
)
def test_the_programs_are_short(markers: dict[str, str], most: int) -> None:
    for language, marker in markers.items():
        [program] = programs(language, marker)
        lines = [line for line in program.splitlines() if line]
        assert len(lines) <= (most if language == "python" else 2 * most), program


def test_five_syncs_of_which_two_fail_are_named_and_the_program_exits_with_1(
    new_world: Callable[..., World], tmp_path: Path
) -> None:
    ends = {
        "sync-2": {"status": "failed", "error": "the destination refused the key"},
        "sync-4": {"status": "cancelled"},
    }
    slugs = ["orders-to-salesforce", *(f"sync-{number}" for number in range(2, 6))]
    answer = new_world(syncs=5, pastRuns=0, slugs=slugs, runs={"seconds": 1, "bySlug": ends}).answer
    [program] = programs("python", ".run_many(")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HIGHTOUCH_API_KEY": answer["apiKey"], "HIGHTOUCH_BASE_URL": answer["httpBaseUrl"]},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    said = done.stderr.splitlines()
    [error] = [line for line in said if "did not succeed" in line]
    assert re.fullmatch(
        r"syncs\.run_many: 2 of 5 syncs did not succeed: sync 2 \(run \d+\): failed: the destination refused the key;"
        r" sync 4 \(run \d+\): cancelled\.?",
        error,
    ), error


def test_the_runs_of_1000_syncs_come_as_fast_as_the_limit_allows(
    new_world: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks, with the times in the server's log, that the job takes no more windows than the rate limit requires."""
    world = new_world(syncs=1000, pastRuns=2, timeScale=1)
    monkeypatch.setattr(hightouch_sdk, "AsyncHightouch", partial(AsyncHightouch, **world.settings()))
    monkeypatch.chdir(tmp_path)
    [program] = programs("python", "write_table")
    exec(compile(program, "job", "exec"), {"__name__": "job"})
    runs = pq.read_table("runs.parquet")
    assert len(set(runs.column("sync_id").to_pylist())) > 900
    sent = world.requests()
    assert {request["status"] for request in sent} == {200}
    times = sorted(datetime.fromisoformat(request["at"].replace("Z", "+00:00")) for request in sent)
    took = (times[-1] - times[0]).total_seconds()
    longest = max(later - earlier for earlier, later in pairwise(times)).total_seconds()
    least = (len(sent) - 1) // REQUESTS * WINDOW
    print(f"{len(sent)} requests in {took:.1f} s; the limit allows no less than {least:.0f} s; pause {longest:.1f} s")
    assert longest < 1.5 * WINDOW, "the job left a window of the limit unused"
    # On a busy machine, the requests of a window take longer, and the next window begins that much later.
    assert took < least + 2 * WINDOW, "the job used the limit only in part"


def test_duckdb_converts_the_file_of_the_program_in_swift(
    new_world: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = ROOT / ".build/debug/week-of-runs"
    if not program.exists():
        pytest.skip("the program is not built; `make check-swift` builds it")
    world = new_world(syncs=30, pastRuns=2)
    settings = world.settings(base_url=world.answer["httpBaseUrl"])
    env = {**os.environ, "HIGHTOUCH_API_KEY": settings["api_key"], "HIGHTOUCH_BASE_URL": settings["base_url"]}
    subprocess.run([ROOT / "bindings-swift/toolchain", program], env=env, cwd=tmp_path, timeout=120, check=True)

    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    [convert] = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    duckdb.sql(convert)

    with Hightouch(**settings) as ht:
        week = (ht.syncs.runs(sync.id, within=timedelta(days=7)) for sync in ht.syncs.list())
        expected = Records(SyncRun, week).to_arrow()
    runs = pq.read_table("runs.parquet")
    assert expected.num_rows > 30
    # DuckDB cannot infer the type of a column without values, so the test converts the columns to the expected types.
    assert runs.rename_columns(expected.column_names).cast(expected.schema).sort_by("id") == expected.sort_by("id")
