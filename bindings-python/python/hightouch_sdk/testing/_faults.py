"""Faults: errors, delays and other answers that a test prepares (arms) in a world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from hightouch_sdk._json import Json

from ._checks import LastStatus, check_number, check_status, check_text, check_whole
from ._requests import operations

_ALWAYS = 2**32 - 1
_SECONDS = 2**32 - 1
"""The longest ``Retry-After`` that the sandbox sends."""


class Faults(ABC):
    """The methods of a world that arm faults, plan how runs end, and set the rate limit.

    A fault applies to the next requests of a method, such as ``"syncs.trigger"``; with ``None``, to the next requests
    of any method. Faults of one method are used in the order in which they were armed.
    """

    def __init__(self) -> None:
        self._armed: dict[tuple[str, int], tuple[str, int]] = {}
        self._limited = False

    def fail_next(
        self,
        method: str | None,
        status: int = 502,
        *,
        times: int | None = 1,
        message: str = "armed by the test",
        retry_after: int | None = None,
        performed: bool = False,
    ) -> None:
        """Answers the next requests of a method with an error.

        Args:
            method: The method; ``None`` for any.
            status: The status of the answer, 200 to 599.
            times: How many requests fail; ``None`` for all from now on.
            message: The message in the answer.
            retry_after: The header ``Retry-After``, in seconds of the world. Default: no such header.
            performed: Whether the request has its effect nevertheless, as if only a gateway had failed.

        Raises:
            ValueError: A client has no such method, or an argument is wrong.
        """
        check_whole("status", status, 200, 599)
        check_text("message", message)
        answer: dict[str, Any] = {"status": status, "body": {"message": message}, "apply": performed}
        if retry_after is not None:
            check_whole("retry_after", retry_after, 0, _SECONDS)
            answer["headers"] = {"retry-after": str(retry_after)}
        self._arm(method, answer, times, f"fail_next({method!r}, {status})")

    def lose_answer(self, method: str | None, *, times: int | None = 1, performed: bool = True) -> None:
        """Breaks the connection before the answers to the next requests of a method.

        Args:
            method: The method; ``None`` for any.
            times: How many answers are lost; ``None`` for all from now on.
            performed: Whether the requests have their effect.

        Raises:
            ValueError: A client has no such method, or an argument is wrong.
        """
        answer = {"reset": "before-headers", "apply": performed}
        self._arm(method, answer, times, f"lose_answer({method!r})")

    def delay_next(self, method: str | None, seconds: float, *, times: int | None = 1) -> None:
        """Delays the answers to the next requests of a method.

        Args:
            method: The method; ``None`` for any.
            seconds: The delay, in real seconds, at most 1,000,000.
            times: How many answers are delayed; ``None`` for all from now on.

        Raises:
            ValueError: A client has no such method, or an argument is wrong.
        """
        check_number("seconds", seconds, 0, 1_000_000)
        self._arm(method, {"delayMs": round(seconds * 1000)}, times, f"delay_next({method!r}, {seconds})")

    def answer_next(
        self,
        method: str | None,
        body: object,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        times: int | None = 1,
    ) -> None:
        """Answers the next requests of a method with JSON. The requests have no effect.

        Args:
            method: The method; ``None`` for any.
            body: The JSON of the answer.
            status: The status of the answer, 200 to 599.
            headers: Headers of the answer.
            times: How many requests get this answer; ``None`` for all from now on.

        Raises:
            ValueError: A client has no such method, or an argument is wrong.
            TypeError: A part of the body has no JSON form.
        """
        check_whole("status", status, 200, 599)
        answer = {"status": status, "body": Json(body).to_python(), "headers": dict(headers or {})}
        self._arm(method, answer, times, f"answer_next({method!r})")

    def plan_runs(
        self,
        sync: int | str | None = None,
        *,
        status: LastStatus | None = None,
        error: str | None = None,
        seconds: float | None = None,
        rejected: int | None = None,
        times: int | None = None,
    ) -> None:
        """Plans how later runs of syncs end, and how long they take.

        If ``status``, ``error``, ``seconds`` or ``rejected`` is left out, the settings of the world apply.

        Args:
            sync: The id or the slug of a sync; ``None`` for all syncs.
            status: The last status: ``success``, ``warning``, ``failed``, ``cancelled`` or ``interrupted``.
            error: The error text of the run.
            seconds: How long the run takes, in seconds of the world, at most 1,000,000.
            rejected: How many of 150 rows the destination rejects.
            times: How many runs follow this plan; ``None`` for all from now on.

        Raises:
            ValueError: The world has no such sync, or an argument is wrong.
        """
        if status is not None:
            check_status("status", status)
        if error is not None:
            check_text("error", error)
        if seconds is not None:
            check_number("seconds", seconds, 0, 1_000_000)
        if times is not None:
            check_whole("times", times, 0, _ALWAYS - 1)
        plan: dict[str, Any] = {"status": status, "error": error, "seconds": seconds}
        if rejected is not None:
            check_whole("rejected", rejected, 0, 150)
            plan["rows"] = {
                "planned": {"added": 150},
                "successful": {"added": 150 - rejected},
                "failed": {"added": rejected},
            }
        given = {name: value for name, value in plan.items() if value is not None}
        asked = {"plan": given, **({} if sync is None else {"sync": sync})}
        if times is not None:
            asked["times"] = times
        (index,) = self._control("POST", "/arm/runs", asked)["entries"]
        if times is not None:
            self._armed["runs", index] = (f"plan_runs({sync!r}, status={status!r})", times)

    def fail_next_run(self, sync: int | str | None = None, error: str = "armed by the test", *, times: int = 1) -> None:
        """Lets the next runs of a sync fail.

        Args:
            sync: The id or the slug of the sync; ``None`` for any.
            error: The error text of the run.
            times: How many runs fail.

        Raises:
            ValueError: The world has no such sync, or an argument is wrong.
        """
        self.plan_runs(sync, status="failed", error=error, times=times)

    def warn_next_run(
        self, sync: int | str | None = None, error: str = "armed by the test", *, rejected: int = 1, times: int = 1
    ) -> None:
        """Lets the next runs of a sync end with a warning.

        Args:
            sync: The id or the slug of the sync; ``None`` for any.
            error: The error text of the run.
            rejected: How many of 150 rows the destination rejects.
            times: How many runs end with a warning.

        Raises:
            ValueError: The world has no such sync, or an argument is wrong.
        """
        self.plan_runs(sync, status="warning", error=error, rejected=rejected, times=times)

    def set_limit(
        self,
        requests: int,
        seconds: float = 10,
        *,
        others_per_second: float | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Sets the rate limit that the workspace enforces.

        Clients keep the limit in their settings, and notice the new limit only by refusals (429).

        Args:
            requests: How many requests are allowed in a window, at least 1.
            seconds: The length of the window, in seconds of the world, 0.001 to 1,000,000.
            others_per_second: How many requests other programs send in each second of the world, 0.001 to 10,000.
            retry_after: The header ``Retry-After`` of a refusal, in seconds of the world. Default: no such header.

        Raises:
            ValueError: An argument is wrong.
        """
        check_whole("requests", requests, 1, 2**32 - 1)
        check_number("seconds", seconds, 0.001, 1_000_000)
        limit: dict[str, Any] = {"requests": requests, "seconds": seconds}
        if others_per_second is not None:
            check_number("others_per_second", others_per_second, 0.001, 10_000)
            limit["stranger"] = {"perSecond": others_per_second}
        if retry_after is not None:
            check_whole("retry_after", retry_after, 0, _SECONDS)
            limit["retryAfter"] = retry_after
        self._control("POST", "/arm/limit", limit)
        self._limited = True

    def _arm(self, method: str | None, answer: Mapping[str, Any], times: int | None, text: str) -> None:
        if times is not None:
            check_whole("times", times, 0, _ALWAYS - 1)
        when = {} if method is None else {"operation": list(operations(method))}
        entry = {"when": when, "answer": answer, "times": _ALWAYS if times is None else times}
        (index,) = self._control("POST", "/arm/script", [entry])["entries"]
        if times is not None:
            self._armed["script", index] = (text, times)

    def _unmet(self, left: Mapping[str, list[int]]) -> list[str]:
        complaints: list[str] = []
        for (kind, index), (text, times) in self._armed.items():
            met = times - left[kind][index]
            if met < times:
                complaints.append(f"{text} was met {met} times instead of {times}.")
        return complaints

    @abstractmethod
    def _control(self, method: str, path: str, body: object = None) -> Any:
        """Sends a request to the sandbox about this world."""
