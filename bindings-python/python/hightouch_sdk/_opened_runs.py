"""Creates the handle of a run that a token names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ._door import decoded, decoder
from ._errors import LOADING, ProtocolError
from ._runs import AnyRun, IdentityGraphRunHandle, SequenceRunHandle, SyncRunHandle

if TYPE_CHECKING:
    from ._async_door import AsyncDoor
    from ._async_runs import AnyAsyncRun
    from ._door import Door


class _Kind(Struct):
    kind: str


def opened(door: Door, body: bytes) -> AnyRun:
    """Creates the handle of the run that ``runs.open`` has read from a token."""
    match decoded(decoder(_Kind), body).kind:
        case "sync":
            return SyncRunHandle(door, body)
        case "sequence":
            return SequenceRunHandle(door, body)
        case "identity_graph":
            return IdentityGraphRunHandle(door, body)
        case other:
            raise _unknown(other)


def opened_async(door: AsyncDoor, body: bytes) -> AnyAsyncRun:
    """Creates the handle of the run that ``runs.open`` has read from a token."""
    with LOADING:
        from ._async_runs import AsyncIdentityGraphRunHandle, AsyncSequenceRunHandle, AsyncSyncRunHandle

    match decoded(decoder(_Kind), body).kind:
        case "sync":
            return AsyncSyncRunHandle(door, body)
        case "sequence":
            return AsyncSequenceRunHandle(door, body)
        case "identity_graph":
            return AsyncIdentityGraphRunHandle(door, body)
        case other:
            raise _unknown(other)


def _unknown(kind: str) -> ProtocolError:
    return ProtocolError(f"This version of the package does not know runs of the kind {kind!r}.")
