"""Plays every scenario with both clients."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers import Asynchronous, Blocking, Driver
from player import play
from sandbox import ROOT, World
from trace_keys import Log

SCENARIOS = sorted(Path(os.environ.get("HIGHTOUCH_SCENARIOS") or ROOT / "build" / "scenarios").glob("*.json"))


def test_there_are_scenarios_to_play() -> None:
    assert SCENARIOS


@pytest.mark.parametrize("driver", [Blocking, Asynchronous], ids=["blocking", "async"])
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path, driver: Callable[[], Driver], new_world: Callable[..., World]) -> None:
    scenario = json.loads(path.read_text("utf-8"))
    world, played = new_world(**scenario.get("world", {})), driver()
    logger, log = logging.getLogger("hightouch_sdk"), Log(played.player)
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    try:
        play(scenario, path.stem, world, played)
    finally:
        logger.removeHandler(log)
        logger.setLevel(logging.NOTSET)
