"""The Hightouch REST API: safe, complete and fast.

``Hightouch`` waits for its answers, ``AsyncHightouch`` is the same for asyncio::

    from hightouch_sdk import Hightouch

    ht = Hightouch()  # HIGHTOUCH_API_KEY
    run = ht.syncs.trigger("orders-to-salesforce")
    result = run.wait(timeout=1800, progress=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _names
from ._client import Hightouch, diagnose
from ._errors import (
    Attempt,
    AuthenticationError,
    CallCancelledError,
    ClientClosedError,
    ConfigError,
    ConflictError,
    ConnectError,
    Cut,
    HightouchError,
    InternalError,
    InvalidRequestError,
    Meta,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProtocolError,
    ProxyError,
    RateLimitedError,
    RequestTimeoutError,
    RunFailedError,
    ServerError,
    TlsError,
    ValidationError,
    WaitTimeoutError,
)
from ._health import Diagnosis, Finding, Negotiated, Stats, Waiting
from ._hooks import CallEnd, CallStart
from ._json import Json, JsonEdit
from ._json_views import JsonArray, JsonObject
from ._names import __version__
from ._pages import AsyncListing, Listing, Page
from ._raw import RawResponse
from ._unset import UNSET, UnsetType

if TYPE_CHECKING:
    from ._async_client import AsyncHightouch
    from ._models import *  # noqa: F403
    from ._runs import (
        AsyncIdentityGraphRunHandle,
        AsyncRun,
        AsyncSequenceRunHandle,
        AsyncSyncRunHandle,
        IdentityGraphRunHandle,
        Run,
        SequenceRunHandle,
        SyncRunHandle,
    )

__all__ = [
    "UNSET",
    "AsyncHightouch",
    "AsyncIdentityGraphRunHandle",
    "AsyncListing",
    "AsyncRun",
    "AsyncSequenceRunHandle",
    "AsyncSyncRunHandle",
    "Attempt",
    "AuthenticationError",
    "CallCancelledError",
    "CallEnd",
    "CallStart",
    "ClientClosedError",
    "ConfigError",
    "ConflictError",
    "ConnectError",
    "Cut",
    "Diagnosis",
    "Finding",
    "Hightouch",
    "HightouchError",
    "IdentityGraphRunHandle",
    "InternalError",
    "InvalidRequestError",
    "Json",
    "JsonArray",
    "JsonEdit",
    "JsonObject",
    "Listing",
    "Meta",
    "Negotiated",
    "NotFoundError",
    "OutcomeUnknownError",
    "Page",
    "PermissionDeniedError",
    "ProtocolError",
    "ProxyError",
    "RateLimitedError",
    "RawResponse",
    "RequestTimeoutError",
    "Run",
    "RunFailedError",
    "SequenceRunHandle",
    "ServerError",
    "Stats",
    "SyncRunHandle",
    "TlsError",
    "UnsetType",
    "ValidationError",
    "WaitTimeoutError",
    "Waiting",
    "__version__",
    "diagnose",
]
__all__ += _names.__all__

# Importing asyncio takes longer than the rest of the package, and the models as long: only who uses them pays.
_LATER = {
    "AsyncHightouch": "_async_client",
    "AsyncIdentityGraphRunHandle": "_runs",
    "AsyncRun": "_runs",
    "AsyncSequenceRunHandle": "_runs",
    "AsyncSyncRunHandle": "_runs",
    "IdentityGraphRunHandle": "_runs",
    "Run": "_runs",
    "SequenceRunHandle": "_runs",
    "SyncRunHandle": "_runs",
    **dict.fromkeys(_names.__all__, "_models"),
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
