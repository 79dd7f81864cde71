"""The command line ``hightouch-sdk``. Importing ``hightouch_sdk`` does not import this package."""

from __future__ import annotations

import sys
from importlib import import_module

from ._stdout import prepare


def is_importable(name: str) -> bool:
    """Whether a library is installed."""
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def main() -> None:
    """Runs the command line and exits. Without the extra ``cli``, ``doctor`` is the only command."""
    prepare()
    if is_importable("click") and is_importable("rich"):
        from ._run import run
    else:
        from ._plain import run
    sys.exit(run(sys.argv[1:]))
