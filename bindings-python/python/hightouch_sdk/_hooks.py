"""Hooks, which are called before and after each call."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import force_setattr

from ._callables import check_function
from ._encoding import checked_headers
from ._errors import ConfigError, HightouchError, InvalidRequestError, Meta
from ._log import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ._encoding import Opts
    from ._native import Engine


class CallStart(Struct, frozen=True, kw_only=True, rename="camel"):
    """A call that is about to start."""

    call_id: str = ""
    """The id of the call: 32 hexadecimal digits. A call has one id, even if it needs several requests. The call's
    :class:`CallEnd`, metadata and log records have the same id."""
    operation: str
    """The method, such as ``"syncs.list"``. ``"run"`` is a step of :meth:`Run.wait` or :meth:`Run.states`."""
    operation_id: str | None = None
    """The API's own name of the operation, such as ``"ListSync"``; None if the method has no such name."""
    resource: str | None = None
    """The resource that the call is about, such as ``"sync 7"``; None if the call is about no single resource."""
    sync: str | None = None
    """The sync that the call is about: the id or slug that the caller gave. For a method of a run, it is the sync's
    id."""
    http_method: str | None = None
    """The HTTP method, such as ``"GET"``; None if the call has requests of several kinds."""
    url_template: str | None = None
    """The path below the base URL, such as ``"/syncs/{syncId}"``; None if the call has no fixed path."""
    server_address: str | None = None
    """The host name of the API, or of the gateway through which the API is reached."""
    server_port: int | None = None
    """The port of the server."""
    batch_call_id: str | None = None
    """For a request that a batch has sent in the background: the id of the call ``syncs.run_many`` that started the
    batch. None for every other call. Hooks are called for such a request only after its end, while the program waits
    for the batch, iterates over the batch or stops it."""
    started_ms: float = 0.0
    """When the call began, in milliseconds since 1970. For a request of a batch, hooks are called long after this
    time."""
    headers: dict[str, str] = {}
    """The headers to send in addition to those of the client. At first, these are the headers in the option
    ``headers``. A hook may add headers, such as ``traceparent``, and change or remove headers. All requests of the call
    send the resulting headers. If a hook adds a header that the option may not contain, the call raises
    :class:`InvalidRequestError`, and nothing is sent. All requests of a batch send the headers of the call
    ``syncs.run_many``, so changing the headers of such a request has no effect."""


class CallEnd(Struct, frozen=True, kw_only=True):
    """A call that has ended."""

    call_id: str = ""
    """The id of the call, as in :class:`CallStart`."""
    operation: str
    """The method, as in :class:`CallStart`."""
    operation_id: str | None = None
    """The API's own name of the operation, as in :class:`CallStart`."""
    resource: str | None = None
    """The resource that the call is about, as in :class:`CallStart`."""
    sync: str | None = None
    """The sync that the call is about, as in :class:`CallStart`."""
    batch_call_id: str | None = None
    """The id of the call that started the batch, as in :class:`CallStart`."""
    meta: Meta | None = None
    """The metadata of the call. None if the call was interrupted; may be None if nothing was sent."""
    error: BaseException | None = None
    """The exception that the call raises; None if the call succeeded."""


_START = Decoder(CallStart)


def began(call: CallStart, ago_ms: float) -> None:
    """Sets the start of a call to ``ago_ms`` milliseconds before now."""
    force_setattr(call, "started_ms", time() * 1000 - ago_ms)


class Hooks:
    """The hooks of a client. To add hooks to a client, pass its present hooks as ``earlier``."""

    __slots__ = ("_on_end", "_on_start")

    def __init__(
        self,
        on_start: Callable[[CallStart], object] | None,
        on_end: Callable[[CallEnd], object] | None,
        earlier: Hooks | None = None,
    ) -> None:
        check_function("on_start", on_start, ConfigError)
        check_function("on_end", on_end, ConfigError)
        starts: tuple[Callable[[CallStart], object], ...] = () if earlier is None else earlier._on_start
        ends: tuple[Callable[[CallEnd], object], ...] = () if earlier is None else earlier._on_end
        self._on_start: tuple[Callable[[CallStart], object], ...] = (
            (*starts, on_start) if on_start is not None else starts
        )
        self._on_end: tuple[Callable[[CallEnd], object], ...] = (on_end, *ends) if on_end is not None else ends

    def around(self, engine: Engine, op: str, args: str, opts: Opts) -> Around:
        """Returns a context manager that calls the hooks before and after one call."""
        start = _START.decode(engine.announce(op, args))
        began(start, 0)
        headers = opts.get("headers")
        if isinstance(headers, dict):
            start.headers.update(cast("dict[str, str]", headers))
        return Around(self, start, opts)

    def started(self, call: CallStart) -> None:
        for hook in self._on_start:
            _run(hook, call)

    def ended(self, call: CallStart, meta: Meta | None, error: BaseException | None) -> None:
        end = CallEnd(
            call_id=call.call_id,
            operation=call.operation,
            operation_id=call.operation_id,
            resource=call.resource,
            sync=call.sync,
            batch_call_id=call.batch_call_id,
            meta=meta,
            error=error,
        )
        for hook in self._on_end:
            _run(hook, end)


class Around:
    """Calls the hooks before and after one call. The caller sets ``meta`` once the call has succeeded."""

    __slots__ = ("_call", "_hooks", "_opts", "meta")

    def __init__(self, hooks: Hooks, call: CallStart, opts: Opts) -> None:
        self._hooks = hooks
        self._call = call
        self._opts = opts
        self.meta: Meta | None = None

    def options(self) -> Opts:
        """Returns the options of the call, with its id and with the headers that the hooks want.

        Raises:
            InvalidRequestError: A hook has set a header to something else than a string.
        """
        headers = checked_headers(self._call.headers, InvalidRequestError)
        return {**self._opts, "callId": self._call.call_id, "headers": headers or None}

    def __enter__(self) -> Around:  # noqa: PYI034
        self._hooks.started(self._call)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        meta = error.meta if isinstance(error, HightouchError) else self.meta
        self._hooks.ended(self._call, meta, error)


def _run(hook: Callable[[Any], object], event: object) -> None:
    try:
        hook(event)
    except Exception:
        # A hook must not change the outcome of a call, so its exception is only logged.
        log = logger()
        if log is not None:
            log.exception("A hook raised an exception.")
