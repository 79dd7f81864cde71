"""Asks tests/house/blocks which code blocks of the documentation a test must run."""

from __future__ import annotations

import json
import subprocess

from sandbox import ROOT


def assigned(test: str) -> list[str]:
    """Returns the texts of the blocks that a test of this folder must run."""
    command = [str(ROOT / "tests" / "house" / "blocks"), f"bindings-python/tests/{test}"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [text for _, text in json.loads(listed.stdout)]
