"""Splits and writes JSON as text, so that no digit is lost."""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from json import JSONDecoder
from typing import Any

from ._json_plain import NotFiniteError, plain


class HasText:
    """A value that knows its own JSON text. The value is equal to the plain value of this text."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """The JSON text, without surrounding white space."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        text = self.text
        if isinstance(other, HasText):
            another = other.text
            return text == another or bool(loads(text) == loads(another))
        equal: bool = loads(text) == other
        return equal


def loads(text: str | bytes) -> Any:
    """Decodes JSON into plain values.

    Python refuses to convert integers of more than 4,300 digits; this function returns infinity for such integers.

    Raises:
        ValueError: The text is not valid JSON.
    """
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text, parse_int=_integer)


def _integer(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _no_number(text: str) -> float:
    raise ValueError(f"JSON has no {text}.")


# `float` accepts integers of any length. `float` loses digits, but nothing uses the decoded numbers.
_DECODER = JSONDecoder(parse_int=float, parse_constant=_no_number)
_SPACE = re.compile(r"[ \t\n\r]*")


def checked(raw: bytes) -> str:
    """Returns the text of one JSON value, without surrounding white space.

    Raises:
        ValueError: The text is not one JSON value.
    """
    text = raw.decode().strip(" \t\n\r")
    _DECODER.decode(text)
    return text


def decoded_end(text: str, at: int) -> tuple[Any, int]:
    """Returns the value that begins at a position of valid JSON, and the position after the value."""
    return _DECODER.raw_decode(text, at)


def after_space(text: str, at: int) -> int:
    """Returns the position of the next character that is not white space."""
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def members(text: str) -> dict[str, str]:
    """Splits the text of an object into its members. Of several members with the same name, returns the last one."""
    parts: dict[str, str] = {}
    at = after_space(text, 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = after_space(text, after_space(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        parts[key] = text[start:end]
        at = _next(text, end)
    return parts


def items(text: str) -> list[str]:
    """Splits the text of an array into its items."""
    parts: list[str] = []
    at = after_space(text, 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        parts.append(text[at:end])
        at = _next(text, end)
    return parts


def _next(text: str, end: int) -> int:
    """Returns the position of the next part, or of the closing bracket."""
    at = after_space(text, end)
    return after_space(text, at + 1) if text[at] == "," else at


def quoted(text: str) -> str:
    """Writes a string as JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:  # A lone surrogate can only be written as an escape.
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)


def dumps(value: object) -> str:
    """Writes a user's value as JSON; a ``HasText`` at any depth is written as its own text.

    Raises:
        TypeError: A part has no JSON form.
        ValueError: A part is a number that JSON cannot express, or the text of a ``HasText`` is not valid JSON.
    """
    if isinstance(value, HasText):
        return value.text
    # `json` cannot insert JSON text. So `json` writes placeholders, and this function then replaces the placeholders by
    # the JSON texts. Placeholders are random, so that no string of the user can contain a placeholder.
    mark = os.urandom(16).hex()
    texts: list[str] = []

    def special(part: object) -> str | None:
        if isinstance(part, HasText):
            texts.append(part.text)
        elif isinstance(part, Decimal):
            if not part.is_finite():
                raise NotFiniteError("", f"is {part}, and JSON has no such number. Pass None or a string.")
            texts.append(str(part))
        else:
            return None
        return f"{mark}{len(texts) - 1}"

    text = json.dumps(plain(value, special), ensure_ascii=False, separators=(",", ":"))
    return re.sub(f'"{mark}([0-9]+)"', lambda found: texts[int(found[1])], text) if texts else text
