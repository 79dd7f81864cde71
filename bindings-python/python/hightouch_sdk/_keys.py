"""Keys that a function of the user's gives: asked once for all callers that need one at the same time."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from ._errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._door import Door

G = TypeVar("G")
"""What the function gives: a key, or an awaitable of one."""


class Keys(Generic[G]):
    """What came of asking so far, and thereby what a call does that was refused."""

    def __init__(self, ask: Callable[[], G]) -> None:
        self._ask = ask
        self.epoch = 0
        """How often asking has ended. A call remembers it, to know later whether that was since it began."""
        self._changed = 0
        self._failure: BaseException | None = None

    def replaced(self) -> None:
        """Note that the client has another key now."""
        self.epoch += 1
        self._changed = self.epoch

    def since(self, seen: int) -> bool | None:
        """Whether the key has changed since a call began; None where nobody has asked since."""
        if self._changed > seen:
            return True
        if self.epoch == seen:
            return None
        if self._failure is not None:
            raise AuthenticationError("The function that gives the key failed.") from self._failure
        return False

    def took(self, door: Door, key: object) -> None:
        """Use what the function gave."""
        if not isinstance(key, str):
            raise TypeError(f"The function must give the key as a string, not {type(key).__name__}.")
        self._failure = None
        if door.has_key(key):
            self.epoch += 1
        else:
            door.set_key(key)

    def failed(self, why: BaseException) -> None:
        """Note that the function gave no key that can be used."""
        self._failure = why
        self.epoch += 1


class _Flight:
    """The function under way in a thread."""

    __slots__ = ("landed", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.landed = threading.Event()


class BlockingKeys(Keys[str]):
    """Asks in the thread of the first caller, while the others wait."""

    def __init__(self, ask: Callable[[], str]) -> None:
        super().__init__(ask)
        self._lock = threading.Lock()
        self._flight: _Flight | None = None
        self._pid = os.getpid()

    def renewed(self, door: Door, seen: int) -> bool:
        """Whether a refused call that began at the epoch ``seen`` may be repeated with another key."""
        if self._pid != os.getpid():
            # The threads that held these are the parent's.
            self._lock, self._flight, self._pid = threading.Lock(), None, os.getpid()
        while True:
            with self._lock:
                verdict = self.since(seen)
                if verdict is not None:
                    return verdict
                flight, leads = self._flight, self._flight is None
                if flight is None:
                    flight = self._flight = _Flight()
            if leads:
                self._fly(door, flight)
            elif flight.thread == threading.get_ident():
                # The function itself uses the client: it must not wait for its own end.
                return False
            else:
                # Should the one who asks be interrupted, the next in line asks.
                flight.landed.wait()

    def _fly(self, door: Door, flight: _Flight) -> None:
        try:
            self.took(door, self._ask())
        except Exception as error:
            self.failed(error)
        finally:
            with self._lock:
                self._flight = None
            flight.landed.set()
