"""Marks the classes of the package's public interface."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T", bound=type)


def public(cls: T) -> T:
    """Sets the module of a class to ``hightouch_sdk``, from which users import the class.

    Do not use this decorator for structs: msgspec looks up the types of a struct's fields in ``__module__``.
    """
    cls.__module__ = "hightouch_sdk"
    return cls
