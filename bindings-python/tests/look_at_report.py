"""Checks how Chromium shows reports. `make recipe-report` runs these tests; `make test` does not."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hightouch_sdk import Hightouch
from hightouch_sdk.report import runs_report
from sandbox import ROOT, Sandbox
from test_report import HOSTILE, LONG, edited

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PICTURES = ROOT / "build/site/pictures"


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> list[dict[str, Any]]:
    """What Chromium shows of reports on a large workspace, on hostile names, and on a workspace without syncs."""
    if not Path(CHROMIUM).exists():
        pytest.fail(
            f"Chromium is not at {CHROMIUM}. Install it, name another in CHROMIUM, or leave `report` out of RECIPES."
        )
    reject = edited("ListSyncRuns", "/syncs/2/runs", {"at": "/data/*/failedRows/addedCount", "set": 40})
    broken = {"when": {"operation": "ListSyncRuns", "path": "/syncs/9/runs"}, "times": 10}
    broken["answer"] = {"status": 404, "body": {"message": HOSTILE}}
    names = edited("ListSync", "/syncs", {"at": "/data/*/slug", "set": f"{HOSTILE}{'x' * 300}"})
    errors = edited(
        "ListSyncRuns",
        "/syncs/1/runs",
        {"at": "/data/*/error", "set": "y" * 1000},
        {"at": "/data/*/status", "set": "failed"},
    )
    folder = tmp_path_factory.mktemp("reports")
    worlds: dict[str, dict[str, Any]] = {
        "report": {"syncs": 200, "pastRuns": 5, "timeScale": 20, "script": [reject, broken]},
        "report-hostile": {"syncs": 12, "pastRuns": 9, "script": [names, errors, broken]},
        "report-empty": {"syncs": 0},
    }
    files = []
    for name, asked in worlds.items():
        world = sandbox.world(asked)
        files.append(folder / f"{name}.html")
        with Hightouch(**world.settings()) as client:
            runs_report(client, since=LONG, output=files[-1])
        world.end()
    command = ["node", *map(str, [ROOT / "site/look-report.mjs", PICTURES, *files])]
    shown: list[dict[str, Any]] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    assert len(shown) == 3 * 4
    return shown


def named(look: dict[str, Any]) -> str:
    return f"{look['name']} on a {look['size']}, {look['colorScheme']}"


def test_nothing_is_wider_than_the_page(looks: list[dict[str, Any]]) -> None:
    assert [(named(look), look["over"], look["tables"]) for look in looks if look["over"] or look["tables"]] == []


def test_the_page_runs_without_an_error_and_loads_nothing(looks: list[dict[str, Any]]) -> None:
    assert [(named(look), error) for look in looks for error in look["errors"]] == []


def test_every_text_stands_out_from_its_background(looks: list[dict[str, Any]]) -> None:
    assert min(len(look["texts"]) for look in looks if look["name"] == "report") > 1000
    faint = {
        (named(look), each["text"], round(each["contrast"], 2))
        for look in looks
        for each in look["texts"]
        if each["contrast"] < each["least"]
    }
    assert faint == set()


def test_light_and_dark_are_different_pages(looks: list[dict[str, Any]]) -> None:
    grounds = {look["colorScheme"]: look["ground"] for look in looks}
    assert grounds["light"] != grounds["dark"]
    assert {look["ground"] for look in looks} == set(grounds.values())
