"""The exit statuses of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from hightouch_sdk import HightouchError

if TYPE_CHECKING:
    from hightouch_sdk import BatchItem


class Status(IntEnum):
    """How a command ended. The members are the exit statuses."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    TIMEOUT = 3
    KEY = 4
    LIMIT = 5
    UNREACHABLE = 6
    NOT_FOUND = 7
    REFUSED = 8
    UNKNOWN = 9
    UNEXPECTED = 10
    OUTPUT = 11
    INTERRUPTED = 130
    PIPE = 141
    TERMINATED = 143


_BY_KIND = {
    "authentication": Status.KEY,
    "config": Status.USAGE,
    "conflict": Status.REFUSED,
    "connect": Status.UNREACHABLE,
    "invalid_request": Status.USAGE,
    "not_found": Status.NOT_FOUND,
    "outcome_unknown": Status.UNKNOWN,
    "permission": Status.KEY,
    "proxy": Status.UNREACHABLE,
    "rate_limited": Status.LIMIT,
    "run_failed": Status.FAILED,
    "server": Status.UNREACHABLE,
    "timeout": Status.UNREACHABLE,
    "tls": Status.UNREACHABLE,
    "validation": Status.REFUSED,
    "wait_timeout": Status.TIMEOUT,
}


def status_of(error: HightouchError) -> Status:
    """Returns the exit status of an error."""
    if error.code in {"no_key", "malformed_key"}:
        return Status.KEY
    if error.kind == "invalid_request" and error.status is not None:
        return Status.REFUSED
    return _BY_KIND.get(error.kind, Status.UNEXPECTED)


def status_of_items(items: Sequence[BatchItem], *, warnings_fail: bool) -> Status:
    """Returns the exit status of a batch that has ended.

    The first of these rules that applies decides:

    * A run failed, or a run ended with warnings and ``warnings_fail`` is true: ``FAILED``.
    * The error of a sync has the status ``UNKNOWN``, or a sync did not succeed and has no error: ``UNKNOWN``.
    * A sync has an error: the status of the first error.
    * Otherwise: ``DONE``.
    """
    outcomes = {item.outcome for item in items}
    if "failure" in outcomes or (warnings_fail and "warning" in outcomes):
        return Status.FAILED
    errors = [
        Status.UNKNOWN if item.error is None else status_of(item.error)
        for item in items
        if item.outcome not in {"success", "warning"}
    ]
    # A run that may have been started is worse than a run that certainly was not started.
    return Status.UNKNOWN if Status.UNKNOWN in errors else next(iter(errors), Status.DONE)
