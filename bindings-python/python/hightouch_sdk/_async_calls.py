"""Makes the calls of resources for the asynchronous client; see `_calls`."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

from ._calls import Raw, known_slug, methods_of, no_result, raw_response, rows_decoder, slug_of
from ._door import decoded, decoder
from ._errors import LOADING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ._async_door import AsyncDoor
    from ._async_pages import AsyncListing
    from ._encoding import Args, Opts
    from ._pages import Query
    from ._raw import RawResponse

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class AsyncHandle(Protocol[T_co]):
    """A class of run handles, such as ``AsyncSyncRunHandle``."""

    def __call__(self, door: AsyncDoor, body: bytes, slug: str | None, /) -> T_co: ...


@cache
def _lists() -> tuple[type[AsyncListing[Any]], type[Query], Callable[[Args], Args]]:
    with LOADING:
        from ._async_pages import AsyncListing
        from ._pages import Query, filters

    return AsyncListing, Query, filters


class AsyncCalls:
    """Makes calls, and returns the answers as values."""

    __slots__ = ("door",)

    def __init__(self, door: AsyncDoor) -> None:
        self.door = door

    async def value(self, op: str, args: Args, opts: Opts, of: type[T]) -> T:
        return decoded(decoder(of), (await self.door.call(op, args, opts))[1])

    async def nothing(self, op: str, args: Args, opts: Opts) -> None:
        await self.door.call(op, args, opts)

    def page(self, op: str, args: Args, opts: Opts, of: type[T], sync: object = None) -> AsyncListing[T]:
        listing, query, filters = _lists()
        slug = None if sync is None else known_slug(args, sync)
        return listing(self.door, query(op, filters(args), opts, of, rows_decoder(of), slug))

    async def run(self, op: str, args: Args, opts: Opts, handle: AsyncHandle[T]) -> T:
        return handle(self.door, (await self.door.call(op, args, opts))[1], slug_of(args))

    async def latest(self, op: str, args: Args, opts: Opts, handle: AsyncHandle[T]) -> T | None:
        body = (await self.door.call(op, args, opts))[1]
        return None if body == b"null" else handle(self.door, body, slug_of(args))

    def raw(self) -> AsyncCalls:
        """Returns an object that makes the same calls and returns raw answers.

        The result is cast to this class, because the methods of resources are typed for calls that return values.
        """
        return cast("AsyncCalls", AsyncRawCalls(self.door))


class AsyncRawCalls:
    """Makes calls, and returns the raw answers."""

    __slots__ = ("door",)

    def __init__(self, door: AsyncDoor) -> None:
        self.door = door

    async def value(self, op: str, args: Args, opts: Opts, of: type[T]) -> RawResponse[T]:
        return await self._answer(op, args, opts, partial(decoded, decoder(of)))

    async def nothing(self, op: str, args: Args, opts: Opts) -> RawResponse[None]:
        return await self._answer(op, args, opts, no_result)

    async def page(self, op: str, args: Args, opts: Opts, of: type[T], _: object = None) -> RawResponse[list[T]]:
        with LOADING:
            from ._pages import filters

        args = filters(args)
        return await self._answer(op, args, opts, partial(decoded, rows_decoder(of)))

    async def run(self, op: str, args: Args, opts: Opts, handle: AsyncHandle[T]) -> RawResponse[T]:
        return await self._answer(op, args, opts, lambda body: handle(self.door, body, slug_of(args)))

    async def latest(self, op: str, args: Args, opts: Opts, handle: AsyncHandle[T]) -> RawResponse[T | None]:
        def made(body: bytes) -> T | None:
            return None if body == b"null" else handle(self.door, body, slug_of(args))

        return await self._answer(op, args, opts, made)

    async def _answer(self, op: str, args: Args, opts: Opts, make: Callable[[bytes], T]) -> RawResponse[T]:
        response = raw_response()
        return response(*await self.door.call(op, args, {**opts, "raw": True}), make)


class AsyncResource:
    """The operations of one resource."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    def __repr__(self) -> str:
        return methods_of(self)


class AsyncRawResource:
    """The operations of one resource, with raw answers."""

    def __init__(self, resource: AsyncResource) -> None:
        self._resource = resource

    def __repr__(self) -> str:
        return methods_of(self)


if TYPE_CHECKING:

    class AsyncRaw(Generic[P, T]):
        """Turns a method into a method that returns the raw answer in place of a value."""

        def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None: ...
        def __get__(
            self, raw: object, owner: type | None = None
        ) -> Callable[P, Coroutine[Any, Any, RawResponse[T]]]: ...

    class AsyncRawList(Generic[P, T]):
        """Turns a method that returns a list into a method that returns the raw answer of the first page."""

        def __init__(self, method: Callable[Concatenate[Any, P], AsyncListing[T]]) -> None: ...
        def __get__(
            self, raw: object, owner: type | None = None
        ) -> Callable[P, Coroutine[Any, Any, RawResponse[list[T]]]]: ...

else:
    AsyncRaw = AsyncRawList = Raw
