"""Plays scenarios (tests/scenarios/README.md) through the public clients."""

from __future__ import annotations

import asyncio
import inspect
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any, Protocol

import msgspec

from arguments import typed
from hightouch_sdk import AsyncHightouch, AsyncListing, AsyncRun, Hightouch, HightouchError, Json, Listing, Run
from sandbox import World
from trace_keys import trace, trace_error, trace_run, trace_value

STEP_SECONDS = 60
WITHOUT_OWNER = {"request": "request", "client.setKey": "set_api_key"}
PARENTS = ("sync_id", "sequence_id", "graph_id")
INTERNAL = {"timeScale", "environment", "selfTest", "language"}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def named(members: dict[str, Any]) -> dict[str, Any]:
    """The door's names and milliseconds as Python's names and seconds."""
    return {snake(k.removesuffix("Ms")): v / 1000 if k.endswith("Ms") else v for k, v in members.items()}


def method(client: Any, handle: Any, call: str) -> Any:
    """The public method that a step calls."""
    if call in WITHOUT_OWNER:
        return getattr(client, WITHOUT_OWNER[call])
    owner, _, name = call.partition(".")
    known = {"client": client, "run": handle}
    return getattr(known[owner] if owner in known else getattr(client, snake(owner)), snake(name))


def constructor(settings: dict[str, Any]) -> dict[str, Any]:
    given = {k: v for k, v in settings.items() if v is not None}
    internal = {k: v for k, v in given.items() if k in INTERNAL}
    return {**named({k: v for k, v in given.items() if k not in INTERNAL}), "_internal": internal}


def arguments(step: dict[str, Any], called: Any) -> dict[str, Any]:
    return {**typed(called, named(step["args"])), **named(step["opts"])}


def plain(value: Any) -> Any:
    """A value as the JSON that the door gave for it."""
    if isinstance(value, (Run, AsyncRun)):
        return {
            "id": str(value.id),
            "parent": str(next(getattr(value, name) for name in PARENTS if hasattr(value, name))),
            "kind": value.kind,
            "adopted": value.adopted,
            "joined": value.joined,
            "token": value.token,
        }
    if isinstance(value, Json):
        return value.to_python()
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, msgspec.Struct):
        tag = {value.__struct_config__.tag_field: value.__struct_config__.tag} if value.__struct_config__.tag else {}
        fields = msgspec.structs.fields(value)
        return tag | {field.encode_name: plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def failure(error: BaseException) -> dict[str, Any]:
    if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
        return {"kind": "cancelled"}
    assert isinstance(error, HightouchError), repr(error)
    return {
        "kind": type(error).kind,
        "message": error.message,
        "status": error.status,
        "details": error.details,
        "operation": error.operation,
        "resource": error.resource,
        "retryAfterMs": None if error.retry_after is None else error.retry_after * 1000,
        "hint": error.hint,
        "causes": error.causes,
        "run": error.run_token,
        "meta": plain(error.meta),
    }


class Driver(Protocol):
    """How one of the clients does what a step says."""

    player: str
    client: Any

    def open(self, settings: dict[str, Any]) -> None: ...
    def act(self, step: dict[str, Any], handle: Any) -> Any: ...
    def close(self) -> None: ...


class Blocking:
    player = "python"

    def open(self, settings: dict[str, Any]) -> None:
        self.client = Hightouch(**constructor(settings), on_end=lambda end: trace(self.player, "hook", repr(end)))

    def close(self) -> None:
        self.client.close()

    def act(self, step: dict[str, Any], handle: Any) -> Any:
        if step.get("atOnce"):
            with ThreadPoolExecutor(step["atOnce"]) as pool:
                futures = [pool.submit(self._call, step, handle) for _ in range(step["atOnce"])]
            return [future.exception() or future.result() for future in futures]
        if step.get("cancelAfterMs") is None:
            return self._call(step, handle)
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, step["cancelAfterMs"] / 1000)
        try:
            return self._call(step, handle)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)

    def _call(self, step: dict[str, Any], handle: Any) -> Any:
        called = method(self.client, handle, step["call"])
        value = called(**arguments(step, called))
        if step["call"] == "run.states":
            return [state.status for state in value]
        if isinstance(value, Listing):
            return value.first_page().items if step.get("take") == "firstPage" else list(value)
        return value


