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
    from contextlib import AbstractContextManager

    from ._door import Answer, Late
    from ._encoding import Args, Opts
    from ._native import Engine

_LISTEN_MS = 500
"""How often the listening thread checks whether its event loop was closed, in milliseconds."""

_CANCEL_S = 1.0
"""How long to wait for the outcome of a cancelled call, in seconds."""


class _Inbox:
    """Receives the answers for one event loop. Is freed once the loop is gone and no call is in progress."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pid = os.getpid()
        self.mailbox = Mailbox()
        self._pending: dict[int, asyncio.Future[Answer]] = {}
        self._tickets = count()
        self.turns = False
        self.soon = False
        descriptor = self.mailbox.fileno()
        if descriptor is not None:
            try:
                loop.add_reader(descriptor, self.deliver)
                watched = self.mailbox.watched()
                if watched is not None:
                    self.turns = True
                    loop.add_reader(watched, self.turn)
                return
            except NotImplementedError:
                pass
        # The default event loop on Windows cannot watch descriptors. So one thread waits for all answers of the loop.
        listener = threading.Thread(
            target=_listen,
            args=(weakref.ref(loop), self),
            daemon=True,
            name="hightouch-sdk-listener",
        )
        listener.start()

    def deliver(self) -> None:
        for ticket, answer in self.mailbox.drain():
            future = self._pending.get(ticket)
            if future is not None and not future.done():
                future.set_result(answer)
        # Logs the notices last. If a log filter raises, the event loop reports the exception, and no answer is lost.
        for notice in self.mailbox.notices():
            tell(notice)

    def turn(self) -> None:
        self.soon = False
        for ticket, answer in self.mailbox.turn():
            future = self._pending.get(ticket)
            if future is not None and not future.done():
                future.set_result(answer)
        for notice in self.mailbox.notices():
            tell(notice)

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
        arrived = inbox.mailbox.wait(_LISTEN_MS)
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
            alone = inbox.turns and len(inbox._pending) == 1
            call = engine.start(op, args, opts, inbox.mailbox, ticket, listener() is not None, alone)
            if inbox.turns and not alone and not inbox.soon:
                inbox.soon = True
                loop.call_soon(inbox.turn)
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
