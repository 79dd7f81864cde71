"""The asynchronous side of `_calls`: the same, with coroutines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

from ._calls import Raw, rows_of
from ._door import decoded, decoder
from ._pages import AsyncListing, check_list
from ._raw import RawResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ._async_door import AsyncDoor
    from ._door import Args, Opts

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class AsyncHandle(Protocol[T_co]):
    """A class whose values are made of a door and an answer."""

    def __call__(self, door: AsyncDoor, body: bytes, /) -> T_co: ...


class AsyncCalls:
    """Makes calls and gives what they mean."""

    __slots__ = ("door",)

    def __init__(self, door: AsyncDoor) -> None:
        self.door = door

    async def value(self, op: str, args: Args, opts: Opts, of: type[T]) -> T:
        return decoded(decoder(of), (await self.door.call(op, args, opts))[1])

    async def nothing(self, op: str, args: Args, opts: Opts) -> None:
        await self.door.call(op, args, opts)

    def page(self, op: str, args: Args, opts: Opts, of: type[T]) -> AsyncListing[T]:
        return AsyncListing(self.door, op, args, opts, decoder(rows_of(of)))

    async def run(self, op: str, args: Args, opts: Opts, handle: AsyncHandle[T]) -> T:
        return handle(self.door, (await self.door.call(op, args, opts))[1])

    def raw(self) -> AsyncCalls:
        """The calls that give answers as they came; methods that are typed for values pass them on unread."""
        return cast("AsyncCalls", AsyncRawCalls(self.door))


class AsyncRawCalls:
    """Makes the same calls and gives their answers as they came."""

    __slots__ = ("door",)

    def __init__(self, door: AsyncDoor) -> None:
        self.door = door

    async def value(self, op: str, args: Args, opts: Opts, of: type[T]) -> RawResponse[T]:
        return await self._answer(op, args, opts, partial(decoded, decoder(of)))

    async def nothing(self, op: str, args: Args, opts: Opts) -> RawResponse[None]:
        return await self._answer(op, args, opts, lambda _: None)

    async def page(self, op: str, args: Args, opts: Opts, of: type[T]) -> RawResponse[list[T]]:
        check_list(args)
        return await self._answer(op, args, opts, partial(decoded, decoder(rows_of(of))))

    async def run(self, op: str, args: Args, opts: Opts, handle: AsyncHandle[T]) -> RawResponse[T]:
        return await self._answer(op, args, opts, partial(handle, self.door))

    async def _answer(self, op: str, args: Args, opts: Opts, make: Callable[[bytes], T]) -> RawResponse[T]:
        answer = await self.door.call(op, args, {**opts, "raw": True})
        return RawResponse(self.door.local, op, args, answer, make)


class AsyncResource:
    """Some operations of a client."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls


class AsyncRawResource:
    """The operations of a resource, giving answers as they came."""

    def __init__(self, resource: AsyncResource) -> None:
        self._resource = resource


if TYPE_CHECKING:

    class AsyncRaw(Generic[P, T]):
        """A method that gives a value, giving the answer in its place."""

        def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None: ...
        def __get__(
            self, raw: object, owner: type | None = None
        ) -> Callable[P, Coroutine[Any, Any, RawResponse[T]]]: ...

    class AsyncRawList(Generic[P, T]):
        """A method that gives a list, giving the answer that holds its first page."""

        def __init__(self, method: Callable[Concatenate[Any, P], AsyncListing[T]]) -> None: ...
        def __get__(
            self, raw: object, owner: type | None = None
        ) -> Callable[P, Coroutine[Any, Any, RawResponse[list[T]]]]: ...

else:
    AsyncRaw = AsyncRawList = Raw
