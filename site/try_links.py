"""Tries the check of external links, `make site-links`, on a page with links to a server on this machine.

Fails unless the check accepts a page that exists and an anchor in it, and refuses a page and an anchor that do not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parent


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/here" else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<p id='there'>")

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


def checked(links: list[str]) -> subprocess.CompletedProcess[str]:
    """Checks a site of one page that has these links."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.md").write_text("# Links\n\n" + "".join(f"[a link]({link})\n\n" for link in links))
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "linkcheck", "-c", str(SITE)]
        environment = {**os.environ, "no_proxy": "127.0.0.1"}
        return subprocess.run(
            [*command, folder, str(Path(folder, "out"))], env=environment, capture_output=True, text=True, check=False
        )


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    good = [f"{url}/here", f"{url}/here#there"]
    done = checked(good)
    if done.returncode != 0:
        sys.exit(f"links: the check refuses links that lead somewhere:\n{done.stderr}{done.stdout}")
    for bad in (f"{url}/gone", f"{url}/here#gone"):
        done = checked([*good, bad])
        if done.returncode == 0 or bad.partition("#")[0] not in done.stdout + done.stderr:
            sys.exit(f"links: the check accepts {bad}, which leads nowhere:\n{done.stderr}{done.stdout}")
    server.shutdown()


if __name__ == "__main__":
    main()
