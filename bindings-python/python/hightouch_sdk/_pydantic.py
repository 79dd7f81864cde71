"""Describes values to pydantic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import core_schema

from ._dataclass import fields_of
from ._json import Json, json_of

if TYPE_CHECKING:
    from ._value import Value


def schema_of(cls: type[Value], handler: Any) -> Any:
    """Returns the schema of a value. The schema accepts the value itself, and a dict with the keys of ``to_dict``."""
    config = cls.__struct_config__
    members: dict[str, Any] = {}
    if config.tag_field is not None:
        kind = core_schema.typed_dict_field(handler.generate_schema(Literal[config.tag]), required=True)
        members[config.tag_field] = kind
    for name, each in fields_of(cls).items():
        required = each.default is each.default_factory  # Identical only if both are `NODEFAULT`.
        members[name] = core_schema.typed_dict_field(handler.generate_schema(each.type), required=required)
    shape = core_schema.typed_dict_schema(members, extra_behavior="ignore", cls_name=cls.__name__)
    made = core_schema.no_info_after_validator_function(partial(_make, cls), shape)
    return core_schema.json_or_python_schema(
        json_schema=made,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), made], mode="left_to_right"),
        serialization=core_schema.plain_serializer_function_ser_schema(_shallow, return_schema=shape),
        ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
    )


def json_schema() -> Any:
    """Returns the schema of opaque JSON. The schema accepts any JSON and converts the JSON to a :class:`Json`."""
    return core_schema.no_info_after_validator_function(
        json_of, core_schema.any_schema(), serialization=core_schema.plain_serializer_function_ser_schema(_python)
    )


def _make(cls: type[Value], members: dict[str, Any]) -> Value:
    tag = cls.__struct_config__.tag_field
    return cls(**{name: value for name, value in members.items() if name != tag})


def _shallow(value: Value) -> dict[str, Any]:
    """Returns the fields of a value. pydantic serializes the values in these fields."""
    config = value.__struct_config__
    shallow = {name: getattr(value, name) for name in value.__struct_fields__}
    return shallow if config.tag_field is None else {config.tag_field: config.tag, **shallow}


def _python(value: Any) -> Any:
    return value.to_python() if isinstance(value, Json) else value
