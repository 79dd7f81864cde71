"""Describes values and errors to pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec.json import encode
from pydantic import TypeAdapter
from pydantic_core import core_schema

import hightouch_sdk

from ._dataclass import fields_of
from ._errors import BY_KIND, HightouchError, RunFailedError
from ._json import Json, json_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._value import Value

_ERROR: dict[str, Any] = {
    "kind": str,
    "code": str | None,
    "message": str,
    "hint": str | None,
    "operation": str | None,
    "resource": str | None,
    "status": int | None,
    "retry_after": float | None,
    "request_id": str | None,
    "run_token": str | None,
}
"""The types of the keys of :meth:`HightouchError.to_dict`."""
_RUN_FAILED: dict[str, Any] = {"problem": dict[str, Any] | None, "items": list[dict[str, Any]]}
"""The keys that :meth:`RunFailedError.to_dict` adds. Items are read later: the schema of an item has that of an error,
and would have no end."""


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
    tag = config.tag_field

    def make(members: dict[str, Any]) -> Value:
        return cls(**{name: value for name, value in members.items() if name != tag})

    return _instance_or_dict(cls, shape, make, _shallow)


def error_schema(cls: type[HightouchError], handler: Any) -> Any:
    """Returns the schema of an error. The schema accepts the error itself, and the dict of its ``to_dict``."""
    types = {**_ERROR, **(_RUN_FAILED if issubclass(RunFailedError, cls) else {})}
    members = {
        name: core_schema.typed_dict_field(handler.generate_schema(of), required=name in {"kind", "message"})
        for name, of in types.items()
    }
    shape = core_schema.typed_dict_schema(members, extra_behavior="ignore", cls_name=cls.__name__)

    def make(members: dict[str, Any]) -> HightouchError:
        found = BY_KIND.get(members["kind"], HightouchError)
        if not issubclass(found, cls):
            raise ValueError(f"The kind of a {cls.__name__} is {cls.kind!r}, not {members['kind']!r}.")
        return _error(found, members)

    return _instance_or_dict(cls, shape, make, _error_dict)


def _error(cls: type[HightouchError], members: dict[str, Any]) -> HightouchError:
    own: dict[str, Any] = {name: members.get(name) for name in _ERROR if name not in {"message", "request_id"}}
    error = cls(members["message"], **own)
    error.of_request(members.get("request_id"))
    if isinstance(error, RunFailedError):
        error.because(encode(TypeAdapter(hightouch_sdk.RunProblem | None).validate_python(members.get("problem"))))
        error.of_items(TypeAdapter(list[hightouch_sdk.BatchItem]).validate_python(members.get("items", [])))
    return error


def _error_dict(error: HightouchError) -> dict[str, Any]:
    return error.to_dict()


def _instance_or_dict(cls: type, shape: Any, make: Callable[..., Any], plain: Callable[[Any], dict[str, Any]]) -> Any:
    """Returns a schema that accepts an instance of ``cls``, and a dict from which ``make`` creates an instance."""
    # pydantic shows the name of this function if a value is one of several types, and it would show the address of a
    # function without a name.
    make.__name__ = cls.__name__
    made = core_schema.no_info_after_validator_function(make, shape)

    def accept(value: object, read: Callable[[object], object]) -> object:
        return value if isinstance(value, cls) else read(value)

    accept.__name__ = cls.__name__
    return core_schema.json_or_python_schema(
        json_schema=made,
        python_schema=core_schema.no_info_wrap_validator_function(accept, made),
        serialization=core_schema.plain_serializer_function_ser_schema(plain, return_schema=shape),
        ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
    )


def json_schema() -> Any:
    """Returns the schema of opaque JSON. The schema accepts any JSON and converts the JSON to a :class:`Json`."""
    return core_schema.no_info_after_validator_function(
        _json, core_schema.any_schema(), serialization=core_schema.plain_serializer_function_ser_schema(_python)
    )


def _json(value: object) -> Any:
    # pydantic adds a ValueError to its own errors. Any other error ends the validation, in FastAPI with the status 500.
    try:
        return json_of(value)
    except TypeError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("The value nests too deep for JSON.") from None


def _shallow(value: Value) -> dict[str, Any]:
    """Returns the fields of a value. pydantic serializes the values in these fields."""
    config = value.__struct_config__
    shallow = {name: getattr(value, name) for name in value.__struct_fields__}
    return shallow if config.tag_field is None else {config.tag_field: config.tag, **shallow}


def _python(value: Any) -> Any:
    return value.to_python() if isinstance(value, Json) else value
