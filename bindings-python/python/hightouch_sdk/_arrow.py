"""Converts values to tables of pyarrow, pandas and polars."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._columns import columns_of

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from ._records import Records


def needed(library: str, extra: str) -> Any:
    """Imports an optional library.

    Raises:
        ImportError: The library is not installed.
    """
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        told = f"This needs {library}. Install it with `pip install 'hightouch-sdk[{extra}]'`."
        raise ModuleNotFoundError(told, name=library) from None


class Sink:
    """Collects rows, and creates an Arrow table of these rows."""

    def __init__(self, of: type[Any]) -> None:
        self._arrow = needed("pyarrow", "arrow")
        self._columns = columns_of(of)
        self.schema = self._arrow.schema([(column.name, self._type(column.kind)) for column in self._columns])
        self._batches: list[Any] = []

    def _type(self, name: str) -> Any:
        arrow = self._arrow
        types = {
            "int64": arrow.int64(),
            "double": arrow.float64(),
            "bool": arrow.bool_(),
            "string": arrow.string(),
            "timestamp": arrow.timestamp("us", tz="UTC"),
            "list<int64>": arrow.list_(arrow.int64()),
            "list<string>": arrow.list_(arrow.string()),
        }
        return types[name]

    def batch(self, about: Mapping[str, object], values: list[Any]) -> Any:
        """Converts values to a record batch. ``about`` has the cells that are the same for all values."""
        cells = ([column.cell(value, about) for value in values] for column in self._columns)
        arrays = [self._arrow.array(each, field.type) for each, field in zip(cells, self.schema, strict=True)]
        return self._arrow.record_batch(arrays, schema=self.schema)

    def add(self, about: Mapping[str, object], values: list[Any]) -> None:
        self._batches.append(self.batch(about, values))

    def table(self) -> pyarrow.Table:
        """Returns the table of all rows, with a single chunk for each column."""
        table: pyarrow.Table = self._arrow.Table.from_batches(self._batches, schema=self.schema)
        return table.combine_chunks()


def table(records: Records[Any]) -> pyarrow.Table:
    """Reads all records into a table."""
    sink = Sink(records.of)
    for about, values in records.chunks():
        sink.add(about, values)
    return sink.table()


def reader(records: Records[Any]) -> pyarrow.RecordBatchReader:
    """Returns a reader of record batches. The reader fetches one chunk of the records for each batch."""
    sink = Sink(records.of)
    batches = (sink.batch(about, values) for about, values in records.chunks())
    made: pyarrow.RecordBatchReader = needed("pyarrow", "arrow").RecordBatchReader.from_batches(sink.schema, batches)
    return made


def pandas_frame(table: pyarrow.Table) -> pandas.DataFrame:
    """Converts a table to pandas. The types are nullable, so a missing value does not change the type of a column."""
    library, arrow = needed("pandas", "pandas"), needed("pyarrow", "pandas")
    types = {
        arrow.int64(): library.Int64Dtype(),
        arrow.float64(): library.Float64Dtype(),
        arrow.bool_(): library.BooleanDtype(),
        arrow.string(): library.StringDtype(),
    }
    untyped: Any = table
    frame: pandas.DataFrame = untyped.to_pandas(types_mapper=types.get)
    return frame


def polars_frame(table: pyarrow.Table) -> polars.DataFrame:
    """Converts a table to polars."""
    frame: polars.DataFrame = needed("polars", "polars").from_arrow(table)
    return frame
