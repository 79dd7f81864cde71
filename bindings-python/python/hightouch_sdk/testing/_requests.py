"""Requests that a world received."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ._checks import near
from ._methods import METHODS


@dataclass(frozen=True)
class Request:
    """A request that a world received, and how it was answered."""

    method: str | None
    """The method that sends this operation, such as ``syncs.trigger``; ``None`` if no method sends it."""
    operation: str | None
    """The operation of the API, such as ``TriggerRun``; ``None`` if the API has no such operation."""
    http_method: str
    """The HTTP method."""
    path: str
    """The path below the base URL."""
    query: Mapping[str, Any]
    """The parameters of the query, as strings. The value of a repeated parameter is a list."""
    body: Any
    """The JSON of the body; ``None`` if the request had no body."""
    headers: Mapping[str, Any]
    """The headers, with names in lower case and without the key."""
    status: int | None
    """The status of the answer; ``None`` if no answer was sent."""
    at: datetime
    """When the request arrived, in the time of the world."""
    abandoned: bool
    """Whether the client closed the connection before it had the whole answer."""


_INSTEAD = {
    "syncs.run_many": "syncs.trigger",
    "run.wait": "syncs.runs",
    "run.state": "syncs.runs",
    "run.states": "syncs.runs",
}
"""Methods that send the requests of other methods, each with the most important of these."""

_METHOD_OF: dict[str, str] = {}
for _method, _operations in METHODS.items():
    for _operation in _operations:
        _METHOD_OF.setdefault(_operation, _method)


def request(entry: Mapping[str, Any]) -> Request:
    """Creates a request from its entry in the log of the world."""
    return Request(
        method=_METHOD_OF.get(entry["operation"] or ""),
        operation=entry["operation"],
        http_method=entry["method"],
        path=entry["path"],
        query=entry["query"],
        body=entry["body"],
        headers={name: value for name, value in entry["headers"].items() if name != "authorization"},
        status=entry["status"],
        at=datetime.fromisoformat(entry["at"].replace("Z", "+00:00")),
        abandoned="gone_ms" in entry,
    )


def operations(method: str) -> tuple[str, ...]:
    """Returns the operations that a method sends.

    Raises:
        ValueError: There is no such method.
    """
    if not isinstance(method, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"The method must be a name, such as 'syncs.trigger', or None, not {method!r}.")
    if method in METHODS:
        return METHODS[method]
    if method in _INSTEAD:
        raise ValueError(f"{method!r} sends the requests of other methods. Did you mean {_INSTEAD[method]!r}?")
    raise ValueError(f"A client has no method {method!r}.{near(method, METHODS)}")
