"""Imports the native module. No other file may import it."""

from __future__ import annotations

try:
    from ._bridge import Call, Engine, Mailbox, Waiter, local, monotonic, unraisable
except ImportError as error:
    import platform

    raise ImportError(
        "The native part of hightouch-sdk could not be loaded "
        f"({platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {'-'.join(platform.libc_ver()) or 'unknown libc'}): {error}. "
        "Reinstall the package `hightouch-sdk` for this interpreter and platform.",
        name=error.name,
        path=error.path,
    ) from error

__all__ = ["Call", "Engine", "Mailbox", "Waiter", "local", "monotonic", "unraisable"]
