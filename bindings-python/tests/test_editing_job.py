"""The program in `docs/editing.md` that changes a mapping in many syncs, shows a preview, and undoes the change."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from hightouch_sdk import Hightouch
from sandbox import World

PAGE = (Path(__file__).parents[2] / "docs" / "editing.md").read_text(encoding="utf-8")
# A configuration with numbers that the sandbox would round.
EXACT = '{"id":12345678901234567890123,"rate":0.1000,"mappings":[{"from":"id","to":"Id"},{"from":"email","to":"E"}]}'


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_programs_are_short() -> None:
    lines = {
        language: len([line for line in block(language).splitlines() if line]) for language in ("python", "ts", "swift")
    }
    assert lines["python"] <= 25
    assert max(lines.values()) <= 50


def test_many_syncs_are_changed_and_restored(
    new_world: Callable[..., World],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = new_world(syncs=300)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HIGHTOUCH_API_KEY", world.answer["apiKey"])
    monkeypatch.setenv("HIGHTOUCH_BASE_URL", world.answer["httpBaseUrl"])
    code = compile(block("python"), "job", "exec")

    def job(*argv: str) -> str:
        """Runs the program and returns what it prints."""
        monkeypatch.setattr(sys, "argv", ["job", *argv])
        with contextlib.suppress(SystemExit):
            exec(code, {})
        return capsys.readouterr().out

    def texts() -> dict[int, str]:
        with Hightouch() as ht:
            return {sync.id: sync.configuration.text for sync in ht.syncs.list() if sync.configuration}

    before = texts()
    shown = job("--dry-run")
    assert '~ mappings[1].to: "Email" -> "Email__c"' in shown
    assert texts() == before

    assert job() == shown
    changed = {number for number, text in texts().items() if text != before[number]}
    assert len(changed) == shown.count("~ ") > 60
    saved = json.loads((tmp_path / "before.json").read_text())
    assert saved == {str(number): before[number] for number in changed}

    # A second run of the program must not overwrite the saved values.
    assert job() == ""
    assert json.loads((tmp_path / "before.json").read_text()) == saved
    with Hightouch() as ht:
        ht.syncs.update(min(changed), configuration=json.loads(before[min(changed)]))
    with pytest.raises(FileExistsError):
        job()
    capsys.readouterr()
    assert json.loads((tmp_path / "before.json").read_text()) == saved

    assert job("--undo") == ""
    assert texts() == before


def test_the_undo_says_what_the_server_did_not_take_back(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Incident: the server merges configurations, so the undo silently failed to remove an added member."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HIGHTOUCH_API_KEY", world.answer["apiKey"])
    monkeypatch.setenv("HIGHTOUCH_BASE_URL", world.answer["httpBaseUrl"])
    with Hightouch() as ht:
        old = ht.syncs.get(1).configuration
        assert old is not None
        ht.syncs.update(1, configuration=old.with_("added", "later"))
    (tmp_path / "before.json").write_text(json.dumps({"1": old.text}))
    monkeypatch.setattr(sys, "argv", ["job", "--undo"])
    with pytest.raises(SystemExit):
        exec(block("python"), {})
    assert capsys.readouterr().out == 'sync 1 is not as it was:\n+ added: "later"\n'


class Exact(BaseHTTPRequestHandler):
    """A server with one sync. The server keeps the sync's configuration as text."""

    texts: ClassVar[list[str]] = [EXACT]

    def do_GET(self) -> None:
        self.answer(f'{{"data":[{self.sync()}],"hasMore":false}}')

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.texts.append(body.removeprefix('{"configuration":').removesuffix("}"))
        self.answer(self.sync())

    def sync(self) -> str:
        return f'{{"id":1,"slug":"a","configuration":{self.texts[-1]}}}'

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Logs nothing."""


def test_every_digit_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exact)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HIGHTOUCH_API_KEY", "k")
    monkeypatch.setenv("HIGHTOUCH_BASE_URL", f"http://127.0.0.1:{server.server_port}/api/v1")
    try:
        for argv in (["job"], ["job", "--undo"]):
            monkeypatch.setattr(sys, "argv", argv)
            with contextlib.suppress(SystemExit):
                exec(block("python"), {})
    finally:
        server.shutdown()
        server.server_close()
    assert Exact.texts == [EXACT, EXACT.replace('"E"', '"Email__c"'), EXACT]
