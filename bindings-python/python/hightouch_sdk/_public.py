"""Marks what belongs to the package's interface."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T", bound=type)


def public(cls: T) -> T:
    """Lets a class say that it is from ``hightouch_sdk``, where users import it from.

    Not for structs: their decoders look up the types of fields in the module that the class names.
    """
    cls.__module__ = "hightouch_sdk"
    return cls
