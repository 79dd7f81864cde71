"""The blocking client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET, UnsetType

from ._base import DIAGNOSIS, Client, open_door, or_raise, request_args
from ._calls import Calls
from ._door import decoded, options, returned
from ._json_text import loads
from ._keys import Keys
from ._resources import Resources

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from ._base import Priority
    from ._door import Seconds
    from ._health import Diagnosis
    from ._runs import AnyRun


Ask: TypeAlias = "Callable[[], str]"
"""A function that gives the key."""


class Hightouch(Client[Ask], Resources):
    """A client of one Hightouch workspace whose methods wait for their answers.

    It may be used from many threads at once, and by forked children that inherit it. It connects when it is
    first used, waits without holding the interpreter, and Ctrl-C ends a wait at once.

    Args:
        api_key: The workspace's API key. Without it, the variable ``HIGHTOUCH_API_KEY``. Or a function that returns
            it, called in a thread of its own: before the first request, and again when the
            server refuses the key (401), once for all requests that were refused at the same time; they are sent again
            once if the key has changed. If it fails, they fail with ``AuthenticationError``, its error as their cause.
            It must not use this client.
        api_key_file: A file that holds the key; one line ending is dropped.
        base_url: Where the API is, up to and including ``/api/v1``. Without it, ``HIGHTOUCH_BASE_URL``,
            else the public API.
        limit: Requests and seconds that the workspace allows, ``(200, 10)`` unless given.
        share: The part of the limit that this client may use, above 0 and up to 1. Without it,
            ``HIGHTOUCH_SHARE``, else 1.
        timeout: For one attempt of a call, 30 seconds unless given.
        deadline: For a whole call with all its attempts and waits; unlimited unless given.
        max_wait: For waiting for the limit, after which a call fails before it is sent; unlimited unless given.
        max_retries: How often a call is repeated where that is safe, 3 unless given.
        ca_bundle: A PEM file whose certificates are trusted beside the system's.
        proxy: The proxy's URL. Without it, the usual variables, such as ``HTTPS_PROXY``.
        headers: Sent with every request, such as one that a gateway asks for; the ``headers`` of a call come first.
        on_start: Called before each call that may send something: each page of a list, each step in following a
            run. A plain function; what it raises is logged and changes nothing.
        on_end: Called after each such call, with what became of it, in the thread that made it.

    Raises:
        ConfigError: A setting is wrong, or there is no key.
    """

    @cached_property
    def _calls(self) -> Calls:  # type: ignore[override]
        return Calls(self._local)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object | UnsetType = UNSET,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        max_retries: int | None = None,
        max_wait: Seconds | None = None,
        priority: Priority | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request that this package has no method for, with the same limit, retries and errors.

        Args:
            method: ``GET``, ``POST``, ``PATCH`` or ``DELETE``.
            path: Below the base URL, starting with one slash.
            query: Parameters; a list repeats its parameter.
            body: Any JSON value. ``None`` sends null, leaving it out sends no body.
            timeout: For one attempt.
            deadline: For the whole call.
            max_retries: How often to repeat it where that is safe.
            max_wait: For waiting for the limit.
            priority: Who goes first while calls wait for the limit.
            headers: Sent in addition.

        Returns:
            The server's JSON as plain values.
        """
        args = request_args(method, path, query, body)
        opts = options(timeout, deadline, max_retries, max_wait, priority, headers)
        return loads(self._local.call("request", args, opts)[1])

    def run(self, token: str) -> AnyRun:
        """Take up a run again from its token; nothing is sent. The handle is of the kind that the token names."""
        from ._runs import opened

        return opened(self._local, self._local.local("runs.open", {"run": token})[1])

    def diagnose(self) -> Diagnosis:
        """Try the way to the API step by step and tell what was found."""
        return decoded(DIAGNOSIS, self._local.call("client.diagnose")[1])

    def close(self) -> None:
        """End the client: calls under way and later ones fail with ``ClientClosedError``."""
        self._local.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def diagnose(
    *,
    api_key: str | None = None,
    api_key_file: str | os.PathLike[str] | None = None,
    base_url: str | None = None,
    timeout: Seconds | None = None,
    ca_bundle: str | os.PathLike[str] | None = None,
    proxy: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Diagnosis:
    """Diagnose a client of these settings, also where they make none: that is a finding then and no exception.

    The settings are those of :class:`Hightouch`, and what is left out is read from the environment as there.
    ``python -m hightouch_sdk doctor`` prints what this gives.
    """
    made = returned(
        open_door,
        {
            "apiKey": api_key,
            "apiKeyFile": api_key_file,
            "baseUrl": base_url,
            "timeoutMs": timeout,
            "caBundle": ca_bundle,
            "proxy": proxy,
            "headers": headers,
            "diagnosing": True,
        },
        Keys,
    )
    del api_key, proxy, headers
    door = or_raise(made)
    try:
        return decoded(DIAGNOSIS, door.call("client.diagnose")[1])
    finally:
        door.close()
