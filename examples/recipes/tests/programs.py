"""Starts the programs and the servers that the tests need."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from sandbox import until

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], env: dict[str, str], cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Runs a program until the block ends. Writes its output to the file `output` in `cwd`."""
    with (cwd / "output").open("a") as output:
        process = subprocess.Popen(
            command, env=env, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(120)
            finally:
                # Ends what the program has started and left, and the program itself if it did not end in time.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def call(method: str, url: str) -> tuple[int, Any]:
    """Sends a request to a server on this machine. Returns the status and the JSON of the answer."""
    try:
        with DIRECT.open(urllib.request.Request(url, method=method), timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


# The world of a test of a web API: the answer to the first trigger is lost, and runs of `invoices` fail. The clock of
# this world does not run fast, because the SDK compares the time of a run with the time at which it sent the trigger.
WEB_WORLD: dict[str, Any] = {
    "slugs": ["orders-to-salesforce", "invoices"],
    "timeScale": 1,
    "runs": {"seconds": 1, "bySlug": {"invoices": {"status": "failed", "error": "the password has expired"}}},
    "script": [
        {
            "when": {"operation": ["TriggerRun", "TriggerRunCustom"]},
            "answer": {"reset": "before-headers", "apply": True},
        }
    ],
}


def starts_runs_and_looks_at_them(url: str) -> None:
    """Checks a web API that starts runs of syncs and returns the state of a run, in a world of `WEB_WORLD`."""
    assert call("POST", f"{url}/syncs/no-such-sync/runs")[0] == 404
    # The answer to the first trigger is lost, and the SDK finds the run.
    for sync, end in [("orders-to-salesforce", "success"), ("invoices", "failed")]:
        status, answer = call("POST", f"{url}/syncs/{sync}/runs")
        assert status == 202, answer
        look = f"{url}/runs/{answer['token']}"
        until(lambda look=look: call("GET", look)[1].get("ended") is True)  # type: ignore[misc]
        assert call("GET", look)[1]["status"] == end
    assert call("GET", f"{url}/runs/no-token")[0] == 400


class Gateway(ThreadingHTTPServer):
    """A server that changes requests and passes them on to a world. A test can close its connections."""

    daemon_threads = True

    def __init__(
        self, base_url: str, change: Callable[[str, dict[str, str]], tuple[str, dict[str, str]] | None]
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.base_url = base_url
        self.change = change
        self.connections: set[socket.socket] = set()
        self.accepted = 0
        Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.accepted += 1
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self.connections):
            connection.shutdown(socket.SHUT_RDWR)


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        passed = self.server.change(self.path, dict(self.headers))
        if passed is None:
            return self.answer(401, b'{"message": "token expired"}', {})
        path, headers = passed
        headers = {
            name: value
            for name, value in headers.items()
            if name.lower() not in ("host", "connection", "accept-encoding")
        }
        request = urllib.request.Request(self.server.base_url + path, body, headers, method=self.command)
        try:
            with DIRECT.open(request, timeout=60) as answer:
                self.answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.read(), dict(error.headers))

    do_GET = do_POST = do_PATCH = do_DELETE = forward  # noqa: N815

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name in ("Date", "Content-Type", "Retry-After"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
