"""Writes arguments, options and settings as the JSON that the core reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeAlias

from msgspec import UNSET, Raw, UnsetType
from msgspec.json import Encoder

from ._datetimes import real_datetime
from ._errors import HightouchError, InvalidRequestError
from ._json_plain import BYTES, NotJsonError, number_of, plain
from ._json_text import HasText, dumps

Args: TypeAlias = Mapping[str, object]
"""Arguments of an operation, by the core's names. ``UNSET`` leaves an argument out, ``None`` is sent as null."""

Opts: TypeAlias = Mapping[str, object]
"""Options of a call, by the core's names. For an option that is ``None``, the client's setting applies."""

Seconds: TypeAlias = float | timedelta
"""A duration: a number of seconds, or a ``timedelta``."""

# The errors that `json` and the encoder raise for a value without a JSON form.
NOT_WRITTEN = (TypeError, ValueError, OverflowError, RecursionError)


def seconds(name: str, duration: Any, error: type[HightouchError] = InvalidRequestError) -> float:
    """Converts a duration to seconds.

    Raises:
        HightouchError: ``duration`` is not a finite duration. The argument ``error`` is the class that is raised.
    """
    given = duration.total_seconds() if isinstance(duration, timedelta) else duration
    is_number = hasattr(given, "__float__") or hasattr(given, "__index__")
    with suppress(OverflowError, ValueError):
        if is_number and not isinstance(given, bool) and math.isfinite(float(given) * 1000):
            return float(given)
    raise error(f"`{name}` must be a finite number of seconds or a timedelta, not {duration!r}.")


def milliseconds(name: str, duration: Any, error: type[HightouchError] = InvalidRequestError) -> int | None:
    """Converts a duration to whole milliseconds, rounded up; None stays None.

    Raises:
        HightouchError: ``duration`` is not a finite duration, or is negative. The argument ``error`` is the class
            that is raised.
    """
    if duration is None:
        return None
    length = seconds(name, duration, error)
    if length < 0:
        raise error(f"`{name}` must not be negative, but it is {duration!r}.")
    return math.ceil(round(length * 1000, 6))


def options(
    timeout: Seconds | None,
    deadline: Seconds | None,
    max_retries: int | None,
    max_wait: Seconds | None,
    priority: str | None,
    headers: Mapping[str, str] | None,
) -> Opts:
    """Returns the options of one call, by the core's names. Options that are None are left out."""
    # Most calls have no options.
    is_timed = timeout is not None or deadline is not None or max_wait is not None
    if not is_timed and max_retries is None and priority is None and headers is None:
        return {}
    opts: dict[str, object] = {}
    for name, core_name, duration in (
        ("timeout", "timeoutMs", timeout),
        ("deadline", "deadlineMs", deadline),
        ("max_wait", "maxWaitMs", max_wait),
    ):
        if duration is not None:
            opts[core_name] = milliseconds(name, duration)
    if max_retries is not None:
        opts["maxRetries"] = max_retries
    if priority is not None:
        opts["priority"] = priority
    if headers is not None:
        opts["headers"] = checked_headers(headers, InvalidRequestError)
    return opts


def checked_headers(headers: Any, error: type[HightouchError]) -> dict[str, str] | None:
    """Copies headers into a dict; None stays None.

    Raises:
        HightouchError: The headers are not a mapping from strings to strings. The argument ``error`` is the class
            that is raised.
    """
    if headers is None:
        return None
    kind = type(headers).__name__
    if not isinstance(headers, Mapping):
        raise error(f"`headers` must be a mapping from names to values, not {kind}.")
    checked: dict[Any, Any] = {**headers}
    for name, value in checked.items():
        # The value may be secret, so the message does not show it.
        if not isinstance(name, str) or not isinstance(value, str):
            raise error(f"`headers` must map strings to strings, and {name!r} maps to {type(value).__name__}.")
    return checked


def json_argument(name: str, value: Any) -> Any:
    """Writes an argument that may be any JSON; ``UNSET`` stays as it is.

    Raises:
        InvalidRequestError: A part of ``value`` has no JSON form.
    """
    if isinstance(value, UnsetType):
        return value
    try:
        return Raw(dumps(value).encode())
    except NOT_WRITTEN as error:
        raise _refusal(name, error) from error


def args_json(args: Args) -> str:
    """Writes the arguments of a call.

    Raises:
        InvalidRequestError: An argument has no JSON form.
    """
    given: dict[str, object] = {}
    try:
        # Every call runs this function. To save time, a single loop does all checks.
        for name, value in args.items():
            if value is UNSET:
                continue
            given[name] = value
            # msgspec would write bytes as Base64, so `plain` refuses them here.
            if isinstance(value, BYTES):
                plain(value)
        return encoded(given) if given else ""
    except NOT_WRITTEN:
        for name, value in given.items():
            json_argument(python_name(name), value)
        raise


def python_name(name: str) -> str:
    """Spells a name of the core as Python does: ``modelId`` becomes ``model_id``."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def options_json(opts: Opts) -> str:
    """Writes the options of a call; an empty text if there are none."""
    if not opts:
        return ""
    return args_json({name: value for name, value in opts.items() if value is not None})


def encoded(members: object) -> str:
    """Writes an object as JSON.

    Raises:
        TypeError, ValueError, OverflowError, RecursionError: A part of the object has no JSON form.
    """
    return _ENCODER.encode(members).decode()


def _refusal(name: str, error: Exception) -> InvalidRequestError:
    if isinstance(error, NotJsonError):
        return InvalidRequestError(f"`{name}{error.path}` {error.problem}")
    if isinstance(error, RecursionError):
        return InvalidRequestError(f"`{name}` is nested too deep, or contains itself.")
    return InvalidRequestError(f"`{name}` cannot be written as JSON: {error}.")


def _encode(value: Any) -> Any:
    if isinstance(value, HasText):
        return Raw(value.text.encode())
    moment = real_datetime(value)
    if moment is not value:
        return moment
    number = number_of(value)
    if number is None:
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return number


_ENCODER = Encoder(enc_hook=_encode)
