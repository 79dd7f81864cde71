"""Runs the steps of a scenario with the blocking client and with the asynchronous client."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NamedTuple, NoReturn, Protocol

from arguments import typed
from hightouch_sdk import (
    AsyncHightouch,
    AsyncListing,
    AsyncSyncBatch,
    BatchItem,
    Hightouch,
    HightouchError,
    Listing,
    SyncBatch,
)
from sandbox import World
from trace_keys import trace

STEP_SECONDS = 60
WITHOUT_OWNER = {"request": "request", "client.setKey": "set_api_key"}
INTERNAL = {"timeScale", "environment", "selfTest", "language"}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def named(members: dict[str, Any]) -> dict[str, Any]:
    """Converts arguments of a scenario for Python: names to snake_case, milliseconds to seconds."""
    return {snake(k.removesuffix("Ms")): v / 1000 if k.endswith("Ms") else v for k, v in members.items()}


def method(client: Any, handle: Any, call: str) -> Any:
    """Returns the public method that a step calls."""
    if call in WITHOUT_OWNER:
        return getattr(client, WITHOUT_OWNER[call])
    owner, _, name = call.replace("run.problem", "run.state").partition(".")
    known = {"client": client, "run": handle}
    return getattr(known[owner] if owner in known else getattr(client, snake(owner)), snake(name))


def constructor(settings: dict[str, Any]) -> dict[str, Any]:
    given = {k: v for k, v in settings.items() if v is not None}
    internal = {k: v for k, v in given.items() if k in INTERNAL}
    return {**named({k: v for k, v in given.items() if k not in INTERNAL}), "_internal": internal}


def arguments(step: dict[str, Any], called: Any) -> dict[str, Any]:
    return {**typed(called, named(step["args"])), **named(step["opts"])}


class Keys:
    """What the key function of a client returns: the entries of `keys` in the scenario. The last entry repeats."""

    def __init__(self, entries: list[Any], asked: list[None]) -> None:
        self._entries = [entry if isinstance(entry, dict) else {"key": entry} for entry in entries]
        self._asked = asked
        self.client: Any = None
        self.ended = threading.Event()

    def next(self) -> tuple[dict[str, Any], float]:
        """Returns the entry for the next call of the key function, and the seconds that the function waits first."""
        self._asked.append(None)
        entry = self._entries.pop(0) if len(self._entries) > 1 else self._entries[0]
        return entry, entry.get("delayMs", 0) / 1000

    @staticmethod
    def given(entry: dict[str, Any]) -> str:
        if "fails" in entry:
            raise RuntimeError(entry["fails"])
        key: str = entry["key"]
        return key


class Part(NamedTuple):
    """A step, or one of several steps that run at once."""

    step: dict[str, Any]
    client: Any
    handle: Any
    world: World

    @property
    def times(self) -> int:
        return int(self.step.get("atOnce", 1))

    @property
    def may_be_cancelled(self) -> bool:
        return "cancelAfterMs" in self.step or "cancelOn" in self.step

    def is_due(self) -> bool:
        """Whether to cancel the call now: the request that `cancelOn` names has arrived, or there is no `cancelOn`."""
        operation = self.step.get("cancelOn")
        return operation is None or any(request["operation"] == operation for request in self.world.requests())

    def block(self) -> None:
        """Blocks this thread for as long as the step says."""
        time.sleep(self.step.get("blockMs", 0) / 1000)

    def method(self) -> Any:
        return method(self.client, self.handle, self.step["call"])


def stop_after(step: dict[str, Any]) -> int | None:
    """Removes ``stopAfter`` from the arguments and returns it: the test stops the batch after this many items."""
    count: int | None = step["args"].pop("stopAfter", None)
    return count


def wait_arguments(step: dict[str, Any]) -> dict[str, Any]:
    """Removes the arguments of ``wait`` from the arguments of a batch, and returns them."""
    return named({name: step["args"].pop(name) for name in ("onFailure", "onWarning") if name in step["args"]})


def described(items: list[BatchItem]) -> list[dict[str, Any]]:
    return [
        {
            "sync": item.sync,
            "outcome": item.outcome,
            "adopted": item.adopted,
            "joined": item.joined,
            "status": None if item.state is None else item.state.status,
            "error": None if item.error is None else item.error.kind,
        }
        for item in items
    ]


class Driver(Protocol):
    """Runs steps with the blocking client or with the asynchronous client."""

    player: str

    def open(self, settings: dict[str, Any], keys: Keys | None) -> Any: ...
    def act(self, parts: list[Part]) -> list[list[Any]]: ...
    def close(self, clients: list[Any]) -> None: ...


class Blocking:
    player = "python"

    def open(self, settings: dict[str, Any], keys: Keys | None) -> Hightouch:
        def give() -> str:
            assert keys is not None
            entry, delay = keys.next()
            keys.ended.wait(delay)
            if entry.get("usesClient"):
                keys.client.syncs.get(1)
            return keys.given(entry)

        more = {} if keys is None else {"api_key": give}
        return Hightouch(**constructor(settings) | more, on_end=lambda end: trace(self.player, "hook", repr(end)))

    def close(self, clients: list[Hightouch]) -> None:
        for client in clients:
            client.close()

    def act(self, parts: list[Part]) -> list[list[Any]]:
        """Runs the parts. A call that may be cancelled runs in the main thread: only that thread receives Ctrl-C."""
        jobs = [part for part in parts for _ in range(part.times)]
        main = next((part for part in jobs if part.may_be_cancelled), jobs[0] if len(jobs) == 1 else None)
        pool = ThreadPoolExecutor(len(jobs))
        try:
            futures = [(part, pool.submit(self._tried, part)) for part in jobs if part is not main]
            own = None if main is None else self._alarmed(main)
            assert not wait([future for _, future in futures], STEP_SECONDS).not_done, "it hangs"
        finally:
            pool.shutdown(wait=False)

        def of(part: Part) -> list[Any]:
            return [own] if part is main else [future.result() for other, future in futures if other is part]

        return [of(part) for part in parts]

    def _alarmed(self, part: Part) -> Any:
        """Makes a call that a simulated Ctrl-C may interrupt, and fails if the call hangs."""

        def hangs(_number: int, _frame: Any) -> NoReturn:
            raise AssertionError("it hangs")

        previous = signal.signal(signal.SIGALRM, hangs)
        signal.setitimer(signal.ITIMER_REAL, STEP_SECONDS)
        done = threading.Event()
        interrupting = threading.Thread(target=self._interrupt, args=(part, done))
        try:
            if part.may_be_cancelled:
                signal.signal(signal.SIGALRM, signal.default_int_handler)
                interrupting.start()
            return self._tried(part)
        except KeyboardInterrupt as error:
            return error
        finally:
            # The call has ended, but the signal of the timer may still arrive. So the process ignores this signal now.
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.setitimer(signal.ITIMER_REAL, 0)
            done.set()
            if part.may_be_cancelled:
                interrupting.join()
            signal.signal(signal.SIGALRM, previous)

    def _interrupt(self, part: Part, done: threading.Event) -> None:
        while not done.wait(part.step.get("cancelAfterMs", 20) / 1000):
            if part.is_due():
                os.kill(os.getpid(), signal.SIGALRM)
                return

    def _tried(self, part: Part) -> Any:
        try:
            return self._call(part)
        except HightouchError as error:
            return error

    def _call(self, part: Part) -> Any:
        part.block()
        called = part.method()
        if part.step["call"] == "syncs.run_many":
            return described(self._run_many(part, called))
        value = called(**arguments(part.step, called))
        if part.step["call"] == "run.states":
            return [state.status for state in value]
        if part.step["call"] == "run.problem":
            return value.problem
        if isinstance(value, Listing):
            return value.first_page().items if part.step.get("take") == "firstPage" else list(value)
        return value

    def _run_many(self, part: Part, called: Any) -> list[BatchItem]:
        count, waiting = stop_after(part.step), wait_arguments(part.step)
        batch: SyncBatch = called(**named(part.step["args"]), **named(part.step["opts"]))
        if count is None:
            return batch.wait(**waiting)
        items = iter(batch)
        for _ in range(count):
            next(items)
        return batch.stop()


class Asynchronous:
    player = "python-async"

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def open(self, settings: dict[str, Any], keys: Keys | None) -> AsyncHightouch:
        async def give() -> str:
            assert keys is not None
            entry, delay = keys.next()
            await asyncio.sleep(delay)
            if entry.get("usesClient"):
                await keys.client.syncs.get(1)
            return keys.given(entry)

        more = {} if keys is None else {"api_key": give}
        return AsyncHightouch(**constructor(settings) | more, on_end=lambda end: trace(self.player, "hook", repr(end)))

    def close(self, clients: list[AsyncHightouch]) -> None:
        for client in clients:
            self.loop.run_until_complete(client.close())
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def act(self, parts: list[Part]) -> list[list[Any]]:
        return self.loop.run_until_complete(self._act(parts))

    async def _act(self, parts: list[Part]) -> list[list[Any]]:
        tasks = [[asyncio.create_task(self._tried(part)) for _ in range(part.times)] for part in parts]
        cancelling = [
            asyncio.create_task(self._cancel(part, first))
            for part, (first, *_) in zip(parts, tasks, strict=True)
            if part.may_be_cancelled
        ]
        _, late = await asyncio.wait([task for each in tasks for task in each], timeout=STEP_SECONDS)
        assert not late, "it hangs"
        await asyncio.gather(*cancelling)
        return [[task.result() for task in each] for each in tasks]

    async def _cancel(self, part: Part, task: asyncio.Task[Any]) -> None:
        while not task.done():
            await asyncio.wait([task], timeout=part.step.get("cancelAfterMs", 20) / 1000)
            if await asyncio.to_thread(part.is_due):
                task.cancel()
                return

    async def _tried(self, part: Part) -> Any:
        try:
            return await self._call(part)
        except (HightouchError, asyncio.CancelledError) as error:
            return error

    async def _call(self, part: Part) -> Any:
        part.block()
        called = part.method()
        if part.step["call"] == "syncs.run_many":
            return described(await self._run_many(part, called))
        value = called(**arguments(part.step, called))
        if part.step["call"] == "run.states":
            return [state.status async for state in value]
        if part.step["call"] == "run.problem":
            return (await value).problem
        if isinstance(value, AsyncListing):
            return (await value).items if part.step.get("take") == "firstPage" else [item async for item in value]
        return await value if inspect.isawaitable(value) else value

    async def _run_many(self, part: Part, called: Any) -> list[BatchItem]:
        count, waiting = stop_after(part.step), wait_arguments(part.step)
        batch: AsyncSyncBatch = await called(**named(part.step["args"]), **named(part.step["opts"]))
        if count is None:
            return await batch.wait(**waiting)
        items = batch.__aiter__()
        for _ in range(count):
            await items.__anext__()
        return await batch.stop()
