"""Finds the Python versions on this machine that the package supports, and installs the package for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from sandbox import ROOT

OLDEST, NEWEST = 10, 20
WHEELS = ROOT / "build" / "python" / "wheels"


def others() -> list[str]:
    """Returns the Python versions on this machine, such as "3.12", except the version that runs the tests."""
    versions = [f"3.{minor}" for minor in range(OLDEST, NEWEST) if minor != sys.version_info.minor]
    return [version for version in versions if executable(version) is not None]


def executable(version: str) -> Path | None:
    """Returns an interpreter of a version, or None. Tries each path, because a command of pyenv may exist but fail."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    paths = [Path(found) for found in (shutil.which(f"python{version}"),) if found]
    paths += sorted(pyenv.glob(f"{version}.*/bin/python{version}"))
    for path in paths:
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    return None


def install(python: Path, *what: str | Path) -> None:
    """Installs packages in the virtual environment of an interpreter."""
    pip = ["-m", "pip", "install", "-q", "--require-virtualenv", "--disable-pip-version-check"]
    subprocess.run([python, *pip, *what], check=True)


def installed(version: str) -> Path:
    """Installs the wheel under test in a virtual environment, and returns the interpreter of that environment."""
    home = ROOT / "build" / "python" / version
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([str(executable(version)), "-m", "venv", home], check=True)
    # The package and its extras need these libraries. They are installed here, because the wheel is installed below
    # with `--no-deps`.
    names = ("jinja2", "msgspec", "opentelemetry-api", "vl-convert-python")
    needed = [f"{name}=={metadata.version(name)}" for name in names]
    install(python, *needed)
    (wheel,) = WHEELS.glob("*.whl")
    install(python, "--force-reinstall", "--no-deps", wheel)
    return python
