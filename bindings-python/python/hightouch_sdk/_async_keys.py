"""Calls the key function in an event loop. The function may be a coroutine function."""

from __future__ import annotations

import asyncio
import concurrent.futures
import weakref
from collections.abc import Awaitable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from ._keys import Keys, in_key_function

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_LOOK_S = 0.5
"""The seconds between two checks whether the event loop that runs the key function has stopped."""


class AsyncKeys(Keys):
    """Calls the key function in an event loop in which calls are in progress."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        super().__init__(ask)
        # How many calls are in progress in each loop. The references are weak, because a loop may be abandoned during a
        # call.
        self._calls: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, int] = weakref.WeakKeyDictionary()

    def _check(self, ask: Callable[[], Any]) -> None:
        """Accepts any function, also a coroutine function."""

    @contextmanager
    def around(self, loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
        """Counts a call as in progress in ``loop`` during a ``with`` block."""
        self._count(loop, 1)
        try:
            yield
        finally:
            self._count(loop, -1)

    def _count(self, loop: asyncio.AbstractEventLoop, more: int) -> None:
        with self._lock:
            self._calls[loop] = self._calls.get(loop, 0) + more

    def _given(self) -> Any:
        while (loop := self._running()) is not None:
            asked = asyncio.run_coroutine_threadsafe(self._asked(), loop)
            while loop.is_running():
                concurrent.futures.wait([asked], _LOOK_S)
                if asked.done():
                    return asked.result()
            # The loop stopped before the function returned. Calls in another loop may wait for the key too, so the
            # function is called again in the other loop.
            if not loop.is_closed():
                asked.cancel()
        raise RuntimeError("No event loop is running in which the key function could be called.")

    def _running(self) -> asyncio.AbstractEventLoop | None:
        with self._lock:
            # Iterates over a list, because the dict loses an entry when another thread drops an event loop.
            loops = [known() for known in self._calls.keyrefs()]
            return next((loop for loop in loops if loop and self._calls.get(loop) and loop.is_running()), None)

    async def _asked(self) -> Any:
        in_key_function.set(True)
        given: Any = self._ask()
        return await cast(Any, given) if isinstance(given, Awaitable) else given
