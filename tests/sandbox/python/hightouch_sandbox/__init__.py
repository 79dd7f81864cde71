"""The program ``hightouch-sandbox``: the Hightouch API as a local server, for tests.

``hightouch_sdk.testing`` starts the program and has the helpers for tests. This package only contains the program::

    import subprocess

    import hightouch_sandbox

    subprocess.run([hightouch_sandbox.path(), "--help"])
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

__all__ = ["path"]


def path() -> str:
    """Returns the path of the program.

    Raises:
        FileNotFoundError: The installation lacks the program.
    """
    name = "hightouch-sandbox" + (sysconfig.get_config_var("EXE") or "")
    user = sysconfig.get_preferred_scheme("user")
    folders = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", user),
        # `pip install --target` puts the folder `bin` beside the package. `--prefix` puts `bin` some folders higher.
        *[str(above / "bin") for above in Path(__file__).resolve().parents[1:5]],
        str(Path(sys.executable).parent),
    ]
    for folder in folders:
        program = Path(folder) / name
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    raise FileNotFoundError(f"The package hightouch-sandbox is installed without its program {name}. Install it again.")
