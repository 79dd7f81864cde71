"""A key function for tests."""

from __future__ import annotations

from collections.abc import Callable


class Vault:
    """A key function that returns its keys in order, and then repeats the last key. Counts its calls."""

    def __init__(self, *keys: str, before: Callable[[int], object] = lambda _: None) -> None:
        self._keys = list(keys)
        self._before = before
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        self._before(self.asked)
        return self._keys[min(self.asked, len(self._keys)) - 1]
