"""The logger of the package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


def logger(*, wanted: bool = False) -> Logger | None:
    """Returns the logger; None if the program has not imported ``logging``, because then no handler exists.

    Args:
        wanted: Import ``logging`` if necessary. This is for warnings: even without any other handler, the last-resort
            handler of ``logging`` prints them.
    """
    if wanted:
        try:
            import logging
        except ImportError:  # The interpreter is shutting down.
            return None
        return logging.getLogger("hightouch_sdk")
    loaded = sys.modules.get("logging")
    return None if loaded is None else loaded.getLogger("hightouch_sdk")
