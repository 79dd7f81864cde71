r"""Decodes JSON with lone surrogates: an escape such as ``\ud83d`` that is not part of a pair.

JavaScript servers send them for text that was cut off in the middle of a character. The decoder of msgspec refuses them
anywhere. Within a `Json` they are kept.
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

# Matches every escape, so that half of a whole pair, or `\\u`, is not taken for a lone surrogate.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

_mark: ContextVar[bytes] = ContextVar("mark", default=b"")
"""Replaces the ``\\u`` of lone surrogates while an answer is decoded."""


def decode(decoder: Decoder[T], text: bytes) -> T:
    """Decodes an answer in which a `Json` may contain lone surrogates.

    Raises:
        DecodeError: The answer does not fit its type.
    """
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


def restored(raw: bytes) -> bytes:
    """Returns a part of the answer that is being decoded, as it was received."""
    mark = _mark.get()
    return raw.replace(mark, rb"\u") if mark else raw
