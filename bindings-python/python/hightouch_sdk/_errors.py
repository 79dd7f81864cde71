"""Every way in which a call can fail, as exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from ._halves import decode, shown
from ._json import Json, json_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._models import IdentityGraphRun, SequenceRun, SyncRun


class Attempt(Struct, frozen=True, kw_only=True):
    """One request of a call: the status that it was answered with, or how it failed."""

    status: int | None = None
    """The HTTP status that it was answered with."""
    failure: str | None = None
    """The kind of its failure, where no answer came."""
    ms: float = 0.0
    """Milliseconds that it took."""


class Cut(Struct, frozen=True, kw_only=True):
    """What a refusal for the limit (429) changed for all clients of the process that use the same key."""

    allowed: int
    """Requests that are let through in a window from then on."""
    closed_ms: float = field(name="closedMs", default=0.0)
    """Milliseconds for which nothing was let through."""


class Meta(Struct, frozen=True, kw_only=True):
    """What became of a call on its way: for logs and traces."""

    request_id: str = field(name="requestId", default="")
    """Ours; it was sent as ``X-Request-Id``."""
    operation: str = ""
    """The operation by the API's own name for it."""
    waited_ms: float = field(name="waitedMs", default=0.0)
    """Milliseconds that the call stood waiting for the limit."""
    duration_ms: float = field(name="durationMs", default=0.0)
    """Milliseconds from start to end, all attempts and waits included."""
    mended: list[str] = []
    """Where the answer had to be put right to fit its type."""
    attempts: list[Attempt] = []
    """The requests that were made, in their order."""
    cuts: list[Cut] = []
    """What the refusals of this call for the limit changed; each is also logged as a warning."""
    status: int | None = None
    """The HTTP status of a raw answer."""
    headers: dict[str, str] | None = None
    """The headers of a raw answer; their names are in lower case."""


class HightouchError(Exception):
    """The base of every error that this package raises; a kind newer than the package is of this class itself."""

    kind: str = "internal"
    """The kind, by its name in every language."""

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        code: str | None = None,
        status: int | None = None,
        details: object = None,
        operation: str | None = None,
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
        """One whole sentence."""
        self.code = code
        """The finer reason if one is known, such as ``"bad_token"``, ``"dns"`` or ``"key_function"``: for a refused key
        or a failed connection one of the codes of a :class:`Finding`. Later versions may know more of them."""
        self.status = status
        """The HTTP status, where the server answered."""
        self._details: Json | None = json_of(details)
        self.operation = operation
        """The operation that failed, such as ``"syncs.list"``."""
        self.resource = resource
        """What it was about, such as ``"syncs"``."""
        self.retry_after = retry_after
        """Seconds after which another try makes sense."""
        self.hint = hint
        """What to do about it."""
        self.causes = list(causes)
        """The errors beneath, outermost first."""
        self.meta = meta
        """What became of the call on its way."""
        self.run_token = run_token
        """The token of the run that this is about; ``Hightouch.run(token)`` takes it up again."""

    @property
    def details(self) -> Any:
        """What the server, or the SDK, has to say beyond the message: plain JSON values."""
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


class ConfigError(HightouchError, ValueError):
    """The settings of a client are wrong or incomplete; nothing was sent."""

    kind = "config"


class InvalidRequestError(HightouchError, ValueError):
    """The arguments of a call are wrong, or the server refused them with a 400."""

    kind = "invalid_request"


class AuthenticationError(HightouchError):
    """The server does not know the key (401), or the function that gives the key failed."""

    kind = "authentication"


class PermissionDeniedError(HightouchError):
    """The key may not do this (403)."""

    kind = "permission"


class NotFoundError(HightouchError):
    """There is no such thing (404)."""

    kind = "not_found"


class ConflictError(HightouchError):
    """Something is in the way of this change (409)."""

    kind = "conflict"


class ValidationError(HightouchError):
    """The server found the request invalid (422); ``details`` says where."""

    kind = "validation"


