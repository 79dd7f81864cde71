"""The differences between two JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal, final, overload

from msgspec import Struct

from ._json import Json
from ._native import local
from ._public import public

_REVERSED: dict[str, Literal["added", "removed", "changed"]] = {
    "added": "removed",
    "removed": "added",
    "changed": "changed",
}


class JsonChange(Struct, frozen=True, kw_only=True):
    """One change of a :class:`JsonDiff`. ``str()`` writes the change as one line and shortens long values."""

    path: tuple[str | int, ...]
    """The names and indexes that lead to the value, as :meth:`Json.with_` takes them.

    The path is valid once the earlier changes of the diff have been made. So an added or changed item of an array has
    its index in the new array. A removed item has its index just before the removal.
    """
    kind: Literal["added", "removed", "changed"]
    """What happened to the value."""
    old: Json | None = None
    """The value before the change, with all its digits. ``None`` if the value is added."""
    new: Json | None = None
    """The value after the change, with all its digits. ``None`` if the value is removed."""

    def __str__(self) -> str:
        return _call("json.describe", changes=_written([self]))["lines"][0]  # type: ignore[no-any-return]


@public
@final
class JsonDiff(Sequence[JsonChange]):
    """The changes that lead from one JSON value to another: a sequence of :class:`JsonChange`.

    A diff is empty, and false, if nothing differs. ``str()`` writes one line for each change: ``+`` for an added value,
    ``-`` for a removed value, and ``~`` for a changed value::

        ~ mappings[0].to: "Email__c" -> "Email"
        + mappings[3]: {"from":"name","to":"Name"}
        - mode: "upsert"
    """

    __slots__ = ("_changes",)

    def __init__(self, changes: Iterable[JsonChange]) -> None:
        """Wraps changes, for example a selection of the changes of another diff."""
        self._changes = tuple(changes)

    @classmethod
    def _between(cls, old: Json, new: Json) -> JsonDiff:
        return cls(_read(change) for change in _call("json.diff", old=old.text, new=new.text)["changes"])

    def reversed(self) -> JsonDiff:
        """Returns the changes that lead back from the new value to the old value."""
        return JsonDiff(
            JsonChange(path=change.path, kind=_REVERSED[change.kind], old=change.new, new=change.old)
            for change in reversed(self._changes)
        )

    def apply(self, value: object) -> Json:
        """Makes the changes in a value. All other parts keep their digits, their spacing and their order.

        Args:
            value: A :class:`Json`, or a plain value. The value may differ from the value that was compared, but not at
                the paths of the changes.

        Raises:
            TypeError: A part of ``value`` has no JSON form.
            ValueError: A path does not exist, or the value at the path is not the ``old`` value of the change.
        """
        text = (value if isinstance(value, Json) else Json(value)).text
        return Json.from_raw(_call("json.apply", json=text, changes=_written(self._changes))["json"].encode())

    @overload
    def __getitem__(self, index: int) -> JsonChange: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[JsonChange, ...]: ...
    def __getitem__(self, index: int | slice) -> JsonChange | tuple[JsonChange, ...]:
        return self._changes[index]

    def __len__(self) -> int:
        return len(self._changes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonDiff) and self._changes == other._changes

    def __str__(self) -> str:
        return "\n".join(_call("json.describe", changes=_written(self._changes))["lines"])

    def __repr__(self) -> str:
        return f"<JsonDiff of {len(self._changes)} changes>"


def _call(op: str, **args: object) -> Any:
    return json.loads(local(op, json.dumps(args)))


def _read(change: dict[str, Any]) -> JsonChange:
    old, new = (None if text is None else Json.from_raw(text.encode()) for text in map(change.get, ("old", "new")))
    return JsonChange(path=tuple(change["path"]), kind=change["kind"], old=old, new=new)


def _written(changes: Iterable[JsonChange]) -> list[dict[str, object]]:
    """Converts changes for the core. JSON is passed as a string, so that no digit is lost."""
    written: list[dict[str, object]] = []
    for change in changes:
        texts = {name: value.text for name, value in (("old", change.old), ("new", change.new)) if value is not None}
        written.append({"path": change.path, "kind": change.kind, **texts})
    return written
