"""Editable objects and arrays. Parts that are not changed keep their text."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, MutableSequence
from typing import TYPE_CHECKING, Any, overload

from ._json_text import HasText, dumps, items, loads, members, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

OVER = "The edit has ended. Start another one with `edit()`."
_LEFT = "This part was replaced or removed in the edit. Look up its place again."


class Draft(HasText):
    """An object or an array in an edit. A part stays text until it is read."""

    __slots__ = ("_text", "_up", "over")

    def __init__(self, text: str, up: Draft | None) -> None:
        self._text: str | None = text
        self._up = up
        self.over = ""
        """Why the draft can no longer be changed; empty while it can be changed."""

    @property
    def text(self) -> str:
        """The JSON text with all changes so far."""
        return self._written() if self._text is None else self._text

    def _written(self) -> str:
        raise NotImplementedError

    def _value(self, part: str | Draft) -> Any:
        return loads(part) if isinstance(part, str) else part

    def _open(self, part: str | Draft) -> str | Draft:
        """Turns a part that is an object or an array into a draft."""
        return draft(part, self) if isinstance(part, str) and part[0] in "{[" else part

    def _changes(self) -> None:
        """Prepares a change: refuses one that would be lost, and discards the texts that it makes outdated.

        Raises:
            RuntimeError: The edit has ended, or this part was replaced or removed.
        """
        node: Draft | None = self
        outer: list[Draft] = []
        while node is not None:
            if node.over:
                raise RuntimeError(node.over)
            outer.append(node)
            node = node._up
        for node in outer:
            node._text = None

    def __repr__(self) -> str:
        return repr(loads(self.text))


def _detach(parts: Iterable[str | Draft]) -> None:
    for part in parts:
        if isinstance(part, Draft):
            part.over = _LEFT


def _text(part: str | Draft) -> str:
    return part if isinstance(part, str) else part.text


class ObjectDraft(Draft, MutableMapping[str, Any]):
    """An object in an edit."""

    __slots__ = ("_parts",)

    def __init__(self, text: str, up: Draft | None) -> None:
        super().__init__(text, up)
        self._parts: dict[str, str | Draft] = {**members(text)}

    def _written(self) -> str:
        return "{" + ",".join(f"{quoted(key)}:{_text(part)}" for key, part in self._parts.items()) + "}"

    def __getitem__(self, key: str) -> Any:
        part = self._parts[key] = self._open(self._parts[key])
        return self._value(part)

    def __setitem__(self, key: object, value: object) -> None:
        if not isinstance(key, str):
            raise TypeError(f"The name of a member must be a string, not {key!r}.")
        before = self._parts.get(key)
        if isinstance(before, Draft) and value is before:
            return
        text = dumps(value)
        self._changes()
        self._parts[key] = text
        if before is not None:
            _detach([before])

    def __delitem__(self, key: str) -> None:
        part = self._parts[key]
        self._changes()
        del self._parts[key]
        _detach([part])

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


class ArrayDraft(Draft, MutableSequence[Any]):
    """An array in an edit."""

    __slots__ = ("_parts",)

    def __init__(self, text: str, up: Draft | None) -> None:
        super().__init__(text, up)
        self._parts: list[str | Draft] = [*items(text)]

    def _written(self) -> str:
        return "[" + ",".join(map(_text, self._parts)) + "]"

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self._parts))[index]]
        part = self._parts[index] = self._open(self._parts[index])
        return self._value(part)

    @overload
    def __setitem__(self, index: int, value: Any) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Any]) -> None: ...
    def __setitem__(self, index: int | slice, value: Any) -> None:
        if isinstance(index, slice):
            texts = [dumps(item) for item in value]
            before = self._parts[index]
            self._changes()
            self._parts[index] = texts
            _detach(before)
        elif self._parts[index] is not value or not isinstance(value, Draft):
            text, old = dumps(value), self._parts[index]
            self._changes()
            self._parts[index] = text
            _detach([old])

    def __delitem__(self, index: int | slice) -> None:
        before = self._parts[index] if isinstance(index, slice) else [self._parts[index]]
        self._changes()
        del self._parts[index]
        _detach(before)

    def insert(self, index: int, value: object) -> None:
        """Inserts a value before the item at ``index``."""
        text = dumps(value)
        self._changes()
        self._parts.insert(index, text)

    def __len__(self) -> int:
        return len(self._parts)


def draft(text: str, up: Draft | None) -> ObjectDraft | ArrayDraft:
    """Creates a draft from text that was checked already.

    Raises:
        TypeError: The text is neither an object nor an array.
    """
    if text[0] == "{":
        return ObjectDraft(text, up)
    if text[0] == "[":
        return ArrayDraft(text, up)
    raise TypeError(f"Only an object or an array can be edited, and this is {loads(text)!r}.")
