"""The asyncio side of the door: answers of many calls reach an event loop through one descriptor."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from itertools import count
from typing import TYPE_CHECKING

from ._async_keys import AsyncKeys
from ._door import Door, args_json, meta_of, options_json, read
from ._errors import AuthenticationError
from ._native import Mailbox

if TYPE_CHECKING:
    from ._door import Args, Opts

_LISTEN_MS = 500
"""How long the listener of a loop without descriptors takes to see that the loop was closed."""


class _Post:
    """Where one event loop receives answers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pid = os.getpid()
        self.mailbox = Mailbox()
        self.pending: dict[int, asyncio.Future[tuple[bool, str, bytes]]] = {}
        self.tickets = count()
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
            future = self.pending.pop(ticket, None)
            if future is not None and not future.done():
                future.set_result(answer)


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


_posts: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Post] = weakref.WeakKeyDictionary()


def _post(loop: asyncio.AbstractEventLoop) -> _Post:
    post = _posts.get(loop)
    if post is None or post.pid != os.getpid():
        post = _posts[loop] = _Post(loop)
    return post


class AsyncDoor:
    """A client's way to the core from coroutines."""

    __slots__ = ("local",)

    def __init__(self, local: Door) -> None:
        self.local = local
        """For the operations that send nothing and need no waiting."""

    async def call(self, op: str, args: Args | None = None, opts: Opts | None = None) -> tuple[str, bytes]:
        """Make a call and wait for its head and body; cancelling the task cancels the call."""
        texts = op, args_json(args or {}), options_json(opts or {})
        keys = self.local.keys
        if not isinstance(keys, AsyncKeys):
            return await self._send(*texts)
        seen = keys.epoch
        try:
            return await self._send(*texts)
        except AuthenticationError:
            if not await keys.renewed(self.local, seen):
                raise
        return await self._send(*texts)

    async def _send(self, op: str, args: str, opts: str) -> tuple[str, bytes]:
        if self.local.hooks is None:
            return await self._answer(op, args, opts)
        with self.local.hooks.around(op) as around:
            answer = await self._answer(op, args, opts)
            around.meta = meta_of(answer[0])
        return answer

    async def _answer(self, op: str, args: str, opts: str) -> tuple[str, bytes]:
        loop = asyncio.get_running_loop()
        post = _post(loop)
        ticket = next(post.tickets)
        future: asyncio.Future[tuple[bool, str, bytes]] = loop.create_future()
        call = self.local.engine.start(op, args, opts, post.mailbox, ticket)
        post.pending[ticket] = future
        try:
            return read(await future)
        finally:
            if post.pending.pop(ticket, None) is not None:
                call.cancel()

    async def close(self) -> None:
        self.local.closed()
        await self._answer("client.close", "", "")
