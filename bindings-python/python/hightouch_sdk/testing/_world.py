"""A world: a workspace of the sandbox for one test."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hightouch_sdk import _base
from hightouch_sdk._client import Hightouch
from hightouch_sdk._native import monotonic

from ._checks import check_limit, check_number, check_settings, check_slugs, check_whole
from ._faults import Faults
from ._requests import Request, operations, request
from ._server import Sandbox, shared

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from hightouch_sdk._async_client import AsyncHightouch


class WorldError(AssertionError):
    """The judge of a world found something wrong with the requests, or an armed fault was used too few times."""


@dataclass(frozen=True)
class Keys:
    """The API keys of a world. No other world accepts these keys."""

    valid: str
    """A key that allows everything."""
    second: str
    """Another key that allows everything."""
    invalid: str
    """A key that the API does not know and refuses with 401."""
    orphaned: str
    """A key of a user who no longer exists. The API refuses the key with 401."""
    read_only: str
    """A key that allows only reading. The API refuses a change with 403."""

    def __repr__(self) -> str:
        return "Keys(...)"


class World(Faults):
    """A workspace of the sandbox with its own keys, data, clock, rate limit and log.

    As a context manager, a world ends with the block, and raises :class:`WorldError` if the judge of the sandbox found
    something wrong.

    Time in a world passes faster than real time. Clients of this world in this process shorten their pauses by the same
    factor: between two reads of a run, before a retry, and for the rate limit. Time limits that a program sets stay
    real time.

    Args:
        syncs: The number of syncs. Their ids start at 1. Default: 3, or the number of ``slugs`` if this number is
            larger.
        slugs: The slugs of the first syncs, all different. The other syncs have made-up slugs.
        seconds_per_run: How long a run takes, in seconds of the world, at most 1,000,000.
        time_scale: How many times faster than real time the time of the world passes, 0.001 to 1,000,000.
        limit: The rate limit of the workspace, as a number of requests and of seconds of the world. A client assumes
            ``(200, 10)`` unless its settings name another limit.
        seed: A number from which the data are made up. The same number gives the same data.
        settings: Further settings of the world, by their names in the sandbox, such as ``{"pastRuns": 2}``. They
            replace the settings above.
        judge: Whether the end of the block checks the requests.
        sandbox: The server. Default: the server that all worlds of this process share.

    Raises:
        ImportError: The program ``hightouch-sandbox`` was not found. See :class:`Sandbox`.
        ValueError: A setting is wrong.
    """

    def __init__(
        self,
        *,
        syncs: int | None = None,
        slugs: Sequence[str] = (),
        seconds_per_run: float = 5,
        time_scale: float = 20,
        limit: tuple[int, float] = (200, 10),
        seed: int = 1,
        settings: Mapping[str, object] | None = None,
        judge: bool = True,
        sandbox: Sandbox | None = None,
    ) -> None:
        super().__init__()
        if syncs is not None:
            check_whole("syncs", syncs, 0)
        check_slugs(slugs, syncs)
        check_number("seconds_per_run", seconds_per_run, 0, 1_000_000)
        check_number("time_scale", time_scale, 0.001, 1_000_000)
        check_limit(limit)
        check_whole("seed", seed, 0, 2**64 - 1)
        further = dict(settings or {})
        check_settings(further)
        self.sandbox: Sandbox = sandbox or shared()
        """The server of this world."""
        self.judged: bool = judge
        """Whether the requests are checked at the end of the ``with`` block or, with pytest, at the end of the test."""
        asked = {
            "syncs": max(3, len(slugs)) if syncs is None else syncs,
            "slugs": list(slugs),
            "timeScale": time_scale,
            "limit": {"requests": limit[0], "seconds": limit[1]},
            "seed": seed,
            "runs": {"seconds": seconds_per_run},
            **further,
        }
        made = self.sandbox.control("POST", "", asked)
        self._path = f"/{made['id']}"
        self.base_url: str = made["httpBaseUrl"]
        """The base URL without TLS. A client needs no ``ca_bundle`` for this URL."""
        self.tls_base_url: str = made["baseUrl"]
        """The base URL over TLS. A client needs ``ca_bundle=world.sandbox.ca_bundle`` for this URL."""
        keys = made["keys"]
        self.keys: Keys = Keys(keys["valid"], keys["second"], keys["invalid"], keys["orphaned"], keys["readOnly"])
        """The keys of the world."""
        self._clients: list[Hightouch] = []
        self._open = True
        for url in (self.base_url, self.tls_base_url):
            _base.TIME_SCALES[url] = time_scale

    def __repr__(self) -> str:
        return f"World({self.base_url!r})"

    @property
    def is_open(self) -> bool:
        """Whether the world has not been closed yet."""
        return self._open

    @property
    def api_key(self) -> str:
        """The valid key."""
        return self.keys.valid

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make ``Hightouch()`` use this world, in this process or in a child process."""
        return {
            "HIGHTOUCH_API_KEY": self.api_key,
            "HIGHTOUCH_BASE_URL": self.base_url,
            "HIGHTOUCH_LIMIT_SCOPE": "process",
        }

    def client(self, **settings: Any) -> Hightouch:
        """Returns a blocking client of this world. The world closes the client when the world is closed.

        Args:
            settings: Settings of :class:`Hightouch <hightouch_sdk.Hightouch>`. They replace the settings of the world.
        """
        client = Hightouch(**self._settings(settings))
        self._clients.append(client)
        return client

    def async_client(self, **settings: Any) -> AsyncHightouch:
        """Returns a client of this world for asyncio. Close the client yourself, for example with ``async with``.

        Args:
            settings: Settings of :class:`AsyncHightouch <hightouch_sdk.AsyncHightouch>`. They replace the settings of
                the world.
        """
        from hightouch_sdk._async_client import AsyncHightouch

        return AsyncHightouch(**self._settings(settings))

    def _settings(self, own: Mapping[str, Any]) -> dict[str, Any]:
        usual: dict[str, Any] = {"api_key": self.api_key, "base_url": self.base_url, "limit_scope": "process"}
        if "api_key_file" in own:
            del usual["api_key"]
        return {**usual, **own}

    def requests(self, method: str | None = None) -> list[Request]:
        """Returns the requests that the world received, in the order of their arrival.

        Args:
            method: Only the requests of this method, such as ``"syncs.trigger"``.

        Raises:
            ValueError: A client has no such method.
        """
        wanted = None if method is None else operations(method)
        entries = self._log()["requests"]
        return [request(entry) for entry in entries if wanted is None or entry["operation"] in wanted]

    def wait_for_requests(self, method: str | None = None, *, count: int = 1, timeout: float = 30) -> list[Request]:
        """Waits until the world has received ``count`` requests, and returns all requests so far.

        Args:
            method: Counts and returns only the requests of this method.
            count: How many requests to wait for.
            timeout: How many seconds to wait.

        Raises:
            ValueError: A client has no such method.
            WorldError: Fewer requests arrived in time.
        """
        end = monotonic() + timeout
        while len(seen := self.requests(method)) < count:
            if monotonic() > end:
                raise WorldError(f"{len(seen)} of {count} requests ({method or 'any'}) arrived in {timeout} seconds.")
            time.sleep(0.01)
        return seen

    @property
    def refused(self) -> int:
        """How many requests the rate limit of the world refused (429)."""
        count: int = self._log()["refused"]
        return count

    def judge(self) -> list[str]:
        """Returns what is wrong with the requests, as sentences, and the armed faults that were used too few times.

        Waits up to 10 seconds for requests that have not ended. The judge checks each request against Hightouch's
        description of the API, and against rules. One rule, for example, is that a refused key is not sent again.
        After :meth:`set_limit`, the judge accepts refusals.
        """
        wire = {"refused": 2**31, "allow": ["limit"]} if self._limited else {}
        case = {"player": "user", "scenario": "test", "wire": wire}
        complaints: list[str] = self._control("POST", "/judge", case)["complaints"]
        return complaints + self._unmet(self._log()["left"])

    def check(self) -> None:
        """Raises an error if :meth:`judge` finds something wrong.

        Raises:
            WorldError: The judge found something wrong. The message lists what is wrong.
        """
        complaints = self.judge()
        if complaints:
            raise WorldError("The sandbox found something wrong:\n" + "\n".join(f"* {line}" for line in complaints))

    def close(self) -> None:
        """Removes the world and closes the clients that :meth:`client` returned. A second call does nothing."""
        if not self._open:
            return
        self._open = False
        for client in self._clients:
            client.close()
        for url in (self.base_url, self.tls_base_url):
            _base.TIME_SCALES.pop(url, None)
        if self.sandbox.is_running:
            self._control("DELETE", "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self.judged:
                self.check()
        finally:
            self.close()

    def _log(self) -> dict[str, Any]:
        log: dict[str, Any] = self._control("GET", "/log")
        return log

    def _control(self, method: str, path: str, body: object = None) -> Any:
        return self.sandbox.control(method, self._path + path, body)
