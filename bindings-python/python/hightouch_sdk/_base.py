"""What the blocking and the asynchronous client have in common."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET, UnsetType
from msgspec.json import Decoder

from ._door import Door, decoded, milliseconds, written
from ._errors import ConfigError
from ._health import Diagnosis, Stats

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from ._door import Seconds

Priority: TypeAlias = Literal["trigger", "poll", "read", "bulk"]
"""Who goes first while calls wait for the limit."""

DIAGNOSIS = Decoder(Diagnosis)
_STATS = Decoder(Stats)


class Client:
    """Settings and what needs no waiting."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
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
        _internal: Mapping[str, object] | None = None,
    ) -> None:
        given = {
            "apiKey": api_key,
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
        self._local = Door({name: value for name, value in given.items() if value is not None})

    def stats(self) -> Stats:
        """How the limit stands; nothing is sent."""
        return decoded(_STATS, self._local.call("client.stats")[1])

    def set_api_key(self, api_key: str) -> None:
        """Use another key from now on; what is known about the limit stays."""
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
