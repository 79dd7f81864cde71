"""Prints rows as a table, as CSV or as JSON."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.json import encode
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hightouch_sdk._progress_rows import printable

T = TypeVar("T")


class Column(Struct, Generic[T], frozen=True):
    """A column. The names and the order of columns are stable: new columns are only added at the end."""

    name: str
    value: Callable[[T], Any]
    in_table: bool = True
    """Whether tables have the column. Tables leave out some columns, because a table must fit on a screen."""
    in_data: bool = True
    """Whether CSV and JSON have the column. They leave out a column that only summarises other columns."""
    show: Callable[[Any], str] | None = None
    """Converts a value to its text in a table. Default: the function ``short``."""


def write(rows: Iterable[T], columns: Sequence[Column[T]], form: str | None) -> None:
    """Prints rows as ``table``, ``csv`` or ``json``. Default: a table on a terminal, and CSV elsewhere."""
    rows = _begun(rows)
    data = [column for column in columns if column.in_data]
    match form or ("table" if sys.stdout.isatty() else "csv"):
        case "json":
            _write_json(rows, data)
        case "csv":
            _write_csv(rows, data)
        case _:
            _write_table(rows, [column for column in columns if column.in_table])


def _begun(rows: Iterable[T]) -> Iterable[T]:
    """Fetches the first row, so that nothing is printed if the list cannot be read at all."""
    iterator = iter(rows)
    return chain(list(islice(iterator, 1)), iterator)


def _write_json(rows: Iterable[T], columns: Sequence[Column[T]]) -> None:
    before = "[\n"
    for row in rows:
        text = encode({column.name: column.value(row) for column in columns}).decode()
        sys.stdout.write(f"{before}{text}")
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


def _write_csv(rows: Iterable[T], columns: Sequence[Column[T]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([text_of(column.value(row)) for column in columns])


def _write_table(rows: Iterable[T], columns: Sequence[Column[T]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column.name.replace("_", " "), overflow="fold")
    for row in rows:
        # rich would read square brackets in a string as markup. `Text` shows the brackets unchanged.
        table.add_row(*(Text(printable((column.show or short)(column.value(row)))) for column in columns))
    # In a file, a table may be wider than any terminal, so that no cell is wrapped.
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 1000).print(table)


def text_of(value: object) -> str:
    """Converts a value to text for CSV. None becomes empty, a time is in UTC, and an object becomes JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case datetime():
            return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
        case dict():
            return encode(value).decode()
        case _:
            return str(value)


def short(value: object) -> str:
    """Converts a value to the text in a cell of a table."""
    match value:
        case datetime():
            return f"{value.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}"
        case dict():
            pairs: dict[str, str] = value  # pyright: ignore[reportUnknownVariableType]
            return ", ".join(f"{name}={text}" for name, text in pairs.items())
        case bool():
            return "yes" if value else ""
        case int():
            return f"{value:,}"
        case _:
            return text_of(value)
