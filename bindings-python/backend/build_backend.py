"""The build backend: maturin, after a check that Rust is installed."""

from __future__ import annotations

import re
import shutil
import subprocess

from maturin import *  # noqa: F403
from maturin import build_editable as _build_editable
from maturin import build_wheel as _build_wheel

_NEEDED = (1, 95)


def _check_rust() -> None:
    version = f"{_NEEDED[0]}.{_NEEDED[1]}"
    there = "there is no wheel of hightouch-sdk for this platform, so it is built from source, which needs"
    cargo = shutil.which("cargo")
    if cargo is None:
        raise SystemExit(f"hightouch-sdk: {there} Rust {version} or newer, but there is no `cargo` on PATH.")
    told = subprocess.run([cargo, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.match(r"cargo (\d+)\.(\d+)", told)
    if found and (int(found[1]), int(found[2])) < _NEEDED:
        raise SystemExit(f"hightouch-sdk: {there} Rust {version} or newer, but `cargo` is {found[1]}.{found[2]}.")


def get_requires_for_build_wheel(config_settings=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Returns no further requirements. Checks for Rust, because pip calls this function before it builds anything."""
    _check_rust()
    return []


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Builds a wheel."""
    _check_rust()
    return _build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Builds an editable wheel: Python imports the package from this folder."""
    _check_rust()
    return _build_editable(wheel_directory, config_settings, metadata_directory)
