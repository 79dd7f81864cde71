#!/usr/bin/env python3
"""Checks the wheels and the source distribution in a folder, and uses the packages without cargo.

    packaging/check_wheels.py FOLDER

Checks the packages with twine, auditwheel, check-wheel-contents and abi3audit. Then installs both wheels in an empty
environment of every CPython on this machine, and in two Debian trees (packaging/debian): one tree has the oldest glibc,
the other the newest CPython. In each environment and each tree, a client triggers a run in the sandbox and waits for
the run. The trees need root, and are left out without root.
"""

from __future__ import annotations

import email
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
# The largest allowed size of the Python package, in bytes. The goal is 2.5 MB.
MOST = 3_900_000
WITHOUT_CARGO = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
USE = """
import platform, shutil, sys
assert shutil.which("cargo") is None, "cargo is on PATH"
import hightouch_sdk
from hightouch_sdk.testing import World
with World(slugs=["orders"]) as world, world.client() as ht:
    assert ht.syncs.trigger("orders").wait().status == "success"
    with world.client(base_url=world.tls_base_url, ca_bundle=world.sandbox.ca_bundle) as tls:
        assert tls.syncs.get(1).slug == "orders"
print(f"CPython {platform.python_version()}, {' '.join(platform.libc_ver())}: ok with {hightouch_sdk.__version__}")
"""
VERSIONS = [f"3.{minor}" for minor in range(10, 15)]


def run(*command: str | Path, **options: object) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)  # type: ignore[call-overload]
    text: str = done.stdout
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{text}")
    return text


def only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{len(found)} files match {pattern} in {folder}. Run `make wheels`.")
    return found[0]


def check_with_tools(sdk: Path, sandbox: Path, sdist: Path) -> None:
    print(run(TOOLS / "twine", "check", "--strict", sdk, sandbox, sdist).strip())
    for wheel in (sdk, sandbox):
        shown = " ".join(run(TOOLS / "auditwheel", "show", wheel).split())
        tag = re.search(r'consistent with the following platform tag: "([^"]+)"', shown)
        assert tag, shown
        assert tag[1] == "manylinux_2_17_x86_64", shown
        print(f"auditwheel show {wheel.name}: {tag[1]}")
        if wheel == sdk:
            # If the module had its own unwinder, it would crash when a waiting thread outlives the interpreter.
            assert "libgcc_s.so.1" in shown, "the module does not use the unwinder of the system"
        print("check-wheel-contents", run(TOOLS / "check-wheel-contents", wheel).strip())
    print("abi3audit", run(TOOLS / "abi3audit", "--strict", "--summary", sdk).strip())


def check_contents(wheel: Path) -> None:
    """Checks the metadata, the licences and the SBOM."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        folder = metadata.rpartition("/")[0]
        about = email.message_from_bytes(archive.read(metadata))
        licences = about.get_all("License-File") or []
        assert sorted(licences) == ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY-NOTICES.txt"], licences
        for name in licences:
            assert len(archive.read(f"{folder}/licenses/{name}")) > 500, name
        assert "Programming Language :: Python :: 3.14" in (about.get_all("Classifier") or [])
        assert about["Description-Content-Type"], "no description"
        assert about["Author"], "no author"
        boms = [name for name in names if name.startswith(f"{folder}/sboms/")]
        assert len(boms) == 1, boms
        text = archive.read(boms[0]).decode()
        assert str(ROOT) not in text, "the SBOM has a path of this machine"
        print(f"{wheel.name}: {len(json.loads(text)['components'])} crates in the SBOM, licences and notices")
        native = max(archive.infolist(), key=lambda entry: entry.file_size)
        size = wheel.stat().st_size
        print(f"{wheel.name}: {size:,} bytes; {native.filename}: {native.file_size:,}, packed {native.compress_size:,}")
    if wheel.name.startswith("hightouch_sdk"):
        assert size <= MOST, f"more than {MOST:,} bytes"


def interpreter(version: str) -> Path | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    paths = [
        *pyenv.glob(f"{version}.*/bin/python{version}"),
        *map(Path, filter(None, [shutil.which(f"python{version}")])),
    ]
    for path in paths:
        if subprocess.run([path, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
            return path
    return None


def use_here(python: Path, sdk: Path, sandbox: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(python, "-m", "venv", f"{folder}/venv")
        local = Path(folder, "venv", "bin", "python")
        pip: list[str | Path] = [
            local,
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
        ]
        run(*pip, "--find-links", sandbox.parent, f"hightouch-sdk[sandbox] @ {sdk.as_uri()}", cwd=folder)
        print(run(local, "-I", "-c", USE, cwd=folder, env=WITHOUT_CARGO).strip())


def check_sdist(sdist: Path) -> None:
    """Checks the error of a build from source without Rust, and that a build with Rust succeeds."""
    with tempfile.TemporaryDirectory() as folder:
        pip: list[str | Path] = [
            TOOLS / "python",
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--disable-pip-version-check",
            "-w",
            folder,
            sdist,
        ]
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


def use_in_tree(suite: str, version: str, python: str, sdk: Path, sandbox: Path) -> None:
    tree = Path(run(ROOT / "packaging" / "debian", suite).strip())
    place = tree / "srv" / "hightouch"
    shutil.rmtree(place, ignore_errors=True)
    # The Debian trees have no pip. So the pip of this machine chooses the wheels, by the platform tags of the tree.
    tags = ["--python-version", version, "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64"]
    if suite != "bullseye":
        tags += ["--platform", "manylinux_2_28_x86_64"]
    pip: list[str | Path] = [
        TOOLS / "python",
        "-m",
        "pip",
        "install",
        "-q",
        "--only-binary",
        ":all:",
        *tags,
        "--target",
        place,
    ]
    run(*pip, sdk, sandbox)
    mounts = 'mount -t proc proc "$1/proc"; mount --bind /dev "$1/dev"; exec chroot "$@"'
    environment = {**WITHOUT_CARGO, "PYTHONPATH": "/srv/hightouch", "TMPDIR": "/tmp"}
    command: list[str | Path] = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        mounts,
        "sh",
        tree,
        python,
        "-c",
        USE,
    ]
    print(f"Debian {suite}:", run(*command, env={**environment, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).strip())


def main() -> None:
    folder = Path(sys.argv[1])
    sdk, sandbox = only(folder, "hightouch_sdk-*.whl"), only(folder, "hightouch_sandbox-*.whl")
    sdist = only(folder, "hightouch_sdk-*.tar.gz")
    check_with_tools(sdk, sandbox, sdist)
    check_contents(sdk)
    check_contents(sandbox)
    check_sdist(sdist)
    for version in VERSIONS:
        python = interpreter(version)
        if python:
            use_here(python, sdk, sandbox)
        else:
            print(f"CPython {version}: none on this machine")
    if os.geteuid() == 0 and platform.freedesktop_os_release().get("ID") == "debian":
        use_in_tree("bullseye", "3.11", "/usr/local/bin/python3.11", sdk, sandbox)
        use_in_tree("forky", "3.14", "/usr/bin/python3.14", sdk, sandbox)
    else:
        print("The Debian trees are left out: they need Debian and root.")


main()
