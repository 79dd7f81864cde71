"""Measures the cost of a call for several clients and prints tables: ``run.py LANGUAGE PAGES SERVER NAME=COMMAND...``.

A lane is a process that makes calls with one client. The lanes take turns in every round, in a changing order. The
speed of a machine drifts, so costs are compared only within a round, and the tables show medians over the rounds.
``PAGES`` is a folder with ``one.json`` and ``hundred.json``, the pages with which the server answers.

The first tables show measurements in which server and clients share one core, if the system allows it. The last tables
show measurements in which the system chooses the cores. On a virtual machine with two cores, a call then costs up to
four times as much, because waking the other core is expensive and happens irregularly.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from goals import GOALS, START_GOALS, Goal, verdict
from lanes import CASES, Cost, Costs, rounds, served, starts, use_cores

FLOOR = "reqwest-bytes"
"""The lane that uses bare reqwest and discards the bytes of each answer. Each client is compared with the SDK and with
this lane."""

STARTS = 21
"""How many starts of each client are measured."""


def ratio(costs: list[Cost], to: list[Cost]) -> float:
    return median(cost.cpu / other.cpu for cost, other in zip(costs, to, strict=True))


def row(costs: Costs, case: str, client: str, to: list[str], goal: Goal | None) -> dict[str, Any]:
    """Returns one client's figures: its goal, its cost, and the ratio of this cost to the cost of each client in ``to``."""
    own = costs[client, case]
    found: dict[str, Any] = {
        "case": case,
        "client": client,
        "cpu": median(cost.cpu for cost in own),
        "wall": median(cost.wall for cost in own),
        "to": {other: ratio(own, costs[other, case]) for other in to},
    }
    if goal is not None and case in goal.most and (goal.peer, case) in costs:
        found["peer"], found["goal"] = goal.peer, goal.most[case]
        found["reached"] = ratio(own, costs[goal.peer, case])
    return found


def show(rows: list[dict[str, Any]], title: str, unit: float) -> None:
    others = list(rows[0]["to"])
    heads = "".join(f"{'x ' + other.removesuffix('-bytes'):>11}" for other in others)
    print(f"\n  {title:<32}{'CPU':>9}{'wall':>9}{heads}")
    for found in rows:
        multiples = "".join(f"{found['to'][other]:>11.2f}" for other in others)
        goal = f"   {verdict(found['reached'], found['peer'], found['goal'])}" if "goal" in found else ""
        print(f"  {found['client']:<32}{found['cpu'] / unit:>9.1f}{found['wall'] / unit:>9.1f}{multiples}{goal}")
    sys.stdout.flush()


def report(language: str, costs: Costs, where: str, judged: bool) -> list[dict[str, Any]]:
    clients = list(dict.fromkeys(client for client, _ in costs))
    ours = clients[0]
    count = len(costs[ours, "one"])
    print(f"\n{language}, {where}: microseconds a call, medians of {count} rounds in which the clients take turns. CPU is")
    print("the user and system time of the client's process, and multiples of CPU are taken round by round. x reqwest: of")
    print("bare reqwest, which discards the bytes. Loopback, TLS 1.3, uncompressed.")
    rows: list[dict[str, Any]] = []
    for case, (title, _) in CASES.items():
        goals = {client: GOALS.get((language, client)) if judged else None for client in clients}
        others = [other for other in (ours, FLOOR) if other in clients]
        of_case = [row(costs, case, client, others, goals[client]) for client in clients]
        show(of_case, title, 1)
        rows += of_case
    return rows


def report_starts(language: str, costs: Costs) -> list[dict[str, Any]]:
    clients = [client for client, _ in costs]
    ours = clients[0]
    print(f"\n{language}, one core: milliseconds from the import of the client to its first answer, without the start of the")
    print(f"interpreter; medians of {len(costs[ours, 'start'])} processes.")
    goals = {ours: START_GOALS.get(language)}
    rows = [row(costs, "start", client, [ours], goals.get(client)) for client in clients]
    show(rows, "import and first answer", 1000)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("language")
    parser.add_argument("pages", type=Path)
    parser.add_argument("server")
    parser.add_argument("lane", nargs="+", help="NAME=COMMAND; the first one is the SDK")
    parser.add_argument("--start", nargs="*", default=[], metavar="NAME[=COMMAND]", help="starts to measure")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--seconds", type=float, default=45, help="start no round after this time, but at least five")
    parser.add_argument("--spread", type=float, default=20, help="the same for the second table; 0 leaves it out")
    given = parser.parse_args()
    commands = dict(lane.split("=", 1) for lane in given.lane)
    rows: list[dict[str, Any]] = []
    use_cores(one=True)
    with served(given.server, given.pages) as environment:
        costs = rounds(commands, environment, given.rounds, given.seconds)
        rows += report(given.language, costs, "one core for server and client", judged=True)
        if given.start:
            starting: dict[str, str] = {}
            for start in given.start:
                name, _, command = start.partition("=")
                starting[name] = command or commands[name]
            rows += report_starts(given.language, starts(starting, environment, STARTS))
    if given.spread:
        use_cores(one=False)
        with served(given.server, given.pages) as environment:
            costs = rounds(commands, environment, given.rounds, given.spread)
            spread = report(given.language, costs, "on any cores", judged=False)
            rows += [found | {"spread": True} for found in spread]
    (given.pages / f"{given.language}.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
