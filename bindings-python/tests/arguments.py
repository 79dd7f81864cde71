"""Converts the arguments of a scenario to the types that a user would pass."""

from __future__ import annotations

import collections.abc
import datetime
import inspect
import typing
from functools import cache
from typing import Any

import msgspec

import hightouch_sdk
from hightouch_sdk import _base, _door

# The names that `types_of` needs to evaluate the annotations of the generated methods.
NAMES: dict[str, Any] = {
    **vars(typing),
    **vars(collections.abc),
    **vars(datetime),
    **vars(_door),
    **vars(_base),
    **{name: getattr(hightouch_sdk, name) for name in hightouch_sdk.__all__},
}


@cache
def types_of(method: Any) -> dict[str, Any]:
    """Returns the types of a method's arguments by name. Leaves out arguments that take any JSON."""
    types = {}
    for name, parameter in inspect.signature(method).parameters.items():
        if isinstance(parameter.annotation, str) and "JsonInput" not in parameter.annotation:
            types[name] = eval(parameter.annotation, NAMES)
    return types


def typed(method: Any, args: dict[str, Any]) -> dict[str, Any]:
    """Converts arguments to the types that the method takes. An argument that does not fit its type stays unchanged."""
    if getattr(method, "__self__", None) is None or not hasattr(method.__self__, "with_raw_response"):
        return args
    types = types_of(method.__func__)

    def value(name: str, given: Any) -> Any:
        try:
            return msgspec.json.decode(msgspec.json.encode(given), type=types[name]) if name in types else given
        except (msgspec.ValidationError, TypeError, OverflowError):
            return given

    return {name: value(name, given) for name, given in args.items()}
