"""The package works while a library freezes time, and after the library has stopped freezing time."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import World
from scripts import run

FREEZERS = {
    "freezegun": """
        from freezegun import freeze_time
        frozen = freeze_time("2020-01-01")
    """,
    "by hand": """
        import contextlib, datetime, unittest.mock
        class Stopped(datetime.datetime):
            @classmethod
            def now(cls, tz=None):
                return cls(2020, 1, 1, tzinfo=tz)
        @contextlib.contextmanager
        def stopped():
            with contextlib.ExitStack() as patches:
                real, clock = datetime.datetime, time.monotonic
                for module in [*sys.modules.values()]:
                    for name, value in [*vars(module).items()]:
                        if value is real:
                            patches.enter_context(unittest.mock.patch.object(module, name, Stopped))
                        elif value is clock:
                            patches.enter_context(unittest.mock.patch.object(module, name, lambda: 1.0))
                yield
        frozen = stopped()
    """,
}


def test_a_first_call_while_time_is_frozen_does_not_affect_later_calls(new_world: Callable[..., World]) -> None:
    for freezer in FREEZERS.values():
        world = new_world(runs={"seconds": 4})
        out, _ = run(
            world,
            freezer
            + """
        ht = Hightouch(**settings)
        with frozen:
            run = ht.syncs.trigger(1)
            print(run.wait(timeout=60).status)
            during = ht.syncs.get(1)
        assert ht.syncs.get(1) == during == Hightouch(**settings).syncs.get(1)
        import datetime
        assert type(during.updated_at) is datetime.datetime
        print(type(run.wait().finished_at) is datetime.datetime)
        """,
        )
        assert out.split() == ["success", "True"]


def test_a_datetime_of_the_frozen_clock_can_be_an_argument(new_world: Callable[..., World]) -> None:
    for freezer in FREEZERS.values():
        world = new_world()
        run(
            world,
            freezer
            + """
        import datetime
        zone = datetime.timezone(datetime.timedelta(hours=2))
        ht = Hightouch(**settings)
        with frozen:
            now = datetime.datetime.now(zone)
            list(ht.syncs.list(after=now))
            ht.syncs.update(1, configuration={"at": now})
        """,
        )
        listed, updated = world.requests()
        assert listed["query"]["after"].endswith("T00:00:00.000Z") or listed["query"]["after"].endswith(
            "T22:00:00.000Z"
        )
        assert updated["body"]["configuration"]["at"].startswith("2020-01-01T0")


def test_a_wait_ends_in_time_while_time_is_frozen(new_world: Callable[..., World]) -> None:
    for freezer in FREEZERS.values():
        world = new_world(runs={"seconds": 100_000})
        out, _ = run(
            world,
            freezer
            + """
        ht = Hightouch(**settings)
        with frozen:
            try:
                ht.syncs.trigger(1).wait(timeout=0.5, progress=lambda state: None)
            except WaitTimeoutError:
                print("over")
        """,
        )
        assert out.split() == ["over"]
