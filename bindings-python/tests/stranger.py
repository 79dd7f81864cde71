"""The project of a user: an empty folder with an environment, in which the code of docs/testing.md runs with pytest.

The tests use it with unoptimised packages, and packaging/check_wheels.py with the packages of a release. This module
imports only the standard library, because packaging/check_wheels.py runs in an environment without pytest.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Without the folder of cargo, which is usually in the home of the user.
PATH = "/usr/bin:/bin"


def pages() -> dict[str, str]:
    """Returns the files of docs/testing.md, by their names."""
    files: dict[str, str] = {}
    for name, block in BLOCK.findall((ROOT / "docs" / "testing.md").read_text()):
        files[name] = files.get(name, "") + block + "\n\n"
    return files


def pytest_in(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest in a project. Its environment is in the folder `venv`."""
    environment = {"PATH": PATH, "HOME": str(project), "HIGHTOUCH_API_KEY": "a-real-key"}
    return subprocess.run(
        [project / "venv" / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run_the_page(project: Path) -> str:
    """Runs the tests of docs/testing.md in a project. Returns the last line of pytest, and fails unless all passed."""
    files = pages()
    assert set(files) == {"job.py", "test_job.py"}, files.keys()
    for name, text in files.items():
        (project / name).write_text(text)
    done = pytest_in(project, "test_job.py", "--strict-markers")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(rf"^{files['test_job.py'].count('def test_')} passed.*$", done.stdout, re.MULTILINE)
    assert passed, done.stdout
    return passed[0]
