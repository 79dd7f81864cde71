"""Measures the cost of calls in several processes, called lanes. In each round, every lane has its turn."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = {
    "one": ("one sync, one after the other", 160),
    "flight": ("one sync, 32 under way", 640),
    "page": ("a page of 100", 32),
}
"""The title of each case and its number of calls in a round."""

WARM_UP = 1.5
"""Seconds that each lane runs before it is measured."""


class Cost(NamedTuple):
    """The cost of a call in microseconds."""

    cpu: float
    wall: float


def cost(line: str, calls: int) -> Cost:
    """Reads the line in which a lane reports the CPU time and the elapsed time of all its calls, in nanoseconds.

    Returns:
        Both times for one call, in microseconds.
    """
    cpu, wall = (float(text) / 1000 / calls for text in line.split())
    return Cost(cpu, wall)


Costs = dict[tuple[str, str], list[Cost]]
"""Costs by client and case, with one cost for each round."""


class LaneEndedError(Exception):
    """The process of a client has ended too early."""


class Lane:
    """The process of one client."""

    def __init__(self, name: str, command: str, environment: dict[str, str]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def measure(self, case: str, calls: int) -> Cost:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(f"{case} {calls}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise LaneEndedError from None
        line = self.process.stdout.readline()
        if not line:
            raise LaneEndedError
        return cost(line, calls)

    def end(self) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(30)


CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
"""The cores that this process may use; None if the system does not say."""


def use_cores(one: bool) -> None:
    """Lets this process, and the processes that it starts, use one core or all cores."""
    if CORES is not None:
        os.sched_setaffinity(0, {max(CORES)} if one else CORES)


@contextmanager
def served(program: str, pages: Path) -> Iterator[dict[str, str]]:
    """Runs the server, and yields the environment variables for the lanes."""
    ca = pages / "ca.pem"
    server = subprocess.Popen(
        [program, str(pages / "one.json"), str(pages / "hundred.json"), str(ca)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        url = server.stdout.readline().strip()
        # Clients in Node.js trust the certificate in NODE_EXTRA_CA_CERTS. The benchmark uses no proxy, so the variables
        # that name a proxy are left out.
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        yield environment | {"BENCH_URL": url, "BENCH_CA": str(ca), "NODE_EXTRA_CA_CERTS": str(ca)}
    finally:
        server.stdin.close()
        server.wait(30)


def rounds(commands: dict[str, str], environment: dict[str, str], number: int, seconds: float) -> Costs:
    """Measures every client in up to ``number`` rounds.

    Starts no further round after ``seconds`` seconds, but makes at least five rounds. A client that fails is left out
    of the result. If the first client fails, the program ends.
    """
    lanes: list[Lane] = []
    failed: set[str] = set()

    def measure(lane: Lane, case: str, calls: int) -> list[Cost]:
        if lane.name not in failed:
            try:
                return [lane.measure(case, calls)]
            except LaneEndedError:
                if lane is lanes[0]:
                    raise SystemExit(f"bench: the client {lane.name} has failed.") from None
                print(f"bench: the client {lane.name} has failed and is left out.")
                failed.add(lane.name)
        return []

    try:
        for name, command in commands.items():
            lanes.append(Lane(name, command, environment))
        for lane in lanes:
            # Uncounted calls open connections, fill caches and warm up just-in-time compilers.
            until = time.monotonic() + WARM_UP
            while lane.name not in failed and time.monotonic() < until:
                for case, (_, calls) in CASES.items():
                    measure(lane, case, calls)
        costs: Costs = {(lane.name, case): [] for lane in lanes for case in CASES}
        until = time.monotonic() + seconds
        for nth in range(number):
            if nth >= 5 and time.monotonic() > until:
                break
            turn = nth % len(lanes)
            for case, (_, calls) in CASES.items():
                for lane in lanes[turn:] + lanes[:turn]:
                    costs[lane.name, case] += measure(lane, case, calls)
        return {key: of_lane for key, of_lane in costs.items() if key[0] not in failed}
    finally:
        for lane in lanes:
            lane.end()


def starts(commands: dict[str, str], environment: dict[str, str], number: int) -> Costs:
    """Measures processes that import a client and make one call. The start of the interpreter is not counted."""
    costs: Costs = {(name, "start"): [] for name in commands}
    names = list(commands)
    # The first round only fills the caches of the system, so it is not counted.
    for nth in range(number + 1):
        turn = nth % len(names)
        for name in names[turn:] + names[:turn]:
            command = [*shlex.split(commands[name]), "once"]
            ended = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            if ended.returncode != 0:
                raise SystemExit(f"bench: the lane {name} failed.\n{ended.stderr}")
            if nth:
                costs[name, "start"].append(cost(ended.stdout, 1))
    return costs
