"""What the import of the package and the first call import. Each import makes the start of a program slower."""

from __future__ import annotations

import subprocess
import sys

from sandbox import World

FIRST_LIST = """
import os, sys
# msgspec imports this package if it is installed, and with it modules that a program without it would not import.
sys.modules["typing_extensions"] = None
import msgspec
before = {*sys.modules}
from hightouch_sdk import Hightouch
ht = Hightouch(ca_bundle=os.environ["HIGHTOUCH_DEMO_CA"])
imported = {*sys.modules} - before
assert len(ht.syncs.list().first_page()) == 3
print(*imported)
print(*({*sys.modules} - before))
"""

NEEDED = {"_answers", "_base", "_bridge", "_calls", "_client", "_datetimes", "_door", "_encoding", "_error_base",
          "_error_classes", "_errors", "_forks", "_handles", "_json", "_json_diff", "_json_edit", "_json_parts",
          "_json_plain", "_json_text", "_json_views", "_log", "_names", "_native", "_public", "_resources",
          "_surrogates", "_threads", "_unset", "_value", "_waiting"}  # fmt: skip
"""The modules of this package that the import imports."""

NEEDED_BY_A_LIST = {"_arguments", "_callables", "_deprecated", "_enums", "_facts", "_fields", "_models", "_operations",
                    "_pages", "_problem", "_progress", "_run_many", "_runs"}  # fmt: skip
"""The further modules of this package that the first list imports."""


def test_the_start_of_a_program_imports_only_what_it_needs(world: World) -> None:
    """A module that is missing here may need more time than it is worth. Measure it with ``python -X importtime``."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_LIST], capture_output=True, text=True, check=True, env=world.environment()
    )
    # msgspec itself imports most modules of the standard library that the package needs.
    standard = {"__future__", "_json", "contextlib", "json", "json.decoder", "json.encoder", "json.scanner", "math"}
    for line, needed in zip(done.stdout.splitlines(), (NEEDED, NEEDED | NEEDED_BY_A_LIST), strict=True):
        modules = {*line.split()} - {"hightouch_sdk"}
        own = {name for name in modules if name.startswith("hightouch_sdk.")}
        assert {name.removeprefix("hightouch_sdk.") for name in own} == needed
        assert modules - own <= standard
