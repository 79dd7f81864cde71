"""Reading a list takes the memory of a few pages, however long the list is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import World
from scripts import run

# How many sources the list has. The test reads sources, because the sandbox writes sources three times as fast as
# syncs. The package reads both with the same code.
ITEMS = 40_000
# Memory may grow by this much, because allocators keep some freed memory. The whole list takes four times as much.
SLACK_KIB = 8 * 1024
# After how many seconds the test stops a script. Reading takes a few seconds, and much longer on a busy machine.
HUNG = 600

BLOCKING = """
with Hightouch(**settings) as ht:
    for source in ht.sources.list():
        count(source)
"""
ASYNCHRONOUS = """
async def main():
    async with AsyncHightouch(**settings) as ht:
        async for source in ht.sources.list():
            count(source)

asyncio.run(main())
"""
# The script runs in a separate process, because other tests leave objects in memory.
PREPARED = """
settings["limit"] = (ITEMS, 10)
seen, resident = 0, []

def count(source):
    global seen
    seen += 1
    if seen in (ITEMS // 10, ITEMS):
        with open("/proc/self/status") as status:
            resident.append(next(line.split()[1] for line in status if line.startswith("VmRSS:")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc/self/status")
@pytest.mark.parametrize("read", [BLOCKING, ASYNCHRONOUS], ids=["blocking", "async"])
@pytest.mark.timeout(2 * HUNG)
def test_memory_does_not_grow_with_a_list(new_world: Callable[..., World], read: str) -> None:
    world = new_world(sources=ITEMS, timeScale=1, limit={"requests": ITEMS, "seconds": 10})
    out, _ = run(world, f"ITEMS = {ITEMS}\n{PREPARED}{read}\nprint(seen, *resident)", hung_after=HUNG)
    seen, tenth, end = map(int, out.split())
    assert seen == ITEMS
    assert end - tenth < SLACK_KIB
