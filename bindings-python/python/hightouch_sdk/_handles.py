"""Creates the resource handles of a client, such as ``client.syncs``, when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from ._errors import LOADING

H = TypeVar("H")


class Handle(Generic[H]):
    """An attribute that returns the handle of a resource, such as ``client.syncs``.

    If the attribute is read from the client's class, it returns the class of the handle. So
    ``unittest.mock.create_autospec`` and ``inspect``, which read attributes from classes, find the handle's methods.
    """

    def __init__(self, load: Callable[[Any], type[H]]) -> None:
        self._load = load
        self._name = load.__name__
        self.__doc__ = load.__doc__

    @overload
    def __get__(self, client: None, owner: type | None = None) -> type[H]: ...
    @overload
    def __get__(self, client: object, owner: type | None = None) -> H: ...
    def __get__(self, client: Any, owner: type | None = None) -> H | type[H]:
        with LOADING:
            make: Any = self._load(client)
        if client is not None:
            # From now on, Python finds the handle in the client's `__dict__`, and no longer calls `__get__`.
            make = client.__dict__.setdefault(self._name, make(client._calls))
        handle: H | type[H] = make
        return handle


def load(resources: type) -> None:
    """Imports the modules of all resources. ``resources`` is the class whose attributes are the handles."""
    for name, it in vars(resources).items():
        if isinstance(it, Handle):
            getattr(resources, name)
