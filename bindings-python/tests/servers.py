"""Starts Redis and Valkey servers. `make servers` downloads their programs."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from sandbox import ROOT


def free_port() -> int:
    """Returns a free port. Linux gives none of these ports to connections, so the port is still free at the start."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """A server for one test, on a free port of this machine. The server writes nothing to the disk."""

    def __init__(self, program: str, *more: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"hightouch-{program}-"))
        where = ("--bind", "127.0.0.1", "--dir", str(self.folder))
        self._command = [str(ROOT / "build" / "servers" / program), *where, "--save", "", "--appendonly", "no", *more]
        self.port = free_port()
        self.start()
        self.url = f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        """Starts the server without any data."""
        self._process = subprocess.Popen([*self._command, "--port", str(self.port)], stdout=subprocess.DEVNULL)
        for _ in range(6000):
            assert self._process.poll() is None, "the server has ended"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError("the server does not start within a minute")

    def stop(self) -> None:
        """Makes the server hang until :meth:`go_on` is called."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def command(self, *words: str) -> str:
        """Sends a command and returns the reply as the server wrote it, in the protocol RESP."""
        text = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as link:
            link.sendall(text.encode())
            return link.recv(1 << 20).decode(errors="replace")
