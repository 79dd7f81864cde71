"""The code that the blocking and the asynchronous client share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from msgspec import UNSET, UnsetType

import hightouch_sdk

from ._door import Door, decoded, decoder, key_text, open_engine, returned
from ._encoding import Seconds, checked_headers, json_argument, milliseconds
from ._errors import LOADING, ConfigError
from ._forks import load_before_forks

if TYPE_CHECKING:
    from typing import TypeAlias

    from ._keys import Keys

Priority: TypeAlias = Literal["trigger", "poll", "read", "bulk"]
"""The weight of a call while several calls wait for the rate limit: ``"trigger"`` has the highest weight, ``"bulk"``
the lowest."""

TIME_SCALES: dict[str, float] = {}
"""Maps a base URL to the number by which the clients of this URL divide their waits. Only ``hightouch_sdk.testing``
adds entries."""

T = TypeVar("T")
K = TypeVar("K", bound=Callable[[], object])
"""The type of a function that returns the API key."""


class SecretKey(Protocol):
    """An object that hides a key from logs, such as pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """Returns the key."""
        ...


def blocking_keys(ask: Callable[[], Any]) -> Keys:
    """Returns the object that calls the key function. Imports its class, because most clients have no key function."""
    with LOADING:
        from ._keys import Keys

    return Keys(ask)


def diagnosis_type() -> type[hightouch_sdk.Diagnosis]:
    """Imports the type of the answer to ``client.diagnose``."""
    with LOADING:
        from ._health import Diagnosis

    return Diagnosis


class Client(Generic[K]):
    """The base of both clients: takes the settings, and has the methods that send nothing."""

    _keys = staticmethod(blocking_keys)

    def __init__(
        self,
        api_key: str | SecretKey | K | None = None,
        *,
        api_key_file: str | os.PathLike[str] | None = None,
        base_url: str | None = None,
        limit: tuple[int, float] | None = None,
        share: float | None = None,
        limit_scope: str | None = None,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        max_wait: Seconds | None = None,
        max_retries: int | None = None,
        ca_bundle: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        headers: Mapping[str, str] | None = None,
        on_start: Callable[[hightouch_sdk.CallStart], object] | None = None,
        on_end: Callable[[hightouch_sdk.CallEnd], object] | None = None,
        _internal: Mapping[str, object] | None = None,
    ) -> None:
        # The settings that `repr` shows. The API key, the proxy, the headers and a URL in `limit_scope` may be secret,
        # so `repr` does not show them.
        shown = {
            "api_key_file": api_key_file,
            "base_url": base_url,
            "limit": limit,
            "share": share,
            "limit_scope": limit_scope if limit_scope in {"process", "host"} else None,
            "timeout": timeout,
            "deadline": deadline,
            "max_wait": max_wait,
            "max_retries": max_retries,
            "ca_bundle": ca_bundle,
        }
        self._shown = {name: value for name, value in shown.items() if value is not None}
        opened = returned(
            open_door,
            {
                "apiKey": api_key,
                "apiKeyFile": api_key_file,
                "baseUrl": base_url,
                "limit": limit,
                "share": share,
                "limitScope": limit_scope,
                "timeoutMs": timeout,
                "deadlineMs": deadline,
                "maxWaitMs": max_wait,
                "maxRetries": max_retries,
                "caBundle": ca_bundle,
                "proxy": proxy,
                "headers": headers,
                **(_internal or {}),
            },
            self._keys,
            on_start,
            on_end,
        )
        # Error reports show the local variables of each frame. So this frame must hold no secret when it raises.
        del api_key, limit_scope, proxy, headers, _internal
        self._local = or_raise(opened)
        load_before_forks()

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._shown.items())
        return f"{type(self).__name__}({settings})"

    def stats(self) -> hightouch_sdk.Stats:
        """Returns the current state of the rate limit. Nothing is sent."""
        with LOADING:
            from ._health import Stats

        return decoded(decoder(Stats), self._local.local("client.stats")[1])

    def add_hooks(
        self,
        *,
        on_start: Callable[[hightouch_sdk.CallStart], object] | None = None,
        on_end: Callable[[hightouch_sdk.CallEnd], object] | None = None,
    ) -> None:
        """Adds hooks to the client's hooks. Calls in progress do not call the new hooks.

        Several ``on_start`` hooks run in the order in which they were added, and ``on_end`` hooks in reverse order.

        Args:
            on_start: Called before each call.
            on_end: Called after each call.

        Raises:
            ConfigError: A hook is not a plain function.
        """
        self._local.add_hooks(on_start, on_end)

    def set_api_key(self, api_key: str | SecretKey) -> None:
        """Replaces the API key with another key of the same workspace. The state of the rate limit stays.

        If the client has a key function, the client calls this function when the server refuses the new key.

        Args:
            api_key: The new key, for all requests from the next request on.

        Raises:
            ConfigError: ``api_key`` cannot be a key, for example because it contains a space.
            ClientClosedError: The client is closed.
        """
        failed = self._local.set_key(api_key)
        del api_key
        or_raise(failed)


