"""The values that arguments accept, and the values that are refused before anything is sent."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import typing
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import hightouch_sdk
from hightouch_sdk import (
    AsyncHightouch,
    ConfigError,
    CronRule,
    DbtRule,
    Hightouch,
    HightouchError,
    Interval,
    IntervalRule,
    InvalidRequestError,
    Json,
    NotFoundError,
    Schedule,
)
from hightouch_sdk._async_resources import AsyncResources
from hightouch_sdk._handles import Handle
from hightouch_sdk._resources import Resources
from sandbox import World

UTC = timezone.utc


class Number:
    """An integer of another library, such as `numpy.int64`."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value


class Scalar:
    """A scalar of another library, such as `numpy.float32` or `numpy.bool_`."""

    shape = ()

    def __init__(self, value: object) -> None:
        self._value = value

    def item(self) -> object:
        return self._value


class Timestamp(datetime):
    """A subclass of datetime, such as `pandas.Timestamp`."""


class Never(datetime):
    """A datetime that does not stand for a point in time, such as `pandas.NaT`."""

    year = float("nan")  # type: ignore[assignment]

    def __str__(self) -> str:
        return "NaT"


class Secret:
    """Hides a key, as pydantic's `SecretStr` does."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value


def sent(world: World) -> dict[str, Any]:
    request: dict[str, Any] = world.requests()[-1]
    return request


def refused(call: Callable[[], object], error: type[HightouchError] = InvalidRequestError) -> str:
    with pytest.raises(error) as raised:
        call()
    return str(raised.value)


def test_a_sync_is_identified_by_an_object_an_id_a_slug_or_a_number_of_another_library(
    client: Hightouch, world: World
) -> None:
    sync = client.syncs.get(2)
    for name in (sync, Number(2), 2, "2", sync.slug):
        assert client.syncs.get(typing.cast("int", name)) == sync
    assert client.syncs.trigger(sync).sync_id == 2
    list(client.syncs.list(model_id=typing.cast("int", Number(7)), limit=typing.cast("int", Number(5))))
    assert (sent(world)["query"]["modelId"], sent(world)["query"]["limit"]) == ("7", "5")


def test_a_pandas_timestamp_is_accepted_and_a_naive_datetime_is_refused_with_advice(
    client: Hightouch, world: World
) -> None:
    zone = timezone(timedelta(hours=2))
    for moment in (datetime(2026, 1, 1, 2, tzinfo=zone), Timestamp(2026, 1, 1, 2, tzinfo=zone)):
        list(client.syncs.runs(1, after=moment))
        assert sent(world)["query"]["after"] == "2026-01-01T00:00:00.000Z"
    count = len(world.requests())
    for naive in (datetime(2026, 1, 1), Timestamp(2026, 1, 1)):  # noqa: DTZ001
        text = refused(lambda naive=naive: client.syncs.runs(1, after=naive))  # type: ignore[misc]
        assert text.startswith("`after` has no time zone: 2026-01-01 00:00:00. Pass an aware datetime")
    never = Never(2026, 1, 1, tzinfo=UTC)
    assert refused(lambda: client.syncs.runs(1, after=never)) == (
        "NaT is not a point in time, and `after` must be one."
    )
    assert len(world.requests()) == count


def test_within_accepts_a_timedelta(client: Hightouch, world: World) -> None:
    cases: list[tuple[int | timedelta, str]] = [(timedelta(hours=2), "120"), (timedelta(seconds=61), "2"), (5, "5")]
    for within, minutes in cases:
        list(client.syncs.runs(1, within=within))
        assert sent(world)["query"]["within"] == minutes


def test_durations_are_numbers_of_seconds_or_timedeltas_and_never_negative(world: World) -> None:
    for given in (30, 30.0, timedelta(seconds=30), Decimal(30), Fraction(30), Number(30)):
        with Hightouch(**world.settings(timeout=given)) as client:
            client.syncs.get(1, deadline=typing.cast("float", given))
    for name in ("timeout", "deadline", "max_wait"):
        negative: list[Any] = [-1, timedelta(seconds=-1)]
        for wrong in negative:
            text = refused(lambda name=name, wrong=wrong: Hightouch(**{name: wrong}), ConfigError)  # type: ignore[misc]
            assert text == f"`{name}` must not be negative, but it is {wrong!r}."
        for wrong in ("30", True, float("nan"), float("inf"), Decimal("Infinity")):
            text = refused(lambda name=name, wrong=wrong: Hightouch(**{name: wrong}), ConfigError)  # type: ignore[misc]
            assert text == f"`{name}` must be a finite number of seconds or a timedelta, not {wrong!r}."


def test_a_schedule_may_be_given_as_a_cron_expression_or_a_rule(client: Hightouch) -> None:
    cron = Schedule(type="cron", schedule=CronRule(expression="0 9 * * *"))
    interval = IntervalRule(interval=Interval(unit="hour", quantity=2))
    for given, expected in [
        ("0 9 * * *", cron),
        (cron.schedule, cron),
        (cron, cron),
        (interval, Schedule(type="interval", schedule=interval)),
    ]:
        assert client.syncs.update(1, schedule=typing.cast("Schedule", given)).schedule == expected
    assert client.syncs.update(1, schedule=None).schedule is None
    text = refused(lambda: client.syncs.update(1, schedule=DbtRule(account=None, job=None)))  # type: ignore[arg-type]
    assert text.startswith("`schedule` is a DbtRule, and the API does not document the `type` of such a schedule.")


def test_order_by_is_spelled_in_snake_case(client: Hightouch, world: World) -> None:
    for given, wire in [("created_at", "createdAt"), ("id", "id")]:
        list(client.syncs.list(order_by=given))  # type: ignore[arg-type]
        assert sent(world)["query"]["orderBy"] == wire
    with pytest.raises(NotFoundError):
        list(client.identity_graphs.runs("no-such-graph", order_by="started_at"))
    assert sent(world)["query"]["orderBy"] == "started_at"


def test_the_values_of_every_order_are_in_snake_case() -> None:
    orders = [hightouch_sdk.ListOrder, hightouch_sdk.RunOrder, hightouch_sdk.IdentityGraphRunOrder]
    names = [name for order in orders for name in typing.get_args(order)]
    assert "started_at" in names
    assert all(name == name.lower() for name in names)


def test_a_value_without_a_json_form_is_refused_and_named_by_its_path(client: Hightouch, world: World) -> None:
    cyclic: list[object] = []
    cyclic.append(cyclic)
    cases: list[tuple[object, str]] = [
        ({"tags": {"a"}}, "`configuration.tags` is a set, and JSON has no sets. Pass a list."),
        ({"tags": frozenset("a")}, "`configuration.tags` is a frozenset, and JSON has no sets. Pass a list."),
        ({"a": [0, {"b": b"x"}]}, "`configuration.a[1].b` is a bytes object. Decode it to a string first."),
        ({"a": object()}, "`configuration.a` is of the type object, which has no JSON form."),
        ({"a": float("nan")}, "`configuration.a` is nan, and JSON has no such number. Pass None or a string."),
        ({"a": Decimal("NaN")}, "`configuration.a` is NaN, and JSON has no such number. Pass None or a string."),
        ({"a": Never(2026, 1, 1)}, "`configuration.a` is NaT, which is not a point in time. Pass None."),
        ({1: "a"}, "`configuration` has the key 1. JSON has only string keys."),
        ({"a": cyclic}, "`configuration` is nested too deep, or contains itself."),
    ]
    for configuration, text in cases:
        assert refused(lambda it=configuration: client.syncs.update(1, configuration=it)) == text  # type: ignore[misc]
    assert refused(lambda: client.request("GET", "/syncs", query={"a": {1}})).startswith("`query.a` is a set")
    assert refused(lambda: client.request("POST", "/syncs", body={1})).startswith("`body` is a set")
    assert refused(lambda: client.syncs.get(b"orders")) == (  # type: ignore[arg-type]
        "`sync` is a bytes object. Decode it to a string first."
    )
    assert refused(lambda: client.sources.get(object())) == (  # type: ignore[arg-type]
        "`source_id` is of the type object, which has no JSON form."
    )
    assert world.requests() == []
    with pytest.raises(TypeError, match=r"The value at `\.a` is a set"):
        Json({"a": {1}})
    with pytest.raises(ValueError, match="is inf"):
        Json({"a": float("inf")})


def test_a_decimal_keeps_its_digits_as_a_number() -> None:
    digits = "123456789012345678901234567890.1234567890"
    assert Json({"price": Decimal(digits)}).text == f'{{"price":{digits}}}'
    assert Json([Decimal("1E+3"), Decimal("-0.10")]).text == "[1E+3,-0.10]"
    with Json({}).edit() as edit:
        edit["price"] = Decimal(digits)
    assert edit.json.text == f'{{"price":{digits}}}'


def test_scalars_of_numpy_are_numbers_and_bools() -> None:
    assert Json([Number(7), Scalar(1.5), Scalar(True)]).text == "[7,1.5,true]"


def test_a_key_in_bytes_is_refused_with_advice_and_not_shown() -> None:
    text = refused(lambda: Hightouch(api_key=b"canary"), ConfigError)  # type: ignore[arg-type]
    assert text == "The API key must be a string, not bytes. Decode it first: `api_key.decode()`."


def test_a_key_may_be_a_secret_object_and_the_first_argument(world: World) -> None:
    settings = world.settings()
    key = settings.pop("api_key")
    for client in (
        Hightouch(key, **settings),
        Hightouch(Secret(key), **settings),
        Hightouch(lambda: Secret(key), **settings),  # type: ignore[arg-type,return-value]
    ):
        assert client.syncs.get(1).id == 1
        client.set_api_key(Secret(key))
        assert client.syncs.get(1).id == 1
        client.close()
    diagnosis = hightouch_sdk.diagnose(
        api_key=Secret(key), base_url=settings["base_url"], ca_bundle=settings.get("ca_bundle")
    )
    assert diagnosis.ok

    async def main() -> None:
        async with AsyncHightouch(Secret(key), **settings) as client:
            assert (await client.syncs.get(1)).id == 1

    asyncio.run(main())


def test_settings_and_headers_of_a_wrong_type_are_named_as_python_names_them(client: Hightouch) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"base_url": b"https://x"}, "`base_url` must be a string, not bytes."),
        ({"proxy": 1}, "`proxy` must be a string, not int."),
        ({"ca_bundle": 1}, "`ca_bundle` must be the path of a file, not int."),
        ({"headers": "a: b"}, "`headers` must be a mapping from names to values, not str."),
        ({"headers": {"a": 1}}, "`headers` must map strings to strings, and 'a' maps to int."),
        ({"headers": {"a": b"s3cret"}}, "`headers` must map strings to strings, and 'a' maps to bytes."),
    ]
    for settings, text in cases:
        assert refused(lambda it=settings: Hightouch("k", **it), ConfigError) == text  # type: ignore[misc]
    assert refused(lambda: client.syncs.get(1, headers={"a": 1})) == cases[4][1]  # type: ignore[dict-item]


@pytest.mark.parametrize("resources", [Resources, AsyncResources])
def test_the_types_of_every_operation_can_be_resolved_at_run_time(resources: Any) -> None:
    for cls in (getattr(resources, name) for name, it in vars(resources).items() if isinstance(it, Handle)):
        for name, method in inspect.getmembers(cls, inspect.isfunction):
            if not name.startswith("_"):
                typing.get_type_hints(method)
    runs = typing.get_type_hints(resources.syncs.runs)
    assert "started_at" in str(runs["order_by"])


def test_the_types_of_everything_public_can_be_resolved_at_run_time() -> None:
    public = [getattr(hightouch_sdk, name) for name in hightouch_sdk.__all__]
    callables = [it for it in public if isinstance(it, type) or inspect.isfunction(it)]
    constructors = [Hightouch.__init__, AsyncHightouch.__init__, Json.__init__, HightouchError.__init__]
    methods = [
        method
        for cls in callables
        for name, method in inspect.getmembers(cls, inspect.isroutine)
        if not name.startswith("_") and hasattr(method, "__annotations__")
    ]
    for it in [*callables, *constructors, *methods]:
        typing.get_type_hints(it)


def test_types_can_be_resolved_before_the_modules_that_they_are_in_are_imported() -> None:
    for name in ("Hightouch.run", "AsyncHightouch.run", "HightouchError.__init__", "RunFailedError", "Json"):
        script = f"import typing, hightouch_sdk; typing.get_type_hints(hightouch_sdk.{name})"
        subprocess.run([sys.executable, "-c", script], check=True)
