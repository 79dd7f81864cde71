"""Flat records of values, and tables of these records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ._async_pages import AsyncListing
from ._columns import columns_of
from ._pages import Listing, Page, Tabular, origin
from ._public import public

T = TypeVar("T")

_LOOSE = 1000
"""How many values form one chunk if the values are not in a page. A page is a chunk of its own."""


@public
class Records(Tabular[T]):
    """Flat records of values of one type, with the same columns for every value.

    Iterating yields one dict for each value. Other libraries take all records as a table: through ``to_arrow``,
    ``to_pandas`` and ``to_polars``, and as an Arrow stream, which polars, DuckDB and pyarrow read by themselves.

    The columns and their types do not depend on the data: an empty list has the same columns. A column has the name of
    its attribute, with these exceptions:

    * Row counts are side by side: ``planned_added``, ``planned_changed``, ``planned_removed``, ``planned_total``.
    * Runs of a sync and runs of a graph also have ``duration_seconds``.
    * Runs of a sync begin with ``sync_id`` and ``sync_slug``. The slug is null unless the caller named the sync by its
      slug or a :class:`Sync`. Runs of a graph have ``graph_id``, and messages of a flow have ``flow_id``.
    * Opaque JSON, maps and nested values are JSON as text. A nested value with only plain fields has a column for each
      field, such as ``external_segment_id``.
    * An item of a batch has the columns of its run too.
    """

    def __init__(self, of: type[T], values: Iterable[T | Page[T] | Listing[T]]) -> None:
        """Creates the records of some values. Reads nothing yet.

        Args:
            of: The type of the values, such as :class:`SyncRun`.
            values: Values, pages or lists, in any mixture. The values are read each time that the records are read. A
                generator can be read only once.

        Raises:
            TypeError: ``of`` is not the class of a value, or ``values`` cannot be read.
        """
        if isinstance(values, AsyncListing):
            raise TypeError("A list of an `AsyncHightouch` must be awaited. Use its own methods, such as `records()`.")
        given: Any = values
        if not isinstance(given, Iterable):
            raise TypeError(f"`values` must be an iterable of values, pages or lists, not {type(values).__name__}.")
        self.of = of
        self._values: Iterable[T | Page[T] | Listing[T]] = [given] if isinstance(given, (Page, Listing)) else values
        self._columns = columns_of(of)

    @property
    def columns(self) -> dict[str, str]:
        """The columns, with the type of each: ``int64``, ``double``, ``bool``, ``string``, ``timestamp``,
        ``list<int64>`` or ``list<string>``.
        """  # noqa: D205
        return {column.name: column.kind for column in self._columns}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for about, values in self.chunks():
            for value in values:
                yield {column.name: column.cell(value, about) for column in self._columns}

    def records(self) -> Records[T]:
        """Returns this object, which is flat already."""
        return self

    def chunks(self) -> Iterator[tuple[Mapping[str, object], list[T]]]:
        """Yields chunks of values, each with the cells that are the same for all values, such as the id of the sync."""
        loose: list[T] = []
        for part in self._values:
            if isinstance(part, self.of):
                loose.append(part)
            if loose and (len(loose) == _LOOSE or not isinstance(part, self.of)):
                yield {}, loose
                loose = []
            if not isinstance(part, self.of):
                for page in self._pages(part):
                    yield origin(page)[1], page.items
        if loose:
            yield {}, loose

    def _pages(self, part: Any) -> Iterator[Page[T]]:
        """Iterates over the pages of a page or a list."""
        # Uses `issubclass`, because after `isinstance` a type checker would not know the type of the rows.
        is_list = issubclass(type(part), Listing)
        if not is_list and not issubclass(type(part), Page):
            raise self._unfit(part)
        pages: Iterable[Page[Any]] = part.pages() if is_list else [part]
        for page in pages:
            for row in page:
                if not isinstance(row, self.of):
                    raise self._unfit(row)
            yield page

    def _unfit(self, part: object) -> TypeError:
        return TypeError(f"These are records of {self.of.__name__}, and one value is of {type(part).__name__}.")

    def _repr_html_(self) -> str:
        from ._html import text_html

        return text_html(repr(self))

    def __repr__(self) -> str:
        return f"<Records of {self.of.__name__}: {', '.join(self.columns)}>"
