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
from ._base import Client, Priority, diagnosis_type, request_args
from ._door import decoded, decoder
from ._encoding import Seconds, options
from ._errors import LOADING
from ._json_text import loads
from ._public import public

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


Ask: TypeAlias = "Callable[[], str | Awaitable[str]]"
"""A function that returns the API key; it may be a coroutine function."""


@public
class AsyncHightouch(Client[Ask], AsyncResources):
    """A client of one Hightouch workspace, for asyncio.

    Event loops may share a client. A forked child process may use a client that it inherits. The client connects at its
    first call. Cancelling a task cancels the call that the task awaits.

    Args:
        api_key: The workspace's API key: a string, an object with ``get_secret_value()`` such as pydantic's
            ``SecretStr``, or a function that returns the key. Default: the variable ``HIGHTOUCH_API_KEY``. A function
            is called before the first request, and again when the server refuses the key (401). Requests that are
            refused at the same time share one call of the function. If the function returns another key, each of these
            requests is sent once more. If the function raises, the calls that need the key fail with
            ``AuthenticationError``; the ``__cause__`` of that error is the function's error. The function runs in an
            event loop in which calls are in progress. It may be a coroutine function; a plain function must not block.
            The function must not use this client.
        api_key_file: The path of a file that contains the key: a regular file of at most 64 KiB. One line break at the
            end of the file is ignored. Cannot be passed together with ``api_key``.
        base_url: The address of the API, with its ``/api/v1``: an ``https`` URL, or an ``http`` URL of a loopback
            address. Default: the variable ``HIGHTOUCH_BASE_URL``, else the public API.
        limit: The workspace's rate limit, as a number of requests (1 to 1,000,000) and of seconds (0.001 to 86,400).
            Default: ``(200, 10)``.
        share: The part of the rate limit that this process may use, above 0 and at most 1. If clients of one workspace
            have different shares, the smallest share applies to all these clients. If a Redis or Valkey server keeps
            the limit, the share applies only while that server does not answer. Default: the variable
            ``HIGHTOUCH_SHARE``, else 1.
        limit_scope: Who shares the rate limit. ``"host"``: all processes of the same user on this machine.
            ``"process"``: the clients of this process. The URL of a Redis or Valkey server: all processes, on any
            machine, whose setting names this server. The URL is ``redis://[user:password@]host[:port][/database]``;
            ``rediss://`` uses TLS and trusts ``ca_bundle`` too; ``redis+sentinel://host:port,host:port/service`` asks
            Sentinels for the server. The URL is shown nowhere. In one process, the setting of a workspace's first
            client applies to all clients of the workspace. Default: the variable ``HIGHTOUCH_LIMIT_SCOPE``, else
            ``"host"``.
        timeout: Time limit of one attempt of a call, above 0, in seconds or as a timedelta. Default: 30 seconds.
        deadline: Time limit of a whole call with all attempts and waits, above 0, in seconds or as a timedelta.
            Default: no limit.
        max_wait: How long a call may wait for the rate limit, in seconds or as a timedelta. With 0, a call is sent at
            once or fails. Default: no limit.
        max_retries: How many times a request that failed is sent again, if that is safe. Waiting for the rate limit
            does not count as a retry. Default: 3.
        ca_bundle: The path of a PEM file, at most 16 MiB, with certificates to trust in addition to those of the
            system.
        proxy: The URL of a proxy: ``http``, ``https``, ``socks5`` or ``socks5h``. Default: the environment variables
            for proxies, such as ``HTTPS_PROXY``.
        headers: Headers to send with every request, such as a header that a gateway requires. A header of a
            single call replaces the client's header of the same name.
        on_start: A function that is called with a :class:`CallStart` before each call that may send something,
            including each page of a list and each step of following a run. The hook must be a plain function. An
            exception that the hook raises is logged and ignored.
        on_end: A function that is called with a :class:`CallEnd` after each call that ``on_start`` is called for, in
            the same thread. The hook must be a plain function. An exception that the hook raises is logged and ignored.

    Raises:
        ConfigError: A setting is wrong, or there is no key.
    """

    _keys = staticmethod(AsyncKeys)

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
        """Sends a request that this package has no method for, with the rate limit, retries and errors of other calls.

        ``timeout``, ``deadline``, ``max_retries`` and ``max_wait`` default to the settings of the client.

        Args:
            method: ``GET``, ``HEAD``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
            path: The path below the base URL. It starts with exactly one slash and contains no query.
            query: The parameters of the query: strings, numbers, bools, or lists of these. A list sends its
                parameter several times.
            body: Any JSON value. ``None`` sends null. If ``body`` is left out, the request has no body.
            timeout: Time limit of one attempt, in seconds or as a timedelta.
            deadline: Time limit of the whole call with all attempts and waits, in seconds or as a timedelta.
            max_retries: How many times a request that failed is sent again, if that is safe.
            max_wait: How long the call may wait for the rate limit, in seconds or as a timedelta. With 0, the call is
                sent at once or fails.
            priority: The weight of the call while several calls wait for the rate limit, the highest first:
                ``"trigger"``, ``"poll"``, ``"read"`` or ``"bulk"``. Default: ``"read"`` for ``GET`` and ``HEAD``, else
                ``"trigger"``.
            headers: Headers to send in addition to those of the client. A header replaces the client's header of the
                same name.

        Returns:
            The server's JSON as plain values; ``None`` if the answer is empty.

        Raises:
            InvalidRequestError: An argument is wrong. Nothing was sent, unless the error has a ``status``.
            OutcomeUnknownError: It is unknown whether the request took effect. Check before you repeat the call.
            HightouchError: The call failed in another way, which the class of the error names.
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
            token: The ``token`` of a handle or the ``run_token`` of an error, from any process and any language.

        Raises:
            InvalidRequestError: ``token`` is not the token of a run at this ``base_url``.
            ClientClosedError: The client is closed.
        """
        with LOADING:
            from ._opened_runs import opened_async

        return opened_async(self._door, self._local.local("runs.open", {"token": token})[1])

    async def diagnose(self) -> hightouch_sdk.Diagnosis:
        """Checks the settings, the connection and the key, with one TLS handshake and one read.

        The read (``syncs.list``) counts towards the rate limit. Problems become findings of the diagnosis and are not
        raised.

        Raises:
            ClientClosedError: The client is closed.
        """
        of = diagnosis_type()
        return decoded(decoder(of), (await self._door.call("client.diagnose"))[1])

    async def close(self) -> None:
        """Closes the client. Calls in progress and later calls fail with ``ClientClosedError``.

        A call in progress that may have sent a change fails with ``OutcomeUnknownError`` instead. Runs go on.
        """
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
