"""Converts values into plain values, and into JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Raw
from msgspec.json import Encoder

from ._datetimes import real_datetime
from ._errors import HightouchError
from ._json import Json
from ._json_text import HasText, dumps
from ._json_views import JsonArray, JsonObject
from ._value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

_ERROR = (
    "kind",
    "code",
    "message",
    "hint",
    "operation",
    "resource",
    "status",
    "retry_after",
    "request_id",
    "run_token",
)
"""The attributes of an error that ``to_dict`` copies."""


def plain_dict(value: Value) -> dict[str, Any]:
    """Copies a value into a dict; see :meth:`Value.to_dict`."""
    copied: dict[str, Any] = _copy(value, _to_python)
    return copied


def error_dict(error: HightouchError) -> dict[str, Any]:
    """Copies an error into a dict; see :meth:`HightouchError.to_dict`."""
    return {name: getattr(error, name) for name in _ERROR}


def json_text(value: object) -> str:
    """Writes a value, or a list or dict of values, as JSON; see :meth:`Value.to_json`."""
    copied = _copy(value, _raw)
    try:
        return _ENCODER.encode(copied).decode()
    except UnicodeEncodeError:  # A lone surrogate can only be written as an escape.
        return json.dumps(json.loads(dumps(_copy(value, _to_python))))


def json_default(value: Any) -> Any:
    """Returns what a JSON encoder writes in place of a value of this package.

    Pass this function to an encoder that does not know these values: ``json.dumps(runs, default=json_default)``, or
    ``msgspec.to_builtins(sync, enc_hook=json_default)``.

    Args:
        value: A value such as a :class:`Sync`, a :class:`Page`, a :class:`Json`, a part of a :class:`Json`, or a
            ``datetime``.

    Returns:
        The value's ``to_dict``, the plain values of opaque JSON, or the text of a time as in RFC 3339.

    Raises:
        TypeError: ``value`` is of another type.
        ValueError: ``value`` is, or contains, a :class:`Json` whose text is not valid JSON.
    """
    if isinstance(value, Value):
        return plain_dict(value)
    if isinstance(value, (Json, JsonArray, JsonObject)):
        return value.to_python()
    moment: Any = real_datetime(value)
    if hasattr(moment, "utcoffset") and hasattr(moment, "date"):
        return json.loads(_ENCODER.encode(moment))
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _to_python(opaque: HasText) -> Any:
    return opaque.to_python() if isinstance(opaque, (Json, JsonArray, JsonObject)) else opaque


def _raw(opaque: HasText) -> Any:
    return Raw(opaque.text.encode())


def _copy(value: Any, opaque: Callable[[HasText], Any]) -> Any:
    if isinstance(value, Value):
        config = value.__struct_config__
        names = value.__struct_fields__
        copied = {name: _copy(getattr(value, name), opaque) for name in names}
        return copied if config.tag_field is None else {config.tag_field: config.tag, **copied}
    if isinstance(value, HasText):
        return opaque(value)
    parts: Any = value
    if isinstance(value, list):
        return [_copy(item, opaque) for item in parts]
    if isinstance(value, dict):
        return {name: _copy(item, opaque) for name, item in parts.items()}
    if isinstance(value, HightouchError):
        return error_dict(value)
    return value


_ENCODER = Encoder(enc_hook=json_default)
