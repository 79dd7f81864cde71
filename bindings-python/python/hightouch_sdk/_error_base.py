"""The base class of all errors, and the metadata of calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.json import Decoder

import hightouch_sdk

from ._json import Json, json_of
from ._public import public
from ._value import Value

if TYPE_CHECKING:
    from ._models import IdentityGraphRun, SequenceRun, SyncRun


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


@public
class HightouchError(Exception):
    """The base class of all errors of this package.

    For an error of a kind that this version does not know, the package raises this class itself.
    """

    kind: str = "internal"
    """The kind of the error, such as ``"not_found"``. The names of the kinds are the same in all languages."""

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        code: str | None = None,
        status: int | None = None,
        details: object = None,
        operation: str | None = None,
        operation_id: str | None = None,
        resource: str | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
        causes: Sequence[str] = (),
        meta: Meta | None = None,
        run_token: str | None = None,
    ) -> None:
        super().__init__(message)
        if kind is not None:
            self.kind = kind
        self.message = message
        """What happened, as a sentence."""
        self.code = code
        """A finer reason than the kind, such as ``"bad_token"`` or ``"dns"``; None if no such reason is known. The
        codes are those of :class:`Finding`. Later versions may add codes."""
        self.status = status
        """The HTTP status, if the server answered."""
        self._details: Json | None = json_of(details)
        self.operation = operation
        """The method that failed, such as ``"syncs.list"``."""
        self.operation_id = operation_id
        """The API's name for the operation, such as ``"ListSync"``."""
        self.resource = resource
        """The resource that the call was about, such as ``sync "orders"``."""
        self.retry_after = retry_after
        """How many seconds to wait before another attempt, as the server asked or as the rate limit requires; None if
        unknown."""
        self.hint = hint
        """What to do about the error, in one or more sentences; None if there is no hint."""
        self.causes: list[str] = list(causes)
        """The underlying errors, outermost first."""
        self.meta = meta
        """The metadata of the call; may be None if nothing was sent."""
        self.run_token = run_token
        """The token of the run that the error is about, if there is one. ``client.run(token)`` resumes the run."""

    @property
    def details(self) -> Any:
        """What the server said besides its message, as plain JSON values.

        If a run failed, the value is the last state of the run. If the outcome of a trigger is unknown, ``candidates``
        may list the runs that the trigger may have started.
        """
        return None if self._details is None else self._details.to_python()

    @property
    def request_id(self) -> str | None:
        """The ``X-Request-Id`` of the call's own request."""
        return None if self.meta is None else self.meta.request_id

    def to_dict(self) -> dict[str, Any]:
        """Copies what the error says into a dict of plain values, for logs, queues and task frameworks.

        The keys are ``kind``, ``code``, ``message``, ``hint``, ``operation``, ``resource``, ``status``,
        ``retry_after``, ``request_id`` and ``run_token``. An attribute that is absent is ``None``.
        """
        from ._plain_values import error_dict

        return error_dict(self)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_again, (type(self), self.message), self.__dict__)


def _again(cls: type[HightouchError], message: str) -> HightouchError:
    return cls(message)


def _plain(value: Value | None) -> dict[str, Any] | None:
    return None if value is None else value.to_dict()


@public
class RunFailedError(HightouchError):
    """The run failed, was cancelled or was interrupted, or it ended with warnings and ``on_warning`` is ``"raise"``."""

    kind = "run_failed"
    if TYPE_CHECKING:
        _state: type[SyncRun | SequenceRun | IdentityGraphRun] | None
        _items: Sequence[hightouch_sdk.BatchItem]
        _problem: bytes
    _state = None
    _items = ()
    _problem = b"null"

    def of(self, state: type[Any]) -> None:
        """Sets the type of ``result``. The handle of the run calls this method."""
        self._state = state

    def because(self, problem: bytes) -> None:
        """Sets the JSON of ``problem``. The function that creates the error calls this method."""
        self._problem = problem

    @property
    def problem(self) -> hightouch_sdk.RunProblem | None:
        """Why the run did not succeed, and what to do.

        None for the error of a batch: each of the ``items`` has a ``problem`` in its ``state``.
        """
        from ._models import RunProblem

        found: RunProblem | None = Decoder(RunProblem | None).decode(self._problem)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Copies what the error says into a dict; see :meth:`HightouchError.to_dict`. Adds two keys.

        ``problem`` says why the run did not succeed; it is ``None`` for a batch. ``items`` lists the failed items of a
        batch, each with its ``problem``. Times within ``items`` are ``datetime`` objects.
        """
        items = [
            {**item.to_dict(), "problem": _plain(None if item.state is None else item.state.problem)}
            for item in self.items
        ]
        return {**super().to_dict(), "problem": _plain(self.problem), "items": items}

    def of_batch(self, items: Sequence[hightouch_sdk.BatchItem]) -> None:
        """Takes all items of the batch, and sets ``items`` to the failed items. The batch calls this method."""
        self._items = [items[failed["index"]] for failed in self.details or ()]

    @property
    def items(self) -> list[hightouch_sdk.BatchItem]:
        """The failed items, if the error is of a batch (``syncs.run_many``); otherwise an empty list."""
        return list(self._items)

    @property
    def result(self) -> hightouch_sdk.SyncRun | hightouch_sdk.SequenceRun | hightouch_sdk.IdentityGraphRun:
        """The last state of the run, of the type that ``wait`` returns. The error of a batch has ``items`` instead."""
        if self._items:
            raise AttributeError("The error of a batch has `items`, one for each failed sync, and no `result`.")
        from ._models import SyncRun

        raw = b"null" if self._details is None else self._details.raw
        return Decoder(self._state or SyncRun).decode(raw)
