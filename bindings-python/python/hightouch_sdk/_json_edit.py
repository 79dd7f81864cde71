"""Editable objects and arrays. Unchanged parts keep their text and the white space around the text."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, MutableSequence
from typing import TYPE_CHECKING, Any, final, overload

from ._json import Json
from ._json_parts import Part, split
from ._json_text import HasText, decoded_end, dumps, loads, quoted
from ._public import public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

OVER = "The edit has ended. Start another one with `edit()`."
_LEFT = "This part was replaced or removed in the edit. Look up its place again."


class Draft(HasText):
    """An object or an array in an edit. Each part stays text until the part is read."""

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
        """Turns a part that is an object or an array into an editable draft."""
        return draft(part, self) if isinstance(part, str) and part[0] in "{[" else part

    def _changes(self) -> None:
        """Refuses a change that would be lost. Otherwise discards the stored text of this draft and of its parents.

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


def _detach(parts: Iterable[Part[str | Draft]]) -> None:
    for part in parts:
        if isinstance(part.value, Draft):
            part.value.over = _LEFT


def _text(part: Part[str | Draft]) -> str:
    value = part.value if isinstance(part.value, str) else part.value.text
    return f"{part.name}{value}{part.after}"


class ObjectDraft(Draft, MutableMapping[str, Any]):
    __slots__ = ("_layout", "_parts", "_shadowed")

    def __init__(self, text: str, up: Draft | None) -> None:
        super().__init__(text, up)
        self._layout, members = split(text)
        places = {name: place for place, (name, _) in enumerate(members)}
        # Of several members with the same name, only the last member has an effect. In `_parts`, the key of an
        # earlier member is its position.
        self._parts: dict[str | int, Part[str | Draft]] = {
            name if places[name] == place else place: _part(member) for place, (name, member) in enumerate(members)
        }
        self._shadowed = {place: name for place, (name, _) in enumerate(members) if places[name] != place}

    def _written(self) -> str:
        return self._layout.joined("{}", [(part.before, _text(part)) for part in self._parts.values()])

    def __getitem__(self, key: str) -> Any:
        part = self._parts[key]
        part.value = self._open(part.value)
        return self._value(part.value)

    def __setitem__(self, key: object, value: object) -> None:
        if not isinstance(key, str):
            raise TypeError(f"The name of a member must be a string, not {key!r}.")
        part = self._parts.get(key)
        if part is not None and isinstance(part.value, Draft) and value is part.value:
            return
        text = dumps(value)
        self._changes()
        if part is None:
            self._parts[key] = Part(text, quoted(key) + self._layout.between)
        else:
            _detach([part])
            part.value = text

    def __delitem__(self, key: str) -> None:
        part = self._parts[key]
        self._changes()
        del self._parts[key]
        self._unshadow(key)
        _detach([part])

    def _unshadow(self, key: str) -> None:
        """Removes the earlier members named ``key`` when the last one is deleted or renamed.

        Of several members with the same name, only the last one has an effect. If the earlier members stayed, one of
        them would now have an effect.
        """
        for place in [place for place, name in self._shadowed.items() if name == key]:
            del self._shadowed[place], self._parts[place]

    def rename(self, name: str, to: str) -> None:
        """Gives a member another name. The member keeps its value and its place in the object.

        Raises:
            KeyError: The object has no member ``name``.
            ValueError: The object already has a member ``to``.
        """
        part = self._parts[name]
        if name == to:
            return
        if to in self._parts:
            raise ValueError(f"The object has a member {to!r} already.")
        self._changes()
        self._unshadow(name)
        part.name = quoted(to) + part.name[decoded_end(part.name, 0)[1] :]
        self._parts = {to if key == name else key: other for key, other in self._parts.items()}

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._parts if isinstance(key, str))

    def __len__(self) -> int:
        return len(self._parts) - len(self._shadowed)


