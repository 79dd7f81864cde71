"""The Hightouch REST API: safe, complete and fast.

``Hightouch`` waits for its answers, ``AsyncHightouch`` is the same for asyncio::

    from hightouch_sdk import Hightouch

    ht = Hightouch()  # HIGHTOUCH_API_KEY
    run = ht.syncs.trigger("orders-to-salesforce")
    result = run.wait(timeout=1800, progress=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _models
from ._client import Hightouch
from ._errors import (
    Attempt,
    AuthenticationError,
    CallCancelledError,
    ClientClosedError,
    ConfigError,
    ConflictError,
    ConnectError,
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
from ._json import Json
from ._models import *  # noqa: F403
from ._models import __version__
from ._pages import AsyncListing, Listing, Page
from ._runs import AsyncRun, Run
from ._unset import UNSET, UnsetType

if TYPE_CHECKING:
    from ._async_client import AsyncHightouch

__all__ = [
    "UNSET",
    "AsyncHightouch",
    "AsyncListing",
    "AsyncRun",
    "Attempt",
    "AuthenticationError",
    "CallCancelledError",
    "ClientClosedError",
    "ConfigError",
    "ConflictError",
    "ConnectError",
    "Diagnosis",
    "Finding",
    "Hightouch",
    "HightouchError",
    "InternalError",
    "InvalidRequestError",
    "Json",
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
    "RequestTimeoutError",
    "Run",
    "RunFailedError",
    "ServerError",
    "Stats",
    "TlsError",
    "UnsetType",
    "ValidationError",
    "WaitTimeoutError",
    "Waiting",
    "__version__",
]
__all__ += _models.__all__


def __getattr__(name: str) -> object:
    # Importing asyncio takes longer than the rest of the package: only who uses it pays for it.
    if name == "AsyncHightouch":
        from ._async_client import AsyncHightouch

        return AsyncHightouch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
