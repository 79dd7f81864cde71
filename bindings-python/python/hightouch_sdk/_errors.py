"""The exceptions that calls raise."""

from __future__ import annotations

import sys

from ._answers import FAILURE
from ._answers import Meta as Meta
from ._error_base import HightouchError as HightouchError
from ._error_base import RunFailedError as RunFailedError
from ._error_classes import *  # noqa: F403
from ._error_classes import BY_KIND as BY_KIND
from ._error_classes import ClientClosedError
from ._json import Json
from ._surrogates import decode


class Loading:
    """A block that imports modules or resolves types. If the block fails while Python shuts down, the error says so."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        if isinstance(raised, (ImportError, NameError)) and sys.is_finalizing():
            raise ClientClosedError(
                "The interpreter is shutting down, so Python cannot load the code that this call needs.",
                hint="Make the call earlier: in a `with` block, or in a function that `atexit` calls.",
            ) from None


LOADING = Loading()


def failure(head: str | bytes) -> HightouchError:
    """Creates the exception for a failure of the core."""
    it = decode(FAILURE, head.encode() if isinstance(head, str) else head)
    details = Json.from_raw(it.details)
    error = BY_KIND.get(it.kind, HightouchError)(
        it.message,
        kind=it.kind,
        code=it.code,
        status=it.status,
        details=None if details.raw == b"null" else details,
        operation=it.operation,
        operation_id=it.operation_id,
        resource=it.resource,
        retry_after=None if it.retry_after_ms is None else it.retry_after_ms / 1000,
        hint=it.hint,
        causes=it.causes,
        meta=it.meta,
        run_token=it.run,
    )
    if isinstance(error, RunFailedError):
        error.because(bytes(it.problem))
    return error