class RateLimitedError(HightouchError):
    """The limit leaves no room in the time that the call has."""

    kind = "rate_limited"


class ServerError(HightouchError):
    """The server failed (5xx)."""

    kind = "server"


class ConnectError(HightouchError, ConnectionError):
    """There is no connection to the server, or it broke."""

    kind = "connect"


class TlsError(HightouchError, ConnectionError):
    """No safe connection could be agreed on, or the server's certificate is not trusted."""

    kind = "tls"


class ProxyError(HightouchError, ConnectionError):
    """The proxy refused, or cannot be reached."""

    kind = "proxy"


class RequestTimeoutError(HightouchError, TimeoutError):
    """The time of an attempt (``timeout``) or of the whole call (``deadline``) ran out."""

    kind = "timeout"


class CallCancelledError(HightouchError):
    """The call was told to stop."""

    kind = "cancelled"


class ProtocolError(HightouchError):
    """The server's answer is not what the API promises."""

    kind = "protocol"


class OutcomeUnknownError(HightouchError):
    """The request may or may not have had its effect; look before you repeat it."""

    kind = "outcome_unknown"


class RunFailedError(HightouchError):
    """The run that was waited for ended badly."""

    kind = "run_failed"
    _state: type[SyncRun | SequenceRun | IdentityGraphRun] | None = None

    def of(self, state: type[Any]) -> None:
        """Note what kind of run it was; its handle does, which knows."""
        self._state = state

    @property
    def result(self) -> SyncRun | SequenceRun | IdentityGraphRun:
        """The run as it ended: of the type that the handle's ``wait`` would have returned."""
        from ._models import SyncRun

        raw = b"null" if self._details is None else self._details.raw
        return Decoder(self._state or SyncRun).decode(raw)


class WaitTimeoutError(HightouchError, TimeoutError):
    """The run was still going when the time to wait for it ran out; it was left alone."""

    kind = "wait_timeout"


class ClientClosedError(HightouchError):
    """The client was closed."""

    kind = "closed"


class InternalError(HightouchError):
    """A fault of this package; please report it."""

    kind = "internal"


BY_KIND: dict[str, type[HightouchError]] = {
    cls.kind: cls
    for cls in (
        ConfigError,
        InvalidRequestError,
        AuthenticationError,
        PermissionDeniedError,
        NotFoundError,
        ConflictError,
        ValidationError,
        RateLimitedError,
        ServerError,
        ConnectError,
        TlsError,
        ProxyError,
        RequestTimeoutError,
        CallCancelledError,
        ProtocolError,
        OutcomeUnknownError,
        RunFailedError,
        WaitTimeoutError,
        ClientClosedError,
        InternalError,
    )
}


class _Failure(Struct):
    kind: str
    message: str
    code: str | None = None
    status: int | None = None
    details: Raw = Raw(b"null")
    operation: str | None = None
    resource: str | None = None
    retry_after_ms: float | None = field(name="retryAfterMs", default=None)
    hint: str | None = None
    causes: list[str] = []
    meta: Meta | None = None
    run: str | None = None

    def __post_init__(self) -> None:
        self.details = Raw(shown(bytes(self.details)))


_FAILURE = Decoder(_Failure)


def failure(head: str | bytes) -> HightouchError:
    """The exception that the door's failure stands for."""
    it = decode(_FAILURE, head.encode() if isinstance(head, str) else head)
    details = Json.from_raw(it.details)
    return BY_KIND.get(it.kind, HightouchError)(
        it.message,
        kind=it.kind,
        code=it.code,
        status=it.status,
        details=None if details.raw == b"null" else details,
        operation=it.operation,
        resource=it.resource,
        retry_after=None if it.retry_after_ms is None else it.retry_after_ms / 1000,
        hint=it.hint,
        causes=it.causes,
        meta=it.meta,
        run_token=it.run,
    )
