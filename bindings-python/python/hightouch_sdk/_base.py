"""What the blocking and the asynchronous client have in common."""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.json import Decoder

from ._door import Door, decoded, milliseconds, written
from ._errors import ConfigError
from ._health import Diagnosis, Stats
from ._hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from ._door import Seconds
    from ._hooks import CallEnd, CallStart
    from ._keys import Keys

Priority: TypeAlias = Literal["trigger", "poll", "read", "bulk"]
"""Who goes first while calls wait for the limit."""

DIAGNOSIS = Decoder(Diagnosis)
_STATS = Decoder(Stats)

K = TypeVar("K", bound="Callable[[], object]")
"""The function that may give the key."""


class Client(Generic[K]):
    """Settings and what needs no waiting."""

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
        on_start: Callable[[CallStart], object] | None = None,
        on_end: Callable[[CallEnd], object] | None = None,
        _internal: Mapping[str, object] | None = None,
    ) -> None:
        asked = callable(api_key)
        if asked and api_key_file is not None:
            raise ConfigError(
                "The key is to come from a function and from a file; give one of `api_key`, `api_key_file`."
            )
        given = {
            "apiKey": None if asked else api_key,
            "keyLater": True if asked else None,
            "apiKeyFile": None if api_key_file is None else os.fspath(api_key_file),
            "baseUrl": base_url,
            "limit": None if limit is None else list(limit),
            "share": share,
            "timeoutMs": milliseconds("timeout", timeout, ConfigError),
            "deadlineMs": milliseconds("deadline", deadline, ConfigError),
            "maxWaitMs": milliseconds("max_wait", max_wait, ConfigError),
            "maxRetries": max_retries,
            "caBundle": None if ca_bundle is None else os.fspath(ca_bundle),
            "proxy": proxy,
            "language": f"python/{sys.version_info.major}.{sys.version_info.minor}",
            **(_internal or {}),
        }
        hooks = None if on_start is None and on_end is None else Hooks(on_start, on_end)
        keys = self._keys(api_key) if callable(api_key) else None
        self._local = Door({name: value for name, value in given.items() if value is not None}, hooks, keys)

    @abstractmethod
    def _keys(self, ask: K) -> Keys[Any]: ...

    def stats(self) -> Stats:
        """How the limit stands; nothing is sent."""
        return decoded(_STATS, self._local.local("client.stats")[1])

    def set_api_key(self, api_key: str) -> None:
        """Use another key from now on; what is known about the limit stays.

        A client whose key is given by a function asks it again when the server refuses this one.
        """
        self._local.set_key(api_key)


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
