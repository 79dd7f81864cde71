#!/usr/bin/env python3
"""Checks the wheels and the source distribution in a folder, and uses the packages without cargo.

Checks the packages with twine, auditwheel, check-wheel-contents and abi3audit, and what they contain. Then installs
both wheels in an empty environment of every CPython on this machine, and in two Debian trees (packaging/debian): one
tree has the oldest glibc, the other the newest CPython. In each environment and each tree, a client triggers a run in
the sandbox and waits for the run. In one environment, the tests of docs/testing.md run. The trees need root, and are
left out without root. If the folder has a wheel for free-threaded CPython, in `free-threaded`, this wheel is checked
too, and used if this machine has such a CPython.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

from check_files import check_files
from wheel_use import (
    ROOT,
    TOOLS,
    VERSIONS,
    WITHOUT_CARGO,
    run,
    use_everywhere,
    use_free_threaded,
    use_in_a_project,
)


def only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{len(found)} files match {pattern} in {folder}. Run `make wheels`.")
    return found[0]


def check_sdist(sdist: Path) -> None:
    """Checks the error of a build from source without Rust, and that a build with Rust succeeds."""
    with tempfile.TemporaryDirectory() as folder:
        pip: list[str | Path] = [TOOLS / "python", "-m", "pip", "wheel", "--no-deps", "--disable-pip-version-check"]
        pip += ["-w", folder, sdist]
        failed = subprocess.run(pip, env=WITHOUT_CARGO, capture_output=True, text=True, check=False)
        sentence = "is built from source, which needs Rust 1.95 or newer, but there is no `cargo` on PATH."
        assert failed.returncode != 0
        assert sentence in failed.stdout + failed.stderr, failed.stderr
        target = os.environ.get("CARGO_TARGET_DIR") or str(ROOT / "target")
        run(*pip, "-q", "--config-settings", "build-args=--profile dev", env={**os.environ, "CARGO_TARGET_DIR": target})
        with zipfile.ZipFile(only(Path(folder), "*.whl")) as archive:
            assert any(name.endswith("_bridge.abi3.so") for name in archive.namelist())
            assert sum(".dist-info/licenses/" in name for name in archive.namelist()) == 3
    print(f"{sdist.name}: {sdist.stat().st_size:,} bytes; builds with Rust; without it: ... {sentence}")


def check_versions(ran: set[str], allow_missing: bool) -> None:
    missing = [version for version in VERSIONS if version not in ran]
    if not missing:
        return
    told = f"Nothing ran the wheel on CPython {', '.join(missing)}."
    if allow_missing:
        print(told)
        return
    names = ", ".join(f"python{version}" for version in missing)
    raise SystemExit(
        f"{told} Install what is missing with pyenv, or put {names} on PATH. As root on Debian, this check installs "
        f"CPython 3.14 itself. With --allow-missing (make wheel-check WHEEL_CHECK=--allow-missing) the check passes "
        f"without these versions."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--allow-missing", action="store_true", help="pass even if nothing runs a version of CPython")
    options = parser.parse_args()
    folder = options.folder.resolve()
    sdk, sandbox = only(folder, "hightouch_sdk-*-abi3-*.whl"), only(folder, "hightouch_sandbox-*.whl")
    free_threaded = [only(folder / "free-threaded", "*.whl")] if (folder / "free-threaded").exists() else []
    sdist = only(folder, "hightouch_sdk-*.tar.gz")
    wheels = [sdk, *free_threaded, sandbox]
    check_files([*wheels, sdist])
    check_sdist(sdist)
    use_in_a_project(sdk, sandbox)
    for wheel in free_threaded:
        use_free_threaded(wheel, sandbox)
    check_versions(use_everywhere(sdk, sandbox), options.allow_missing)


main()
