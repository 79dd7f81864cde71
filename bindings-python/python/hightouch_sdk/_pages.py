"""Lists: all items one after the other, page by page, or the first page alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from ._door import decoded, next_of
from ._errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator, Mapping

    from msgspec.json import Decoder

    from ._async_door import AsyncDoor
    from ._door import Door

T = TypeVar("T")


def check_list(args: Mapping[str, object]) -> None:
    """Refuse a list whose pages would hold nothing."""
    limit = args.get("limit")
    if isinstance(limit, int) and limit < 1:
        raise InvalidRequestError(f"`limit` must be at least 1, not {limit}: it is the size of a page.")


class Page(Struct, Generic[T], frozen=True):
    """One page of a list."""

    items: list[T]
    """What is on it."""
    has_next: bool
    """Whether another page may follow."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class Listing(Generic[T]):
    """A list that is fetched as it is read: iterating it again asks the server again."""

    def __init__(
        self,
        door: Door,
        op: str,
        args: Mapping[str, object],
        opts: Mapping[str, object],
        decoder: Decoder[list[T]],
    ) -> None:
        check_list(args)
        self._door = door
        self._op = op
        self._args = args
        self._opts = opts
        self._decoder = decoder

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """Go through the list page by page."""
        args, following = self._args, True
        while following:
            head, body = self._door.call(self._op, args, self._opts)
            token = next_of(head)
            args, following = {"next": token}, token is not None
            yield Page(decoded(self._decoder, body), following)

    def first_page(self) -> Page[T]:
        """Fetch the first page and no other."""
        return next(iter(self.pages()))


class AsyncListing(Generic[T]):
    """A list that is fetched as it is read, with ``async for``; awaiting it gives the first page."""

    def __init__(
        self,
        door: AsyncDoor,
        op: str,
        args: Mapping[str, object],
        opts: Mapping[str, object],
        decoder: Decoder[list[T]],
    ) -> None:
        check_list(args)
        self._door = door
        self._op = op
        self._args = args
        self._opts = opts
        self._decoder = decoder

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Go through the list page by page."""
        args, following = self._args, True
        while following:
            page, token = await self._fetch(args)
            args, following = {"next": token}, token is not None
            yield page

    async def first_page(self) -> Page[T]:
        """Fetch the first page and no other."""
        page, _ = await self._fetch(self._args)
        return page

    def __await__(self) -> Generator[object, None, Page[T]]:
        return self.first_page().__await__()

    async def _fetch(self, args: Mapping[str, object]) -> tuple[Page[T], str | None]:
        head, body = await self._door.call(self._op, args, self._opts)
        token = next_of(head)
        return Page(decoded(self._decoder, body), token is not None), token
