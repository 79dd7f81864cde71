"""Passes the calls of a client to the core from asyncio. One file descriptor wakes an event loop for many answers."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from contextlib import nullcontext, suppress
from itertools import count
from typing import TYPE_CHECKING

from ._async_keys import AsyncKeys
from ._door import UNHOOKED, Door, interrupted, meta_of, read
from ._encoding import args_json, options_json
from ._errors import HightouchError
from ._log import listener, tell
from ._native import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ._door import Answer, Late
    from ._encoding import Args, Opts
    from ._native import Call, Engine

_LISTEN_MS = 500
"""How often the listening thread checks whether its event loop was closed, in milliseconds."""

_CANCEL_S = 1.0
"""How long to wait for the outcome of a cancelled call, in seconds."""


class _Inbox:
    """Receives the answers for one event loop. Is freed once the loop is gone and no call is in progress.

    If possible, the loop does the I/O of its calls itself. If the loop is blocked or stopped, a thread of the core does
    the I/O, and the answers wait in the mailbox until the loop goes on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pid = os.getpid()
        self._pending: dict[int, asyncio.Future[Answer]] = {}
        self._tickets = count()
        self._turn_is_due = False
        self._mailbox = Mailbox(watches=True)
        self._does_io = self._watch(loop, self._mailbox.watched(), self._turn)
        if not self._does_io:
            self._mailbox = Mailbox()
        if not self._watch(loop, self._mailbox.fileno(), self.deliver):
            # The default event loop on Windows cannot watch descriptors. So one thread waits for all answers of the
            # loop.
            listener = threading.Thread(
                target=_listen,
                args=(weakref.ref(loop), self),
                daemon=True,
                name="hightouch-sdk-listener",
            )
            listener.start()

    def _watch(self, loop: asyncio.AbstractEventLoop, descriptor: int | None, callback: Callable[[], object]) -> bool:
        if descriptor is None:
            return False
        try:
            loop.add_reader(descriptor, callback)
        except (NotImplementedError, OSError, ValueError):
            return False
        return True

    def deliver(self) -> None:
        self._tell(self._mailbox.deliver(self._pending))

    def _turn(self) -> None:
        self._turn_is_due = False
        self._tell(self._mailbox.turn(self._pending))

    def _tell(self, notices: list[str]) -> None:
        # Logs the notices last. If a log filter raises, the event loop reports the exception, and no answer is lost.
        for notice in notices:
            tell(notice)

    def wait(self, milliseconds: int) -> bool:
        """Waits until something has arrived; returns False if the time has passed first."""
        return self._mailbox.wait(milliseconds)

    def start(
        self, loop: asyncio.AbstractEventLoop, engine: Engine, op: str, args: str, opts: str, ticket: int
    ) -> Call:
        """Starts a call of which the answer arrives under ``ticket``."""
        listens = listener() is not None
        # A single call begins at once. If several calls are in progress, more may start before the loop goes on, and
        # then one turn begins all of them.
        alone = self._does_io and len(self._pending) == 1
        call = engine.start(op, args, opts, self._mailbox, ticket, listens, alone)
        if self._does_io and not alone and not self._turn_is_due:
            self._turn_is_due = True
            loop.call_soon(self._turn)
        return call

    def expect(self, loop: asyncio.AbstractEventLoop) -> tuple[int, asyncio.Future[Answer]]:
        """Creates a ticket (a number) and a future for one answer.

        The inbox expects the answer until `forget` is called.
        """
        ticket = next(self._tickets)
        future = self._pending[ticket] = loop.create_future()
        return ticket, future

    def forget(self, ticket: int) -> None:
        del self._pending[ticket]

    async def answer(self, ticket: int) -> Answer:
        """Waits again for the answer to a ticket, after the waiting task was cancelled."""
        if self._pending[ticket].cancelled():
            self._pending[ticket] = asyncio.get_running_loop().create_future()
        return await self._pending[ticket]


