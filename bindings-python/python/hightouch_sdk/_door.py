"""A client's way to the core: calls go in as JSON, answers and failures come out as Python values."""

from __future__ import annotations

import math
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, to_builtins
from msgspec.json import Decoder, Encoder

from ._errors import (
    AuthenticationError,
    ConfigError,
    HightouchError,
    InvalidRequestError,
    Meta,
    ProtocolError,
    failure,
)
from ._halves import decode
from ._json_text import HasText, dumps
from ._keys import BlockingKeys
from ._moments import plain
from ._native import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._hooks import Hooks
    from ._json_text import Hook
    from ._keys import Keys

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


def read(answer: tuple[bool, str, bytes]) -> tuple[str, bytes]:
    """Head and body of an answer; a failure is raised."""
    ok, head, body = answer
    # A program that never imported logging has no handler that could hear us.
    logging = sys.modules.get("logging")
    if logging is not None:
        logger = logging.getLogger("hightouch_sdk")
        if logger.isEnabledFor(logging.DEBUG):
            _log(logger.debug, ok, head)
    if not ok:
        raise failure(head)
    return head, body


def _log(debug: Callable[..., None], ok: bool, head: str) -> None:
    error = None if ok else failure(head)
    meta = error.meta if error is not None else _HEAD.decode(head).meta
    if meta is None:
        return
    debug(
        "%s %s in %.0f ms, %.0f of them waiting for the limit; attempts %s, mended %s, request %s",
        meta.operation,
        "succeeded" if error is None else f"failed ({error.kind})",
        meta.duration_ms,
        meta.waited_ms,
        [attempt.failure or attempt.status for attempt in meta.attempts],
        meta.mended,
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
    """The core's client of this process. A forked child makes one of its own from the same settings."""

    __slots__ = ("_closed", "_engine", "_pid", "_settings", "hooks", "keys")

    def __init__(self, settings: dict[str, object], hooks: Hooks | None = None, keys: Keys[Any] | None = None) -> None:
        self._settings = settings
        self.hooks = hooks
        self.keys = keys
        """For a client whose key is given by a function."""
        self._closed = False
        self._engine = _open(settings)
        self._pid = os.getpid()

    @property
    def engine(self) -> Engine:
        if self._pid != os.getpid():
            engine = _open(self._settings)
            if self._closed:
                engine.call("client.close", "", "")
            self._engine, self._pid = engine, os.getpid()
        return self._engine

    def call(self, op: str, args: Args | None = None, opts: Opts | None = None) -> tuple[str, bytes]:
        """Make a call in this thread and wait for its head and body."""
        texts = op, args_json(args or {}), options_json(opts or {})
        keys = self.keys
        if not isinstance(keys, BlockingKeys):
            return self._send(*texts)
        seen = keys.epoch
        try:
            return self._send(*texts)
        except AuthenticationError:
            if not keys.renewed(self, seen):
                raise
        return self._send(*texts)

    def _send(self, op: str, args: str, opts: str) -> tuple[str, bytes]:
        if self.hooks is None:
            return read(self.engine.call(op, args, opts))
        with self.hooks.around(op) as around:
            answer = read(self.engine.call(op, args, opts))
            around.meta = meta_of(answer[0])
        return answer

    def local(self, op: str, args: Args | None = None) -> tuple[str, bytes]:
        """Do something that sends nothing."""
        return read(self.engine.call(op, args_json(args or {}), ""))

    def __reduce__(self) -> Any:
        raise TypeError(
            "A client, and what belongs to it, cannot be pickled, for it holds the key: make one in each process."
        )

    def has_key(self, key: str) -> bool:
        """Whether this is the key in use."""
        return self._settings.get("apiKey") == key

    def set_key(self, key: str) -> None:
        self.local("client.setKey", {"apiKey": key})
        without = ("apiKeyFile", "keyLater")
        settings = {name: value for name, value in self._settings.items() if name not in without}
        self._settings = {**settings, "apiKey": key}
        if self.keys is not None:
            self.keys.replaced()

    def closed(self) -> None:
        """Note that the client is closed, for children that inherit it."""
        self._closed = True

    def close(self) -> None:
        self.closed()
        self.local("client.close")


def _open(settings: Mapping[str, object]) -> Engine:
    text, why = "", ""
    try:
        text = _ENCODER.encode(settings).decode()
    except (TypeError, ValueError, OverflowError) as error:
        why = str(error)
    if why:
        # Out here, so that the error does not keep the other one, which may hold the key.
        raise ConfigError(f"The settings cannot be written as JSON: {why}.")
    try:
        return Engine(text)
    except ValueError as error:
        raise failure(str(error)) from None
