"""The blocking client."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET, UnsetType

# For the return type of `run`: the package imports the handles only when somebody resolves the type.
import hightouch_sdk

from ._base import DIAGNOSIS, Client, Priority, SecretKey, open_door, or_raise, request_args
from ._calls import Calls
from ._door import decoded, returned
from ._encoding import Seconds, options
from ._health import Diagnosis
from ._json_text import loads
from ._keys import Keys
from ._public import public
from ._resources import Resources

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


Ask: TypeAlias = "Callable[[], str]"
"""A function that returns the key."""


@public
class Hightouch(Client[Ask], Resources):
    """A client of one Hightouch workspace whose methods wait for their answers.

    Threads may share a client, and so may forked child processes that inherit it. The client connects at its first
    call. While it waits, other threads run, and Ctrl-C ends the wait at once.

    Args:
        api_key: The workspace's API key: a string, or an object with ``get_secret_value()`` such as pydantic's
            ``SecretStr``. Default: the variable ``HIGHTOUCH_API_KEY``. Or a function that returns the key. It runs in a
            thread of its own: before the first request, and again when the server refuses the key (401), once for all
            requests that were refused at the same time. If the key has changed, they are sent again once. If the
            function fails, they fail with ``AuthenticationError``, whose cause is the function's error. The function
            must not use this client.
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
        return loads(self._local.call("request", args, opts)[1])

    def run(
        self, token: str
    ) -> hightouch_sdk.SyncRunHandle | hightouch_sdk.SequenceRunHandle | hightouch_sdk.IdentityGraphRunHandle:
        """Returns the handle of a run from its token. Nothing is sent.

        Args:
            token: The ``token`` of a handle, or the ``run_token`` of an error, of any process and language.

        Raises:
            InvalidRequestError: It is not the token of a run at this ``base_url``.
        """
        from ._runs import opened

        return opened(self._local, self._local.local("runs.open", {"token": token})[1])

    def diagnose(self) -> Diagnosis:
        """Checks the settings, the connection and the key, with one handshake and one read.

        Problems become findings of the diagnosis and are not raised.
        """
        return decoded(DIAGNOSIS, self._local.call("client.diagnose")[1])

    def close(self) -> None:
        """Closes the client. Calls in progress and later ones fail with ``ClientClosedError``."""
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
    api_key: str | SecretKey | None = None,
    api_key_file: str | os.PathLike[str] | None = None,
    base_url: str | None = None,
    timeout: Seconds | None = None,
    ca_bundle: str | os.PathLike[str] | None = None,
    proxy: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Diagnosis:
    """Checks settings, the connection and the key, with one handshake and one read.

    Unlike :meth:`Hightouch.diagnose` it also accepts settings that no client can be created with. What is wrong with
    them is a finding of the diagnosis. ``python -m hightouch_sdk doctor`` prints the same.

    Args:
        api_key: As for :class:`Hightouch`, and so are the others, with the same defaults.
        api_key_file: A file that contains the key.
        base_url: The address of the API, with its ``/api/v1``.
        timeout: Time limit of the read, in seconds or as a timedelta.
        ca_bundle: A PEM file with certificates to trust.
        proxy: The URL of a proxy.
        headers: Headers to send.

    Raises:
        ConfigError: A setting has the wrong type.
    """
    opened = returned(
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
    door = or_raise(opened)
    try:
        return decoded(DIAGNOSIS, door.call("client.diagnose")[1])
    finally:
        door.close()
