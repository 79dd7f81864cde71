"""Lists, which are fetched page by page."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import UNSET

import hightouch_sdk

from ._door import decoded, place_of
from ._encoding import python_name
from ._errors import InvalidRequestError
from ._public import public
from ._value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec.json import Decoder
    from pandas import DataFrame as PandasFrame
    from polars import DataFrame as PolarsFrame
    from pyarrow import RecordBatchReader as ArrowReader
    from pyarrow import Table as ArrowTable

    from ._door import Door
    from ._encoding import Args, Opts
else:
    # pandas, polars and pyarrow are optional, so at run time the names of their types stand for any type.
    PandasFrame = PolarsFrame = ArrowReader = ArrowTable = Any

T = TypeVar("T")
L = TypeVar("L", bound="BaseListing[Any]")

SMALL = 20
"""The smallest default page size of any list. If ``take`` needs fewer rows, the list requests a smaller page."""


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


class Tabular(Generic[T]):
    """The base class of lists, pages and records. Converts rows of one type to a table.

    The columns depend only on the type of the rows; see ``Records``.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def records(self) -> hightouch_sdk.Records[T]:
            """Returns the rows as flat records."""
            ...

    def to_arrow(self) -> ArrowTable:
        """Reads all rows into a ``pyarrow.Table``. Needs ``hightouch-sdk[arrow]``.

        Pages are converted one by one, so only the rows of one page exist as Python objects at a time.

        Raises:
            ImportError: pyarrow is not installed.
            HightouchError: A page could not be fetched.
        """
        from ._arrow import table

        return table(self.records())

    def to_arrow_batch_reader(self) -> ArrowReader:
        """Returns a ``pyarrow.RecordBatchReader``, which fetches a page for each batch. Needs ``hightouch-sdk[arrow]``.

        Raises:
            ImportError: pyarrow is not installed.
        """
        from ._arrow import reader

        return reader(self.records())

    def to_pandas(self) -> PandasFrame:
        """Reads all rows into a ``pandas.DataFrame``. Needs ``hightouch-sdk[pandas]``.

        The columns have pandas' nullable types, such as ``Int64``. The default types of pandas depend on the data.

        Raises:
            ImportError: pandas or pyarrow is not installed.
            HightouchError: A page could not be fetched.
        """
        from ._arrow import pandas_frame

        return pandas_frame(self.to_arrow())

    def to_polars(self) -> PolarsFrame:
        """Reads all rows into a ``polars.DataFrame``. Needs ``hightouch-sdk[polars]``.

        Raises:
            ImportError: polars or pyarrow is not installed.
            HightouchError: A page could not be fetched.
        """
        from ._arrow import polars_frame

        return polars_frame(self.to_arrow())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader: Any = self.to_arrow_batch_reader()
        return reader.__arrow_c_stream__(requested_schema)


class Page(Tabular[T], Value, Generic[T], frozen=True, dict=True):
    """One page of a list. Iterating over a page yields its rows, and ``len`` counts the rows."""

    items: list[T]
    """The rows of the page."""
    has_next: bool
    """Whether there may be another page."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def records(self) -> hightouch_sdk.Records[T]:
        """Returns the rows as flat records.

        Raises:
            TypeError: The page is empty and was not read from a list, so the type of its rows is not known.
        """
        of = origin(self)[0] or next((type(row) for row in self.items), None)
        if of is None:
            raise TypeError("The page is empty, so the type of its rows is not known. Use `Records(type, page)`.")
        return hightouch_sdk.Records(of, [self])

    def _repr_html_(self) -> str:
        from ._html import page_html

        return page_html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (page_of, (self.items, self.has_next, *origin(self)))

    def __copy__(self) -> Page[T]:
        return page_of(self.items, self.has_next, *origin(self))


def page_of(items: list[T], has_next: bool, of: type[T] | None, about: Mapping[str, object]) -> Page[T]:
    page = Page(items, has_next)
    vars(page)["origin"] = of, about
    return page


def origin(page: Page[T]) -> tuple[type[T] | None, Mapping[str, object]]:
    """Returns the type of a page's rows (None if unknown), and the cells that are the same for all rows."""
    known: tuple[type[T] | None, Mapping[str, object]] = vars(page).get("origin", (None, {}))
    return known


