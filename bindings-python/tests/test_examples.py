"""Every example of the docs runs on every Python version of this machine, and passes a strict type check."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import blocks
import hightouch_sdk
import interpreters
from sandbox import ROOT, Sandbox, World

# This code comes before each example that does not create a client itself, such as an example that continues another
# example.
BEFORE = "from hightouch_sdk import Hightouch\n\nht = Hightouch()\n"
MARKDOWN = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^\.\. code-block:: python\n\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
LIBRARIES = re.compile(r"\b(to_arrow|to_pandas|to_polars|duckdb|fastapi|polars|pyarrow)\b")
PROJECT = re.compile(r"# \w+\.py$", re.MULTILINE)
LITERAL = re.compile(r"::\n\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def pages() -> dict[str, list[str]]:
    """Returns the examples of each page, by the name of the page."""
    files = [ROOT / "README.md", ROOT / "bindings-python" / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
    # A name contains the folders, because several folders have a README.
    names = ["-".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    found = {name: MARKDOWN.findall(path.read_text()) for name, path in zip(names, files, strict=True)}
    for path in sorted((ROOT / "bindings-python" / "docs").glob("*.rst")):
        found[f"python-{path.stem}"] = DIRECTIVE.findall(path.read_text())
    found["package"] = LITERAL.findall(hightouch_sdk.__doc__ or "")
    return found


def examples() -> dict[str, str]:
    """Returns the examples as programs, by their names."""
    programs = {}
    for page, texts in pages().items():
        for index, block in enumerate(texts):
            code = textwrap.dedent(block)
            if PROJECT.match(code):
                continue  # test_stranger.py writes this block to a file, and runs it there.
            programs[f"{page}-{index + 1}"] = code if "Hightouch(" in code else BEFORE + code
    return programs


EXAMPLES = examples()


def test_examples_are_found_on_the_pages_of_the_repository_and_of_the_package() -> None:
    assert {name.rpartition("-")[0] for name in EXAMPLES} >= {
        "README",
        "bindings-python-README",
        "package",
        "python-index",
        "python-runs",
    }


def test_every_block_that_this_file_must_run_is_an_example() -> None:
    programs = set(EXAMPLES.values())
    texts = blocks.assigned("test_examples.py")
    assert [text for text in texts if text not in programs and BEFORE + text not in programs] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", [None, *interpreters.others()])
def test_every_example_runs_as_it_stands(
    sandbox: Sandbox, new_world: Callable[..., World], version: str | None, tmp_path: Path
) -> None:
    python = Path(sys.executable) if version is None else interpreters.installed(version)
    jobs = []
    # Only the Python version that runs the tests has the other libraries that some examples import.
    examples = {name: code for name, code in EXAMPLES.items() if version is None or not LIBRARIES.search(code)}
    for name, code in examples.items():
        answer = new_world(syncs=10, slugs=["orders-to-salesforce"], runs={"seconds": 1}).answer
        own = {"HIGHTOUCH_API_KEY": answer["apiKey"], "HIGHTOUCH_BASE_URL": answer["httpBaseUrl"]}
        jobs.append((name, code, own))
    done = subprocess.run(
        [python, "-W", "error::DeprecationWarning:hightouch_sdk", Path(__file__).with_name("run_examples.py")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,  # Some examples write a file, and some create a temporary folder.
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("HIGHTOUCH_")},
            "HIGHTOUCH_SANDBOX": sandbox.program,
            "TMPDIR": str(tmp_path),
        },
    )
    # Standard error is not a terminal here, so `progress=True` writes lines that begin with `hightouch: `.
    unexpected = [line for line in done.stderr.splitlines() if not line.startswith("hightouch: ")]
    assert (unexpected, done.returncode) == ([], 0)
    assert len(re.findall(r"^--- ", done.stdout, re.MULTILINE)) == len(examples)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_every_example_passes_a_strict_type_check(tmp_path: Path, checker: str) -> None:
    for name, code in EXAMPLES.items():
        (tmp_path / f"{name.replace('-', '_')}.py").write_text(code)
    # The type stubs of pyarrow are incomplete, and an example cannot add the missing types.
    config = {"typeCheckingMode": "strict", "reportUnknownMemberType": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config))
    options = {
        "mypy": ["--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path)],
        "pyright": ["--pythonpath", sys.executable, "-p", str(tmp_path)],
    }
    command = [sys.executable, "-m", checker, *options[checker]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
