"""What the blocking and the asynchronous client have in common."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.json import Decoder

from ._door import Door, decoded, key_text, milliseconds, open_engine, returned, written
from ._errors import ConfigError
from ._health import Diagnosis, Stats
from ._hooks import Hooks
from ._keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from ._door import Seconds
    from ._hooks import CallEnd, CallStart

Priority: TypeAlias = Literal["trigger", "poll", "read", "bulk"]
"""Who goes first while calls wait for the limit."""

DIAGNOSIS = Decoder(Diagnosis)
_STATS = Decoder(Stats)

T = TypeVar("T")
K = TypeVar("K", bound="Callable[[], object]")
"""The function that may give the key."""


class Client(Generic[K]):
    """Settings and what needs no waiting."""

    _Keys: ClassVar[type[Keys]] = Keys

    def __init__(
        self,
        *,
        api_key: str | K | None = None,
        api_key_file: str | os.PathLike[str] | None = None,
        base_url: str | None = None,
        limit: tuple[int, float] | None = None,
        share: float | None = None,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        max_wait: Seconds | None = None,
        max_retries: int | None = None,
        ca_bundle: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        headers: Mapping[str, str] | None = None,
        on_start: Callable[[CallStart], object] | None = None,
        on_end: Callable[[CallEnd], object] | None = None,
        _internal: Mapping[str, object] | None = None,
    ) -> None:
        made = returned(
            open_door,
            {
                "apiKey": api_key,
                "apiKeyFile": api_key_file,
                "baseUrl": base_url,
                "limit": limit,
                "share": share,
                "timeoutMs": timeout,
                "deadlineMs": deadline,
                "maxWaitMs": max_wait,
                "maxRetries": max_retries,
                "caBundle": ca_bundle,
                "proxy": proxy,
                "headers": headers,
                **(_internal or {}),
            },
            self._Keys,
            on_start,
            on_end,
        )
        # What may be secret; reports of errors show what frames hold.
        del api_key, proxy, headers, _internal
        self._local = or_raise(made)

    def stats(self) -> Stats:
        """How the limit stands; nothing is sent."""
        return decoded(_STATS, self._local.local("client.stats")[1])

    def set_api_key(self, api_key: str) -> None:
        """Use another key from now on; what is known about the limit stays.

        A client whose key is given by a function asks it again when the server refuses this one.
        """
        failed = self._local.set_key(api_key)
        del api_key
        or_raise(failed)


def open_door(
    given: Mapping[str, Any],
    keys: type[Keys],
    on_start: Callable[[CallStart], object] | None = None,
    on_end: Callable[[CallEnd], object] | None = None,
) -> Door:
    """A client of these settings, in Python's types."""
    hooks = None if on_start is None and on_end is None else Hooks(on_start, on_end)
    settings = dict(given)
    ask = settings["apiKey"] if callable(settings["apiKey"]) else None
    if ask is not None:
        if settings["apiKeyFile"] is not None:
            raise ConfigError(
                "The key is to come from a function and from a file; give one of `api_key`, `api_key_file`."
            )
        settings |= {"apiKey": None, "keyLater": True}
    elif settings["apiKey"] is not None:
        key_text(settings["apiKey"])
    for name, python in (("timeoutMs", "timeout"), ("deadlineMs", "deadline"), ("maxWaitMs", "max_wait")):
        settings[name] = milliseconds(python, settings.get(name), ConfigError)
    for name in ("apiKeyFile", "caBundle"):
        if settings[name] is not None:
            settings[name] = os.fspath(settings[name])
    if settings["headers"] is not None:
        settings["headers"] = dict(settings["headers"])
    settings["language"] = f"python/{sys.version_info.major}.{sys.version_info.minor}"
    asked = None if ask is None else keys(ask)
    return Door(open_engine(settings), hooks, asked)


def or_raise(made: T | BaseException) -> T:
    """What was made, or what went wrong is raised."""
    if isinstance(made, BaseException):
        try:
            raise made
        finally:
            del made
    return made


def request_args(
    method: str, path: str, query: Mapping[str, object] | None, body: object | UnsetType
) -> dict[str, object]:
    """The arguments of the operation ``request``."""
    return {
        "method": method,
        "path": path,
        "query": UNSET if query is None else query,
        "body": UNSET if body is UNSET else written(body),
    }