class Query:
    """The operation, arguments and options with which a list fetches its pages, and the decoder of the rows."""

    __slots__ = ("args", "decoder", "of", "op", "opts", "slug")

    def __init__(self, op: str, args: Args, opts: Opts, of: type[Any], decoder: Decoder[Any], slug: str | None) -> None:
        self.op: str = op
        self.args: Args = args
        self.opts: Opts = opts
        self.of: type[Any] = of
        """The type of the rows."""
        self.decoder: Decoder[Any] = decoder
        self.slug: str | None = slug
        """The slug of the sync that the rows belong to, if the slug is known."""


_PARENTS = {"graphId": "graph_id", "flowId": "flow_id"}
"""For each argument with the id of a graph or a flow: the column of records that holds this id."""


class BaseListing(Generic[T]):
    """The code that the lists of the blocking and the asynchronous client share."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._most: int | None = None

    def take(self: L, count: int) -> L:  # noqa: PYI019 - Python 3.10 cannot resolve `Self`.
        """Returns the same list, but with at most ``count`` rows. Nothing is sent until you read the list.

        The argument ``limit`` of a method is something else: the number of rows per page.

        Args:
            count: The number of rows, at least 0.

        Raises:
            InvalidRequestError: ``count`` is negative.
        """
        if operator.index(count) < 0:
            raise InvalidRequestError(f"`count` must be at least 0, not {count}.")
        taken = type(self).__new__(type(self))
        vars(taken).update(vars(self), _most=count if self._most is None else min(self._most, count))
        return taken

    def _start(self) -> Args:
        """Returns the arguments of the first page."""
        args, most = self._query.args, self._most
        if most is None:
            return args
        limit: Any = args.get("limit", SMALL)
        # A `limit` (rows per page) that is not an integer is passed on, so that the core refuses it.
        if not hasattr(limit, "__index__") or most >= operator.index(limit):
            return args
        return {**args, "limit": max(most, 1)}

    def _page(self, answer: tuple[str, bytes], before: int) -> tuple[Page[T], str | None]:
        """Returns a page, and the token of the next page. ``before`` is the number of rows on earlier pages."""
        query, place = self._query, place_of(answer[0])
        items: list[T] = decoded(query.decoder, answer[1])
        token = place.next
        if self._most is not None and before + len(items) >= self._most:
            items, token = items[: self._most - before], None
        about: dict[str, object] = {"sync_id": place.sync, "sync_slug": query.slug}
        for argument, name in _PARENTS.items():
            if argument in query.args:
                about[name] = query.args[argument]
        return page_of(items, token is not None, query.of, about), token

    def _no_page(self) -> Page[T]:
        return page_of([], False, self._query.of, {})

    def __repr__(self) -> str:
        args = ", ".join(f"{python_name(name)}={value!r}" for name, value in self._query.args.items())
        most = "" if self._most is None else f", at most {self._most} rows"
        return f"<{type(self).__name__} of {self._query.op}({args}){most}>"

    def _repr_html_(self) -> str:
        from ._html import text_html

        return text_html(repr(self))


@public
class Listing(BaseListing[T], Tabular[T]):
    """A list of the API. Iterating over the list fetches page after page; each iteration starts from the first page."""

    def __init__(self, door: Door, query: Query) -> None:
        # Pickling a list fails at the first attribute that cannot be pickled. The door is the first attribute, because
        # its error says why a list cannot be pickled.
        self._door = door
        super().__init__(query)

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """Iterates over the pages of the list.

        Raises:
            HightouchError: A page could not be fetched.
        """
        args, following, count = self._start(), self._most != 0, 0
        while following:
            page, token = self._fetch(args, count)
            args, following, count = {"next": token}, token is not None, count + len(page)
            yield page

    def first_page(self) -> Page[T]:
        """Fetches the first page only.

        Raises:
            HightouchError: The page could not be fetched.
        """
        return self._no_page() if self._most == 0 else self._fetch(self._start(), 0)[0]

    def first(self) -> T | None:
        """Fetches the first row only; returns ``None`` if the list is empty.

        Raises:
            HightouchError: The row could not be fetched.
        """
        return next(iter(self.take(1)), None)

    def records(self) -> hightouch_sdk.Records[T]:
        """Returns the list as flat records. Nothing is sent until you read the records."""
        return hightouch_sdk.Records(self._query.of, [self])

    def _fetch(self, args: Args, before: int) -> tuple[Page[T], str | None]:
        return self._page(self._door.call(self._query.op, args, self._query.opts), before)
