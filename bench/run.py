"""Measures the cost of a call for several clients and prints a table: ``run.py LANGUAGE PAGES SERVER NAME=COMMAND...``.

A lane is a process that makes calls with one client. The lanes take turns in every round, in a changing order. The speed
of a machine drifts, so costs are compared within a round, and the table shows medians over the rounds. ``PAGES`` is a
folder with ``one.json`` and ``hundred.json``.

If the system allows it, server and clients share one core. With two cores on a virtual machine a call costs up to four
times as much, because waking the other core is expensive and happens irregularly; ``--spread`` shows it.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

CASES = {
    "one": ("one sync, one after the other", 160),
    "flight": ("one sync, 32 under way", 640),
    "page": ("a page of 100", 32),
}
"""The title of each case and its number of calls in a round."""

WARM_UP = 1.5
"""Seconds that each lane runs before it is measured."""

FLOOR = "reqwest-bytes"
"""The second lane that all are compared with: reqwest alone, which discards the bytes."""


class Cost(NamedTuple):
    """The cost of a call in microseconds."""

    cpu: float
    wall: float


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
        self.process.stdin.write(f"{case} {calls}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"bench: the lane {self.name} has ended.")
        cpu, wall = (float(text) / 1000 / calls for text in line.split())
        return Cost(cpu, wall)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


def rounds(lanes: list[Lane], number: int, seconds: float) -> dict[tuple[str, str], list[Cost]]:
    """Returns the costs of every lane by case, one for each round."""
    for lane in lanes:
        # Opens connections, fills caches and warms up just-in-time compilers.
        until = time.monotonic() + WARM_UP
        while time.monotonic() < until:
            for case, (_, calls) in CASES.items():
                lane.measure(case, calls)
    costs: dict[tuple[str, str], list[Cost]] = {(lane.name, case): [] for lane in lanes for case in CASES}
    until = time.monotonic() + seconds
    for nth in range(number):
        if nth >= 5 and time.monotonic() > until:
            break
        turn = nth % len(lanes)
        for case, (_, calls) in CASES.items():
            for lane in lanes[turn:] + lanes[:turn]:
                costs[lane.name, case].append(lane.measure(case, calls))
    return costs


def ratio(costs: list[Cost], to: list[Cost]) -> float:
    return median(cost.cpu / other.cpu for cost, other in zip(costs, to, strict=True))


def report(
    language: str, names: list[str], costs: dict[tuple[str, str], list[Cost]], where: str
) -> list[dict[str, Any]]:
    ours = names[0]
    count = len(costs[ours, "one"])
    print(
        f"\n{language}: microseconds per call, medians of {count} rounds in which the clients take turns. CPU is the user and"
    )
    print(
        "system time of the client's process. x ours and x reqwest: CPU as a multiple of the first row's and of bare"
    )
    print(
        "reqwest's, which discards the bytes (HTTP/2), by round. Loopback, TLS 1.3, uncompressed, " + where
    )
    rows: list[dict[str, Any]] = []
    for case, (title, _) in CASES.items():
        print(f"\n  {title:<32}{'CPU':>9}{'wall':>9}{'x ours':>9}{'x reqwest':>11}")
        for name in names:
            own = costs[name, case]
            row: dict[str, Any] = {
                "language": language,
                "case": case,
                "client": name,
                "cpu": median(cost.cpu for cost in own),
                "wall": median(cost.wall for cost in own),
                "ours": ratio(own, costs[ours, case]),
                "reqwest": ratio(own, costs[FLOOR, case]),
            }
            rows.append(row)
            print(
                "  {client:<32}{cpu:>9.1f}{wall:>9.1f}{ours:>9.2f}{reqwest:>11.2f}".format(**row),
            )
    sys.stdout.flush()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("language")
    parser.add_argument("pages", type=Path)
    parser.add_argument("server")
    parser.add_argument("lane", nargs="+", help="NAME=COMMAND; the first one is the SDK")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--seconds", type=float, default=45, help="start no round after this time, but at least five")
    parser.add_argument("--spread", action="store_true", help="let the system choose the cores")
    given = parser.parse_args()
    where = "on any cores."
    if not given.spread and hasattr(os, "sched_setaffinity"):
        # The server and every lane inherit this.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        where = "all on one core."
    ca = given.pages / "ca.pem"
    server = subprocess.Popen(
        [given.server, str(given.pages / "one.json"), str(given.pages / "hundred.json"), str(ca)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    lanes: list[Lane] = []
    try:
        url = server.stdout.readline().strip()
        # Other clients read the authority from their usual variables. The benchmark uses no proxy.
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment |= {"BENCH_URL": url, "BENCH_CA": str(ca), "NODE_EXTRA_CA_CERTS": str(ca)}
        for text in given.lane:
            name, _, command = text.partition("=")
            lanes.append(Lane(name, command, environment))
        costs = rounds(lanes, given.rounds, given.seconds)
        rows = report(given.language, [lane.name for lane in lanes], costs, where)
        (given.pages / f"{given.language}.json").write_text(json.dumps(rows, indent=1) + "\n")
    finally:
        for lane in lanes:
            lane.end()
        server.stdin.close()
        server.wait(30)


if __name__ == "__main__":
    main()