def open_door(
    given: Mapping[str, Any],
    keys: Callable[[Callable[[], Any]], Keys],
    on_start: Callable[[hightouch_sdk.CallStart], object] | None = None,
    on_end: Callable[[hightouch_sdk.CallEnd], object] | None = None,
) -> Door:
    """Creates a client of the core from settings in Python's types, and returns the door to that client.

    Raises:
        ConfigError: A setting is wrong.
    """
    settings = dict(given)
    ask = settings["apiKey"] if callable(settings["apiKey"]) else None
    if ask is not None:
        settings |= {"apiKey": None, "keyLater": True}
    elif settings["apiKey"] is not None:
        settings["apiKey"] = key_text(settings["apiKey"])
    for name, python in (("timeoutMs", "timeout"), ("deadlineMs", "deadline"), ("maxWaitMs", "max_wait")):
        settings[name] = milliseconds(python, settings.get(name), ConfigError)
    for name, python in (("apiKeyFile", "api_key_file"), ("caBundle", "ca_bundle")):
        settings[name] = path_text(python, settings[name])
    for name, python in (("baseUrl", "base_url"), ("limitScope", "limit_scope"), ("proxy", "proxy")):
        if settings.get(name) is not None and not isinstance(settings[name], str):
            raise ConfigError(f"`{python}` must be a string, not {type(settings[name]).__name__}.")
    settings["headers"] = checked_headers(settings["headers"], ConfigError)
    if TIME_SCALES:
        scale = TIME_SCALES.get(settings["baseUrl"] or os.environ.get("HIGHTOUCH_BASE_URL", ""))
        settings = settings if scale is None else {"timeScale": scale, **settings}
    settings["language"] = f"python/{sys.version_info.major}.{sys.version_info.minor}"
    asked = None if ask is None else keys(ask)
    door = Door(open_engine(settings), asked)
    if on_start is not None or on_end is not None:
        door.add_hooks(on_start, on_end)
    return door


def path_text(name: str, path: Any) -> str | None:
    """Converts the path of a file to text; None stays None.

    Raises:
        ConfigError: ``path`` is not a path.
    """
    if path is None:
        return None
    try:
        return os.fsdecode(path)
    except TypeError:
        raise ConfigError(f"`{name}` must be the path of a file, not {type(path).__name__}.") from None


def or_raise(result: T | BaseException) -> T:
    """Returns a result, or raises the result if it is an exception.

    Raises:
        BaseException: ``result``, if it is an exception.
    """
    if isinstance(result, BaseException):
        try:
            raise result
        finally:
            del result
    return result


def request_args(
    method: str, path: str, query: Mapping[str, object] | None, body: object | UnsetType
) -> dict[str, object]:
    """Converts the arguments of a client's method ``request`` for the core."""
    return {
        "method": method,
        "path": path,
        "query": UNSET if query is None else json_argument("query", query),
        "body": json_argument("body", body),
    }
