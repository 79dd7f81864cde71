r"""Decodes JSON with lone surrogates: an escape such as ``\ud83d`` that is not part of a pair.

JavaScript servers send lone surrogates for text that was cut off in the middle of a character. The decoder of msgspec
refuses lone surrogates anywhere. This module keeps lone surrogates within a `Json`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import DecodeError, Raw, Struct
from msgspec.structs import force_setattr

from ._json import Json

if TYPE_CHECKING:
    from msgspec.json import Decoder

T = TypeVar("T")

# Matches all escapes. Otherwise half of a pair, or an escaped backslash before a `u`, would look like a lone surrogate.
# Most programs never use this pattern, so it is compiled at its first use.
_ESCAPE = rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)"


def decode(decoder: Decoder[T], text: bytes) -> T:
    """Decodes an answer in which opaque JSON may contain lone surrogates.

    Raises:
        DecodeError: The answer does not fit its type.
    """
    try:
        return decoder.decode(text)
    except DecodeError:
        mark = os.urandom(8).hex().encode()
        hidden = re.sub(_ESCAPE, lambda found: mark + found[1] if found[1] else found[0], text)
        if hidden == text:
            raise
        restored: T = _restored(decoder.decode(hidden), mark)
        return restored


def _restored(value: Any, mark: bytes) -> Any:
    r"""Restores lone surrogates in the opaque JSON of a value. ``decode`` has replaced their ``\u`` by ``mark``."""
    if isinstance(value, Raw):
        return Raw(bytes(value).replace(mark, rb"\u"))
    if isinstance(value, Json):
        return Json.from_raw(value.raw.replace(mark, rb"\u"))
    kind: Any = value.__class__
    if kind is list:
        value[:] = [_restored(item, mark) for item in value]
    elif kind is dict:
        value.update({name: _restored(member, mark) for name, member in value.items()})
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            force_setattr(value, name, _restored(getattr(value, name), mark))
    return value
