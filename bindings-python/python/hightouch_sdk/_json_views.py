"""The objects and arrays within a `Json`, which cannot be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final, overload

from ._json_text import HasText, items, loads, members
from ._public import public

if TYPE_CHECKING:
    from collections.abc import Iterator


class Frozen(HasText):
    """Refuses to assign or delete items, and says what to do instead."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __setitem__(self, key: object, value: object) -> None:
            raise TypeError(_frozen(self))

        def __delitem__(self, key: object) -> None:
            raise TypeError(_frozen(self))


def _frozen(value: object) -> str:
    return (
        f"A {type(value).__name__} cannot be changed. Use `with_()` or `edit()` of the `Json`, or change the copy that"
        " `to_python()` returns."
    )


class _View(Frozen):
    """An object or an array. Its parts are decoded at their first use."""

    __slots__ = ("_seen", "_text")

    def __init__(self, text: str) -> None:
        """Takes text that was checked already."""
        self._text = text
        self._seen: dict[Any, Any] = {}

    @property
    def text(self) -> str:
        """The JSON text, as it was received."""
        return self._text

    def _part(self, key: str | int, text: str) -> Any:
        try:
            return self._seen[key]
        except KeyError:
            return self._seen.setdefault(key, view(text))

    def __repr__(self) -> str:
        return repr(loads(self._text))

    def __reduce__(self) -> tuple[Any, ...]:
        return (view, (self._text,))

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self


@public
@final
class JsonObject(_View, Mapping[str, Any]):
    """An object within a :class:`Json`: an immutable mapping.

    It is equal to a dict with the same members. As an argument it is sent with the text that was received.
    """

    __slots__ = ("_parts",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._parts = members(text)

    def __getitem__(self, key: str) -> Any:
        return self._part(key, self._parts[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, key: object) -> bool:
        return key in self._parts

    def to_python(self) -> dict[str, Any]:
        """Copies the object and all its parts into a plain dict."""
        copy: dict[str, Any] = loads(self._text)
        return copy


@public
@final
class JsonArray(_View, Sequence[Any]):
    """An array within a :class:`Json`: an immutable sequence.

    It is equal to a list with the same items. As an argument it is sent with the text that was received.
    """

    __slots__ = ("_parts",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._parts = items(text)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> JsonArray: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return JsonArray(f"[{','.join(self._parts[index])}]")
        place = range(len(self._parts))[index]
        return self._part(place, self._parts[place])

    def __len__(self) -> int:
        return len(self._parts)

    def to_python(self) -> list[Any]:
        """Copies the array and all its parts into a plain list."""
        copy: list[Any] = loads(self._text)
        return copy


def view(text: str) -> Any:
    """Returns the value of JSON text that was checked already."""
    if text[0] == "{":
        return JsonObject(text)
    return JsonArray(text) if text[0] == "[" else loads(text)
