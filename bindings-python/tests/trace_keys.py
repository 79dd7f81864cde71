"""Records texts that users may see, as lines `{"player", "what", "text"}`.

tests/house/canary looks for keys in these texts.
"""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import pickle
import traceback
from pathlib import Path
from typing import Any

import msgspec


def trace(player: str, what: str, *texts: object) -> None:
    """Records texts that a user may see, if HIGHTOUCH_TRACE names a folder."""
    folder = os.environ.get("HIGHTOUCH_TRACE")
    if folder:
        record = {"player": player, "what": what, "text": " ".join(map(str, texts))}
        with (Path(folder) / f"python-{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def trace_error(player: str, error: BaseException) -> None:
    """Records all texts of an error that may be printed or stored: message, traceback, attributes and pickle."""
    report = "".join(traceback.format_exception(error))
    trace(player, "error", error, repr(error), report, getattr(error, "__dict__", ""), pickled(error))


def pickled(value: object) -> str:
    """Pickles a value. Returns the pickle as text, and the reprs of the unpickled value and of a copy."""
    kept = pickle.dumps(value)
    return f"{kept.decode('latin-1')} {pickle.loads(kept)!r} {copy.copy(value)!r}"


def trace_run(player: str, run: Any) -> None:
    """Records the handle of a run, its token and the decoded content of the token."""
    token = base64.urlsafe_b64decode(run.token + "===").decode()
    trace(player, "run", repr(run), run.token, token)


def trace_value(player: str, what: str, value: Any) -> None:
    """Records a value such as a diagnosis."""
    trace(player, what, repr(value), msgspec.json.encode(value).decode(), pickled(value))


class Log(logging.Handler):
    """Records everything that the package logs."""

    def __init__(self, player: str) -> None:
        super().__init__(logging.DEBUG)
        self.player = player

    def emit(self, record: logging.LogRecord) -> None:
        trace(self.player, "log", record.getMessage(), record.args)
