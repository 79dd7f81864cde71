"""The asyncio side of the door: answers of many calls reach an event loop through one descriptor."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from contextlib import nullcontext, suppress
from itertools import count
from typing import TYPE_CHECKING

from ._async_keys import AsyncKeys
from ._door import Door, args_json, meta_of, note, options_json, read
from ._native import Mailbox

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ._door import Answer, Args, Opts

_LISTEN_MS = 500
"""How long the listener of a loop without descriptors takes to see that the loop was closed."""

_PARTING_S = 1.0
"""How long a cancelled call may take to say what became of its request."""


class _Post:
    """Where one event loop receives answers. The loop holds it, and nothing else does but calls under way."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pid = os.getpid()
        self.mailbox = Mailbox()
        self._pending: dict[int, asyncio.Future[Answer]] = {}
        self._tickets = count()
        descriptor = self.mailbox.fileno()
        if descriptor is not None:
            try:
                loop.add_reader(descriptor, self.deliver)
                return
            except NotImplementedError:
                pass
        # Windows' default loop: one thread listens for all calls and wakes the loop up.
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

    def expect(self) -> int:
        """A ticket under which an answer is awaited until it is forgotten."""
        ticket = next(self._tickets)
        self._pending[ticket] = asyncio.get_running_loop().create_future()
        return ticket

    def forget(self, ticket: int) -> None:
        del self._pending[ticket]

    async def answer(self, ticket: int) -> Answer:
        """The answer; to be asked for once more after it was cancelled."""
        if self._pending[ticket].cancelled():
            self._pending[ticket] = asyncio.get_running_loop().create_future()
        return await self._pending[ticket]


def _listen(to: weakref.ref[asyncio.AbstractEventLoop], post: _Post) -> None:
    while True:
        arrived = post.mailbox.wait(_LISTEN_MS)
        loop = to()
        if loop is None or loop.is_closed():
            return
        if arrived:
            delivered = threading.Event()

            def deliver(done: threading.Event = delivered) -> None:
                post.deliver()
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


# Weak on both sides: what waits in a post holds its loop, which would never be collected.
_posts: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[_Post]] = weakref.WeakKeyDictionary()


def _post(loop: asyncio.AbstractEventLoop) -> _Post:
    known = _posts.get(loop)
    post = None if known is None else known()
    if post is None or post.pid != os.getpid():
        post = _Post(loop)
        _posts[loop] = weakref.ref(post)
    return post


class AsyncDoor:
    """A client's way to the core from coroutines."""

    __slots__ = ("local",)

    def __init__(self, local: Door) -> None:
        self.local = local
        """For the operations that send nothing and need no waiting."""

    async def call(self, op: str, args: Args | None = None, opts: Opts | None = None) -> tuple[str, bytes]:
        """Make a call and wait for its head and body; cancelling the task cancels the call."""
        engine, keys = self.local.engine, self.local.keys
        asking: AbstractContextManager[None] = nullcontext()
        if isinstance(keys, AsyncKeys):
            opts = keys.serve(engine, opts or {})
            asking = keys.around(asyncio.get_running_loop())
        texts = op, args_json(args or {}), options_json(opts or {})
        with asking:
            if self.local.hooks is None:
                return await self._answer(*texts)
            with self.local.hooks.around(op) as around:
                answer = await self._answer(*texts)
                around.meta = meta_of(answer[0])
            return answer

    async def _answer(self, op: str, args: str, opts: str) -> tuple[str, bytes]:
        post = _post(asyncio.get_running_loop())
        ticket = post.expect()
        try:
            call = self.local.engine.start(op, args, opts, post.mailbox, ticket)
            try:
                answer = await post.answer(ticket)
            except BaseException as stopped:
                call.cancel()
                if isinstance(stopped, asyncio.CancelledError):
                    last: Answer | None = None
                    # Whatever comes of this, the cancellation goes on.
                    with suppress(asyncio.CancelledError, asyncio.TimeoutError):
                        last = await asyncio.wait_for(post.answer(ticket), _PARTING_S)
                    note(stopped, op, last)
                raise
        finally:
            post.forget(ticket)
        return read(answer, self.local.keys)

    async def close(self) -> None:
        self.local.closed()
        await self._answer("client.close", "", "")
