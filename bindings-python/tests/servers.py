"""Starts Redis and Valkey servers. `make servers` downloads their programs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from sandbox import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server for one test, on a free port of this machine. The server writes nothing to the disk."""

    def __init__(self, program: str, *more: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"hightouch-{program}-"))
        where = ("--bind", "127.0.0.1", "--dir", str(self.folder))
        self._command = [str(ROOT / "build" / "servers" / program), *where, "--save", "", "--appendonly", "no", *more]
        for _ in range(3):
            self.port = free_port()
            # The server ends at once if another program has taken the port in the meantime.
            if self._starts():
                break
        else:
            raise AssertionError("the server has ended at each start")
        self.url = f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        """Starts the server without any data."""
        assert self._starts(), "the server has ended"

    def _starts(self) -> bool:
        """Starts the server, and returns whether it listens. If not, it has ended."""
        self._process = subprocess.Popen([*self._command, "--port", str(self.port)], stdout=subprocess.DEVNULL)
        for _ in range(6000):
            if self._process.poll() is not None:
                return False
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return True
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
