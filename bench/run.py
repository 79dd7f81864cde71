"""Measures what a call costs, lane by lane, and prints a table: ``run.py LANGUAGE PAGES SERVER [NAME=COMMAND...]``.

A lane is a process that makes calls with one client. All lanes of a table run by turns, round after round, in an order
that changes: the speed of a machine drifts, so figures are compared within a round and the median over the rounds is
given. Nothing is asserted. ``PAGES`` is a folder with ``one.json`` and ``hundred.json``.

Where the system allows it, server and clients share one core. On two, a call costs up to four times as much on a
virtual machine, for the waking of the other core, and how often that happens is the scheduler's whim; ``--spread``
shows it.
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
"""What each case is called, and its calls in a round."""

WARM_UP = 1.5
"""Seconds that each lane runs unmeasured."""

FLOOR = "reqwest-bytes"
"""The lane that all are compared with beside the first one: bare reqwest, nothing made of the bytes."""


class Cost(NamedTuple):
    """Microseconds a call."""

    cpu: float
    wall: float


class Lane:
    """One client's process."""

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
            raise SystemExit(f"bench: the lane {self.name} ended")
        cpu, wall = (float(text) / 1000 / calls for text in line.split())
        return Cost(cpu, wall)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


def rounds(lanes: list[Lane], number: int, seconds: float) -> dict[tuple[str, str], list[Cost]]:
    """Every lane's costs, the same round at the same place of each list."""
    for lane in lanes:
        # Connections, caches and compilers that learn while they run.
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
        f"\n{language}: microseconds a call, medians of {count} rounds in which the clients take turns; CPU is user and"
    )
    print(
        "system time of the client's whole process. x ours and x reqwest: CPU as a multiple of the first row's, and of"
    )
    print(
        "bare reqwest's that throws the bytes away (HTTP/2), round by round. Loopback, TLS 1.3, uncompressed, " + where
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
    parser.add_argument("lane", nargs="+", help="NAME=COMMAND; the first one is ours")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--seconds", type=float, default=45, help="no further round after this, but five at least")
    parser.add_argument("--spread", action="store_true", help="let the system choose the cores")
    given = parser.parse_args()
    where = "on whatever cores."
    if not given.spread and hasattr(os, "sched_setaffinity"):
        # Inherited by the server and every lane.
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
        # Peers take the authority from where their kind looks for it; proxies of the machine have no part in this.
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
