r"""Half a character in JSON: an escape such as ``\ud83d`` alone, which JavaScript servers send for a text that was cut.

The decoder refuses it wherever it stands. In opaque JSON it is kept: looking at the value decides what becomes of it.
"""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from msgspec import DecodeError

if TYPE_CHECKING:
    from msgspec.json import Decoder

T = TypeVar("T")

# One escape after the other, so that neither half of a pair, nor an escaped backslash before a `u`, is taken for one.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

_mark: ContextVar[bytes] = ContextVar("mark", default=b"")
"""What stands in place of the backslash and the ``u`` of halves while an answer is decoded that has some."""


def decode(decoder: Decoder[T], text: bytes) -> T:
    """Decode an answer in which opaque JSON may hold halves."""
    try:
        return decoder.decode(text)
    except DecodeError:
        mark = os.urandom(8).hex().encode()
        hidden = _ESCAPE.sub(lambda found: mark + found[1] if found[1] else found[0], text)
        if hidden == text:
            raise
        before = _mark.set(mark)
        try:
            return decoder.decode(hidden)
        finally:
            _mark.reset(before)


def shown(raw: bytes) -> bytes:
    """Opaque JSON of the answer that is being decoded, as it came."""
    mark = _mark.get()
    return raw.replace(mark, rb"\u") if mark else raw
