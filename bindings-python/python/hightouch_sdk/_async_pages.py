"""Lists for asyncio, which are fetched page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, TypeVar

from ._pages import BaseListing, Page, Query, origin
from ._public import public

if TYPE_CHECKING:
    from collections.abc import Generator

    from pandas import DataFrame as PandasFrame
    from polars import DataFrame as PolarsFrame
    from pyarrow import Table as ArrowTable

    from ._async_door import AsyncDoor
else:
    # pandas, polars and pyarrow are optional, so at run time the names of their types stand for any type.
    PandasFrame = PolarsFrame = ArrowTable = Any

T = TypeVar("T")


@public
class AsyncListing(BaseListing[T]):
    """A list of the API. ``async for`` fetches page after page; ``await`` fetches the first page only."""

    def __init__(self, door: AsyncDoor, query: Query) -> None:
        # Pickling a list fails at the first attribute that cannot be pickled. The door is the first attribute, because
        # its error says why a list cannot be pickled.
        self._door = door
        super().__init__(query)

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Iterates over the pages of the list.

        Raises:
            HightouchError: A page could not be fetched.
        """
        args, following, count = self._start(), self._most != 0, 0
        while following:
            page, token = self._page(await self._door.call(self._query.op, args, self._query.opts), count)
            args, following, count = {"next": token}, token is not None, count + len(page)
            yield page

    async def first_page(self) -> Page[T]:
        """Fetches the first page only.

        Raises:
            HightouchError: The page could not be fetched.
        """
        if self._most == 0:
            return self._no_page()
        return self._page(await self._door.call(self._query.op, self._start(), self._query.opts), 0)[0]

    def __await__(self) -> Generator[object, None, Page[T]]:
        return self.first_page().__await__()

    async def first(self) -> T | None:
        """Fetches the first row only; returns ``None`` if the list is empty.

        Raises:
            HightouchError: The row could not be fetched.
        """
        rows = [row async for row in self.take(1)]
        return rows[0] if rows else None

    async def records(self) -> AsyncIterator[dict[str, Any]]:
        """Iterates over the list as flat records; see :class:`Records`.

        Raises:
            HightouchError: A page could not be fetched.
        """
        async for page in self.pages():
            for record in page.records():
                yield record

    async def to_arrow(self) -> ArrowTable:
        """Reads all rows into a ``pyarrow.Table``. Needs ``hightouch-sdk[arrow]``.

        Pages are converted one by one, so only the rows of one page exist as Python objects at a time.

        Raises:
            ImportError: pyarrow is not installed.
            HightouchError: A page could not be fetched.
        """
        from ._arrow import Sink

        sink = Sink(self._query.of)
        async for page in self.pages():
            sink.add(origin(page)[1], page.items)
        return sink.table()

    async def to_pandas(self) -> PandasFrame:
        """Reads all rows into a ``pandas.DataFrame``; see :meth:`Listing.to_pandas`. Needs ``hightouch-sdk[pandas]``.

        Raises:
            ImportError: pandas or pyarrow is not installed.
            HightouchError: A page could not be fetched.
        """
        from ._arrow import pandas_frame

        return pandas_frame(await self.to_arrow())

    async def to_polars(self) -> PolarsFrame:
        """Reads all rows into a ``polars.DataFrame``. Needs ``hightouch-sdk[polars]``.

        Raises:
            ImportError: polars or pyarrow is not installed.
            HightouchError: A page could not be fetched.
        """
        from ._arrow import polars_frame

        return polars_frame(await self.to_arrow())
