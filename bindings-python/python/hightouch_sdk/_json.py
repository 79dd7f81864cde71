"""JSON that the SDK has no type for, kept as it came until somebody looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, final

from msgspec import Raw

from ._halves import shown
from ._json_edit import OVER, ArrayDraft, ObjectDraft, draft
from ._json_text import HasText, checked, dumps, loads
from ._json_views import Frozen, look, same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Json", "JsonEdit", "JsonInput", "json_of"]

JsonInput: TypeAlias = "Json | Mapping[str, Any] | Sequence[Any] | str | float | bool"
"""What may be given where JSON of any shape is sent."""


@final
class Json(Frozen):
    """A JSON value of any shape, such as a sync's ``configuration``. It cannot be changed.

    It is decoded when it is first looked at, and sent as it came, to the last digit. :meth:`with_` and :meth:`edit`
    create a changed one, :meth:`to_python` a plain copy.

    Two are equal when their values are, whatever their spelling: numbers if they are the same number, to the last
    digit. One is equal to a plain value that it holds, as Python compares those.
    """

    __slots__ = ("_raw", "_value")

    _raw: bytes
    _value: Any

    def __init__(self, value: object) -> None:
        """Wrap a plain value: ``None``, a bool, a number, a string, a list or a dict with string keys.

        What is itself a :class:`Json`, or a part of one, keeps its digits at any depth.

        Raises:
            TypeError: A part of it has no JSON form.
            ValueError: It holds NaN, an infinity, or text that is no Unicode.
        """
        self._raw = dumps(value).encode()

    @classmethod
    def from_raw(cls, raw: bytes | Raw) -> Json:
        """Wrap JSON text as it is; it is checked when it is looked at or sent."""
        self = object.__new__(cls)
        self._raw = bytes(raw)
        return self

    @property
    def raw(self) -> bytes:
        """The JSON text."""
        return self._raw

    @property
    def text(self) -> str:
        """The JSON text, without space around it.

        Raises:
            ValueError: The text is not JSON.
        """
        return checked(self._raw)

    @property
    def value(self) -> Any:
        """The decoded value.

        A :class:`JsonObject`, a :class:`JsonArray`, or a plain ``str``, ``int``, ``float``, ``bool`` or ``None``.

        Raises:
            ValueError: The text is not JSON.
        """
        try:
            return self._value
        except AttributeError:
            self._value = look(checked(self._raw))
            return self._value

    def to_python(self) -> Any:
        """Copy it into plain values, which may be changed: dicts, lists, strings, numbers, bools, ``None``.

        A fraction becomes a ``float``, which holds some 17 digits; :meth:`edit` keeps all of them.
        """
        return loads(self._raw.decode())

    def with_(self, path: str | int | Iterable[str | int], value: object) -> Json:
        """Create one that differs in a single value.

        Args:
            path: Where the value is: names of members and indexes of items, such as ``["mappings", 0, "to"]``. A
                single name or index may stand alone, and no step at all replaces the whole. The last name may be new;
                then the member is added at the end.
            value: What to put there: a plain value, a :class:`Json`, or a part of one.

        Returns:
            The new value. All others keep their text and their order.

        Raises:
            KeyError, IndexError: The path leads nowhere.
            TypeError: The path leads through something that is neither object nor array, or the value has no JSON form.
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

    def edit(self) -> JsonEdit:
        """Begin to change several values of an object or an array; see :class:`JsonEdit`.

        Raises:
            TypeError: It is neither.
        """
        return JsonEdit(self)

    def get(self, key: str, default: Any = None) -> Any:
        """Look up a member of an object, or give ``default`` if it is missing."""
        return self.value.get(key, default)

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
        if isinstance(other, Json) and self._raw == other._raw:
            return True
        return same(self, other) if isinstance(other, HasText) else bool(self.value == other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Json({loads(self._raw)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Json.from_raw, (self._raw,))


@final
class JsonEdit:
    """Changes to an object or an array, collected in a ``with`` block.

    In the block it behaves like a dict or a list, and so do the objects and arrays in it. After the block
    :attr:`json` is the result, and nothing can be changed any more. What was not changed keeps its text::

        with sync.configuration.edit() as edit:
            edit["mappings"][0]["to"] = "email"
            edit["mappings"].append({"from": "name", "to": "full_name"})
            del edit["old"]
        ht.syncs.update(sync.id, configuration=edit.json)
    """

    __slots__ = ("_json", "_root")

    def __init__(self, json: Json) -> None:
        self._root: ObjectDraft | ArrayDraft = draft(json.text, None)
        self._json: Json | None = None

    @property
    def json(self) -> Json:
        """The result.

        Raises:
            RuntimeError: The block has not ended, or ended with an exception.
        """
        if self._json is None:
            raise RuntimeError("An edit has a result only after its `with` block, and only if that raised nothing.")
        return self._json

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._root.over:
            self._root.over = OVER
            if kind is None:
                self._json = Json.from_raw(self._root.text.encode())

    def __getitem__(self, key: str | int) -> Any:
        return self._root[key]  # type: ignore[index]

    def __setitem__(self, key: str | int, value: object) -> None:
        self._root[key] = value  # type: ignore[index]

    def __delitem__(self, key: str | int) -> None:
        del self._root[key]  # type: ignore[arg-type]

    def append(self, value: object) -> None:
        """Add an item to the end of an array.

        Raises:
            TypeError: It is an object.
        """
        if not isinstance(self._root, ArrayDraft):
            raise TypeError("Only an array has an end to append to, and this is an object.")
        self._root.append(value)

    def __contains__(self, key: object) -> bool:
        return key in self._root

    def __iter__(self) -> Iterator[Any]:
        return iter(self._root)

    def __len__(self) -> int:
        return len(self._root)

    def __repr__(self) -> str:
        return f"JsonEdit({self._root!r})"


def json_of(value: Any) -> Any:
    """Wrap what a decoder left raw, and what a user wrote in its place."""
    if isinstance(value, Json) or value is None:
        return value
    return Json.from_raw(shown(bytes(value))) if isinstance(value, Raw) else Json(value)
