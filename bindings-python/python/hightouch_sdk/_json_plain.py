"""Converts a user's value for the ``json`` module. If JSON cannot express a part, the error names the part."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from ._datetimes import real_datetime

if TYPE_CHECKING:
    from collections.abc import Callable

BYTES = (bytes, bytearray, memoryview)


class NotJsonError(TypeError):
    """A part of a value has no JSON form. The message names the part by its path."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def within(self, step: str) -> NotJsonError:
        """Returns the same error, with ``step`` in front of the path."""
        return type(self)(f"{step}{self.path}", self.problem)

    def __str__(self) -> str:
        return f"The value{f' at `{self.path}`' if self.path else ''} {self.problem}"


class NotFiniteError(NotJsonError, ValueError):
    """A part of a value is a number that JSON cannot express."""


def _nothing(_: object) -> None:
    """Returns None for every part: the default of ``special`` in :func:`plain`."""


def plain(value: Any, special: Callable[[object], object] = _nothing) -> Any:
    """Copies a value into dicts, lists and the scalars that ``json`` can write.

    Args:
        value: The value.
        special: Converts a part that is not a scalar. Returns ``None`` if the part has an unknown type.

    Raises:
        NotJsonError: A part has no JSON form.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotFiniteError("", f"is {value}, and JSON has no such number. Pass None or a string.")
        return value
    replaced = special(value)
    if replaced is not None:
        return replaced
    parts: Any = value
    if isinstance(value, Mapping):
        return {_name(key): _part(f".{key}", item, special) for key, item in parts.items()}
    if isinstance(value, (list, tuple)):
        return [_part(f"[{index}]", item, special) for index, item in enumerate(parts)]
    return _other(parts, special)


def _part(step: str, value: Any, special: Callable[[object], object]) -> Any:
    try:
        return plain(value, special)
    except NotJsonError as error:
        raise error.within(step) from None


def _name(key: object) -> str:
    if isinstance(key, str):
        return key
    raise NotJsonError("", f"has the key {key!r}. JSON has only string keys.")


def _other(value: Any, special: Callable[[object], object]) -> Any:
    kind = type(value).__name__
    if isinstance(value, AbstractSet):
        raise NotJsonError("", f"is a {kind}, and JSON has no sets. Pass a list.")
    if isinstance(value, BYTES):
        raise NotJsonError("", f"is a {kind} object. Decode it to a string first.")
    number = number_of(value)
    if number is not None:
        return plain(number, special)

    def unknown(part: object) -> object:
        try:
            moment = real_datetime(part)
        except ValueError:
            raise NotJsonError("", f"is {part}, which is not a point in time. Pass None.") from None
        if moment is not part:
            return moment
        replaced = special(part)
        if replaced is None:
            raise NotJsonError("", f"is of the type {type(part).__name__}, which has no JSON form.")
        return replaced

    # Converts dataclasses, structs, enums, dates and UUIDs.
    return plain(to_builtins(value, builtin_types=(*BYTES, Decimal), enc_hook=unknown), special)


def number_of(value: Any) -> object:
    """Returns the number that an object of another library stands for, or None."""
    with suppress(TypeError):  # An array of NumPy has `__index__` too, but the method raises TypeError.
        return operator.index(value)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # A scalar of NumPy.
        item: object = value.item()
        return item
    return None
