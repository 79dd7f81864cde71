"""The immutable objects and arrays within a `Json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final, overload

from ._json_text import HasText, items, loads, members
from ._public import public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import SupportsIndex


class Frozen(HasText):
    """A base class that refuses to assign or delete items. The error says what to do instead."""

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


@public
@final
class JsonObject(Frozen, Mapping[str, Any]):
    """An object within a :class:`Json`: an immutable mapping. Its members are decoded at their first use.

    The object is equal to a dict with the same members. As an argument of a call, it is sent as it was received.
    """

    __slots__ = ("_parts", "_seen", "_text")

    def __init__(self, text: str) -> None:
        """Takes JSON text that is known to be valid."""
        self._text = text
        self._parts = members(text)
        self._seen: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The JSON text, as it was received."""
        return self._text

    def __getitem__(self, key: str) -> Any:
        part = self._parts[key]
        if key not in self._seen:
            self._seen.setdefault(key, view(part))
        return self._seen[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, key: object) -> bool:
        return key in self._parts

    def __repr__(self) -> str:
        return repr(loads(self._text))

    def __reduce__(self) -> tuple[Any, ...]:
        return (view, (self._text,))

    def __copy__(self) -> JsonObject:
        return self

    def __deepcopy__(self, memo: object) -> JsonObject:
        return self

    def to_python(self) -> dict[str, Any]:
        """Copies the object and all its parts into a plain dict."""
        copy: dict[str, Any] = loads(self._text)
        return copy


@public
@final
class JsonArray(Frozen, tuple[Any, ...]):
    """An array within a :class:`Json`: an immutable sequence.

    The array is equal to a list with the same items. As an argument of a call, it is sent as it was received.
    """

    # The base class is `tuple`, because other libraries treat only lists and tuples as arrays.

    if TYPE_CHECKING:
        _text: str

    def __new__(cls, text: str) -> JsonArray:
        """Takes JSON text that is known to be valid."""
        self = super().__new__(cls, map(view, items(text)))
        vars(self)["_text"] = text
        return self

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(_frozen(self))

    @property
    def text(self) -> str:
        """The JSON text, as it was received."""
        return self._text

    @overload
    def __getitem__(self, index: SupportsIndex) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> JsonArray: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return JsonArray(f"[{','.join(items(self._text)[index])}]")
        return super().__getitem__(index)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return repr(loads(self._text))

    def __reduce__(self) -> tuple[Any, ...]:
        return (view, (self._text,))

    def __copy__(self) -> JsonArray:
        return self

    def __deepcopy__(self, memo: object) -> JsonArray:
        return self

    def to_python(self) -> list[Any]:
        """Copies the array and all its parts into a plain list."""
        copy: list[Any] = loads(self._text)
        return copy


def view(text: str) -> Any:
    """Returns the value of JSON text that is known to be valid."""
    if text[0] == "{":
        return JsonObject(text)
    return JsonArray(text) if text[0] == "[" else loads(text)