def _listen(to: weakref.ref[asyncio.AbstractEventLoop], inbox: _Inbox) -> None:
    while True:
        arrived = inbox.wait(_LISTEN_MS)
        loop = to()
        if loop is None or loop.is_closed():
            return
        if arrived:
            delivered = threading.Event()

            def deliver(done: threading.Event = delivered) -> None:
                # If a log filter raises, the event loop reports the exception. `done` is set even then, so that the
                # listening thread goes on.
                try:
                    inbox.deliver()
                finally:
                    done.set()

            try:
                loop.call_soon_threadsafe(deliver)
            except RuntimeError:
                return
            del loop
            while not delivered.wait(_LISTEN_MS / 1000):
                loop = to()
                if loop is None or loop.is_closed():
                    return
                del loop


# The keys and values of this dictionary are weak references. A future in an inbox refers to the loop, so a strong
# reference to the inbox would keep the loop alive.
_inboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[_Inbox]] = weakref.WeakKeyDictionary()


def _inbox(loop: asyncio.AbstractEventLoop) -> _Inbox:
    # Without the GIL, `get` takes a lock that all loops share. Reading an item takes no lock.
    try:
        inbox = _inboxes[loop]()
    except KeyError:
        inbox = None
    if inbox is None or inbox.pid != os.getpid():
        inbox = _Inbox(loop)
        _inboxes[loop] = weakref.ref(inbox)
    return inbox


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "No event loop of asyncio is running, and `AsyncHightouch` works in no other. In trio, call `Hightouch` in"
            " a thread: `await trio.to_thread.run_sync(client.syncs.get, 7)`. Nothing was sent."
        ) from None


class AsyncDoor:
    """Passes the calls of a client's coroutines to the core."""

    __slots__ = ("local",)

    def __init__(self, local: Door) -> None:
        self.local: Door = local
        """The blocking door, for operations that send nothing."""

    async def call(
        self, op: str, args: Args | None = None, opts: Opts | None = None, late: Late | None = None
    ) -> tuple[str, bytes]:
        """Makes a call, waits for its end and returns its head and body. Cancelling the task cancels the call."""
        try:
            return await self._call(op, args or {}, opts or {}, late)
        except HightouchError as error:
            # Removes the frames below this frame, because these frames mean nothing to the caller.
            raise error.with_traceback(None)  # noqa: B904

    def asking(self) -> AbstractContextManager[None]:
        """Lets the key function run in the current event loop during a ``with`` block."""
        keys = self.local.keys
        return keys.around(_running_loop()) if isinstance(keys, AsyncKeys) else nullcontext()

    async def _call(self, op: str, args: Args, opts: Opts, late: Late | None) -> tuple[str, bytes]:
        engine, keys = self.local.engine, self.local.keys
        if isinstance(keys, AsyncKeys):
            opts = keys.serve(engine, opts)
        text = args_json(args)
        if keys is None and self.local.hooks is None:
            return await self._answer(engine, op, text, options_json(opts), late)
        with self.asking():
            if self.local.hooks is None or op in UNHOOKED:
                return await self._answer(engine, op, text, options_json(opts), late)
            with self.local.hooks.around(engine, op, text, opts) as around:
                answer = await self._answer(engine, op, text, options_json(around.options()), late)
                around.meta = meta_of(answer[0])
            return answer

    def begin(self, op: str, args: Args) -> asyncio.Task[tuple[str, bytes]]:
        """Starts a call that sends nothing. No hooks are called."""
        return _running_loop().create_task(self._answer(self.local.engine, op, args_json(args), ""))

    async def _answer(
        self, engine: Engine, op: str, args: str, opts: str, late: Late | None = None
    ) -> tuple[str, bytes]:
        loop = _running_loop()
        inbox = _inbox(loop)
        ticket, future = inbox.expect(loop)
        try:
            call = inbox.start(loop, engine, op, args, opts, ticket)
            try:
                answer = await future
            except BaseException as stopped:
                call.cancel()
                if isinstance(stopped, asyncio.CancelledError):
                    last: Answer | None = None
                    # The task ends as cancelled, whether or not the outcome of the call arrives in time.
                    with suppress(asyncio.CancelledError, asyncio.TimeoutError):
                        last = await asyncio.wait_for(inbox.answer(ticket), _CANCEL_S)
                    interrupted(stopped, op, last, late)
                raise
        finally:
            inbox.forget(ticket)
        return read(answer, op, self.local.keys)

    async def close(self) -> None:
        self.local.closed()
        await self._answer(self.local.engine, "client.close", "", "")
