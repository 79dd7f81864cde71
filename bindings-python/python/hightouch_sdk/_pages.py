"""Lists, which are fetched page by page."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import UNSET, Struct

from ._door import decoded, next_of
from ._encoding import python_name
from ._errors import InvalidRequestError
from ._public import public

if TYPE_CHECKING:
    from collections.abc import Generator

    from msgspec.json import Decoder

    from ._async_door import AsyncDoor
    from ._door import Door
    from ._encoding import Args, Opts

T = TypeVar("T")


def filters(args: Args) -> Args:
    """Leaves out the arguments of a list that are ``None`` or ``UNSET``.

    Raises:
        InvalidRequestError: ``limit`` is below 1.
    """
    given = {name: value for name, value in args.items() if value is not None and value is not UNSET}
    limit: Any = given.get("limit")
    if hasattr(limit, "__index__") and operator.index(limit) < 1:
        raise InvalidRequestError(f"`limit` is the number of rows per page. It must be at least 1, not {limit}.")
    return given


class Page(Struct, Generic[T], frozen=True):
    """One page of a list. It can be iterated over, and has a length."""

    items: list[T]
    """The rows of the page."""
    has_next: bool
    """Whether there may be another page."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class _Listing(Generic[T]):
    """What the lists of both clients have in common."""

    def __init__(self, op: str, args: Args, opts: Opts, decoder: Decoder[list[T]]) -> None:
        self._op = op
        self._args = filters(args)
        self._opts = opts
        self._decoder = decoder

    def __repr__(self) -> str:
        args = ", ".join(f"{python_name(name)}={value!r}" for name, value in self._args.items())
        return f"<{type(self).__name__} of {self._op}({args})>"


@public
class Listing(_Listing[T]):
    """A list of the API. Iterating over it fetches page after page; each iteration starts again from the first page."""

    def __init__(self, door: Door, op: str, args: Args, opts: Opts, decoder: Decoder[list[T]]) -> None:
        self._door = door  # Set first, so that pickling a list fails with the error message of the door.
        super().__init__(op, args, opts, decoder)

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """Iterates over the pages of the list.

        Raises:
            HightouchError: A page could not be fetched.
        """
        args, following = self._args, True
        while following:
            page, token = self._fetch(args)
            args, following = {"next": token}, token is not None
            yield page

    def first_page(self) -> Page[T]:
        """Fetches the first page only.

        Raises:
            HightouchError: The page could not be fetched.
        """
        page, _ = self._fetch(self._args)
        return page

    def _fetch(self, args: Args) -> tuple[Page[T], str | None]:
        head, body = self._door.call(self._op, args, self._opts)
        token = next_of(head)
        return Page(decoded(self._decoder, body), token is not None), token


@public
class AsyncListing(_Listing[T]):
    """A list of the API. ``async for`` fetches page after page; ``await`` fetches the first page only."""

    def __init__(self, door: AsyncDoor, op: str, args: Args, opts: Opts, decoder: Decoder[list[T]]) -> None:
        self._door = door  # Set first, so that pickling a list fails with the error message of the door.
        super().__init__(op, args, opts, decoder)

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Iterates over the pages of the list.

        Raises:
            HightouchError: A page could not be fetched.
        """
        args, following = self._args, True
        while following:
            page, token = await self._fetch(args)
            args, following = {"next": token}, token is not None
            yield page

    async def first_page(self) -> Page[T]:
        """Fetches the first page only.

        Raises:
            HightouchError: The page could not be fetched.
        """
        page, _ = await self._fetch(self._args)
        return page

    def __await__(self) -> Generator[object, None, Page[T]]:
        return self.first_page().__await__()

    async def _fetch(self, args: Args) -> tuple[Page[T], str | None]:
        head, body = await self._door.call(self._op, args, self._opts)
        token = next_of(head)
        return Page(decoded(self._decoder, body), token is not None), token
