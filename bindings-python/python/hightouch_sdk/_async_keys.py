"""Keys that a function gives, for asyncio: the function runs in an event loop and may be a coroutine function."""

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
"""How long it takes to see that the event loop that asks was stopped."""


class AsyncKeys(Keys):
    """Asks in an event loop in which calls are under way."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        super().__init__(ask)
        # Numbers of calls. It must not keep a loop that was left in the middle of one.
        self._calls: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, int] = weakref.WeakKeyDictionary()

    def _check(self, ask: Callable[[], Any]) -> None:
        """Any function will do."""

    @contextmanager
    def around(self, loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
        """Surround one call."""
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
            # It was left in the middle; others that wait for the key may have a loop that runs.
            if not loop.is_closed():
                asked.cancel()
        raise RuntimeError("No event loop is running in which the key could be asked for.")

    def _running(self) -> asyncio.AbstractEventLoop | None:
        with self._lock:
            return next((loop for loop, calls in self._calls.items() if calls and loop.is_running()), None)

    async def _asked(self) -> Any:
        in_key_function.set(True)
        given: Any = self._ask()
        return await cast(Any, given) if isinstance(given, Awaitable) else given
