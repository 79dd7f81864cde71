"""Starts the sandbox, and sends requests to its control interface."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib import import_module
from threading import Lock, Timer
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from hightouch_sdk._native import monotonic

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


_START = 60
"""How many seconds the program has to print its first line."""


def _program() -> str:
    named = os.environ.get("HIGHTOUCH_SANDBOX")
    if named:
        return named
    try:
        package = import_module("hightouch_sandbox")
    except ModuleNotFoundError as missing:
        found = shutil.which("hightouch-sandbox")
        if found:
            return found
        raise ImportError(
            "hightouch_sdk.testing needs the package hightouch-sandbox. Install `hightouch-sdk[sandbox]`.",
            name="hightouch_sandbox",
        ) from missing
    program: str = package.path()
    return program


class Sandbox:
    """A running sandbox: a local server that implements the Hightouch API.

    The server is a child process. The server ends when it is closed or when this process ends or is killed.
    Worlds start a server by themselves. All worlds of a process share one server.

    Args:
        program: The path of the program ``hightouch-sandbox``. Default: the variable ``HIGHTOUCH_SANDBOX``, else the
            program of the package ``hightouch-sandbox``, else the program on ``PATH``.
        arguments: Further arguments of the program.

    Raises:
        ImportError: ``program`` was left out, and none of the defaults exists.
        RuntimeError: The program did not start, or it is not the sandbox.
    """

    def __init__(self, program: str | None = None, *, arguments: Sequence[str] = ()) -> None:
        self.program: str = program or _program()
        """The path of the program."""
        command = [self.program, "--exit-with-stdin", *arguments]
        # The program ends when its standard input closes. The kernel closes this pipe even if the Python process is
        # killed.
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        except OSError as error:
            raise self._not_started(f"cannot be started: {error.strerror}", is_named=program is None) from None
        self._stdin, self._stdout = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        try:
            started = self._first_line()
            self.url: str = started["url"]
            """The address of the server over TLS."""
            self.http_url: str = started["httpUrl"]
            """The address of the server without TLS."""
            self.ca_bundle: str = started["ca"]
            """The PEM file with the certificate of the server's authority."""
            self.closed_address: str = started["closed"]
            """An address, ``127.0.0.1:PORT``, at which nothing listens."""
        except EOFError:
            self._end()
            raise self._not_started(f"ended with {self._process.returncode}", is_named=program is None) from None
        except TimeoutError:
            self._end()
            raise self._not_started(f"printed nothing for {_START} seconds", is_named=program is None) from None
        except (ValueError, KeyError, TypeError):
            self._end()
            raise self._not_started("is not the sandbox: it prints no addresses", is_named=program is None) from None
        except BaseException:
            self._end()
            raise
        self._pid = os.getpid()
        _open_here.add(self)

    def _first_line(self) -> Any:
        """Returns the JSON of the first line that the program prints.

        Raises:
            EOFError: The program ended.
            TimeoutError: The program printed nothing in time, and was killed.
            ValueError: The line is not JSON.
        """
        timer = Timer(_START, self._process.kill)
        timer.daemon = True
        end = monotonic() + _START
        timer.start()
        try:
            line = self._stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise TimeoutError if monotonic() >= end else EOFError
        return json.loads(line)

    def _not_started(self, why: str, *, is_named: bool) -> RuntimeError:
        from_variable = is_named and os.environ.get("HIGHTOUCH_SANDBOX") == self.program
        hint = " The path comes from the variable HIGHTOUCH_SANDBOX." if from_variable else ""
        return RuntimeError(f"The sandbox did not start: {self.program} {why}.{hint}")

    def _end(self) -> None:
        """Ends a program that may be another one than the sandbox, and so may go on after its input has closed."""
        self._stdin.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()

    def close(self) -> None:
        """Ends the server. Closing the server again does nothing."""
        _open_here.discard(self)
        if self._pid != os.getpid():
            return
        self._stdin.close()
        self._process.wait(30)
        self._stdout.close()

    @property
    def is_running(self) -> bool:
        """Whether this process started the server, and the server still runs."""
        return self in _open_here and self._process.poll() is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Sends a request to the control interface, and returns the JSON of the answer.

        Args:
            method: The HTTP method.
            path: A path below ``/_worlds``.
            body: A JSON value. With ``None``, the request has no body.

        Raises:
            ValueError: The server refused the request.
        """
        connection = http.client.HTTPConnection(urlsplit(self.http_url).netloc, timeout=30)
        try:
            text = None if body is None else json.dumps(body, allow_nan=False)
            connection.request(method, "/_worlds" + path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            value = json.loads(answer.read() or "null")
        finally:
            connection.close()
        if answer.status >= 400:
            raise ValueError(value["message"])
        return value


_open_here: set[Sandbox] = set()
"""The servers that this process started and has not closed."""

_shared: list[Sandbox] = []
_lock = Lock()


def shared() -> Sandbox:
    """Returns the server that the worlds of this process share. Starts the server if it does not run."""
    with _lock:
        if not _shared or not _shared[0].is_running:
            _shared[:] = [Sandbox()]
        return _shared[0]


def _close_all() -> None:
    for server in list(_open_here):
        server.close()


def _forget_in_child() -> None:
    """Closes a forked child's copies of the pipes to the servers. Open copies would keep the servers alive."""
    global _lock
    _lock = Lock()
    for server in _open_here:
        server._stdin.close()  # pyright: ignore[reportPrivateUsage]
    _open_here.clear()
    _shared.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
