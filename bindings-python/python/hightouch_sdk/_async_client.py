"""The asynchronous client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET, UnsetType

from ._async_calls import AsyncCalls
from ._async_door import AsyncDoor
from ._async_keys import AsyncKeys
from ._async_resources import AsyncResources
from ._base import DIAGNOSIS, Client, request_args
from ._door import decoded, options
from ._json_text import loads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from ._base import Priority
    from ._door import Seconds
    from ._health import Diagnosis
    from ._runs import AnyAsyncRun


Ask: TypeAlias = "Callable[[], str | Awaitable[str]]"
"""A function that gives the key."""


class AsyncHightouch(Client[Ask], AsyncResources):
    """A client of one Hightouch workspace whose methods are coroutines, for asyncio.

    It may be used from several event loops, one after the other or at once, and by forked children that
    inherit it. It connects when it is first used; cancelling a task stops its request.

    Args:
        api_key: The workspace's API key. Without it, the variable ``HIGHTOUCH_API_KEY``. Or a function that returns
            it, called in an event loop in which calls are under way: before the first request, and again when the
            server refuses the key (401), once for all requests that were refused at the same time; they are sent again
            once if the key has changed. If it fails, they fail with ``AuthenticationError``, its error as their cause.
            A coroutine function is awaited; another must not
            block. It must not use this client.
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

    _Keys = AsyncKeys

    @cached_property
    def _door(self) -> AsyncDoor:
        return AsyncDoor(self._local)

    @cached_property
    def _calls(self) -> AsyncCalls:  # type: ignore[override]
        return AsyncCalls(self._door)

    async def request(
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
        return loads((await self._door.call("request", args, opts))[1])

    def run(self, token: str) -> AnyAsyncRun:
        """Take up a run again from its token; nothing is sent. The handle is of the kind that the token names."""
        from ._runs import opened_async

        return opened_async(self._door, self._local.local("runs.open", {"run": token})[1])

    async def diagnose(self) -> Diagnosis:
        """Try the way to the API step by step and tell what was found."""
        return decoded(DIAGNOSIS, (await self._door.call("client.diagnose"))[1])

    async def close(self) -> None:
        """End the client: calls under way and later ones fail with ``ClientClosedError``."""
        await self._door.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
