"""The Pythons on this machine that the package supports, each with the package installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from sandbox import ROOT

OLDEST, NEWEST = 10, 20
WHEELS = ROOT / "build" / "python" / "wheels"


def others() -> list[str]:
    """The versions other than the one that runs the tests, such as "3.12"."""
    versions = [f"3.{minor}" for minor in range(OLDEST, NEWEST) if minor != sys.version_info.minor]
    return [version for version in versions if executable(version) is not None]


def executable(version: str) -> Path | None:
    """Returns an interpreter only if it runs: pyenv puts commands on the path even for missing versions."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    paths = [Path(found) for found in (shutil.which(f"python{version}"),) if found]
    paths += sorted(pyenv.glob(f"{version}.*/bin/python{version}"))
    for path in paths:
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    return None


def installed(version: str) -> Path:
    """The interpreter of an environment that has the wheel under test."""
    home = ROOT / "build" / "python" / version
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([str(executable(version)), "-m", "venv", home], check=True)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--require-virtualenv",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, f"msgspec=={msgspec.__version__}"], check=True)
    (wheel,) = WHEELS.glob("*.whl")
    subprocess.run([*pip, "--force-reinstall", "--no-deps", wheel], check=True)
    return python