class ArrayDraft(Draft, MutableSequence[Any]):
    __slots__ = ("_layout", "_parts")

    def __init__(self, text: str, up: Draft | None) -> None:
        super().__init__(text, up)
        self._layout, items = split(text)
        self._parts = [_part(item) for _, item in items]

    def _written(self) -> str:
        return self._layout.joined("[]", [(part.before, _text(part)) for part in self._parts])

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self._parts))[index]]
        part = self._parts[index]
        part.value = self._open(part.value)
        return self._value(part.value)

    @overload
    def __setitem__(self, index: int, value: Any) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Any]) -> None: ...
    def __setitem__(self, index: int | slice, value: Any) -> None:
        if isinstance(index, slice):
            items: list[Part[str | Draft]] = [Part(dumps(item)) for item in value]
            before = self._parts[index]
            self._changes()
            self._parts[index] = items
            _detach(before)
        elif self._parts[index].value is not value or not isinstance(value, Draft):
            text, part = dumps(value), self._parts[index]
            self._changes()
            _detach([part])
            part.value = text

    def __delitem__(self, index: int | slice) -> None:
        before = self._parts[index] if isinstance(index, slice) else [self._parts[index]]
        self._changes()
        del self._parts[index]
        _detach(before)

    def insert(self, index: int, value: object) -> None:
        """Inserts a value before the item at ``index``."""
        text = dumps(value)
        self._changes()
        self._parts.insert(index, Part(text))

    def __len__(self) -> int:
        return len(self._parts)


def _part(read: Part[str]) -> Part[str | Draft]:
    return Part(read.value, read.name, read.before, read.after)


def draft(text: str, up: Draft | None) -> ObjectDraft | ArrayDraft:
    """Creates a draft (an editable object or array) from JSON text that is known to be valid.

    Raises:
        TypeError: The text is neither an object nor an array.
    """
    if text[0] == "{":
        return ObjectDraft(text, up)
    if text[0] == "[":
        return ArrayDraft(text, up)
    raise TypeError(f"Only an object or an array can be edited, and this is {loads(text)!r}.")


@public
@final
class JsonEdit:
    """An editable copy of an object or an array, for use in a ``with`` block.

    In the block, the edit behaves like a dict or a list, and so do its objects and arrays. After the block,
    :attr:`json` is the result, and the edit is frozen. The unchanged parts keep their digits, their spacing and their
    order::

        with sync.configuration.edit() as edit:
            edit["mappings"][0]["to"] = "email"
            edit["mappings"].append({"from": "name", "to": "full_name"})
            del edit["old"]
            edit.rename("mode", "syncMode")
        ht.syncs.update(sync.id, configuration=edit.json)
    """

    __slots__ = ("_json", "_root")

    def __init__(self, json: Json) -> None:
        self._root: ObjectDraft | ArrayDraft = draft(json.text, None)
        self._json: Json | None = None

    @property
    def json(self) -> Json:
        """The changed copy.

        Raises:
            RuntimeError: The block has not ended, or it ended with an exception.
        """
        if self._json is None:
            raise RuntimeError(
                "An edit has a result only after its `with` block, and only if the block raised nothing."
            )
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
        """Adds an item at the end of an array.

        Raises:
            TypeError: The edited JSON is an object, or a part of ``value`` has no JSON form.
            ValueError: A part of ``value`` is a number or a text that JSON cannot express.
            RuntimeError: The edit has ended.
        """
        if not isinstance(self._root, ArrayDraft):
            raise TypeError("Only an array has `append`, and this is an object.")
        self._root.append(value)

    def insert(self, index: int, value: object) -> None:
        """Inserts an item into an array, before the item at ``index``.

        Raises:
            TypeError: The edited JSON is an object, or a part of ``value`` has no JSON form.
            ValueError: A part of ``value`` is a number or a text that JSON cannot express.
            RuntimeError: The edit has ended.
        """
        if not isinstance(self._root, ArrayDraft):
            raise TypeError("Only an array has `insert`, and this is an object.")
        self._root.insert(index, value)

    def rename(self, name: str, to: str) -> None:
        """Gives a member another name. The member keeps its value and its place in the object.

        The objects within the edit have this method too.

        Raises:
            TypeError: The edited JSON is an array.
            KeyError: The object has no member ``name``.
            ValueError: The object already has a member ``to``.
            RuntimeError: The edit has ended.
        """
        if not isinstance(self._root, ObjectDraft):
            raise TypeError("Only an object has `rename`, and this is an array.")
        self._root.rename(name, to)

    def __contains__(self, key: object) -> bool:
        return key in self._root

    def __iter__(self) -> Iterator[Any]:
        return iter(self._root)

    def __len__(self) -> int:
        return len(self._root)

    def __repr__(self) -> str:
        return f"JsonEdit({self._root!r})"
