"""JSON of any shape. A `Json` keeps the text, and decodes the text when the value is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, final

from msgspec import Raw

import hightouch_sdk

from ._json_text import checked, dumps, loads
from ._json_views import Frozen, JsonObject, view
from ._public import public

__all__ = ["Json", "JsonInput", "json_of"]


@public
@final
class Json(Frozen):
    """An immutable JSON value of any shape, such as the ``configuration`` of a sync.

    The text is decoded at its first use. If you pass a ``Json`` as an argument, its text is sent unchanged, so no digit
    is lost. :meth:`with_` and :meth:`edit` create a changed copy, and :meth:`to_python` creates a copy of plain values.

    Two ``Json`` are equal if their texts or their decoded values are equal. A ``Json`` is also equal to the plain value
    that :meth:`to_python` returns.
    """

    __slots__ = ("_raw", "_value")

    if TYPE_CHECKING:
        _raw: bytes
        _value: Any

    def __init__(self, value: object) -> None:
        """Wraps a plain value: ``None``, a bool, a number, a string, a list or a dict with string keys.

        A ``Decimal``, a :class:`Json`, and a part of a :class:`Json` keep all their digits, at any depth.

        Raises:
            TypeError: A part of the value has no JSON form.
            ValueError: The value contains NaN, an infinity, or text that is not valid Unicode.
        """
        self._raw = dumps(value).encode()

    @classmethod
    def from_raw(cls, raw: bytes | Raw) -> Json:
        """Wraps JSON text. The text is checked when it is read or sent."""
        self = object.__new__(cls)
        self._raw = bytes(raw)
        return self

    @property
    def raw(self) -> bytes:
        """The JSON text, as bytes."""
        return self._raw

    @property
    def text(self) -> str:
        """The JSON text, without surrounding white space.

        Raises:
            ValueError: The text is not valid JSON.
        """
        return checked(self._raw)

    @property
    def value(self) -> Any:
        """The decoded value.

        It is a :class:`JsonObject`, a :class:`JsonArray`, or a plain ``str``, ``int``, ``float``, ``bool`` or ``None``.

        Raises:
            ValueError: The text is not valid JSON.
        """
        try:
            return self._value
        except AttributeError:
            self._value = view(checked(self._raw))
            return self._value

    def to_python(self) -> Any:
        """Copies the value into plain dicts, lists, strings, numbers, bools and ``None``, which can be changed.

        A fraction becomes a ``float``, which keeps about 17 digits. :meth:`edit` keeps all digits.

        Raises:
            ValueError: The text is not valid JSON.
        """
        return loads(self._raw.decode())

    def with_(self, path: str | int | Iterable[str | int], value: object) -> Json:
        """Returns a copy in which one value is replaced.

        Args:
            path: The path to the value: names of members and indexes of items, such as ``["mappings", 0, "to"]``. A
                single name or index needs no list. An empty path replaces the whole value. If the last name is new, the
                member is added at the end.
            value: The new value: a plain value, a :class:`Json`, or a part of a :class:`Json`.

        Returns:
            The copy. Everything else keeps its digits, its spacing and its order.

        Raises:
            KeyError, IndexError: The path does not exist.
            TypeError: The path leads through a value that is neither an object nor an array, or uses a name for an
                array. Or a part of the new value has no JSON form.
            ValueError: A part of the new value is a number or a text that JSON cannot express.
        """
        steps = [path] if isinstance(path, (str, int)) else [*path]
        if not steps:
            return Json(value)
        *way, last = steps
        edit = self.edit()
        with edit:
            place: Any = edit
            for step in way:
                place = place[step]
            place[last] = value
        return edit.json

    def without(self, path: str | int | Iterable[str | int]) -> Json:
        """Returns a copy without one member or item.

        Args:
            path: The path to the value, as in :meth:`with_`.

        Returns:
            The copy. Everything else keeps its digits, its spacing and its order.

        Raises:
            KeyError, IndexError: The path does not exist.
            TypeError: The path leads through a value that is neither an object nor an array, or uses a name for an
                array.
            ValueError: The path is empty.
        """
        steps = [path] if isinstance(path, (str, int)) else [*path]
        if not steps:
            raise ValueError("The path is empty. Name the member or the item to remove.")
        *way, last = steps
        edit = self.edit()
        with edit:
            place: Any = edit
            for step in way:
                place = place[step]
            del place[last]
        return edit.json

    def diff(self, new: object) -> hightouch_sdk.JsonDiff:
        """Finds what differs between this value and a newer value.

        Strings are compared by their characters, and numbers by all their digits: ``1e400`` and ``1e401`` differ, and
        ``1`` and ``1.0`` do not. The spelling of a value and the order of members do not count. Items of arrays are
        aligned, so that an inserted item is one change.

        Args:
            new: The newer value: a :class:`Json`, or a plain value.

        Returns:
            The changes that lead from this value to ``new``. ``str()`` writes each change as one line of text.

        Raises:
            TypeError: A part of ``new`` has no JSON form.
            ValueError: A text is not valid JSON or nests more than 127 levels deep, or a part of ``new`` is a number or
                a text that JSON cannot express.
        """
        return hightouch_sdk.JsonDiff._between(self, new if isinstance(new, Json) else Json(new))  # pyright: ignore[reportPrivateUsage]

    def edit(self) -> hightouch_sdk.JsonEdit:
        """Starts to change several values of an object or an array, in a ``with`` block. See :class:`JsonEdit`.

        Raises:
            TypeError: The value is neither an object nor an array.
        """
        return hightouch_sdk.JsonEdit(self)

    def get(self, key: str, default: Any = None) -> Any:
        """Returns a member of an object, or ``default`` if there is no such member."""
        return self.value.get(key, default)

    def keys(self) -> KeysView[str]:
        """Returns the names of the members of an object. ``dict(json)`` calls this method.

        Raises:
            TypeError: The value is not an object.
        """
        if not isinstance(self.value, JsonObject):
            raise TypeError("Only an object has keys, and this JSON is something else.")
        return self.value.keys()

    def __getitem__(self, key: str | int) -> Any:
        return self.value[key]

    def __contains__(self, key: object) -> bool:
        return key in self.value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        # Compares the bytes first. Comparing `text` would also validate the bytes, and so take longer.
        return (isinstance(other, Json) and self._raw == other._raw) or super().__eq__(other)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        from ._pydantic import json_schema

        return json_schema()

    def __repr__(self) -> str:
        return f"Json({loads(self._raw)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Json.from_raw, (self._raw,))


JsonInput: TypeAlias = Json | Mapping[str, Any] | Sequence[Any] | str | float | bool
"""The types of an argument that may be any JSON."""


def json_of(value: Any) -> Any:
    """Converts undecoded JSON text (`Raw`), or a user's plain value, to a `Json`. Returns a `Json` or None as it is."""
    if type(value) is Raw:
        # To save a call for each row of a list, this branch repeats the code of `from_raw`.
        json = _new(Json)
        json._raw = bytes(value)  # pyright: ignore[reportPrivateUsage]
        return json
    return value if value is None or isinstance(value, Json) else Json(value)


_new = object.__new__
