"""Passes the calls of a client to the core from asyncio. One file descriptor wakes an event loop for many answers."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from ._async_keys import AsyncKeys
from ._door import UNHOOKED, interrupted, meta_of, read
from ._encoding import args_json, options_json
from ._errors import HightouchError
from ._log import listener, tell
from ._native import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager

    from ._door import Door, Late
    from ._encoding import Args, Opts
    from ._native import Engine, Waiter

_LISTEN_MS = 500
"""How often the listening thread checks whether its event loop was closed, in milliseconds."""

_CANCEL_S = 1.0
"""How long to wait for the outcome of a cancelled call, in seconds."""


def _listen(to: weakref.ref[asyncio.AbstractEventLoop], mailbox: Mailbox) -> None:
    while True:
        arrived = mailbox.wait(_LISTEN_MS)
        loop = to()
        if loop is None or loop.is_closed():
            return
        if arrived:
            delivered = threading.Event()

            def deliver(done: threading.Event = delivered) -> None:
                # If a log filter raises, the event loop reports the exception. `done` is set even then, so that the
                # listening thread goes on.
                try:
                    mailbox.deliver()
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


# The keys and values of this dictionary are weak references. During a call the mailbox refers to the loop, so a strong
# reference to the mailbox would keep the loop alive.
_mailboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[int, weakref.ref[Mailbox]]]
_mailboxes = weakref.WeakKeyDictionary()


def _mailbox(loop: asyncio.AbstractEventLoop) -> Mailbox:
    """Returns the mailbox of an event loop in this process, and creates it at the first call."""
    # Without the GIL, `get` takes a lock that all loops share. Reading an item takes no lock.
    try:
        process, of_loop = _mailboxes[loop]
    except KeyError:
        pass
    else:
        known = of_loop()
        if known is not None and process == os.getpid():
            return known
    mailbox = _open_mailbox(loop)
    _mailboxes[loop] = os.getpid(), weakref.ref(mailbox)
    return mailbox


def _open_mailbox(loop: asyncio.AbstractEventLoop) -> Mailbox:
    """Creates a mailbox. It is freed once the loop is gone and no call is in progress.

    If possible, the loop does the I/O of its calls itself. If the loop is blocked or stopped, or if other loops have
    calls too, a thread of the core does the I/O, and the answers wait in the mailbox until the loop goes on.
    """
    mailbox = Mailbox(tell, watches=True)
    if not _watch(loop, mailbox.watched(), mailbox.turn):
        mailbox = Mailbox(tell)
    if not _watch(loop, mailbox.fileno(), mailbox.deliver):
        # The default event loop on Windows cannot watch descriptors. So one thread waits for all answers of the loop.
        listener = threading.Thread(
            target=_listen, args=(weakref.ref(loop), mailbox), daemon=True, name="hightouch-sdk-listener"
        )
        listener.start()
    return mailbox


def _watch(loop: asyncio.AbstractEventLoop, descriptor: int | None, callback: Callable[[], object]) -> bool:
    if descriptor is None:
        return False
    try:
        loop.add_reader(descriptor, callback)
    # The default loop on Windows refuses all descriptors, `select` refuses those above its limit (ValueError), and
    # epoll(7) refuses some kinds (OSError). Then another thread does the work.
    except (NotImplementedError, OSError, ValueError):
        return False
    return True


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

    __slots__ = ("_last", "local")

    def __init__(self, local: Door) -> None:
        self.local: Door = local
        """The blocking door, for operations that send nothing."""
        self._last: tuple[Engine, weakref.ref[asyncio.AbstractEventLoop], weakref.ref[Mailbox]] | None = None

    def call(
        self, op: str, args: Args | None = None, opts: Opts | None = None, late: Late | None = None
    ) -> Coroutine[Any, Any, tuple[str, bytes]]:
        """Makes a call, waits for its end and returns its head and body. Cancelling the task cancels the call."""
        # A coroutine that awaits another coroutine makes a call slower. So a call without hooks and without a key
        # function is a single coroutine.
        is_usual = self.local.keys is None and self.local.hooks is None
        return (self._call if is_usual else self._call_with_hooks)(op, args or {}, opts or {}, late)

    def asking(self) -> AbstractContextManager[None]:
        """Lets the key function run in the current event loop during a ``with`` block."""
        keys = self.local.keys
        return keys.around(_running_loop()) if isinstance(keys, AsyncKeys) else nullcontext()

    async def _call_with_hooks(self, op: str, args: Args, opts: Opts, late: Late | None) -> tuple[str, bytes]:
        engine, keys, hooks = self.local.engine, self.local.keys, self.local.hooks
        try:
            if isinstance(keys, AsyncKeys):
                opts = keys.serve(engine, opts)
            with self.asking():
                if hooks is None or op in UNHOOKED:
                    return await self._call(op, args, opts, late)
                with hooks.around(engine, op, args_json(args), opts) as around:
                    answer = await self._call(op, args, around.options(), late)
                    around.meta = meta_of(answer[0])
                return answer
        except HightouchError as error:
            # Removes the frames below this frame, because these frames mean nothing to the caller.
            raise error.with_traceback(None)  # noqa: B904

    def begin(self, op: str, args: Args) -> asyncio.Task[tuple[str, bytes]]:
        """Starts a call that sends nothing. No hooks are called."""
        return _running_loop().create_task(self._call(op, args, {}, None))

    async def _call(self, op: str, args: Args, opts: Opts, late: Late | None) -> tuple[str, bytes]:
        try:
            text, given = args_json(args) if args else "", options_json(opts) if opts else ""
            engine, loop = self.local.engine, _running_loop()
            waiter = engine.begin(op, text, given, self._mailbox(engine, loop), loop, listener() is not None)
            try:
                await waiter
            except BaseException as stopped:
                await _stop(waiter, stopped, op, late)
                raise
            answer = waiter.answer()
            # The wait ends only once the answer has arrived.
            assert answer is not None  # noqa: S101
            return read(answer, op, self.local.keys)
        except HightouchError as error:
            # Removes the frames below this frame, because these frames mean nothing to the caller.
            raise error.with_traceback(None)  # noqa: B904

    def _mailbox(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> Mailbox:
        # Most calls of a client come from one event loop, and a look-up in `_mailboxes` is slow, so the last mailbox is
        # remembered. It is not used in a forked child, which has another engine.
        last = self._last
        if last is not None and last[0] is engine and last[1]() is loop:
            known = last[2]()
            if known is not None:
                return known
        mailbox = _mailbox(loop)
        self._last = engine, weakref.ref(loop), weakref.ref(mailbox)
        return mailbox

    async def close(self) -> None:
        self.local.closed()
        await self._call("client.close", {}, {}, None)


async def _stop(waiter: Waiter, stopped: BaseException, op: str, late: Late | None) -> None:
    """Cancels a call that was interrupted. If its task was cancelled, waits a moment for the outcome of the call."""
    waiter.stop()
    if isinstance(stopped, asyncio.CancelledError):
        # The task ends as cancelled, whether or not the outcome of the call arrives in time.
        with suppress(asyncio.CancelledError, asyncio.TimeoutError):
            await asyncio.wait_for(_ended(waiter), _CANCEL_S)
        interrupted(stopped, op, waiter.answer(), late)


async def _ended(waiter: Waiter) -> None:
    await waiter
