"""Changing opaque JSON: what is not changed keeps its text."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, MutableSequence
from typing import TYPE_CHECKING, Any, overload

from ._json_text import HasText, dumps, items, loads, members, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

OVER = "The edit has ended; begin another with `edit()`."
_LEFT = "This part was replaced or removed in the edit; look its place up again."


class Draft(HasText):
    """An object or an array in an edit. Its parts are texts until they are looked at."""

    __slots__ = ("_text", "_up", "over")

    def __init__(self, text: str, up: Draft | None) -> None:
        self._text: str | None = text
        self._up = up
        self.over = ""
        """Why it takes no changes any more; empty while it does."""

    @property
    def text(self) -> str:
        """The JSON text as it stands now."""
        return self._written() if self._text is None else self._text

    def _written(self) -> str:
        raise NotImplementedError

    def _look(self, part: str | Draft) -> Any:
        return loads(part) if isinstance(part, str) else part

    def _open(self, part: str | Draft) -> str | Draft:
        """A part as what is kept in its place from now on."""
        return draft(part, self) if isinstance(part, str) and part[0] in "{[" else part

    def _changes(self) -> None:
        """Refuse a change that would be lost; else let the texts around it be written anew."""
        node: Draft | None = self
        line: list[Draft] = []
        while node is not None:
            if node.over:
                raise RuntimeError(node.over)
            line.append(node)
            node = node._up
        for node in line:
            node._text = None

    def __eq__(self, other: object) -> bool:
        plain = loads(other.text) if isinstance(other, HasText) else other
        return bool(loads(self.text) == plain)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(loads(self.text))


def _leave(parts: Iterable[str | Draft]) -> None:
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
        return self._look(part)

    def __setitem__(self, key: object, value: object) -> None:
        if not isinstance(key, str):
            raise TypeError(f"A member's name must be a string, not {key!r}.")
        before = self._parts.get(key)
        if isinstance(before, Draft) and value is before:
            return
        text = dumps(value)
        self._changes()
        self._parts[key] = text
        if before is not None:
            _leave([before])

    def __delitem__(self, key: str) -> None:
        part = self._parts[key]
        self._changes()
        del self._parts[key]
        _leave([part])

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
        return self._look(part)

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
            _leave(before)
        elif self._parts[index] is not value or not isinstance(value, Draft):
            text, old = dumps(value), self._parts[index]
            self._changes()
            self._parts[index] = text
            _leave([old])

    def __delitem__(self, index: int | slice) -> None:
        before = self._parts[index] if isinstance(index, slice) else [self._parts[index]]
        self._changes()
        del self._parts[index]
        _leave(before)

    def insert(self, index: int, value: object) -> None:
        """Put a value before the item at ``index``."""
        text = dumps(value)
        self._changes()
        self._parts.insert(index, text)

    def __len__(self) -> int:
        return len(self._parts)


def draft(text: str, up: Draft | None) -> ObjectDraft | ArrayDraft:
    """The draft of checked text.

    Raises:
        TypeError: It is neither an object nor an array.
    """
    if text[0] == "{":
        return ObjectDraft(text, up)
    if text[0] == "[":
        return ArrayDraft(text, up)
    raise TypeError(f"Only an object or an array can be edited, and this is {loads(text)!r}.")
