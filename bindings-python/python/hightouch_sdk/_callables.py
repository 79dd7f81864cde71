"""Checks a user's function before it is called."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._errors import HightouchError

_COROUTINE = 0x80
"""The value of ``inspect.CO_COROUTINE``. Importing ``inspect`` would take longer than importing the rest of the
package."""


def is_coroutine_function(function: Any) -> bool:
    """Whether a function, method, partial or object with ``__call__`` returns a coroutine when it is called."""
    while isinstance(function, partial):
        function = function.func
    if not hasattr(function, "__code__"):
        function = type(function).__call__
    code = getattr(function, "__code__", None)
    return bool(code is not None and code.co_flags & _COROUTINE)


def check_function(name: str, given: object, error: type[HightouchError]) -> None:
    """Accepts None and a function that needs no ``await``.

    Raises:
        HightouchError: ``given`` is anything else. The argument ``error`` is the class that is raised.
    """
    if given is None:
        return
    if not callable(given):
        raise error(f"`{name}` must be a function, not {given!r}.")
    if is_coroutine_function(given):
        raise error(f"`{name}` must be a plain function. A coroutine function would never be awaited here.")
