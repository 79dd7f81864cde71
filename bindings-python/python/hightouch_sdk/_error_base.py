"""The base class of all errors, and the data of a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.json import Decoder

import hightouch_sdk

from ._json import Json, json_of
from ._public import public

if TYPE_CHECKING:
    from ._models import IdentityGraphRun, SequenceRun, SyncRun


class Attempt(Struct, frozen=True, kw_only=True):
    """One request of a call. It has either a status or a failure."""

    status: int | None = None
    """The HTTP status of the answer."""
    failure: str | None = None
    """The kind of the failure, if there was no answer."""
    ms: float = 0.0
    """How long the request took, in milliseconds."""


class Cut(Struct, frozen=True, kw_only=True):
    """How a refusal (429) lowered the rate limit for all clients of the process that use the same key."""

    allowed: int
    """How many requests per window are sent from then on."""
    closed_ms: float = field(name="closedMs", default=0.0)
    """For how long nothing was sent, in milliseconds."""


class Meta(Struct, frozen=True, kw_only=True):
    """The metadata of a call, for logs and traces."""

    request_id: str = field(name="requestId", default="")
    """The id that this package sent as ``X-Request-Id``."""
    operation: str = ""
    """The method that was called, such as ``"syncs.list"``."""
    operation_id: str | None = field(name="operationId", default=None)
    """The API's name for the operation, such as ``"ListSync"``; None for a call that has none, such as ``request``."""
    waited_ms: float = field(name="waitedMs", default=0.0)
    """How long the call waited for the rate limit, in milliseconds."""
    duration_ms: float = field(name="durationMs", default=0.0)
    """How long the call took, with all attempts and waits, in milliseconds."""
    mended: list[str] = []
    """The places where the answer did not fit its type and was corrected."""
    attempts: list[Attempt] = []
    """The requests that were sent, in their order."""
    cuts: list[Cut] = []
    """How refusals of this call lowered the rate limit. Each is also logged as a warning."""


@public
class HightouchError(Exception):
    """The base class of all errors of this package.

    An error of a kind that this version does not know is of this class itself.
    """

    kind: str = "internal"
    """The kind of the error, by its name in all languages."""

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
        """The reason within the kind, such as ``"bad_token"``, ``"dns"`` or ``"key_function"``, if it is known. For a
        refused key or a failed connection it is the code of a :class:`Finding`. Later versions may add codes."""
        self.status = status
        """The HTTP status, if the server answered."""
        self._details: Json | None = json_of(details)
        self.operation = operation
        """The method that failed, such as ``"syncs.list"``."""
        self.operation_id = operation_id
        """The API's name for the operation, such as ``"ListSync"``."""
        self.resource = resource
        """What the call was about, such as ``sync "orders"``."""
        self.retry_after = retry_after
        """After how many seconds another attempt makes sense."""
        self.hint = hint
        """What to do about it, as a sentence."""
        self.causes = list(causes)
        """The underlying errors, outermost first."""
        self.meta = meta
        """The metadata of the call."""
        self.run_token = run_token
        """The token of the run that this is about. ``client.run(token)`` resumes it."""

    @property
    def details(self) -> Any:
        """Further details of the server or of this package, as plain JSON values."""
        return None if self._details is None else self._details.to_python()

    @property
    def request_id(self) -> str | None:
        """The ``X-Request-Id`` of the call."""
        return None if self.meta is None else self.meta.request_id

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_again, (type(self), self.message), self.__dict__)


def _again(cls: type[HightouchError], message: str) -> HightouchError:
    return cls(message)


@public
class RunFailedError(HightouchError):
    """The run failed, was cancelled or was interrupted, or it ended with warnings that were to be raised."""

    kind = "run_failed"
    if TYPE_CHECKING:
        _state: type[SyncRun | SequenceRun | IdentityGraphRun] | None
    _state = None

    def of(self, state: type[Any]) -> None:
        """Sets the type of ``result``; the handle of the run calls this."""
        self._state = state

    @property
    def result(self) -> hightouch_sdk.SyncRun | hightouch_sdk.SequenceRun | hightouch_sdk.IdentityGraphRun:
        """The last state of the run, of the type that ``wait`` returns."""
        from ._models import SyncRun

        raw = b"null" if self._details is None else self._details.raw
        return Decoder(self._state or SyncRun).decode(raw)
