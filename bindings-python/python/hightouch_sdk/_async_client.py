"""The asynchronous client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET, UnsetType

import hightouch_sdk

from ._async_calls import AsyncCalls
from ._async_door import AsyncDoor
from ._async_keys import AsyncKeys
from ._async_resources import AsyncResources
from ._base import DIAGNOSIS, Client, Priority, request_args
from ._door import decoded
from ._encoding import Seconds, options
from ._health import Diagnosis
from ._json_text import loads
from ._public import public

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


Ask: TypeAlias = "Callable[[], str | Awaitable[str]]"
"""A function that returns the key."""


@public
class AsyncHightouch(Client[Ask], AsyncResources):
    """A client of one Hightouch workspace whose methods are coroutines, for asyncio.

    Event loops may share a client, and so may forked child processes that inherit it. The client connects at its first
    call. Cancelling a task stops its request.

    Args:
        api_key: The workspace's API key: a string, or an object with ``get_secret_value()`` such as pydantic's
            ``SecretStr``. Default: the variable ``HIGHTOUCH_API_KEY``. Or a function that returns the key. It may be a
            coroutine function; a plain function must not block. It runs in an event loop in which calls are in
            progress: before the first request, and again when the server refuses the key (401), once for all requests
            that were refused at the same time. If the key has changed, they are sent again once. If the function fails,
            they fail with ``AuthenticationError``, whose cause is the function's error. The function must not use this
            client.
        api_key_file: A file that contains the key. A line ending after the key is ignored.
        base_url: The address of the API, with its ``/api/v1``. Default: the variable ``HIGHTOUCH_BASE_URL``, else the
            public API.
        limit: The workspace's rate limit, as a number of requests and of seconds. Default: ``(200, 10)``.
        share: The part of the rate limit that this client may use, above 0 and at most 1. Default: the variable
            ``HIGHTOUCH_SHARE``, else 1.
        timeout: Time limit of one attempt of a call, in seconds or as a timedelta. Default: 30 seconds.
        deadline: Time limit of a whole call, with all attempts and waits. Default: none.
        max_wait: Time limit of the wait for the rate limit. If it expires, nothing is sent. Default: none.
        max_retries: How many times a request that failed is sent again, if that is safe. Default: 3.
        ca_bundle: A PEM file with certificates to trust, in addition to those of the system.
        proxy: The URL of a proxy. Default: the usual variables, such as ``HTTPS_PROXY``.
        headers: Headers to send with every request, for example for a gateway. The ``headers`` of a call replace those
            of the same name.
        on_start: A function to call before each call that may send something, including each page of a list and each
            step of following a run. It cannot be a coroutine function. What it raises is logged and ignored.
        on_end: A function to call after each such call, in the same thread, with the outcome of the call.

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
        """Sends a request that this package has no method for, with the same rate limit, retries and errors.

        Args:
            method: ``GET``, ``HEAD``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
            path: The path below the base URL. It starts with one slash.
            query: Parameters of the query. A list repeats its parameter.
            body: Any JSON value. ``None`` sends null; without it there is no body.
            timeout: Time limit of one attempt, in seconds or as a timedelta.
            deadline: Time limit of the whole call, with all attempts and waits.
            max_retries: How many times a request that failed is sent again, if that is safe.
            max_wait: Time limit of the wait for the rate limit. If it expires, nothing is sent.
            priority: Who goes first while several calls wait for the rate limit: ``"trigger"`` before ``"poll"``,
                ``"read"`` and ``"bulk"``.
            headers: More headers to send.

        Returns:
            The server's JSON as plain values.

        Raises:
            InvalidRequestError: An argument is wrong. Nothing was sent, unless the error has a ``status``.
            OutcomeUnknownError: The request may or may not have had its effect. Check before you repeat it.
            HightouchError: The call failed in another way; its subclasses say which.
        """
        args = request_args(method, path, query, body)
        opts = options(timeout, deadline, max_retries, max_wait, priority, headers)
        return loads((await self._door.call("request", args, opts))[1])

    def run(
        self, token: str
    ) -> (
        hightouch_sdk.AsyncSyncRunHandle
        | hightouch_sdk.AsyncSequenceRunHandle
        | hightouch_sdk.AsyncIdentityGraphRunHandle
    ):
        """Returns the handle of a run from its token. Nothing is sent.

        Args:
            token: The ``token`` of a handle, or the ``run_token`` of an error, of any process and language.

        Raises:
            InvalidRequestError: It is not the token of a run at this ``base_url``.
        """
        from ._runs import opened_async

        return opened_async(self._door, self._local.local("runs.open", {"token": token})[1])

    async def diagnose(self) -> Diagnosis:
        """Checks the settings, the connection and the key, with one handshake and one read.

        Problems become findings of the diagnosis and are not raised.
        """
        return decoded(DIAGNOSIS, (await self._door.call("client.diagnose"))[1])

    async def close(self) -> None:
        """Closes the client. Calls in progress and later ones fail with ``ClientClosedError``."""
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
