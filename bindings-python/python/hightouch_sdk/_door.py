"""A client's way to the core: calls go in as JSON, answers and failures come out as Python values."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar, overload

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, to_builtins
from msgspec.json import Decoder, Encoder

from ._errors import ConfigError, HightouchError, InvalidRequestError, Meta, ProtocolError, failure
from ._halves import decode
from ._json_text import HasText, dumps
from ._log import logger
from ._moments import plain
from ._native import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from logging import Logger

    from ._hooks import Hooks
    from ._json_text import Hook
    from ._keys import Keys

    Answer: TypeAlias = tuple[bool, str, bytes]
    """Whether it is good, its head, its body."""

P = ParamSpec("P")
T = TypeVar("T")

Args: TypeAlias = "Mapping[str, object]"
"""Arguments of an operation under the door's names: ``UNSET`` leaves one out, ``None`` is null."""

Opts: TypeAlias = "Mapping[str, object]"
"""Options of a call under the door's names: ``None`` leaves one to the client's settings."""

Seconds: TypeAlias = float | timedelta
"""A length of time: seconds, or a ``timedelta``."""


class Head(Struct):
    """What the door says beside the body of an answer."""

    meta: Meta
    next: str | None = None


_HEAD = Decoder(Head)


def milliseconds(name: str, length: object, error: type[HightouchError] = InvalidRequestError) -> int | None:
    """Turn a length of time into the door's whole milliseconds, never to fewer than were meant."""
    if length is None:
        return None
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    try:
        if not isinstance(seconds, bool) and isinstance(seconds, (int, float)):
            return math.ceil(round(float(seconds) * 1000, 6))
    except (OverflowError, ValueError):  # No number, no end, or beyond what a float holds.
        pass
    raise error(f"`{name}` must be a finite number of seconds or a timedelta, not {length!r}.")


def options(
    timeout: Seconds | None,
    deadline: Seconds | None,
    max_retries: int | None,
    max_wait: Seconds | None,
    priority: str | None,
    headers: Mapping[str, str] | None,
) -> Opts:
    """The options of one call, under the door's names."""
    return {
        "timeoutMs": milliseconds("timeout", timeout),
        "deadlineMs": milliseconds("deadline", deadline),
        "maxRetries": max_retries,
        "maxWaitMs": milliseconds("max_wait", max_wait),
        "priority": priority,
        "headers": None if headers is None else dict(headers),
    }


@overload
def written(value: UnsetType) -> UnsetType: ...
@overload
def written(value: object) -> Raw | UnsetType: ...
def written(value: object) -> Raw | UnsetType:
    """JSON of a user's value of any shape; what JSON cannot express is an error and not a null."""
    if isinstance(value, UnsetType):
        return value
    try:
        return Raw(dumps(value, _plain).encode())
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequestError(f"A value cannot be written as JSON: {error}.") from error


def _plain(value: object, hook: Hook) -> object:
    def known(part: object) -> object:
        moment = plain(part)
        return hook(part) if moment is part else moment

    return to_builtins(value, enc_hook=known)


def _encode(value: object) -> Any:
    if isinstance(value, HasText):
        return Raw(value.text.encode())
    moment = plain(value)
    if moment is value:
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return moment


_ENCODER = Encoder(enc_hook=_encode)


def args_json(args: Args) -> str:
    """The arguments of a call."""
    try:
        return _ENCODER.encode({name: value for name, value in args.items() if value is not UNSET}).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequestError(f"An argument cannot be written as JSON: {error}.") from error


def options_json(opts: Opts) -> str:
    """The options of a call."""
    return args_json({name: UNSET if value is None else value for name, value in opts.items()})


def read(answer: Answer, keys: Keys | None = None) -> tuple[str, bytes]:
    """Head and body of an answer; a failure is raised."""
    ok, head, body = answer
    log = logger()
    if log is not None and log.isEnabledFor(_DEBUG):
        _log(log, ok, head)
    # Most answers have none, and reading each head would cost as much as the rest of the call here.
    if '"cuts":[{' in head:
        _warn(ok, head)
    if ok:
        return head, body
    error = failure(head)
    if keys is not None and error.code == KEY_FUNCTION:
        error.__cause__ = keys.failure
    raise error


def settled(called: tuple[Answer | None, BaseException | None], op: str, keys: Keys | None = None) -> tuple[str, bytes]:
    """Head and body of an answer that was waited for in this thread, unless a signal handler raised meanwhile."""
    answer, raised = called
    if raised is not None:
        note(raised, op, answer)
        raise raised
    # The bridge gives one or the other.
    assert answer is not None  # noqa: S101
    return read(answer, keys)


class _Run(Struct):
    token: str | None = None


def note(raised: BaseException, op: str, last: Answer | None) -> None:
    """Add to what interrupted a call what is known of its request, since its effect may remain."""
    if last is None:
        add_note(raised, f"{op} was interrupted; whether its request was sent is not known.")
    elif last[0]:
        add_note(raised, f"{op} had already succeeded when it was interrupted.")
        with suppress(DecodeError):
            note_run(raised, _RUN.decode(last[2]).token)
    else:
        error = failure(last[1])
        add_note(raised, str(error))
        note_run(raised, error.run_token)


def note_run(raised: BaseException, token: str | None) -> None:
    """Add how a run is taken up again, unless a note says it."""
    if token is not None and not any(token in note for note in getattr(raised, "__notes__", ())):
        add_note(raised, f"The run goes on; `run({token!r})` takes it up again.")


