"""Passes the calls of a client to the core as JSON, and raises the failures of the core as exceptions."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

from msgspec import DecodeError
from msgspec.json import Decoder

from ._answers import HEAD, PLACE, STARTED
from ._encoding import NOT_WRITTEN, args_json, encoded, options_json
from ._errors import LOADING, ConfigError, HightouchError, ProtocolError, failure
from ._log import listener, log_ended, shows_ends
from ._native import Engine, Mailbox, monotonic
from ._surrogates import decode
from ._threads import guard
from ._waiting import arrived, called

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._answers import Head, Meta, Place, RawAnswer
    from ._encoding import Args, Opts
    from ._hooks import CallEnd, CallStart, Hooks
    from ._keys import Keys

    Answer: TypeAlias = tuple[bool, str, bytes]
    """An answer of the core: whether the call succeeded, the head (how the call went), and the body."""

    Late: TypeAlias = Callable[[bytes], object]
    """A function that receives the result of a call that succeeded although the wait for the call was interrupted."""

P = ParamSpec("P")
T = TypeVar("T")


def read(answer: Answer, op: str, keys: Keys | None = None) -> tuple[str, bytes]:
    """Returns the head and the body of an answer. Logs the end of the call, except for operations on a batch.

    Raises:
        HightouchError: The call failed.
    """
    ok, head, body = answer
    if shows_ends() and not op.startswith("batch."):
        _log_end(ok, head)
    if ok:
        return head, body
    error = failure(head)
    if keys is not None and error.code == KEY_FUNCTION:
        error.__cause__ = keys.failure
    raise error


def settled(
    called: tuple[Answer | None, BaseException | None], op: str, keys: Keys | None = None, late: Late | None = None
) -> tuple[str, bytes]:
    """Returns the head and the body of a call that this thread waited for.

    Raises:
        HightouchError: The call failed.
        BaseException: The exception that a signal handler raised during the wait.
    """
    answer, raised = called
    if raised is not None:
        interrupted(raised, op, answer, late)
        raise raised
    # Without an exception, the bridge always returns an answer.
    assert answer is not None  # noqa: S101
    return read(answer, op, keys)


def interrupted(raised: BaseException, op: str, last: Answer | None, late: Late | None) -> None:
    """Handles ``last``, the answer to an interrupted call. ``raised`` is the exception that interrupted the call.

    If there is a function ``late``, passes it the body of a successful answer. Otherwise adds a note to ``raised``.
    """
    if late is None:
        note(raised, op, last)
    elif last is not None and last[0]:
        late(last[2])


def note(raised: BaseException, op: str, last: Answer | None) -> None:
    """Adds a note to the exception that interrupted a call. The note says whether the request may have taken effect."""
    operation = op.removeprefix("client.")
    if last is None:
        add_note(raised, f"{operation} was interrupted. Whether its request was sent is not known.")
    elif last[0]:
        add_note(raised, f"{operation} had already succeeded when it was interrupted.")
        with suppress(DecodeError):
            note_run(raised, STARTED.decode(last[2]).token)
    else:
        error = failure(last[1])
        add_note(raised, str(error))
        note_run(raised, error.run_token)


def note_run(raised: BaseException, token: str | None) -> None:
    """Adds a note that says how to resume the run, unless the exception has such a note already."""
    if token is not None and not any(token in note for note in getattr(raised, "__notes__", ())):
        add_note(raised, f"The run was not stopped. Resume it with `client.run({token!r})`.")


def add_note(raised: BaseException, text: str) -> None:
    """Adds a note to an exception, as ``BaseException.add_note`` does in Python 3.11 and newer."""
    raised.__notes__ = [*getattr(raised, "__notes__", ()), text]  # type: ignore[attr-defined]


_SLICE_S = 0.05

UNHOOKED = frozenset({"syncs.estimate_many", "batch.next"})
"""Operations without hooks: an estimate sends nothing, and ``batch.next`` only waits for changes of a batch."""

KEY_FUNCTION = "key_function"
"""The code of the error if the function that returns the API key fails."""


def _log_end(ok: bool, head: str) -> None:
    error = None if ok else failure(head)
    meta = meta_of(head) if error is None else error.meta
    if meta is not None:
        log_ended(error, meta)


_DECODERS: dict[object, Decoder[Any]] = {}


def decoder(of: type[T]) -> Decoder[T]:
    """Returns the decoder of a type. Creates the decoder at its first use."""
    # In Python without the GIL, `_DECODERS[of]` takes no lock, but `_DECODERS.get(of)` does.
    try:
        return _DECODERS[of]
    except KeyError:
        with LOADING:
            made = _DECODERS[of] = Decoder(of)
        return made


def decoded(decoder: Decoder[T], body: bytes) -> T:
    """Decodes an answer.

    Raises:
        ProtocolError: The answer does not fit its type.
    """
    try:
        return decode(decoder, body)
    except DecodeError as error:
        raise ProtocolError(f"The answer does not fit its type: {error}.") from error


def _head(head: str) -> Head:
    # The head of a raw answer contains the value, which may have lone surrogates. `Decoder.decode` refuses them; this
    # `decode` accepts them.
    return decode(HEAD, head.encode())


def meta_of(head: str) -> Meta:
    return _head(head).meta


def place_of(head: str) -> Place:
    # Decodes only the members of `Place`, because this function runs for each page of a list.
    return PLACE.decode(head)


def answer_of(head: str) -> tuple[Meta, RawAnswer]:
    """Returns the metadata of a raw call, and its answer without the body."""
    it = _head(head)
    # The core returns an answer for each raw call that succeeds.
    assert it.answer is not None  # noqa: S101
    return it.meta, it.answer


class Pending:
    """A call that was started. Interrupting a wait for its answer does not cancel the call."""

    def __init__(self, engine: Engine, op: str, args: Args) -> None:
        self._mailbox = Mailbox()
        self._answer: Answer | None = None
        engine.start(op, args_json(args), "", self._mailbox, 0)

    def wait(self, seconds: float | None) -> Answer | None:
        """Waits for the answer; returns None if no answer arrives within ``seconds``. Several threads may wait."""
        end = None if seconds is None else monotonic() + seconds
        while self._answer is None and (end is None or monotonic() < end):
            # Waits in short slices, because Python runs signal handlers only between two waits.
            if arrived(self._mailbox, _SLICE_S):
                for _, answer in self._mailbox.drain():
                    self._answer = answer
        return self._answer


class Door:
    """Passes calls to the engine: the core's client in this process. A forked child opens an engine of its own."""

    __slots__ = ("_closed", "_engine", "_pid", "hooks", "keys")

    def __init__(self, engine: Engine, keys: Keys | None) -> None:
        self.hooks: Hooks | None = None
        self.keys: Keys | None = keys
        """Calls the function that returns the key; None if the key is a string."""
        self._closed = False
        self._engine = engine
        self._pid = os.getpid()

    @property
    def engine(self) -> Engine:
        if self._pid != os.getpid():
            with guard():
                if self._pid != os.getpid():
                    self._reopen()
        return self._engine

    def _reopen(self) -> None:
        engine = self._engine.reopen()
        if self._closed:
            engine.call("client.close", "", "")
        if self.keys is not None:
            self.keys = self.keys.again()
        self._engine = engine
        # Sets the process id last: once it is set, other threads use the engine without the lock.
        self._pid = os.getpid()

    def call(
        self, op: str, args: Args | None = None, opts: Opts | None = None, late: Late | None = None
    ) -> tuple[str, bytes]:
        """Makes a call, waits in this thread for its end, and returns its head and body."""
        try:
            engine = self.engine
            if self.keys is not None:
                opts = self.keys.serve(engine, opts or {})
            text = args_json(args) if args else ""
            if self.hooks is None or op in UNHOOKED:
                given = options_json(opts) if opts else ""
                return settled(called(engine, op, text, given, listener()), op, self.keys, late)
            with self.hooks.around(engine, op, text, opts or {}) as around:
                it = called(engine, op, text, options_json(around.options()), listener())
                answer = settled(it, op, self.keys, late)
                around.meta = meta_of(answer[0])
            return answer
        except HightouchError as error:
            # Removes the frames below this one from the traceback, because they mean nothing to the caller.
            raise error.with_traceback(None)  # noqa: B904

    def add_hooks(
        self, on_start: Callable[[CallStart], object] | None, on_end: Callable[[CallEnd], object] | None
    ) -> None:
        """Adds hooks for later calls. Calls in progress keep the hooks that they have."""
        with LOADING:
            from ._hooks import Hooks

        with guard():
            self.hooks = Hooks(on_start, on_end, self.hooks)

    def local(self, op: str, args: Args | None = None) -> tuple[str, bytes]:
        """Runs an operation that sends nothing."""
        return settled(self.engine.call(op, args_json(args or {}), ""), op)

    def begin(self, op: str, args: Args) -> Pending:
        """Starts a call that sends nothing. No hooks are called. The call goes on even if nobody waits for it."""
        return Pending(self.engine, op, args)

    def __reduce__(self) -> Any:
        raise TypeError(
            "A client and what belongs to it cannot be pickled, because they hold the API key. Create a client in each"
            " process."
        )

    def set_key(self, key: object) -> BaseException | None:
        """Replaces the key; returns the error, if there is one."""
        return set_key(self.engine, key)

    def closed(self) -> None:
        """Records that the client is closed, so that its copy in a forked child is closed too."""
        self._closed = True

    def close(self) -> None:
        self.closed()
        self.local("client.close")


