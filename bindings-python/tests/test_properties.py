"""Any value that a user can create is sent completely and received unchanged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import strategies
from hightouch_sdk import (
    AsyncHightouch,
    EventSchema,
    Hightouch,
    InvalidRequestError,
    Json,
    JsonArray,
    JsonObject,
    MessageVariable,
    Schedule,
    UnknownScheduleRule,
)
from sandbox import Sandbox, World

bounded = settings(max_examples=60, deadline=None, database=None)

T = TypeVar("T")

FLOW = "00000000-0000-4000-8000-000000000001"
MESSAGE = "00000001-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def keeper(sandbox: Sandbox) -> Iterator[World]:
    """A world with a limit that allows all requests of these tests."""
    world = sandbox.world({"limit": {"requests": 100_000, "seconds": 10}})
    yield world
    world.end()


@pytest.fixture(scope="module")
def client(keeper: World) -> Iterator[Hightouch]:
    with Hightouch(**keeper.settings(limit=(100_000, 10))) as client:
        yield client


@pytest.fixture(scope="module")
def confidant(sandbox: Sandbox) -> Confidant:
    return Confidant(sandbox)


def spelled(value: object) -> str:
    """Returns the JSON of a value. Tests compare this text, because Python considers 1, 1.0 and True equal."""
    plain = value.to_python() if isinstance(value, (Json, JsonObject, JsonArray)) else value
    return json.dumps(plain, sort_keys=True)


@bounded
@given(value=strategies.json)
def test_any_json_comes_back_as_it_was_given(client: Hightouch, value: Any) -> None:
    for written in (value, Json(value)):
        updated = client.syncs.update(1, configuration={"probe": written})
        assert updated.configuration is not None
        assert spelled(updated.configuration["probe"]) == spelled(value)
        read = client.syncs.get(1)
        assert read.configuration == updated.configuration


@bounded
@given(schedule=strategies.documented_schedules, disabled=st.booleans())
def test_a_schedule_comes_back_and_another_sync_can_be_given_it(
    client: Hightouch, schedule: Schedule, disabled: bool
) -> None:
    client.syncs.update(1, schedule=None)
    assert client.syncs.get(1).schedule is None
    client.syncs.update(1, schedule=schedule, disabled=disabled)
    first = client.syncs.get(1)
    assert (first.schedule, first.disabled) == (schedule, disabled)
    assert client.syncs.update(2, schedule=first.schedule).schedule == schedule


@bounded
@given(variables=st.lists(strategies.variables, max_size=3), config=strategies.objects)
def test_the_variables_of_a_message_come_back(
    client: Hightouch, variables: list[MessageVariable], config: dict[str, Any]
) -> None:
    client.decision_engine.update_message(FLOW, MESSAGE, variables=variables, config={"probe": config})
    message = client.decision_engine.get_message(FLOW, MESSAGE)
    assert message.variables == variables
    assert message.config is not None
    assert spelled(message.config["probe"]) == spelled(config)
    again = client.decision_engine.update_message(FLOW, MESSAGE, variables=message.variables)
    assert again.variables == variables


class Confidant:
    """Creates worlds that accept any body, even one that the sandbox usually refuses, and answer with given JSON."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def hears(
        self, read: Callable[[Hightouch], T], call: Callable[[Hightouch], object], named: dict[str, object]
    ) -> tuple[Any, T]:
        """Returns the body that ``call`` sends, and what ``read`` returns if the server answers with that body.

        ``named`` has the members that each answer contains besides the members of the body.
        """
        _, (request,) = self.answers(named, call)
        sent = request["body"]
        return sent, self.answers({**named, **sent}, read)[0]

    def answers(self, answer: object, call: Callable[[Hightouch], T]) -> tuple[T, list[dict[str, Any]]]:
        """Returns the result of a call that gets this answer, and the requests that the call sends."""
        world = self._sandbox.world({"script": [{"answer": {"status": 200, "text": json.dumps(answer)}}]})
        with Hightouch(**world.settings()) as client:
            value = call(client)
        requests = world.requests()
        world.end()
        return value, requests


@bounded
@given(schedule=strategies.schedules)
def test_a_schedule_of_any_kind_goes_out_without_its_tag_and_is_read_as_it_was(
    confidant: Confidant, schedule: Schedule
) -> None:
    sent, sync = confidant.hears(
        lambda client: client.syncs.get(1),
        lambda client: client.syncs.update(1, schedule=schedule),
        {"id": 1, "slug": "a"},
    )
    read = sync.schedule
    assert read == schedule
    rule = schedule.schedule
    if isinstance(rule, UnknownScheduleRule):
        assert read is not None
        assert isinstance(read.schedule, UnknownScheduleRule)
        assert spelled(read.schedule.raw) == spelled(sent["schedule"]["schedule"]) == spelled(rule.raw)
    elif rule is not None:
        assert sent["schedule"]["schedule"].keys() == msgspec.to_builtins(rule).keys() - {"kind"}


@bounded
@given(events=st.lists(strategies.events, max_size=3))
def test_the_events_of_a_contract_go_out_and_are_read_as_they_were(
    confidant: Confidant, events: list[EventSchema]
) -> None:
    sent, contract = confidant.hears(
        lambda client: client.event_contracts.update("c", name="n"),
        lambda client: client.event_contracts.update("c", events=events),
        {"id": "c", "name": "n"},
    )
    assert contract.events == events
    assert [spelled(event["schema"]) for event in sent["events"]] == [spelled(event.schema) for event in events]


@bounded
@given(value=strategies.long_json)
@example(value=10**400)
@example(value=5e-324)
def test_numbers_of_any_length_in_an_answer_are_read_as_they_are(confidant: Confidant, value: Any) -> None:
    answer = {"id": 1, "slug": "a", "configuration": {"probe": value}}
    sync, _ = confidant.answers(answer, lambda client: client.syncs.get(1))
    assert sync.configuration is not None
    assert json.loads(sync.configuration.raw)["probe"] == value


def test_an_asynchronous_client_writes_values_the_same(keeper: World) -> None:
    loop = asyncio.new_event_loop()
    client = AsyncHightouch(**keeper.settings(limit=(100_000, 10)))

    @settings(bounded, max_examples=20)
    @given(value=strategies.json, schedule=strategies.documented_schedules)
    def comes_back(value: Any, schedule: Schedule) -> None:
        call = client.syncs.update(3, configuration={"probe": value}, schedule=schedule)
        updated = loop.run_until_complete(call)
        assert updated.configuration is not None
        assert spelled(updated.configuration["probe"]) == spelled(value)
        assert updated.schedule == schedule

    comes_back()
    loop.run_until_complete(client.close())
    loop.close()


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_json_may_nest_to_a_hundred_and_what_nests_too_deep_is_refused_before_it_is_sent(
    client: Hightouch, keeper: World
) -> None:
    updated = client.syncs.update(1, configuration={"probe": nested(100)})
    assert updated.configuration is not None
    assert updated.configuration["probe"] == nested(100)
    before = len(keeper.requests())
    for depth in (200, 100_000):
        with pytest.raises(InvalidRequestError):
            client.syncs.update(1, configuration={"probe": nested(depth)})
    assert len(keeper.requests()) == before
