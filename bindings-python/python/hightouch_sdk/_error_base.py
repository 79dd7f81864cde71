"""The base class of all errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.json import Decoder

import hightouch_sdk

from ._answers import Meta
from ._json import Json, json_of
from ._public import public

if TYPE_CHECKING:
    from ._models import IdentityGraphRun, SequenceRun, SyncRun
    from ._value import Value


@public
class HightouchError(Exception):
    """The base class of all errors of this package.

    For an error of a kind that this version does not know, the package raises this class itself.
    """

    kind: str = "internal"
    """The kind of the error, such as ``"not_found"``. The names of the kinds are the same in all languages."""
    if TYPE_CHECKING:
        _request_id: str | None
    _request_id = None

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        code: str | None = None,
        status: int | None = None,
        details: object = None,
        operation: str | None = None,
        operation_id: str | None = None,
        resource: str | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
        causes: Sequence[str] = (),
        meta: Meta | None = None,
        run_token: str | None = None,
    ) -> None:
        super().__init__(message)
        if kind is not None:
            self.kind = kind
        self.message = message
        """What happened, as a sentence."""
        self.code = code
        """A finer reason than the kind, such as ``"bad_token"`` or ``"dns"``; None if no such reason is known. The
        codes are those of :class:`Finding`. Later versions may add codes."""
        self.status = status
        """The HTTP status, if the server answered."""
        self._details: Json | None = json_of(details)
        self.operation = operation
        """The method that failed, such as ``"syncs.list"``."""
        self.operation_id = operation_id
        """The API's name for the operation, such as ``"ListSync"``."""
        self.resource = resource
        """The resource that the call was about, such as ``sync "orders"``."""
        self.retry_after = retry_after
        """How many seconds to wait before another attempt, as the server asked or as the rate limit requires; None if
        unknown."""
        self.hint = hint
        """What to do about the error, in one or more sentences; None if there is no hint."""
        self.causes: list[str] = list(causes)
        """The underlying errors, outermost first."""
        self.meta = meta
        """The metadata of the call; may be None if nothing was sent."""
        self.run_token = run_token
        """The token of the run that the error is about, if there is one. ``client.run(token)`` resumes the run."""

    @property
    def details(self) -> Any:
        """What the server said besides its message, as plain JSON values.

        If a run failed, the value is the last state of the run. If the outcome of a trigger is unknown, ``candidates``
        may list the runs that the trigger may have started.
        """
        return None if self._details is None else self._details.to_python()

    @property
    def request_id(self) -> str | None:
        """The ``X-Request-Id`` of the call's own request."""
        return self._request_id if self.meta is None else self.meta.request_id

    def of_request(self, request_id: str | None) -> None:
        """Sets ``request_id`` of an error without ``meta``. The function that reads an error from a dict calls it."""
        self._request_id = request_id

    def to_dict(self) -> dict[str, Any]:
        """Copies what the error says into a dict of plain values, for logs, queues and task frameworks.

        The keys are ``kind``, ``code``, ``message``, ``hint``, ``operation``, ``resource``, ``status``,
        ``retry_after``, ``request_id`` and ``run_token``. An attribute that is absent is ``None``.
        """
        from ._plain_values import error_dict

        return error_dict(self)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_again, (type(self), self.message), self.__dict__)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        from ._pydantic import error_schema

        return error_schema(cls, handler)


def _again(cls: type[HightouchError], message: str) -> HightouchError:
    return cls(message)


def _plain(value: Value | None) -> dict[str, Any] | None:
    return None if value is None else value.to_dict()


@public
class RunFailedError(HightouchError):
    """The run failed, was cancelled or was interrupted, or it ended with warnings and ``on_warning`` is ``"raise"``."""

    kind = "run_failed"
    if TYPE_CHECKING:
        _state: type[SyncRun | SequenceRun | IdentityGraphRun] | None
        _items: Sequence[hightouch_sdk.BatchItem]
        _problem: bytes
    _state = None
    _items = ()
    _problem = b"null"

    def of(self, state: type[Any]) -> None:
        """Sets the type of ``result``. The handle of the run calls this method."""
        self._state = state

    def because(self, problem: bytes) -> None:
        """Sets the JSON of ``problem``. The function that creates the error calls this method."""
        self._problem = problem

    @property
    def problem(self) -> hightouch_sdk.RunProblem | None:
        """Why the run did not succeed, and what to do.

        None for the error of a batch: each of the ``items`` has a ``problem`` in its ``state``.
        """
        found: hightouch_sdk.RunProblem | None = Decoder(hightouch_sdk.RunProblem | None).decode(self._problem)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Copies what the error says into a dict; see :meth:`HightouchError.to_dict`. Adds two keys.

        ``problem`` says why the run did not succeed; it is ``None`` for a batch. ``items`` lists the failed items of a
        batch, each with its ``problem``. Times within ``items`` are ``datetime`` objects.
        """
        items = [
            {**item.to_dict(), "problem": _plain(None if item.state is None else item.state.problem)}
            for item in self.items
        ]
        return {**super().to_dict(), "problem": _plain(self.problem), "items": items}

    def of_batch(self, items: Sequence[hightouch_sdk.BatchItem]) -> None:
        """Takes all items of the batch, and sets ``items`` to the failed items. The batch calls this method."""
        self._items = [items[failed["index"]] for failed in self.details or ()]

    def of_items(self, items: Sequence[hightouch_sdk.BatchItem]) -> None:
        """Sets ``items``. The function that reads an error from a dict calls this method."""
        self._items = items

    @property
    def items(self) -> list[hightouch_sdk.BatchItem]:
        """The failed items, if the error is of a batch (``syncs.run_many``); otherwise an empty list."""
        return list(self._items)

    @property
    def result(self) -> hightouch_sdk.SyncRun | hightouch_sdk.SequenceRun | hightouch_sdk.IdentityGraphRun:
        """The last state of the run, of the type that ``wait`` returns. The error of a batch has ``items`` instead."""
        if self._items:
            raise AttributeError("The error of a batch has `items`, one for each failed sync, and no `result`.")
        if self._details is None:
            raise AttributeError("This error was created without the last state of the run, so it has no `result`.")
        return Decoder(self._state or hightouch_sdk.SyncRun).decode(self._details.raw)
