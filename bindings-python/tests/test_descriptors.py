"""Calls in a process that cannot open another file or connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox import World
from scripts import run

pytest.importorskip("resource", reason="this system has no limit of descriptors per process")

SYNC = {"id": 1, "slug": "a", "status": "success", "configuration": {}, "referencedColumns": []}


class _Once(BaseHTTPRequestHandler):
    """Handles one request per connection: answers, then closes the connection."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(SYNC).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def closing() -> Iterator[str]:
    """The address of a server that closes each connection after its first answer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Once) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v1"
        server.shutdown()


EXHAUSTED = """
        import resource

        def exhausted():
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
            held = []
            try:
                while True:
                    held.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                return held
"""
NEW = "client = Hightouch(**settings, limit_scope='process')"
CASES = {
    "a client that has made no call": (NEW, "client"),
    "a client for another server": ("client = Hightouch(base_url=closing, limit_scope='process')", "client"),
    "a client for a host with a name": (
        "client = Hightouch(base_url=closing.replace('127.0.0.1', 'localhost'), limit_scope='process')",
        "client",
    ),
    "a client that is created then": (
        "os.environ.pop('SSL_CERT_FILE', None)",
        "Hightouch(base_url='https://127.0.0.1:9/api/v1', limit_scope='process')",
    ),
    "a client whose connection was closed": (
        "client = Hightouch(base_url=closing, limit_scope='process'); client.syncs.get(1)",
        "client",
    ),
}


@pytest.mark.parametrize(("before", "client"), CASES.values(), ids=CASES.keys())
def test_a_call_without_descriptors_says_so_and_works_once_there_are_some(
    world: World, closing: str, before: str, client: str
) -> None:
    """Incident: the file in `SSL_CERT_FILE` could not be opened, so the call raised a ConfigError about this file."""
    out, err = run(
        world,
        EXHAUSTED
        + f"""
        closing = {closing!r}
        with Hightouch(**settings) as other:
            other.syncs.get(1)  # imports what a first call imports
        {before}
        held = exhausted()
        try:
            client = {client}
            client.syncs.get(1, max_retries=0)
        except HightouchError as error:
            print(type(error).__name__, error.kind, error.code, error)
        for descriptor in held:
            os.close(descriptor)
        try:
            print(client.syncs.get(1, max_retries=0).id)
        except ConnectError as error:
            print(error.code)
        """,
    )
    assert err == ""
    first, second = out.splitlines()
    assert first.startswith("ConnectError connect no_descriptors syncs.get(1): no connection "), first
    assert "too many open files: this process has no file descriptors left." in first
    assert first.endswith("Close files and connections that are no longer needed, or raise the limit with `ulimit -n`.")
    # File descriptors are free again, so the second call succeeds, or is refused at port 9, where nothing listens.
    assert second == ("refused" if "127.0.0.1:9/" in client else "1")


def test_a_setting_that_names_a_file_says_that_it_cannot_be_opened(world: World) -> None:
    out, err = run(
        world,
        EXHAUSTED
        + """
        Hightouch(**settings).syncs.get(1)
        held = exhausted()
        for settings in (settings, {"api_key_file": "/etc/hostname"}):
            try:
                Hightouch(**settings)
            except ConfigError as error:
                print(error.code, "too many open files" in str(error), error.hint)
        """,
    )
    assert err == ""
    hint = "Close files and connections that are no longer needed, or raise the limit with `ulimit -n`."
    assert out.splitlines() == [f"no_descriptors True {hint}"] * 2


def test_the_first_call_of_a_process_without_descriptors_says_so(world: World) -> None:
    """Incident: the call raised an OSError, because the thread for the I/O could not start."""
    out, err = run(
        world,
        EXHAUSTED
        + """
        import hightouch_sdk._resources.syncs  # a first call would import it
        client = Hightouch(**settings)
        held = exhausted()
        try:
            client.syncs.get(1)
        except ConnectError as error:
            print(error.code, error.operation)
        for descriptor in held:
            os.close(descriptor)
        print(client.syncs.get(1).id)
        """,
    )
    assert err == ""
    assert out.split() == ["no_descriptors", "syncs.get", "1"]
