"""The goals of the benchmark. Each goal is the largest allowed ratio of two CPU times.

The ratio divides the CPU time of a call with the SDK by the CPU time of the same call with another client, the peer.
"""

from __future__ import annotations

from typing import NamedTuple


class Goal(NamedTuple):
    """The peer of a client, and the largest allowed ratio of their CPU times for each case of the benchmark."""

    peer: str
    most: dict[str, float]


GOALS = {
    ("rust", "sdk"): Goal("reqwest-bytes", {"one": 1.4, "flight": 1.6, "page": 3.0}),
    ("python", "sdk"): Goal("aiohttp", {"one": 0.45, "page": 0.40}),
    ("python", "sdk-asyncio"): Goal("aiohttp", {"one": 0.55, "flight": 0.35, "page": 0.40}),
    ("node", "sdk"): Goal("undici", {"one": 1.0, "flight": 0.8, "page": 0.6}),
    ("swift", "sdk"): Goal("urlsession", {"one": 0.4, "flight": 0.4, "page": 0.5}),
}
"""The goals for calls, by language and client."""

START_GOALS = {
    "python": Goal("httpx", {"start": 0.35}),
    "node": Goal("fetch", {"start": 0.15}),
}
"""The goals for a process that imports the SDK and makes one call, by language."""

LARGEST_PACKAGE = 2_500_000
"""The largest size of a wheel or a tarball for one platform, in bytes."""


def verdict(ratio: float, peer: str, most: float) -> str:
    return f"{ratio:.2f} x {peer}, goal {most:.2f}: {'met' if ratio <= most else 'not met'}"
