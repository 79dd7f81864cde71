"""Keys that a function gives, for asyncio: the function may be a coroutine function."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeAlias

from ._keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._door import Door

Given: TypeAlias = "str | Awaitable[str]"
"""What the function gives."""


class AsyncKeys(Keys[Given]):
    """Asks in a task of its own, so that a caller who is cancelled takes nothing away from the others."""

    def __init__(self, ask: Callable[[], Given]) -> None:
        super().__init__(ask)
        # By event loop: a task of one that has stopped would never end for the others.
        self._flights: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]]
        self._flights = weakref.WeakKeyDictionary()

    async def renewed(self, door: Door, seen: int) -> bool:
        """Whether a refused call that began at the epoch ``seen`` may be repeated with another key."""
        loop = asyncio.get_running_loop()
        while True:
            verdict = self.since(seen)
            if verdict is not None:
                return verdict
            flight = self._flights.get(loop)
            if flight is None or flight.done():
                flight = self._flights[loop] = loop.create_task(self._fly(door))
            elif flight is asyncio.current_task():
                # The function itself uses the client: it must not wait for its own end.
                return False
            await asyncio.wait([flight])

    async def _fly(self, door: Door) -> None:
        try:
            given = self._ask()
            self.took(door, await given if isinstance(given, Awaitable) else given)
        except asyncio.CancelledError as error:
            self.failed(error)
            raise
        except Exception as error:
            self.failed(error)
