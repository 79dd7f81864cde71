"""What the core says about calls: their metadata, failures, notices and raw answers.

This module has no ``from __future__ import annotations``, which would turn the types of fields into strings. msgspec
would compile each string when it creates a decoder, and that takes longer than creating the classes.
"""

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from ._value import Value


class Attempt(Value, frozen=True, kw_only=True):
    """One HTTP request of a call. It has either a status or a failure."""

    status: int | None = None
    """The HTTP status of the answer."""
    failure: str | None = None
    """The kind of the failure, such as ``"timeout"``, if no complete answer arrived."""
    at_ms: float = field(name="atMs", default=0.0)
    """When the request began, in milliseconds since the start of the call."""
    ms: float = 0.0
    """How long the request took, in milliseconds, without the wait for the rate limit."""


class Cut(Value, frozen=True, kw_only=True):
    """How a refusal (429) lowered the rate limit for all who share it."""

    allowed: int
    """How many requests per window are allowed after the refusal, until successes raise the number again."""
    closed_ms: float = field(name="closedMs", default=0.0)
    """For how long nothing is sent after the refusal, in milliseconds."""


class ScopeChange(Value, frozen=True, kw_only=True):
    """A change in who shares the rate limit."""

    scope: str
    """Who shares the limit from now on: ``"process"``, ``"host"`` or ``"fleet"``; see :attr:`Stats.scope`."""
    fallback: str | None = None
    """Why the limit is not shared as ``limit_scope`` demands; None if the limit is shared again."""


class Meta(Value, frozen=True, kw_only=True):
    """The metadata of a call, for logs and traces."""

    call_id: str = field(name="callId", default="")
    """The id of the call: 32 hexadecimal digits. A call has one id, even if it needs several requests. Hooks get this
    id at the start and at the end of the call, and all log records of the call have it."""
    request_id: str = field(name="requestId", default="")
    """The id of the call's own request. Each attempt sends this id as ``X-Request-Id``. Other requests of the call,
    such as the look-up of a slug, have ids of their own."""
    operation: str = ""
    """The method that was called, such as ``"syncs.list"``; ``"run"`` for a step of :meth:`Run.wait`."""
    operation_id: str | None = field(name="operationId", default=None)
    """The API's name for the operation, such as ``"ListSync"``; None if the API has no such name, as for
    ``request``."""
    resource: str | None = None
    """The resource that the call is about, such as ``"sync 7"``; None if the call is about no single resource."""
    sync: str | None = None
    """The sync that the call is about: the id or slug that the caller gave; for a method of a run, the sync's id."""
    waited_ms: float = field(name="waitedMs", default=0.0)
    """How long the call waited for the rate limit, in milliseconds."""
    duration_ms: float = field(name="durationMs", default=0.0)
    """How long the call took, with all attempts and waits, in milliseconds."""
    mended: list[str] = field(default=[])
    """Paths of values in the answer that were missing or unusable and got a default, such as ``"3.plannedRows"``."""
    attempts: list[Attempt] = field(default=[])
    """The requests that were sent, in the order in which they began."""
    cuts: list[Cut] = field(default=[])
    """One entry for each refusal (429) of this call that lowered the rate limit. Each entry is also logged."""
    scope_changes: list[ScopeChange] = field(name="scopeChanges", default=[])
    """The changes in who shares the rate limit, if this call was the first to notice them. Each change is
    also logged."""


class Failure(Struct):
    """The failure of a call."""

    kind: str
    message: str
    code: str | None = None
    status: int | None = None
    details: Raw = Raw(b"null")
    operation: str | None = None
    operation_id: str | None = field(name="operationId", default=None)
    resource: str | None = None
    retry_after_ms: float | None = field(name="retryAfterMs", default=None)
    hint: str | None = None
    causes: list[str] = []
    meta: Meta | None = None
    run: str | None = None
    problem: Raw = Raw(b"null")


class RawAnswer(Struct):
    """What a raw answer has beside its body: the `value` that the core read, or the `failure` that the body reports."""

    status: int
    headers: dict[str, str]
    value: Raw = Raw()
    failure: Raw = Raw()


class Head(Struct):
    """What the core says about a call, apart from the body of the answer."""

    meta: Meta
    answer: RawAnswer | None = None


class Started(Struct):
    """The token of the run that a call has started, if it has started one."""

    token: str | None = None


class Place(Struct):
    """The token of the next page, if more rows may follow, and the id of the sync that the rows belong to."""

    next: str | None = None
    sync: int | None = None


class Notice(Struct, rename="camel"):
    """Something that happened during a call, with a text for people."""

    event: str
    text: str
    call_id: str
    operation: str
    operation_id: str | None = None
    resource: str | None = None
    sync: str | None = None
    attempt: int = 0
    waited_ms: float = 0.0


# Decoders are created here, because a call must be able to read its answer even while Python shuts down.
FAILURE = Decoder(Failure)
HEAD = Decoder(Head)
NOTICE = Decoder(Notice)
PLACE = Decoder(Place)
STARTED = Decoder(Started)
