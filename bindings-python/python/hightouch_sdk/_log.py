"""The package's logger."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


def logger(*, wanted: bool = False) -> Logger | None:
    """The logger, if the program has imported logging: else it has no handler that could hear us.

    Args:
        wanted: Import logging, for what people should see even so: its handler of last resort prints it.
    """
    if wanted:
        try:
            import logging
        except ImportError:  # The interpreter is shutting down.
            return None
        return logging.getLogger("hightouch_sdk")
    loaded = sys.modules.get("logging")
    return None if loaded is None else loaded.getLogger("hightouch_sdk")