def add_note(raised: BaseException, text: str) -> None:
    """Add what is printed below the exception; the method for it is new in Python 3.11."""
    raised.__notes__ = [*getattr(raised, "__notes__", ()), text]  # type: ignore[attr-defined]


_RUN = Decoder(_Run)

_DEBUG = 10
"""``logging.DEBUG``."""

KEY_FUNCTION = "key_function"
"""The code of failures whose cause is the function that gives the key."""


def _seen(ok: bool, head: str) -> tuple[HightouchError | None, Meta | None]:
    error = None if ok else failure(head)
    return error, _HEAD.decode(head).meta if error is None else error.meta


def _log(log: Logger, ok: bool, head: str) -> None:
    error, meta = _seen(ok, head)
    if meta is None:
        return
    log.debug(
        "%s %s in %.0f ms, %.0f of them waiting for the limit; attempts %s, mended %s, request %s",
        meta.operation,
        "succeeded" if error is None else f"failed ({error.kind})",
        meta.duration_ms,
        meta.waited_ms,
        [attempt.failure or attempt.status for attempt in meta.attempts],
        meta.mended,
        meta.request_id,
    )


def _warn(ok: bool, head: str) -> None:
    _, meta = _seen(ok, head)
    log = logger(wanted=True)
    if meta is None or log is None:
        return
    for cut in meta.cuts:
        log.warning(
            "The server refused %s for the limit (429): %d requests in a window are let through from now on, and none"
            " for %.1f s; request %s",
            meta.operation,
            cut.allowed,
            cut.closed_ms / 1000,
            meta.request_id,
        )


_DECODERS: dict[object, Decoder[Any]] = {}


def decoder(of: type[T]) -> Decoder[T]:
    """The decoder of a type, made when the first answer of that type is asked for."""
    made = _DECODERS.get(of)
    if made is None:
        made = _DECODERS[of] = Decoder(of)
    return made


def decoded(decoder: Decoder[T], body: bytes) -> T:
    """The answer as its type."""
    try:
        return decode(decoder, body)
    except DecodeError as error:
        raise ProtocolError(f"The answer is not what its type says: {error}.") from error


def meta_of(head: str) -> Meta:
    """What became of a call."""
    return _HEAD.decode(head).meta


def next_of(head: str) -> str | None:
    """The token of the page that follows, if one may."""
    return _HEAD.decode(head).next


class Door:
    """The core's client of this process. A forked child opens one of its own with the same settings."""

    __slots__ = ("_closed", "_engine", "_pid", "hooks", "keys")

    def __init__(self, engine: Engine, hooks: Hooks | None, keys: Keys | None) -> None:
        self.hooks = hooks
        self.keys = keys
        """For a client whose key is given by a function."""
        self._closed = False
        self._engine = engine
        self._pid = os.getpid()

    @property
    def engine(self) -> Engine:
        if self._pid != os.getpid():
            engine = self._engine.reopen()
            if self._closed:
                engine.call("client.close", "", "")
            if self.keys is not None:
                self.keys = self.keys.again()
            self._engine, self._pid = engine, os.getpid()
        return self._engine

    def call(self, op: str, args: Args | None = None, opts: Opts | None = None) -> tuple[str, bytes]:
        """Make a call in this thread and wait for its head and body."""
        engine = self.engine
        if self.keys is not None:
            opts = self.keys.serve(engine, opts or {})
        texts = op, args_json(args or {}), options_json(opts or {})
        if self.hooks is None:
            return settled(engine.call(*texts), op, self.keys)
        with self.hooks.around(op) as around:
            answer = settled(engine.call(*texts), op, self.keys)
            around.meta = meta_of(answer[0])
        return answer

    def local(self, op: str, args: Args | None = None) -> tuple[str, bytes]:
        """Do something that sends nothing."""
        return settled(self.engine.call(op, args_json(args or {}), ""), op)

    def __reduce__(self) -> Any:
        raise TypeError(
            "A client, and what belongs to it, cannot be pickled, for it holds the key: make one in each process."
        )

    def set_key(self, key: object) -> BaseException | None:
        """Use another key; what went wrong is returned."""
        return set_key(self.engine, key)

    def closed(self) -> None:
        """Note that the client is closed, for children that inherit it."""
        self._closed = True

    def close(self) -> None:
        self.closed()
        self.local("client.close")


# What takes the key returns its error, which is raised where no frame holds the key: reports of errors show what frames
# hold.


def returned(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | BaseException:
    """What a function returns or raises, without the frames that it went through."""
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)


def open_engine(settings: Mapping[str, object]) -> Engine:
    """The core's client; settings that are None are left out."""
    given = {name: value for name, value in settings.items() if value is not None}
    try:
        text = _ENCODER.encode(given).decode()
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"The settings cannot be written as JSON: {error}.") from error
    try:
        return Engine(text)
    except ValueError as error:
        raise failure(str(error)) from error


def set_key(engine: Engine, key: object) -> BaseException | None:
    """Use another key; what went wrong is returned."""
    return returned(_set_key, engine, key)


def _set_key(engine: Engine, key: object) -> None:
    try:
        args = _ENCODER.encode({"apiKey": key_text(key)}).decode()
    except UnicodeEncodeError as error:
        raise ConfigError("The key holds text that is not Unicode.") from error
    settled(engine.call("client.setKey", args, ""), "client.setKey")


def key_text(key: object) -> str:
    """The key, if it is a string."""
    if not isinstance(key, str):
        raise ConfigError(f"The key must be a string, not {type(key).__name__}.")
    return key