# Error reports show the local variables of each frame. So a function that takes the key returns its error instead of
# raising it. A caller raises the error from a frame that does not hold the key.


def returned(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | BaseException:
    """Calls a function. Returns its result, or the exception that it raises, without traceback and causes."""
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)


def open_engine(settings: Mapping[str, object]) -> Engine:
    """Creates the core's client from settings. Leaves out settings that are None."""
    given = {name: value for name, value in settings.items() if value is not None}
    try:
        text = encoded(given)
    except NOT_WRITTEN as error:
        raise ConfigError(f"The settings cannot be written as JSON: {error}.") from error
    try:
        return Engine(text)
    except ValueError as error:
        raise failure(str(error)) from error


def set_key(engine: Engine, key: object) -> BaseException | None:
    """Replaces the key; returns the error, if there is one."""
    return returned(_set_key, engine, key)


def _set_key(engine: Engine, key: object) -> None:
    try:
        args = encoded({"apiKey": key_text(key)})
    except UnicodeEncodeError as error:
        raise ConfigError("The API key is not valid Unicode text.") from error
    settled(engine.call("client.setKey", args, ""), "client.setKey")


def key_text(key: object) -> str:
    """Returns the key's text. An object with ``get_secret_value()``, such as pydantic's ``SecretStr``, is unwrapped.

    Raises:
        ConfigError: The key is not a string.
    """
    unwrap = getattr(key, "get_secret_value", None)
    text = unwrap() if callable(unwrap) else key
    if isinstance(text, str):
        return text
    advice = " Decode it first: `api_key.decode()`." if isinstance(text, (bytes, bytearray)) else ""
    raise ConfigError(f"The API key must be a string, not {type(text).__name__}.{advice}")
