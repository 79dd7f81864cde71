"""How resources make their calls: for values, or for answers as they came."""

from __future__ import annotations

from functools import partial
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

from ._door import decoded, decoder
from ._pages import Listing, check_list
from ._raw import RawResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._door import Args, Door, Opts

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Handle(Protocol[T_co]):
    """A class whose values are made of a door and an answer."""

    def __call__(self, door: Door, body: bytes, /) -> T_co: ...


def rows_of(of: type[T]) -> type[list[T]]:
    """The type of a page's rows."""
    return cast("type[list[T]]", GenericAlias(list, (of,)))


class Calls:
    """Makes calls and gives what they mean."""

    __slots__ = ("door",)

    def __init__(self, door: Door) -> None:
        self.door = door

    def value(self, op: str, args: Args, opts: Opts, of: type[T]) -> T:
        return decoded(decoder(of), self.door.call(op, args, opts)[1])

    def nothing(self, op: str, args: Args, opts: Opts) -> None:
        self.door.call(op, args, opts)

    def page(self, op: str, args: Args, opts: Opts, of: type[T]) -> Listing[T]:
        return Listing(self.door, op, args, opts, decoder(rows_of(of)))

    def run(self, op: str, args: Args, opts: Opts, handle: Handle[T]) -> T:
        return handle(self.door, self.door.call(op, args, opts)[1])

    def raw(self) -> Calls:
        """The calls that give answers as they came; methods that are typed for values pass them on unread."""
        return cast("Calls", RawCalls(self.door))


class RawCalls:
    """Makes the same calls and gives their answers as they came."""

    __slots__ = ("door",)

    def __init__(self, door: Door) -> None:
        self.door = door

    def value(self, op: str, args: Args, opts: Opts, of: type[T]) -> RawResponse[T]:
        return self._answer(op, args, opts, partial(decoded, decoder(of)))

    def nothing(self, op: str, args: Args, opts: Opts) -> RawResponse[None]:
        return self._answer(op, args, opts, lambda _: None)

    def page(self, op: str, args: Args, opts: Opts, of: type[T]) -> RawResponse[list[T]]:
        check_list(args)
        return self._answer(op, args, opts, partial(decoded, decoder(rows_of(of))))

    def run(self, op: str, args: Args, opts: Opts, handle: Handle[T]) -> RawResponse[T]:
        return self._answer(op, args, opts, partial(handle, self.door))

    def _answer(self, op: str, args: Args, opts: Opts, make: Callable[[bytes], T]) -> RawResponse[T]:
        return RawResponse(self.door, op, args, self.door.call(op, args, {**opts, "raw": True}), make)


class Resource:
    """Some operations of a client."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls


class RawResource:
    """The operations of a resource, giving answers as they came."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource


class _Method:
    """A method of a resource, bound to the resource that makes raw calls."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, raw: Any, owner: type | None = None) -> Any:
        if raw is None:
            return self
        # Not `partial`: what is bound keeps the name, the docs and the signature of the method.
        return self._method.__get__(raw._resource)


if TYPE_CHECKING:

    class Raw(Generic[P, T]):
        """A method that gives a value, giving the answer in its place."""

        def __init__(self, method: Callable[Concatenate[Any, P], T]) -> None: ...
        def __get__(self, raw: object, owner: type | None = None) -> Callable[P, RawResponse[T]]: ...

    class RawList(Generic[P, T]):
        """A method that gives a list, giving the answer that holds its first page."""

        def __init__(self, method: Callable[Concatenate[Any, P], Listing[T]]) -> None: ...
        def __get__(self, raw: object, owner: type | None = None) -> Callable[P, RawResponse[list[T]]]: ...

else:
    Raw = RawList = _Method
