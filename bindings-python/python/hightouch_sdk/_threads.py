"""State that all threads of a process share."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any


class _Guard:
    lock: threading.RLock

    @classmethod
    def reset(cls) -> None:
        cls.lock = threading.RLock()


_Guard.reset()
# Another thread of the parent may hold the lock when the process forks. That thread does not exist in the child, so the
# child needs a lock of its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Guard.reset)


def guard() -> threading.RLock:
    """Returns the lock under which such state changes. A thread that holds it may take it again, as a signal handler
    does."""  # noqa: D205, D209
    return _Guard.lock


def loaded(name: str) -> Any:
    """Returns a module that the program has imported; None if it has not."""
    # Without the GIL, `get` of a dict takes a lock of the dict, which a forked child may inherit locked. These do not.
    if name not in sys.modules:
        return None
    try:
        return sys.modules[name]
    except KeyError:  # Another thread has removed it.
        return None
