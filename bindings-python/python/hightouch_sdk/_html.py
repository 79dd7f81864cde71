"""Writes values as HTML for notebooks. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ._columns import columns_of
from ._pages import Page

if TYPE_CHECKING:
    from ._value import Value

MOST_ROWS = 20
MOST_TEXT = 100
_OF_ITEM = ("sync", "run_id", "outcome", "status", "duration_seconds", "successful_total", "failed_total", "error")


def value_html(value: Value) -> str:
    """Returns a table of one value, with a row for each column. Columns without a value are left out."""
    cells = _cells(value, {})
    cells = {name: cell for name, cell in cells.items() if cell is not None}
    rows = "".join(f"<tr><th style='text-align:left'>{_shown(name)}</th>{_cell(cells[name])}</tr>" for name in cells)
    return f"<b>{escape(type(value).__name__)}</b><table>{rows}</table>"


def page_html(page: Page[Any]) -> str:
    """Returns a table of the first rows of a page."""
    more = ", and more pages follow" if page.has_next else ""
    title = f"Page of {len(page)} row{'' if len(page) == 1 else 's'}{more}"
    if not page.items:
        return f"<b>{title}</b>"
    return rows_html(title, page.records())


def batch_html(title: str, items: Iterable[Value]) -> str:
    """Returns a table of the items of a batch, with their most important columns."""
    return rows_html(title, ({name: _cells(item, {})[name] for name in _OF_ITEM} for item in items))


def rows_html(title: str, records: Iterable[Mapping[str, object]]) -> str:
    """Returns a table of the first 20 records, and the number of further records."""
    shown: list[Mapping[str, object]] = []
    left = 0
    for record in records:
        if len(shown) < MOST_ROWS:
            shown.append(record)
        else:
            left += 1
    head = "".join(f"<th>{_shown(name)}</th>" for name in (shown[0] if shown else ()))
    body = "".join(f"<tr>{''.join(map(_cell, record.values()))}</tr>" for record in shown)
    rest = f"<p>{left} more row{'' if left == 1 else 's'}</p>" if left else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<b>{_shown(title)}</b><div style='overflow-x:auto'>{table}</div>{rest}"


def text_html(text: str) -> str:
    """Returns a text as HTML that shows its characters unchanged."""
    return f"<code>{escape(text)}</code>"


def _cells(value: Value, about: Mapping[str, object]) -> dict[str, Any]:
    return {column.name: column.cell(value, about) for column in columns_of(type(value))}


def _cell(value: object) -> str:
    return f"<td>{'' if value is None else _shown(value)}</td>"


def _shown(value: object) -> str:
    text = str(value)
    return escape(text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…")
