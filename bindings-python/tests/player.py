"""Plays scenarios (tests/scenarios/README.md) through the public clients."""

from __future__ import annotations

import asyncio
import re
import tempfile
from datetime import datetime, timezone
from typing import Any

import msgspec

from drivers import Driver, Keys, Part
from hightouch_sdk import AsyncRun, HightouchError, Json, Run, RunFailedError
from sandbox import World
from trace_keys import trace, trace_error, trace_run, trace_value

PARENTS = ("sync_id", "sequence_id", "graph_id")


def plain(value: Any) -> Any:
    """Converts the result of a call to JSON with the names that scenarios use."""
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
        notes = " ".join(getattr(error, "__notes__", []))
        token = re.search(r"[\w-]{40,}", notes)
        return {"kind": "cancelled", "hint": notes or None, "run": token and token[0]}
    assert isinstance(error, HightouchError), repr(error)
    return {
        "kind": type(error).kind,
        "code": getattr(error, "code", None),
        "message": error.message,
        "status": error.status,
        "details": error.details,
        "operation": error.operation,
        "resource": error.resource,
        "retryAfterMs": None if error.retry_after is None else error.retry_after * 1000,
        "hint": error.hint,
        "causes": error.causes,
        "run": error.run_token,
        "problem": plain(error.problem) if isinstance(error, RunFailedError) else None,
        "meta": plain(error.meta),
    }


class Play:
    """One scenario, with its clients and the values that its steps save."""

    def __init__(self, scenario: dict[str, Any], world: World, driver: Driver) -> None:
        self.scenario, self.world, self.driver = scenario, world, driver
        self.folder = tempfile.TemporaryDirectory(prefix="hightouch-python-")
        self.seen: dict[str, Any] = {**world.sandbox.line, **world.answer, "folder": self.folder.name}
        self.handles: dict[str, Any] = {}
        self.clients: dict[str, Any] = {}
        self.keys: list[Keys] = []
        self.asked: list[None] = []

    def open(self, name: str) -> Any:
        """Returns the client with this name in the scenario. Creates the client at its first use."""
        if name not in self.clients:
            settings = {
                "apiKey": "{{apiKey}}",
                "baseUrl": "{{baseUrl}}",
                "caBundle": "{{ca}}",
                "timeScale": self.world.answer["timeScale"],
                "environment": {},
                **(self.scenario["clients"][name] if name else self.scenario.get("client", {})),
            }
            filled = fill(settings, self.seen)
            keys = None
            if "keys" in filled:
                keys = Keys(filled.pop("keys"), self.asked)
                self.keys.append(keys)
                del filled["apiKey"]
            client = self.driver.open(filled, keys)
            self.clients[name] = client
            if keys is not None:
                keys.client = client
            trace(self.driver.player, "client", repr(client), vars(client))
        return self.clients[name]

    def close(self) -> None:
        for keys in self.keys:
            keys.ended.set()
        try:
            self.driver.close(list(self.clients.values()))
        finally:
            self.folder.cleanup()

    def step(self, step: dict[str, Any]) -> None:
        parts = [self.part(each) for each in step.get("together", [step])]
        for part, outcomes in zip(parts, self.driver.act(parts), strict=True):
            expect = fill(part.step.get("expect", {}), self.seen)
            for outcome in outcomes:
                shown(self.driver.player, outcome, part.step["call"])
                check(outcome, expect, part.step["call"])
            if "save" in part.step:
                name, last = part.step["save"], outcomes[-1]
                self.handles[name] = last
                self.seen[name] = failure(last) if isinstance(last, BaseException) else plain(last)

    def part(self, step: dict[str, Any]) -> Part:
        asked = {name: fill(step.get(name, {}), self.seen) for name in ("args", "opts")}
        client, handle = self.open(step.get("client", "")), self.handles.get(step.get("on", ""))
        return Part({**step, **asked}, client, handle, self.world)


def play(scenario: dict[str, Any], name: str, world: World, driver: Driver) -> None:
    """Runs all steps, then lets the sandbox judge the requests."""
    played = Play(scenario, world, driver)
    try:
        try:
            played.open("")
        except HightouchError as error:
            trace_error(driver.player, error)
            if "construct" not in scenario:
                raise
            check_error(error, fill(scenario["construct"]["error"], played.seen))
        else:
            assert "construct" not in scenario, "making the client should have failed"
        for step in scenario.get("steps", []):
            played.step(step)
    finally:
        played.close()
    if "asked" in scenario:
        assert len(played.asked) == scenario["asked"], f"a key was asked for {len(played.asked)} times"
    complaints = world.judge(driver.player, name, scenario.get("wire", {}))
    assert complaints == [], complaints


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
    """Describes the first place at which a value differs from what the scenario expects; None if nothing differs."""
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
    """Replaces placeholders such as `{{apiKey}}` in all strings of a value."""
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
