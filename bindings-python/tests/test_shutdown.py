"""Calls and values in ``__del__`` while the interpreter shuts down."""

from __future__ import annotations

import pytest

from sandbox import World
from scripts import run


def test_a_call_while_the_interpreter_shuts_down_succeeds(world: World) -> None:
    out, err = run(
        world,
        """
        class Late:
            def __init__(self, ht, used):
                self.ht, self.used, self.print = ht, used, os.write
                if used:
                    self.call(self)
            @staticmethod
            def call(self):
                if self.used:
                    sync = self.ht.syncs.get(1)
                    self.ht.syncs.update(1, configuration={"a": sync.configuration, "b": [1.5]})
                    self.ht.syncs.trigger(1)
                self.ht.request("GET", "/syncs", query={"limit": 1})
                self.print(1, b"called ")
            def __del__(self):
                self.call(self)
        late = [Late(Hightouch(**settings), True), Late(Hightouch(**settings), False)]
        """,
    )
    assert "Traceback" not in err, err
    assert out.split() == ["called"] * 3


@pytest.mark.parametrize(
    ("before", "first"),
    [("None", {"get", "trigger"}), ("ht.syncs.latest_run(1)", {"get"}), ("ht.syncs.get(1)", {"trigger"})],
)
def test_a_first_call_in_del_at_shutdown_says_that_python_shuts_down(
    world: World, before: str, first: set[str]
) -> None:
    """Incident: while Python shut down, a first call raised ImportError, and later calls raised NameError."""
    out, err = run(
        world,
        f"""
        class Late:
            def __init__(self, ht):
                self.ht = ht
                {before}
            def __del__(self):
                for name, call in CALLS.items():
                    try:
                        call(self.ht)
                    except HightouchError as error:
                        os.write(1, f"{{name}} {{error.kind}} {{error}}\\n".encode())
                    else:
                        os.write(1, f"{{name}} worked\\n".encode())
        CALLS = {{
            "get": lambda ht: ht.syncs.get(1),
            "trigger": lambda ht: ht.syncs.trigger(2),
            "list": lambda ht: list(ht.syncs.list()),
            "open": lambda ht: ht.run("e30"),
            "wait": lambda ht: ht.syncs.run_many([3]).wait(),
            "progress": lambda ht: ht.syncs.run_many([3]).wait(progress=True),
            "close": lambda ht: ht.close(),
            "closed": lambda ht: ht.request("GET", "/syncs"),
        }}
        late = Late(Hightouch(**settings))
        """,
    )
    assert err == ""
    ends = dict(line.split(" ", 1) for line in out.splitlines())
    assert len(ends) == 8
    refused = "closed The interpreter is shutting down, so Python cannot load the code that this call needs. Make"
    late = {name for name, end in ends.items() if end.startswith(refused)}
    assert late == {*first, "list", "open", "wait", "progress"}
    assert {ends[name] for name in {"get", "trigger", "close"} - first} == {"worked"}
    assert ends["closed"].startswith("closed ")
    sent = [request["path"] for request in world.requests() if request["path"].endswith("/syncs/2/trigger")]
    assert len(sent) == ("trigger" not in first)


@pytest.mark.parametrize("used", [True, False])
def test_what_values_load_in_del_at_shutdown_works_after_a_use_and_else_says_why(world: World, used: bool) -> None:
    """Incident: while Python shut down, these methods raised ImportError, also if they had been used before."""
    out, err = run(
        world,
        f"""
        class Late:
            def __init__(self):
                self.json, self.run = Json({{"a": 1}}), SyncRun(id=1, status="failed")
                for use in USES.values() if {used} else ():
                    use(self)
            def __del__(self):
                for name, use in USES.items():
                    try:
                        use(self)
                    except HightouchError as error:
                        os.write(1, f"{{name}} {{error.kind}}\\n".encode())
                    else:
                        os.write(1, f"{{name}} worked\\n".encode())
        USES = {{
            "with": lambda late: late.json.with_("a", 2),
            "diff": lambda late: late.json.diff({{"a": 2}}),
            "problem": lambda late: late.run.problem,
        }}
        late = Late()
        """,
    )
    assert err == ""
    assert out.splitlines() == [f"{name} {'worked' if used else 'closed'}" for name in ("with", "diff", "problem")]
