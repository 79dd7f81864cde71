"""The Hightouch API for Python.

Start with ``Hightouch``. Its methods block until the answer arrives. ``AsyncHightouch`` has the same methods for
asyncio::

    from hightouch_sdk import Hightouch

    with Hightouch() as ht:  # reads HIGHTOUCH_API_KEY
        run = ht.syncs.trigger("orders-to-salesforce")
        result = run.wait(timeout=1800, progress=True)
        print(result.status, result.successful_rows.added_count)

A client has one attribute per resource, such as ``ht.syncs``; ``help(ht.syncs)`` describes its operations. Values such
as ``hightouch_sdk.Sync`` are immutable. Every error is a ``HightouchError``. All public names are in
``hightouch_sdk.__all__``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _names
from ._answers import Attempt, Cut, Meta, ScopeChange
from ._client import Hightouch, diagnose
from ._error_base import HightouchError
from ._error_classes import *  # noqa: F403
from ._errors import LOADING as _LOADING
from ._json import Json
from ._json_views import JsonArray, JsonObject
from ._names import __version__
from ._unset import UNSET, UnsetType

if TYPE_CHECKING:
    from ._async_batch import AsyncSyncBatch
    from ._async_client import AsyncHightouch
    from ._async_pages import AsyncListing
    from ._async_runs import AsyncIdentityGraphRunHandle, AsyncRun, AsyncSequenceRunHandle, AsyncSyncRunHandle
    from ._batch import SyncBatch
    from ._batch_items import BatchEstimate, BatchItem
    from ._enums import *  # noqa: F403
    from ._health import Diagnosis, Finding, Negotiated, Stats, Waiting
    from ._hooks import CallEnd, CallStart
    from ._json_diff import JsonChange, JsonDiff
    from ._json_edit import JsonEdit
    from ._models import *  # noqa: F403
    from ._pages import Listing, Page
    from ._plain_values import json_default
    from ._raw import RawResponse
    from ._records import Records
    from ._runs import IdentityGraphRunHandle, Run, SequenceRunHandle, SyncRunHandle

# mypy reads only a literal list, so the names of `_names` and `_error_classes` are repeated here.
__all__ = [
    "UNSET",
    "AsyncHightouch",
    "AsyncIdentityGraphRunHandle",
    "AsyncListing",
    "AsyncRun",
    "AsyncSequenceRunHandle",
    "AsyncSyncBatch",
    "AsyncSyncRunHandle",
    "Attempt",
    "AuthenticationError",
    "BatchEstimate",
    "BatchItem",
    "CallCancelledError",
    "CallEnd",
    "CallStart",
    "CampaignRecipient",
    "CampaignResult",
    "ClientClosedError",
    "ConfigError",
    "ConflictError",
    "ConnectError",
    "CronRule",
    "CustomQuery",
    "Cut",
    "DbtAccount",
    "DbtJob",
    "DbtQuery",
    "DbtRule",
    "DecisionEngineFlow",
    "DecisionEngineMessage",
    "DecisionEngineRun",
    "Destination",
    "Diagnosis",
    "EventContract",
    "EventDomain",
    "EventDomainComponent",
    "EventOrder",
    "EventPolicy",
    "EventSchema",
    "EventSource",
    "EventType",
    "ExternalSegment",
    "FieldPolicy",
    "Finding",
    "FlowOrder",
    "Hightouch",
    "HightouchError",
    "Identifier",
    "IdentityGraphRun",
    "IdentityGraphRunHandle",
    "IdentityGraphRunOrder",
    "IdentityGraphRunStats",
    "IdentityGraphRunStatus",
    "IfRunning",
    "InternalError",
    "Interval",
    "IntervalRule",
    "IntervalUnit",
    "InvalidRequestError",
    "Json",
    "JsonArray",
    "JsonChange",
    "JsonDiff",
    "JsonEdit",
    "JsonObject",
    "ListOrder",
    "Listing",
    "MessageGuardrails",
    "MessageVariable",
    "MessageVariableConfig",
    "MessageVariant",
    "Meta",
    "Model",
    "Negotiated",
    "NotFoundError",
    "OutcomeUnknownError",
    "Page",
    "PermissionDeniedError",
    "ProblemCategory",
    "ProtocolError",
    "ProxyError",
    "RateLimitedError",
    "RawQuery",
    "RawResponse",
    "RecipientResult",
    "RecipientStatus",
    "Records",
    "RejectReason",
    "ReprocessRequest",
    "ReprocessState",
    "ReprocessStatus",
    "RequestTimeoutError",
    "RowCounts",
    "Run",
    "RunFailedError",
    "RunOrder",
    "RunProblem",
    "Schedule",
    "ScheduleRule",
    "ScopeChange",
    "SendStatus",
    "SequenceMember",
    "SequenceRun",
    "SequenceRunHandle",
    "SequenceRunStatus",
    "ServerError",
    "Source",
    "Stats",
    "Sync",
    "SyncBatch",
    "SyncRun",
    "SyncRunHandle",
    "SyncRunStatus",
    "SyncStatus",
    "TableQuery",
    "TlsError",
    "UnknownScheduleRule",
    "UnsetType",
    "UpdatedEventContract",
    "ValidationError",
    "VisualDays",
    "VisualExpression",
    "VisualQuery",
    "VisualRule",
    "WaitTimeoutError",
    "Waiting",
    "__version__",
    "diagnose",
    "json_default",
]

# Importing asyncio or the models takes longer than importing the rest of the package, and a first call needs few of the
# other modules. So these names are imported at their first use.
_LATER = {
    "AsyncHightouch": "_async_client",
    "AsyncIdentityGraphRunHandle": "_async_runs",
    "AsyncListing": "_async_pages",
    "AsyncRun": "_async_runs",
    "AsyncSequenceRunHandle": "_async_runs",
    "AsyncSyncBatch": "_async_batch",
    "AsyncSyncRunHandle": "_async_runs",
    "BatchEstimate": "_batch_items",
    "BatchItem": "_batch_items",
    "CallEnd": "_hooks",
    "CallStart": "_hooks",
    "Diagnosis": "_health",
    "Finding": "_health",
    "IdentityGraphRunHandle": "_runs",
    "JsonChange": "_json_diff",
    "JsonDiff": "_json_diff",
    "JsonEdit": "_json_edit",
    "Listing": "_pages",
    "Negotiated": "_health",
    "Page": "_pages",
    "RawResponse": "_raw",
    "Records": "_records",
    "Run": "_runs",
    "SequenceRunHandle": "_runs",
    "Stats": "_health",
    "SyncBatch": "_batch",
    "SyncRunHandle": "_runs",
    "Waiting": "_health",
    "json_default": "_plain_values",
    **dict.fromkeys(_names.__all__, "_models"),
    **dict.fromkeys(_names.ENUMS, "_enums"),
}


if not TYPE_CHECKING:  # Otherwise, type checkers would accept any name of this module.

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        with _LOADING:
            from importlib import import_module

            value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
        return value


def __dir__() -> list[str]:
    # `help(hightouch_sdk)` describes every class in this list. The help for all public classes would be too long.
    return ["AsyncHightouch", "Hightouch", "HightouchError", "__all__", "__doc__", "__version__", "diagnose"]
