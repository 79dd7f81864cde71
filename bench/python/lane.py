"""Runs one lane of the benchmark in Python: ``lane.py LANE [once]``. A lane is a process that calls one client.

For each line ``one N``, ``page N`` or ``flight N`` on standard input, the lane makes N calls. Then it writes a line
with the CPU time of this process, all threads included, and the elapsed time, both in nanoseconds. With ``once``, the
lane imports the client, makes one call, writes such a line and ends.

Each lane imports only what it uses, because ``once`` measures imports too.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AsyncExitStack
    from typing import Any

BASE = os.environ["BENCH_URL"] + "/api/v1"
CA = os.environ["BENCH_CA"]
FLIGHT = 32
LIMIT = (40_000, 0.02)
"""The rate limit: requests, and the length of the window in seconds. The window is so short that only a few
hundred requests count towards the limit at any time, as in real use."""

URL = BASE + "/syncs"
KEY = "bench-0123456789abcdef0123456789abcdef01"
HEADERS = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}


def params(limit: int) -> dict[str, Any]:
    return {"orderBy": "id", "offset": 0, "limit": limit}


def sdk() -> Callable[[int], int]:
    from hightouch_sdk import Hightouch

    syncs = Hightouch(api_key=KEY, base_url=BASE, ca_bundle=CA, limit=LIMIT).syncs
    return lambda limit: len(syncs.list(limit=limit).first_page())


def sdk_untyped() -> Callable[[int], int]:
    from hightouch_sdk import Hightouch

    client = Hightouch(api_key=KEY, base_url=BASE, ca_bundle=CA, limit=LIMIT)
    return lambda limit: len(client.request("GET", "/syncs", query=params(limit))["data"])


def with_requests() -> Callable[[int], int]:
    import requests

    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=FLIGHT))
    # By default, `requests` looks for proxies and certificates in the environment at each call.
    session.trust_env = False
    session.verify = CA
    session.headers.update(HEADERS)
    return lambda limit: len(session.get(URL, params=params(limit)).json()["data"])


def with_httpx() -> Callable[[int], int]:
    import ssl

    import httpx

    client = httpx.Client(verify=ssl.create_default_context(cafile=CA), headers=HEADERS, trust_env=False)
    return lambda limit: len(client.get(URL, params=params(limit)).json()["data"])


async def sdk_asyncio(ends: AsyncExitStack) -> Callable[[int], Awaitable[int]]:
    from hightouch_sdk import AsyncHightouch

    client = AsyncHightouch(api_key=KEY, base_url=BASE, ca_bundle=CA, limit=LIMIT)
    syncs = (await ends.enter_async_context(client)).syncs

    async def page(limit: int) -> int:
        return len(await syncs.list(limit=limit))

    return page


async def with_aiohttp(ends: AsyncExitStack) -> Callable[[int], Awaitable[int]]:
    import ssl

    import aiohttp

    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=CA))
    session = await ends.enter_async_context(aiohttp.ClientSession(headers=HEADERS, connector=connector))

    async def page(limit: int) -> int:
        async with session.get(URL, params=params(limit)) as answer:
            return len((await answer.json())["data"])

    return page


BLOCKING = {"sdk": sdk, "sdk-untyped": sdk_untyped, "requests": with_requests, "httpx": with_httpx}
ASYNCIO = {"sdk-asyncio": sdk_asyncio, "aiohttp": with_aiohttp}


class Tell:
    """Measures a ``with`` block, and prints its CPU time and its elapsed time in nanoseconds."""

    def __enter__(self) -> None:
        self.cpu, self.wall = time.process_time_ns(), time.perf_counter_ns()

    def __exit__(self, *_: object) -> None:
        print(time.process_time_ns() - self.cpu, time.perf_counter_ns() - self.wall, flush=True)


def check(came: int, limit: int) -> None:
    if came != limit:
        raise SystemExit(f"expected {limit} syncs, got {came}")


def blocking(page: Callable[[int], int]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def several(limit: int, count: int) -> None:
        for _ in range(count):
            check(page(limit), limit)

    with ThreadPoolExecutor(FLIGHT) as pool:
        for line in sys.stdin:
            case, count = line.split()
            with Tell():
                if case == "flight":
                    list(pool.map(several, [1] * FLIGHT, [int(count) // FLIGHT] * FLIGHT))
                else:
                    several({"one": 1, "page": 100}[case], int(count))


async def with_loop(make: Callable[[AsyncExitStack], Awaitable[Callable[[int], Awaitable[int]]]], once: bool) -> None:
    import asyncio
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as ends:
        page = await make(ends)
        if once:
            check(await page(1), 1)
            return

        async def several(limit: int, count: int) -> None:
            for _ in range(count):
                check(await page(limit), limit)

        # Another thread waits for the next line, so that the event loop keeps running.
        while line := await asyncio.to_thread(sys.stdin.readline):
            case, count = line.split()
            with Tell():
                if case == "flight":
                    await asyncio.gather(*(several(1, int(count) // FLIGHT) for _ in range(FLIGHT)))
                else:
                    await several({"one": 1, "page": 100}[case], int(count))


def main(name: str, once: bool) -> None:
    if name in ASYNCIO:
        import asyncio

        asyncio.run(with_loop(ASYNCIO[name], once))
    elif once:
        check(BLOCKING[name]()(1), 1)
    else:
        blocking(BLOCKING[name]())


if __name__ == "__main__":
    if "once" in sys.argv[2:]:
        with Tell():
            main(sys.argv[1], once=True)
    else:
        main(sys.argv[1], once=False)
