"""Installs wheels without cargo, on each CPython of this machine and in Debian trees, and uses them there."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
TESTS = ROOT / "bindings-python" / "tests"
sys.path.append(str(TESTS))

import stranger  # noqa: E402

WITHOUT_CARGO = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
VERSIONS = [f"3.{minor}" for minor in range(10, 15)]
# Prints the version of an interpreter that can create environments, such as 3.14, or 3.14t if it is free-threaded.
VERSION = """
import sys, sysconfig, venv
print("3.%d%s" % (sys.version_info.minor, "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""))
"""
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
WITHOUT_GIL = 'assert not sys._is_gil_enabled(), "the package has switched the GIL on"\n'


def run(*command: str | Path, **options: object) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)  # type: ignore[call-overload]
    text: str = done.stdout
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{text}")
    return text


def requirements(*names: str) -> list[str | Path]:
    """Returns the options with which pip installs packages from PyPI: only those with a known hash."""
    files = [("-r", ROOT / "packaging" / f"requirements-{name}.txt") for name in names]
    return ["--require-hashes", "--only-binary", ":all:", *(part for file in files for part in file)]


def interpreter(version: str, *others: str) -> Path | None:
    """Returns an interpreter of this machine. Runs each, because a command of pyenv may exist but fail."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    commands = [*others, *sorted(map(str, pyenv.glob(f"*/bin/python{version}"))), f"python{version}"]
    for path in filter(None, map(shutil.which, commands)):
        done = subprocess.run([path, "-c", VERSION], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return Path(path)
    return None


def environment(python: Path, folder: Path, sdk: Path, sandbox: Path, *more: str) -> Path:
    """Creates an environment and installs the packages in it. Returns its interpreter."""
    run(python, "-m", "venv", folder / "venv")
    local = folder / "venv" / "bin" / "python"
    pip: list[str | Path] = [local, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, *requirements("runtime", *more), cwd=folder)
    wheels = ["--no-index", "--find-links", str(sandbox.parent), f"hightouch-sdk[sandbox] @ {sdk.as_uri()}"]
    run(*pip, *wheels, cwd=folder)
    return local


def use_here(python: Path, sdk: Path, sandbox: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        local = environment(python, Path(folder), sdk, sandbox)
        return run(local, "-I", "-c", USE, cwd=folder, env=WITHOUT_CARGO).strip()


def use_free_threaded(sdk: Path, sandbox: Path) -> None:
    """Uses the wheel for free-threaded CPython without the GIL, and runs the tests of threads with it."""
    tag = re.search(r"-cp3(\d+)-cp3\1t-", sdk.name)
    assert tag, f"{sdk.name} is not for free-threaded CPython"
    # make passes the variable on, which names a version or an interpreter.
    python = interpreter(f"3.{tag[1]}t", os.environ.get("FREE_THREADED", ""))
    if not python:
        print(f"{sdk.name}: not run, because there is no free-threaded CPython 3.{tag[1]} on this machine")
        return
    with tempfile.TemporaryDirectory() as folder:
        local = environment(python, Path(folder), sdk, sandbox, "threads")
        used = run(local, "-I", "-W", "error", "-c", USE + WITHOUT_GIL, cwd=folder, env=WITHOUT_CARGO).strip()
        print(f"free-threaded {used}")
        tests: list[str | Path] = [local, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_threads.py"]
        sandboxed = {**os.environ, "HIGHTOUCH_SANDBOX": str(local.with_name("hightouch-sandbox"))}
        told = run(*tests, cwd=TESTS.parent, env=sandboxed)
        print(f"free-threaded, tests/test_threads.py: {told.strip().splitlines()[-1]}")


def use_in_a_project(sdk: Path, sandbox: Path) -> None:
    """Runs the tests of docs/testing.md in the project of a user who has pytest and the packages, but no cargo."""
    assert shutil.which("cargo", path=stranger.PATH) is None, f"cargo is in {stranger.PATH}"
    with tempfile.TemporaryDirectory() as folder:
        environment(TOOLS / "python", Path(folder), sdk, sandbox, "threads")
        print(f"docs/testing.md with pytest in a project without cargo: {stranger.run_the_page(Path(folder))}")


def use_in_tree(suite: str, version: str, python: str, sdk: Path, sandbox: Path) -> str:
    tree = Path(run(ROOT / "packaging" / "debian", suite).strip())
    place = tree / "srv" / "hightouch"
    shutil.rmtree(place, ignore_errors=True)
    # The Debian trees have no pip. So the pip of this machine chooses the wheels, by the platform tags of the tree.
    tags = ["--python-version", version, "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64"]
    if suite != "bullseye":
        tags += ["--platform", "manylinux_2_28_x86_64"]
    pip: list[str | Path] = [TOOLS / "python", "-m", "pip", "install", "-q", "--target", place, *tags]
    run(*pip, *requirements("runtime"))
    run(*pip, "--only-binary", ":all:", "--no-deps", "--no-index", sdk, sandbox)
    mounts = 'mount -t proc proc "$1/proc"; mount --bind /dev "$1/dev"; exec chroot "$@"'
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", mounts, "sh", str(tree), python]
    variables = {**WITHOUT_CARGO, "PYTHONPATH": "/srv/hightouch", "TMPDIR": "/tmp"}
    return run(*inside, "-c", USE, env={**variables, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).strip()


def use_everywhere(sdk: Path, sandbox: Path) -> set[str]:
    """Uses the wheels on each CPython that there is. Returns the versions that ran them."""
    told = []
    for version in VERSIONS:
        python = interpreter(version)
        if python:
            told.append(use_here(python, sdk, sandbox))
            print(told[-1])
    if os.geteuid() == 0 and platform.freedesktop_os_release().get("ID") == "debian":
        trees = [("bullseye", "3.11", "/usr/local/bin/python3.11"), ("forky", "3.14", "/usr/bin/python3.14")]
        for suite, version, command in trees:
            told.append(use_in_tree(suite, version, command, sdk, sandbox))
            print(f"Debian {suite}: {told[-1]}")
    else:
        print("The Debian trees are left out: they need Debian and root.")
    return set(re.findall(r"^CPython (3\.\d+)\.", "\n".join(told), re.MULTILINE))
