"""State that all threads of a process share."""

from __future__ import annotations

import _thread
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading


def loaded(name: str) -> Any:
    """Returns a module that the program has imported; None if the program has not imported it."""
    # Without the GIL, `get` of a dict takes the lock of the dict. A forked child would wait forever for the lock if
    # another thread held it at the fork. `in` and reading an item take no lock.
    if name not in sys.modules:
        return None
    try:
        return sys.modules[name]
    except KeyError:  # Another thread has removed the module.
        return None


class _Guard:
    lock: threading.RLock

    @classmethod
    def reset(cls) -> None:
        # Importing `threading` takes long, and its `RLock` is that of `_thread`. In a program that gevent has patched,
        # `threading.RLock` is another class, and `threading` is imported.
        cls.lock = (loaded("threading") or _thread).RLock()


_Guard.reset()
# Another thread of the parent may hold the lock when the process forks. That thread does not exist in the child, so the
# child needs a lock of its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Guard.reset)


def guard() -> threading.RLock:
    """Returns the lock for changes of state that all threads share. A thread that holds the lock may take the lock
    again. For example, a signal handler may run in a thread that holds the lock."""  # noqa: D205, D209
    return _Guard.lock
