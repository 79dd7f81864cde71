"""Splits JSON text into parts that keep the white space around them."""

from __future__ import annotations

from typing import Generic, TypeVar

from ._json_text import after_space, decoded_end

T = TypeVar("T")


class Part(Generic[T]):
    """A member of an object or an item of an array."""

    __slots__ = ("after", "before", "name", "value")

    def __init__(self, value: T, name: str = "", before: str | None = None, after: str = "") -> None:
        self.value = value
        self.name = name
        """The text before the value: the name, the colon and their white space. Empty for an item of an array."""
        self.before = before
        """The white space before the part. If ``None``, the layout's ``head`` or ``rest`` is written instead."""
        self.after = after
        """The white space between the value and the comma."""


class Layout:
    """The white space of an object or an array."""

    __slots__ = ("between", "head", "rest", "tail")

    def __init__(self) -> None:
        self.head = ""
        """The white space before the first part."""
        self.rest = ""
        """The white space before each new part, except a new first part."""
        self.tail = ""
        """The white space after the last part."""
        self.between = ":"
        """The colon between the name of a new member and its value, with white space."""

    def joined(self, brackets: str, parts: list[tuple[str | None, str]]) -> str:
        """Writes parts as JSON. Each part is a pair: the white space before a text, and the text."""
        if not parts:
            return brackets
        texts = [(self.rest if before is None else before) + text for before, text in parts]
        texts[0] = self.head + parts[0][1]
        return f"{brackets[0]}{','.join(texts)}{self.tail}{brackets[1]}"


def split(text: str) -> tuple[Layout, list[tuple[str, Part[str]]]]:
    """Splits an object into pairs of a name and a member, or an array into pairs of an empty name and an item."""
    layout, parts, is_object, start = Layout(), list[tuple[str, Part[str]]](), text[0] == "{", 1
    while True:
        at = after_space(text, start)
        if text[at] in "]}":
            return layout, parts
        before, name, token = text[start:at], "", ""
        if is_object:
            name, end = decoded_end(text, at)
            value = after_space(text, after_space(text, end) + 1)
            token, at = text[at:value], value
            if not parts:
                layout.between = text[end:value]
        _, end = decoded_end(text, at)
        comma = after_space(text, end)
        after = text[end:comma]
        if len(parts) < 2:
            layout.rest = before
        if not parts:
            layout.head = before
        is_last = text[comma] != ","
        parts.append((name, Part(text[at:end], token, before if parts else None, "" if is_last else after)))
        if is_last:
            layout.tail = after
            return layout, parts
        start = comma + 1
