"""Shows what the CPU time of a call is spent on: ``profile_calls.py PAGES SERVER NAME=COMMAND...``.

``PAGES``, ``SERVER`` and the clients are as for ``run.py``. Each client makes the calls of each case on one core, while
``perf`` of Linux takes samples of its stack, which makes the calls a little slower. The tables show the part of the samples in each area, such as the file of the limit or
the allocator. A function that the compiler merged into its caller counts for the caller, and a library without symbols
is one area.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lanes import CASES, WARM_UP, Lane, LaneEndedError, served, use_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES_A_SECOND = 5000
SECONDS = 3
"""How long each case is measured."""

SMALLEST = 1.0
"""The smallest part, in percent, that has a line of its own."""

SYSTEM_CALLS = {
    "kernel: file of the limit": r"flock|p(read|write)64|statx",
    "kernel: events": r"epoll|poll|eventfd|futex|nanosleep",
    "kernel: memory": r"mmap|munmap|brk|madvise|mremap",
    "kernel: network and wake-ups": r"send|recv|read|write|connect",
}
"""The areas of the kernel, with a pattern for the names of their system calls."""

FUNCTIONS = {
    "limit": r"hightouch_sdk::(limit|host)::",
    "JSON: scan": r"hightouch_sdk::json::",
    "JSON: copy": r"hightouch_sdk::(model::copier|page::copies)",
    "JSON: read": r"hightouch_sdk::(model|resources)::|jiff|\bserde|json_(skip|decode)|ms_decode|Struct_",
    "the rest of the SDK": r"hightouch_",
    "TLS": r"rustls|aws_lc|aes|gcm|ghash|OPENSSL|sha\d|poly1305|chacha",
    "HTTP": r"\bh2::|hyper|reqwest|\bhttp::|tokio|tower|\bbytes::|futures",
    "allocator": r"malloc|free|realloc|calloc|unlink_chunk|__rust_(de)?alloc|alloc_perturb|_PyObject_(Malloc|Free)",
    "memory: move, fill, compare": r"mem(move|cpy|set|cmp|chr)",
    "V8: JSON.parse": r"JsonParse",
    "V8: garbage collection": r"Scaveng|MarkCompact|Heap::|Marking|Sweep|GCTracer|Evacuat",
}
"""The areas outside the kernel, with a pattern for the names of their functions."""


class Frame(NamedTuple):
    function: str
    file: str


def stacks(data: str) -> Iterator[list[Frame]]:
    """Yields the stack of each sample. The first frame is that of the function that ran."""
    command = ["perf", "script", "-i", data, "-F", "ip,sym,dso"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for sample in shown.split("\n\n"):
        found = [re.fullmatch(r"\s*[0-9a-f]+ (.*) \((.*)\)", line) for line in sample.splitlines()]
        frames = [Frame(frame[1], frame[2]) for frame in found if frame]
        if frames:
            yield frames


def area(stack: list[Frame]) -> str:
    function, file = stack[0]
    if "[kernel" in file:
        if any("page_fault" in frame.function for frame in stack):
            return "kernel: memory"
        calls = [found[1] for frame in stack if (found := re.match(r"__(?:x64|arm64)_sys_(\w+)", frame.function))]
        matches = (name for name, pattern in SYSTEM_CALLS.items() if calls and re.search(pattern, calls[-1]))
        return next(matches, "kernel: rest")
    if "[vdso]" in file:
        return "clock"
    if "//anon" in file or Path(file).name.startswith("perf-"):
        return "compiled JavaScript"
    matches = (name for name, pattern in FUNCTIONS.items() if re.search(pattern, function))
    return next(matches, f"the rest of {Path(file).name}")


def profile(lane: Lane, case: str, calls: int, folder: str) -> None:
    """Measures one case of a client, and prints its areas."""
    until = time.monotonic() + WARM_UP
    cost = lane.measure(case, calls)
    while time.monotonic() < until:
        cost = lane.measure(case, calls)
    data = str(Path(folder, "perf.data"))
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-g", "-F", str(SAMPLES_A_SECOND), "-p", str(lane.process.pid), "-o", data]
    )
    try:
        time.sleep(1)
        if perf.poll() is not None:
            raise SystemExit("profile: perf cannot take samples; /proc/sys/kernel/perf_event_paranoid may forbid it.")
        cost = lane.measure(case, int(SECONDS * 1e6 / cost.wall))
    finally:
        perf.send_signal(signal.SIGINT)
        perf.wait(60)
    found = Counter(area(stack) for stack in stacks(data))
    shares = {name: 100 * count / found.total() for name, count in found.most_common()}
    print(f"\n  {lane.name}: {CASES[case][0]}: {cost.cpu:.1f} us of CPU, {found.total()} samples")
    for name, share in shares.items():
        if share >= SMALLEST:
            print(f"  {share:>6.1f} %{cost.cpu * share / 100:>9.1f} us  {name}")
    print(f"  {sum(share for share in shares.values() if share < SMALLEST):>6.1f} %  in smaller areas")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", type=Path)
    parser.add_argument("server")
    parser.add_argument("lane", nargs="+", help="NAME=COMMAND")
    given = parser.parse_args()
    if shutil.which("perf") is None:
        raise SystemExit("profile: perf is not installed.")
    use_cores(one=True)
    with served(given.server, given.pages) as environment, tempfile.TemporaryDirectory() as folder:
        for name, command in (lane.split("=", 1) for lane in given.lane):
            lane = Lane(name, command, environment)
            try:
                for case, (_, calls) in CASES.items():
                    profile(lane, case, calls, folder)
            except LaneEndedError:
                raise SystemExit(f"bench: the client {name} has failed.") from None
            finally:
                lane.end()


if __name__ == "__main__":
    main()
