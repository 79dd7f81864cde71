"""Imports modules before a fork, so that forked children do not wait for them.

While a thread imports a module, the module is locked. If another thread forks the process meanwhile, the module stays
locked in the child for ever, because the importing thread does not exist there. The child's first call would hang.
"""

from __future__ import annotations

import os
import sys

_MODULES = ("_batch", "_enums", "_health", "_hooks", "_json_diff", "_json_edit", "_keys", "_opened_runs",
            "_plain_values", "_raw", "_runs")  # fmt: skip
"""Modules that methods import at their first use. They import the others that methods need."""

_ASYNC_MODULES = ("_async_batch", "_async_runs")


def _load() -> None:
    """Imports what calls need. Waits for imports of other threads. The next fork imports nothing more."""
    from importlib import import_module

    from ._handles import load
    from ._resources import Resources

    for name in _MODULES:
        import_module(f"hightouch_sdk.{name}")
    load(Resources)
    if "hightouch_sdk._async_client" in sys.modules:
        from ._async_resources import AsyncResources

        for name in _ASYNC_MODULES:
            import_module(f"hightouch_sdk.{name}")
        load(AsyncResources)


class _Before:
    """Whether each fork calls `_load`."""

    registered = False


def load_before_forks() -> None:
    """From now on, each fork of this process first imports what calls need. A client calls this function when it is
    created, because without a client no thread makes calls."""  # noqa: D205, D209
    if not _Before.registered and hasattr(os, "register_at_fork"):
        _Before.registered = True
        os.register_at_fork(before=_load)
