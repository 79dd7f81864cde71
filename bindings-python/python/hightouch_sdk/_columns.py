"""The columns of flat records. The columns depend only on the type of the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin

from ._dataclass import types_of
from ._datetimes import datetime
from ._models import DecisionEngineMessage, IdentityGraphRun, RowCounts, SyncRun
from ._plain_values import json_text
from ._value import Value

About: TypeAlias = Mapping[str, object]
"""Values that all rows of a page share, such as the sync's id in a page of runs. The rows may lack these values."""

_SCALARS: dict[Any, str] = {int: "int64", float: "double", bool: "bool", str: "string"}
_SCALARS[datetime.__origin__] = "timestamp"
_LISTS: dict[Any, str] = {int: "list<int64>", str: "list<string>"}

_COUNTS = ("added", "changed", "removed")

# For each type of rows: the columns that get their values from the arguments of the call that lists the rows. For
# example, the call that lists the runs of a sync has the id of the sync as an argument.
_ABOUT: dict[type, dict[str, str]] = {
    SyncRun: {"sync_id": "int64", "sync_slug": "string"},
    IdentityGraphRun: {"graph_id": "string"},
    DecisionEngineMessage: {"flow_id": "string"},
}


class Column(NamedTuple):
    name: str
    kind: str
    """The type: ``int64``, ``double``, ``bool``, ``string``, ``timestamp``, ``list<int64>`` or ``list<string>``."""
    cell: Callable[[Any, About], Any]
    """Returns this column's cell for a value. The second argument has the values that all rows share, such as
    ``sync_id``."""


_KNOWN: dict[type, tuple[Column, ...]] = {}


def columns_of(of: type[Any]) -> tuple[Column, ...]:
    """Returns the columns of a type of values.

    Raises:
        TypeError: ``of`` is not the class of a value.
    """
    if of not in _KNOWN:
        given: Any = of
        if not (isinstance(given, type) and issubclass(given, Value)):
            raise TypeError(f"Records are of one class of values, such as `SyncRun`, and not of {of!r}.")
        from ._batch_items import BatchItem

        _KNOWN[of] = tuple(_of_item() if issubclass(of, BatchItem) else _of_value(of))
    return _KNOWN[of]


def _of_value(of: type[Value]) -> list[Column]:
    about = _ABOUT.get(of, {})
    columns = [_about(name, kind, name in of.__struct_fields__) for name, kind in about.items()]
    for name, hint in types_of(of).items():
        if name not in about:
            columns += _of_field(name, hint)
            if name == "finished_at" and hasattr(of, "duration"):
                columns.append(Column("duration_seconds", "double", _seconds))
    return columns


def _of_item() -> list[Column]:
    """Returns the columns of an item of a batch: the columns of the item itself, then the columns of its run."""
    own = {"index": "int64", "sync": "string", "sync_id": "int64", "run_id": "int64", "run_token": "string"}
    own |= {"adopted": "bool", "joined": "bool", "outcome": "string"}
    columns = [_getter(name, kind) for name, kind in own.items()]
    columns[1] = Column("sync", "string", _named_sync)
    run = [each for each in columns_of(SyncRun) if each.name not in {"id", "error", "sync_id", "sync_slug"}]
    columns += [_within("state", each, each.name) for each in run]
    return [*columns, Column("error", "string", _item_error)]


def _named_sync(item: Any, _: About) -> str:
    return str(item.sync)


def _item_error(item: Any, _: About) -> str | None:
    if item.error is not None:
        return str(item.error)
    return None if item.state is None else item.state.error


def _of_field(name: str, hint: Any) -> list[Column]:
    it = _present(hint)
    args = get_args(it)
    if it in _SCALARS:
        return [_getter(name, _SCALARS[it])]
    if get_origin(it) in {Literal, Union} and all(get_origin(each) is Literal or each is str for each in _parts(it)):
        return [_getter(name, "string")]
    if get_origin(it) is list and args[0] in _LISTS:
        return [_getter(name, _LISTS[args[0]])]
    if it is RowCounts:
        prefix = name.removesuffix("_rows")
        counts = [_getter(f"{count}_count", "int64") for count in _COUNTS] + [_getter("total", "int64")]
        return [_within(name, each, f"{prefix}_{each.name.removesuffix('_count')}") for each in counts]
    if isinstance(it, type) and issubclass(it, Value):
        parts = types_of(it)
        if all(_present(part) in _SCALARS for part in parts.values()):
            return [_within(name, _of_field(part, parts[part])[0], f"{name}_{part}") for part in parts]
    return [_json(name)]


def _present(hint: Any) -> Any:
    """Returns a type without ``None``."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    kept = [each for each in get_args(hint) if each is not type(None)]
    return kept[0] if len(kept) == 1 else Union[tuple(kept)]  # noqa: UP007


def _parts(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) is Union else (hint,)


def _json(name: str) -> Column:
    def cell(value: Any, _: About) -> str | None:
        part = getattr(value, name)
        return None if part is None else json_text(part)

    return Column(name, "string", cell)


def _seconds(run: Any, _: About) -> float | None:
    return None if run.duration is None else run.duration.total_seconds()


def _getter(name: str, kind: str) -> Column:
    def cell(value: Any, _: About) -> Any:
        return getattr(value, name)

    return Column(name, kind, cell)


def _about(name: str, kind: str, is_field: bool) -> Column:
    """Returns a column for the field of this name. If the value lacks the field, the cell comes from ``about``."""

    def cell(value: Any, about: About) -> Any:
        own = getattr(value, name) if is_field else None
        return about.get(name) if own is None else own

    return Column(name, kind, cell)


def _within(part: str, column: Column, name: str) -> Column:
    """Returns a column named ``name`` that applies ``column`` to the attribute ``part`` of a value.

    A cell is null if the attribute is None.
    """

    def cell(value: Any, about: About) -> Any:
        it = getattr(value, part)
        return None if it is None else column.cell(it, about)

    return Column(name, column.kind, cell)
