"""JSON that the SDK has no type for, kept as it came until somebody looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, final

from msgspec import Raw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Json", "JsonInput", "json_of"]

JsonInput: TypeAlias = "Json | Mapping[str, Any] | Sequence[Any] | str | float | bool"
"""What may be given where JSON of any shape is sent."""


def loads(text: bytes) -> Any:
    """Any JSON as plain values; a number that Python does not read as an integer, for its length, is infinite."""
    import json

    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text, parse_int=float)


def _exact(text: bytes) -> Any:
    """A tree in which equal numbers, and they alone, are equal: to the last digit, and none to a bool."""
    import json

    return json.loads(text, parse_int=_numeral, parse_float=_numeral)


def _numeral(number: str) -> tuple[bool, str, int]:
    """Sign, significant digits and power of ten."""
    mantissa, _, exponent = number.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return False, "", 0
    if len(exponent.lstrip("+-").lstrip("0")) > 18:
        # Beyond that it is equal to its own spelling alone, as in the other languages; Python may refuse to read it.
        return number.startswith("-"), number, 0
    return number.startswith("-"), significant, int(exponent or 0) - len(fraction) + len(digits) - len(significant)


@final
class Json:
    """A JSON value of any shape, such as a sync's ``configuration``.

    It is decoded when it is first looked at. Two are equal when their values are, whatever their spelling: numbers
    where they are the same number, to the last digit. One is equal to a plain value that it holds, as Python compares
    those. What it gives out is shared: read it, do not change it.
    """

    __slots__ = ("_raw", "_value")

    _raw: bytes
    _value: Any

    def __init__(self, value: object) -> None:
        """Wrap a plain value: ``None``, a bool, a number, a string, a list or a dict with string keys."""
        import json

        self._raw = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    @classmethod
    def from_raw(cls, raw: bytes | Raw) -> Json:
        """Wrap JSON text as it is."""
        self = object.__new__(cls)
        self._raw = bytes(raw)
        return self

    @property
    def raw(self) -> bytes:
        """The JSON text."""
        return self._raw

    @property
    def value(self) -> Any:
        """The decoded value."""
        try:
            return self._value
        except AttributeError:
            self._value = loads(self._raw)
            return self._value

    def get(self, key: str, default: Any = None) -> Any:
        """Look up a member of an object, or give ``default`` where it is missing."""
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
        if isinstance(other, Json):
            return bool(self._raw == other._raw or _exact(self._raw) == _exact(other._raw))
        return bool(self.value == other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Json({self.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Json.from_raw, (self._raw,))


def json_of(value: Any) -> Any:
    """Wrap what a decoder left raw, and what a user wrote in its place."""
    if isinstance(value, Json) or value is None:
        return value
    return Json.from_raw(value) if isinstance(value, Raw) else Json(value)