class Asynchronous:
    player = "python-async"

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def open(self, settings: dict[str, Any]) -> None:
        self.client = AsyncHightouch(**constructor(settings), on_end=lambda end: trace(self.player, "hook", repr(end)))

    def close(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def act(self, step: dict[str, Any], handle: Any) -> Any:
        return self.loop.run_until_complete(self._act(step, handle))

    async def _act(self, step: dict[str, Any], handle: Any) -> Any:
        if step.get("atOnce"):
            calls = [self._call(step, handle) for _ in range(step["atOnce"])]
            return await asyncio.gather(*calls, return_exceptions=True)
        task = asyncio.create_task(self._call(step, handle))
        if step.get("cancelAfterMs") is not None:
            asyncio.get_running_loop().call_later(step["cancelAfterMs"] / 1000, task.cancel)
        return await asyncio.wait_for(task, STEP_SECONDS)

    async def _call(self, step: dict[str, Any], handle: Any) -> Any:
        called = method(self.client, handle, step["call"])
        value = called(**arguments(step, called))
        if step["call"] == "run.states":
            return [state.status async for state in value]
        if isinstance(value, AsyncListing):
            return (await value).items if step.get("take") == "firstPage" else [item async for item in value]
        return await value if inspect.isawaitable(value) else value


def play(scenario: dict[str, Any], name: str, world: World, driver: Driver) -> None:
    """Play all steps and have the wire judged."""
    seen: dict[str, Any] = {**world.sandbox.line, **world.answer}
    handles: dict[str, Any] = {}
    settings = {
        "apiKey": "{{apiKey}}",
        "baseUrl": "{{baseUrl}}",
        "caBundle": "{{ca}}",
        "timeScale": world.answer["timeScale"],
        "environment": {},
        **scenario.get("client", {}),
    }
    unmade: BaseException | None = None
    try:
        driver.open(fill(settings, seen))
        trace(driver.player, "client", repr(driver.client), vars(driver.client))
    except HightouchError as error:
        trace_error(driver.player, error)
        unmade = error
    if "construct" in scenario:
        assert unmade is not None, "making the client should have failed"
        check_error(unmade, fill(scenario["construct"]["error"], seen))
    elif unmade is not None:
        raise unmade
    for step in scenario.get("steps", []):
        filled = {**step, "args": fill(step.get("args", {}), seen), "opts": fill(step.get("opts", {}), seen)}
        expect = fill(step.get("expect", {}), seen)
        try:
            outcome = driver.act(filled, handles.get(step.get("on", "")))
        except (HightouchError, KeyboardInterrupt, asyncio.CancelledError) as error:
            outcome = error
        for each in outcome if step.get("atOnce") else [outcome]:
            shown(driver.player, each, step["call"])
            check(each, expect, step["call"])
        if "save" in step:
            handles[step["save"]] = outcome
            seen[step["save"]] = failure(outcome) if isinstance(outcome, BaseException) else plain(outcome)
    if unmade is None:
        driver.close()
    assert world.judge(driver.player, name, scenario.get("wire", {})) == []


def shown(player: str, outcome: Any, call: str) -> None:
    if isinstance(outcome, BaseException):
        trace_error(player, outcome)
    elif isinstance(outcome, (Run, AsyncRun)):
        trace_run(player, outcome)
    elif call == "client.diagnose":
        trace_value(player, "diagnosis", outcome)


def check(outcome: Any, expect: dict[str, Any], call: str) -> None:
    assert expect.keys() <= {"value", "count", "error"}, f"the player does not know all of {expect}"
    if "error" in expect:
        assert isinstance(outcome, BaseException), f"{call} should have failed and gave {outcome!r}"
        check_error(outcome, expect["error"])
        return
    if isinstance(outcome, BaseException):
        raise outcome
    value = plain(outcome)
    if call == "run.states":
        value = [status for index, status in enumerate(value) if index == 0 or status != value[index - 1]]
    if "value" in expect:
        complaint = differs(value, expect["value"], call)
        assert complaint is None, complaint
    if "count" in expect:
        assert len(value) == expect["count"]


def check_error(error: BaseException, expected: dict[str, Any]) -> None:
    found = failure(error)
    text = f"{found.get('message')} {found.get('hint')}"
    for member, value in expected.items():
        if member in ("contains", "notContaining"):
            continue
        if value == "...":
            assert found.get(member) is not None, f"{member} is missing in {found}"
            continue
        complaint = differs(found.get(member), value, member)
        assert complaint is None, f"{complaint} in {found}"
    for part in listed(expected.get("contains", [])):
        assert part in text, f"{part!r} is not in {text!r}"
    everything = f"{msgspec.json.encode(found).decode()} {error} {error!r}"
    for part in listed(expected.get("notContaining", [])):
        assert part not in everything, f"{part!r} is in {everything!r}"


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def differs(found: Any, expected: Any, path: str) -> str | None:
    """Where the value does not match, or None."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{path} is {found!r} and not an object"
        return next((c for k, v in expected.items() if (c := differs(found.get(k), v, f"{path}.{k}"))), None)
    if isinstance(expected, list):
        if not isinstance(found, list):
            return f"{path} is {found!r} and not a list"
        return None if fits(found, expected) else f"{path} is {found!r} and not {expected!r}"
    same = found == expected and isinstance(found, bool) == isinstance(expected, bool)
    return None if same else f"{path} is {found!r} and not {expected!r}"


def fits(found: list[Any], expected: list[Any]) -> bool:
    if not expected:
        return not found
    if expected[0] == "...":
        return any(fits(found[start:], expected[1:]) for start in range(len(found) + 1))
    return bool(found) and differs(found[0], expected[0], "") is None and fits(found[1:], expected[1:])


def fill(value: Any, seen: dict[str, Any]) -> Any:
    """Replace placeholders in strings at any depth."""
    if isinstance(value, dict):
        return {key: fill(item, seen) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, seen) for item in value]
    if not isinstance(value, str):
        return value

    def look(path: str) -> Any:
        at: Any = seen
        for part in path.split("."):
            at = at[int(part)] if isinstance(at, list) else at[part]
        return at

    whole = re.fullmatch(r"\{\{([^{}]+)\}\}", value)
    if whole:
        return look(whole[1])
    return re.sub(r"\{\{([^{}]+)\}\}", lambda found: str(look(found[1])), value)
