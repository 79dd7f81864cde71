"""Makes the calls of resources, which return values or raw answers."""

from __future__ import annotations

from functools import cache, partial
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ._door import decoded, decoder
from ._errors import LOADING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Concatenate, Generic, ParamSpec, Protocol

    from msgspec.json import Decoder

    from ._door import Door
    from ._encoding import Args, Opts
    from ._pages import Listing, Query
    from ._raw import RawResponse

    P = ParamSpec("P")
    T_co = TypeVar("T_co", covariant=True)

    class Handle(Protocol[T_co]):
        """A class of run handles, such as ``SyncRunHandle``."""

        def __call__(self, door: Door, body: bytes, slug: str | None, /) -> T_co: ...


T = TypeVar("T")


def slug_of(args: Args) -> str | None:
    """Returns the slug by which a call names its sync; None if the call uses an id, or is not about a sync."""
    sync = args.get("sync")
    return sync if isinstance(sync, str) and not sync.isdigit() else None


def known_slug(args: Args, sync: object) -> str | None:
    """Returns the slug of the sync that a list is about, if the caller gave the slug or a ``Sync``."""
    return slug_of(args) or getattr(sync, "slug", None)


_ROWS: dict[object, Decoder[Any]] = {}


def rows_decoder(of: type[T]) -> Decoder[list[T]]:
    """Returns the decoder of a page's rows. Creates the decoder at its first use."""
    try:
        return _ROWS[of]
    except KeyError:
        made = _ROWS[of] = decoder(cast("type[list[T]]", GenericAlias(list, (of,))))
        return made


@cache
def lists() -> tuple[type[Listing[Any]], type[Query], Callable[[Args], Args]]:
    """Imports the module of lists once. An import for each list would take longer than creating the list."""
    with LOADING:
        from ._pages import Listing, Query, filters

    return Listing, Query, filters


@cache
def raw_response() -> type[RawResponse[Any]]:
    """Imports the class of raw answers once. Most programs need no raw answers."""
    with LOADING:
        from ._raw import RawResponse

    return RawResponse


class Calls:
    """Makes calls, and returns the answers as values."""

    __slots__ = ("door",)

    def __init__(self, door: Door) -> None:
        self.door = door

    def value(self, op: str, args: Args, opts: Opts, of: type[T]) -> T:
        return decoded(decoder(of), self.door.call(op, args, opts)[1])

    def nothing(self, op: str, args: Args, opts: Opts) -> None:
        self.door.call(op, args, opts)

    def page(self, op: str, args: Args, opts: Opts, of: type[T], sync: object = None) -> Listing[T]:
        listing, query, filters = lists()
        slug = None if sync is None else known_slug(args, sync)
        return listing(self.door, query(op, filters(args), opts, of, rows_decoder(of), slug))

    def run(self, op: str, args: Args, opts: Opts, handle: Handle[T]) -> T:
        return handle(self.door, self.door.call(op, args, opts)[1], slug_of(args))

    def latest(self, op: str, args: Args, opts: Opts, handle: Handle[T]) -> T | None:
        body = self.door.call(op, args, opts)[1]
        return None if body == b"null" else handle(self.door, body, slug_of(args))

    def raw(self) -> Calls:
        """Returns an object that makes the same calls and returns raw answers.

        The result is cast to this class, because the methods of resources are typed for calls that return values.
        """
        return cast("Calls", RawCalls(self.door))


def no_result(_: bytes) -> None:
    """Reads the answer of an operation without a result."""


class RawCalls:
    """Makes calls, and returns the raw answers."""

    __slots__ = ("door",)

    def __init__(self, door: Door) -> None:
        self.door = door

    def value(self, op: str, args: Args, opts: Opts, of: type[T]) -> RawResponse[T]:
        return self._answer(op, args, opts, partial(decoded, decoder(of)))

    def nothing(self, op: str, args: Args, opts: Opts) -> RawResponse[None]:
        return self._answer(op, args, opts, no_result)

    def page(self, op: str, args: Args, opts: Opts, of: type[T], _: object = None) -> RawResponse[list[T]]:
        with LOADING:
            from ._pages import filters

        args = filters(args)
        return self._answer(op, args, opts, partial(decoded, rows_decoder(of)))

    def run(self, op: str, args: Args, opts: Opts, handle: Handle[T]) -> RawResponse[T]:
        return self._answer(op, args, opts, lambda body: handle(self.door, body, slug_of(args)))

    def latest(self, op: str, args: Args, opts: Opts, handle: Handle[T]) -> RawResponse[T | None]:
        def made(body: bytes) -> T | None:
            return None if body == b"null" else handle(self.door, body, slug_of(args))

        return self._answer(op, args, opts, made)

    def _answer(self, op: str, args: Args, opts: Opts, make: Callable[[bytes], T]) -> RawResponse[T]:
        response = raw_response()
        return response(*self.door.call(op, args, {**opts, "raw": True}), make)


class Resource:
    """The operations of one resource."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __repr__(self) -> str:
        return methods_of(self)


class RawResource:
    """The operations of one resource, with raw answers."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __repr__(self) -> str:
        return methods_of(self)


def methods_of(resource: object) -> str:
    """Returns the repr of a resource. The repr names the operations of the resource."""
    cls = type(resource)
    names = sorted(name for name in dir(cls) if not name.startswith(("_", "with_")))
    return f"<{cls.__name__}: {', '.join(names)}>"


class _Method:
    """A method of ``with_raw_response``. Calls the resource's method of the same name."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, raw: Any, owner: type | None = None) -> Any:
        if raw is None:
            return self
        # Unlike a `partial`, a bound method keeps its name, docstring and signature.
        return self._method.__get__(raw._resource)


if TYPE_CHECKING:

    class Raw(Generic[P, T]):
        """Turns a method into a method that returns the raw answer in place of a value."""

        def __init__(self, method: Callable[Concatenate[Any, P], T]) -> None: ...
        def __get__(self, raw: object, owner: type | None = None) -> Callable[P, RawResponse[T]]: ...

    class RawList(Generic[P, T]):
        """Turns a method that returns a list into a method that returns the raw answer of the first page."""

        def __init__(self, method: Callable[Concatenate[Any, P], Listing[T]]) -> None: ...
        def __get__(self, raw: object, owner: type | None = None) -> Callable[P, RawResponse[list[T]]]: ...

else:
    Raw = RawList = _Method
