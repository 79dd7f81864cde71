"""The base class of all values. Converts values for other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct


class _Fields:
    """The attribute by which libraries recognise a dataclass. Reading the attribute imports ``dataclasses``."""

    def __get__(self, value: object, cls: type[Value]) -> dict[str, Any]:
        from ._dataclass import fields_of

        return fields_of(cls)


class _Params:
    """The attribute with the options of a dataclass. ``pprint`` reads the attribute."""

    def __get__(self, value: object, cls: type[Value]) -> object:
        from ._dataclass import PARAMS

        return PARAMS


class Value(Struct, frozen=True):
    """The base class of all values.

    A value has the interface of a dataclass: ``dataclasses.fields``, ``asdict`` and ``replace`` accept values,
    and so do libraries that accept dataclasses. pydantic accepts the class of a value as the type of a field.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Any]]
    else:
        __dataclass_fields__ = _Fields()
        __dataclass_params__ = _Params()

    def to_dict(self) -> dict[str, Any]:
        """Copies the value, and all values in it, into plain dicts and lists.

        The keys are the names of the attributes, and each attribute has a key. An attribute that is absent is ``None``.
        A variant of a union, such as a ``CronRule``, begins with its ``kind``. Opaque JSON becomes plain values;
        a fraction keeps about 17 digits. A ``datetime`` stays a ``datetime``.

        Raises:
            ValueError: The value contains a ``Json`` whose text is not valid JSON.
        """
        from ._plain_values import plain_dict

        return plain_dict(self)

    def to_json(self) -> str:
        """Writes the value as JSON, with the keys of ``to_dict``.

        A time is written as in RFC 3339, and opaque JSON as the text that was received, to the last digit.

        Raises:
            ValueError: The value contains a ``Json`` whose text is not valid JSON.
            TypeError: The value was created with a part that has no JSON form.
        """
        from ._plain_values import json_text

        return json_text(self)

    def _repr_html_(self) -> str:
        from ._html import value_html

        return value_html(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Any) -> Any:
        from ._pydantic import schema_of

        return schema_of(cls, handler)
