#!/usr/bin/env python3
"""Checks wheels and source distributions without installing them: `check_files.py PACKAGE...`.

Checks the packages with twine, auditwheel, check-wheel-contents and abi3audit, and what they contain. The workflow of
a release does this on each platform, and `make wheel-check` does it before it uses the packages.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

from wheel_contents import check_contents

TOOLS = Path(sysconfig.get_path("scripts"))
# Some tools would break lines in the middle of names.
PLAIN = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1"}


def tool(name: str, *arguments: str | Path) -> str:
    command = [TOOLS / name, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=PLAIN)
    if done.returncode:
        raise SystemExit(f"{name} {' '.join(map(str, arguments))}\n{done.stdout}")
    return done.stdout.strip()


def check_glibc(wheel: Path) -> None:
    shown = " ".join(tool("auditwheel", "show", wheel).split())
    tag = re.search(r'consistent with the following platform tag: "([^"]+)"', shown)
    assert tag, shown
    assert tag[1].startswith("manylinux_2_17_"), shown
    print(f"auditwheel show {wheel.name}: {tag[1]}")
    if wheel.name.startswith("hightouch_sdk"):
        # If the module had its own unwinder, it would crash when a waiting thread outlives the interpreter.
        assert "libgcc_s.so.1" in shown, "the module does not use the unwinder of the system"


def check_files(packages: list[Path]) -> None:
    print(tool("twine", "check", "--strict", *packages))
    for wheel in (package for package in packages if package.suffix == ".whl"):
        # A wheel for musl is loaded in a container instead.
        if "manylinux" in wheel.name:
            check_glibc(wheel)
        print("check-wheel-contents", tool("check-wheel-contents", wheel))
        # abi3audit checks wheels for all versions of CPython. The others are for one version or have no module.
        if "-abi3-" in wheel.name:
            print("abi3audit", tool("abi3audit", "--strict", "--summary", wheel))
        check_contents(wheel)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("check_files.py: name at least one package")
    check_files([Path(name) for name in sys.argv[1:]])
