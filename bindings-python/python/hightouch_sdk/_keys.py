"""Calls the user's function that returns the API key (the key function), whenever the core wants a key."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ._callables import is_coroutine_function
from ._door import set_key
from ._encoding import args_json
from ._errors import ConfigError
from ._native import Mailbox
from ._waiting import arrived

if TYPE_CHECKING:
    import threading
    import weakref
    from collections.abc import Callable

    from typing_extensions import Self

    from ._encoding import Opts
    from ._native import Call, Engine

in_key_function: ContextVar[bool] = ContextVar("in_key_function", default=False)
"""Whether the current code runs inside the key function. The core refuses a call on the same client from inside the key
function, because the call would wait for the key function to end."""


class Keys:
    """Calls the key function in a thread of its own. The thread ends once the client is closed or garbage-collected."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        # The import is slow, and most clients have no key function.
        import threading

        self._check(ask)
        self._ask = ask
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.failure: BaseException | None = None
        """The error of the last call of the key function; None if the call succeeded."""

    def _check(self, ask: Callable[[], Any]) -> None:
        if is_coroutine_function(ask):
            raise ConfigError("`api_key` must be a plain function. Only `AsyncHightouch` awaits a coroutine function.")

    def again(self) -> Self:
        """Creates a new object for a forked child, because the child has no threads of the parent."""
        return type(self)(self._ask)

    def serve(self, engine: Engine, opts: Opts) -> Opts:
        """Starts the thread at the first call, and returns the options of the call.

        If the key function itself makes the call, an option says so.
        """
        # While the interpreter shuts down, no thread can start, and no waiting thread can run again. A call that needs
        # a key would wait forever, so it is refused like a call inside the key function.
        if in_key_function.get() or sys.is_finalizing():
            return {**opts, "inKeyFunction": True}
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._start(engine)
        return opts

    def _start(self, engine: Engine) -> None:
        import threading
        import weakref

        wants = _Wants(engine)
        # The thread holds a strong reference to this object only while the key function runs. With a permanent
        # reference, a client would never be garbage-collected if its own key function refers to the client.
        args = (wants, weakref.ref(self))
        self._thread = threading.Thread(target=_answer, args=args, daemon=True, name="hightouch-sdk-key")
        weakref.finalize(self, wants.end).atexit = False
        self._thread.start()

    def answer(self, engine: Engine) -> None:
        """Calls the key function and passes the key or the failure to the core."""
        self.failure = None
        try:
            error = set_key(engine, self._given())
            if error is not None:
                raise error
        except BaseException as error:
            self.failure = error
            engine.call("client.keyFailed", args_json({"message": _described(error)}), "")

    def _given(self) -> Any:
        in_key_function.set(True)
        return self._ask()


class _Wants:
    """A call to the core that ends once the core wants a key."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._pid = os.getpid()
        self._mailbox = Mailbox()
        self._call: Call | None = None

    def begin(self) -> None:
        self._call = self.engine.start("client.keyWanted", "", "", self._mailbox, 0)

    def wanted(self) -> bool:
        """Waits until the core wants a key (true), or until the client is closed or garbage-collected (false)."""
        arrived(self._mailbox, None)
        [(_, (ok, _, _))] = self._mailbox.drain()
        return ok

    def end(self) -> None:
        # A forked child inherits the call of its parent and must not cancel it.
        if self._call is not None and self._pid == os.getpid():
            self._call.cancel()


def _answer(wants: _Wants, to: weakref.ref[Keys]) -> None:
    while True:
        wants.begin()
        # The finalizer of the `Keys` object cancels the call that `begin` has started. If the finalizer ran before
        # `begin` (`to()` is None), nothing would cancel the call. So the thread ends here.
        if to() is None or not wants.wanted():
            return
        keys = to()
        if keys is None:
            return
        keys.answer(wants.engine)
        del keys


def _described(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
