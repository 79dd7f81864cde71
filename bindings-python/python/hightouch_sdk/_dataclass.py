"""What :mod:`dataclasses` needs to know about values: their options and their fields."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_type_hints

from msgspec import NODEFAULT
from msgspec.structs import fields as struct_fields

import hightouch_sdk

from ._datetimes import datetime
from ._json import Json
from ._names import ENUMS

if TYPE_CHECKING:
    from ._value import Value

PARAMS = SimpleNamespace(
    init=True, repr=False, eq=True, order=False, unsafe_hash=False, frozen=True, match_args=True, kw_only=True,
    slots=True, weakref_slot=False,
)  # fmt: skip
"""The dataclass options of every value. ``repr=False`` makes ``pprint`` use the value's own ``repr``."""

# Maps names in the annotations of values to the public types, which other libraries need. In the modules of the values,
# the names stand for types that only the decoder understands.
_PUBLIC = {**{name: getattr(hightouch_sdk, name) for name in ENUMS}, "Json": Json, "MaybeJson": Json | None}
_PUBLIC["datetime"] = datetime.__origin__

_FIELDS: dict[type[Value], dict[str, Any]] = {}
_TYPES: dict[type[Value], dict[str, Any]] = {}


def types_of(cls: type[Value]) -> dict[str, Any]:
    """Returns the public type of each field."""
    if cls not in _TYPES:
        hints = get_type_hints(cls, localns=_PUBLIC)
        _TYPES[cls] = {name: hints[name] for name in cls.__struct_fields__}
    return _TYPES[cls]


def fields_of(cls: type[Value]) -> dict[str, Any]:
    """Returns the fields of a class by name, as :mod:`dataclasses` describes them."""
    if cls not in _FIELDS:
        types = types_of(cls)
        _FIELDS[cls] = {each.name: _field(each, types[each.name]) for each in struct_fields(cls)}
    return _FIELDS[cls]


def _field(of: Any, public: Any) -> Any:
    given: dict[str, Any] = {}
    # A mutable default has a factory, because each value must get its own copy.
    if of.default_factory is not NODEFAULT:
        given["default_factory"] = of.default_factory
    elif of.default is not NODEFAULT:
        given["default"] = of.default
    made: Any = dataclasses.field(kw_only=True, **given)
    made.name, made.type = of.name, public
    # `dataclass` sets this mark on each field of a class, and `fields` looks for the mark.
    made._field_type = dataclasses._FIELD  # type: ignore[attr-defined]  # pyright: ignore
    return made
