"""JSON as text: taken apart without losing a digit, compared exactly, and put together again."""

from __future__ import annotations

import json
import os
import re
from json import JSONDecoder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Hook = Callable[[object], object]


class HasText:
    """A value that holds its own JSON text, which is written in its place."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """The JSON text, without space around it."""
        raise NotImplementedError


def loads(text: str | bytes) -> Any:
    """Any JSON as plain values; an integer that is too long for Python to read is infinite."""
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text, parse_int=float)


def exact(text: str | bytes) -> Any:
    """A tree in which numbers are equal only if they are the same number, to the last digit; none equals a bool."""
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
        # Python may refuse to read such an exponent: the number equals its own spelling alone, as in other languages.
        return number.startswith("-"), number, 0
    return number.startswith("-"), significant, int(exponent or 0) - len(fraction) + len(digits) - len(significant)


def _no_number(text: str) -> float:
    raise ValueError(f"JSON has no {text}")


# Reads numbers of any length; their values are not used.
_DECODER = JSONDecoder(parse_int=float, parse_constant=_no_number)
_SPACE = re.compile(r"[ \t\n\r]*")


def checked(raw: bytes) -> str:
    """The text of one JSON value, without the space around it.

    Raises:
        ValueError: It is not one JSON value.
    """
    text = raw.decode().strip(" \t\n\r")
    _DECODER.decode(text)
    return text


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def members(text: str) -> dict[str, str]:
    """The members of a checked object as texts; of several with one name the last stands."""
    parts: dict[str, str] = {}
    at = _after_space(text, 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _after_space(text, _after_space(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        parts[key] = text[start:end]
        at = _next(text, end)
    return parts


def items(text: str) -> list[str]:
    """The items of a checked array as texts."""
    parts: list[str] = []
    at = _after_space(text, 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        parts.append(text[at:end])
        at = _next(text, end)
    return parts


def _next(text: str, end: int) -> int:
    """Where the next part begins, or the closing bracket stands."""
    at = _after_space(text, end)
    return _after_space(text, at + 1) if text[at] == "," else at


def quoted(text: str) -> str:
    """A string as JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:  # Half of a character, which only an escape can spell.
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)


def dumps(value: object, plain: Callable[[object, Hook], object] | None = None) -> str:
    """JSON of a user's value; a ``HasText`` at any depth is written as its own text.

    Args:
        value: What to write.
        plain: Turns the value into plain values first. It passes what it does not know to the hook that it is given.

    Raises:
        TypeError: A part has no JSON form.
        ValueError: A part is a number or text that JSON cannot express.
    """
    if isinstance(value, HasText):
        return value.text
    # `json` has no way to write text as it is: a mark that nobody can guess stands for it, as a string.
    mark = os.urandom(16).hex()
    texts: list[str] = []

    def hook(part: object) -> object:
        if not isinstance(part, HasText):
            raise TypeError(f"{type(part).__name__} has no JSON form")
        texts.append(part.text)
        return f"{mark}{len(texts) - 1}"

    simple = value if plain is None else plain(value, hook)
    text = json.dumps(simple, default=hook, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub(f'"{mark}([0-9]+)"', lambda found: texts[int(found[1])], text) if texts else text
