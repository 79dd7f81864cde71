"""Raw answers of the server."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ._calls import no_result
from ._door import answer_of, decoded, decoder
from ._errors import failure
from ._public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._errors import Meta

T = TypeVar("T")


@public
class RawResponse(Generic[T]):
    """The server's unchanged answer to one call. The status is from 200 to 299.

    For any other status the call raises an error, as it does without ``with_raw_response``. If an operation reports an
    error with status 200, the call returns the answer, and :meth:`parse` raises the error.
    """

    def __init__(self, head: str, body: bytes, make: Callable[[bytes], T]) -> None:
        self._make = make
        meta, answer = answer_of(head)
        self._value, self._failure = bytes(answer.value), bytes(answer.failure)
        self.status: int = answer.status
        """The HTTP status."""
        self.headers: Mapping[str, str] = answer.headers
        """The headers, with names in lower case. The API key is removed from the values."""
        self.body = body
        """The bytes of the body, decompressed."""
        self.meta: Meta = meta
        """The metadata of the call."""

    @property
    def text(self) -> str:
        """The body as text for display. Bytes that are not UTF-8 become U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def parse(self) -> T:
        """Returns what the call would have returned without ``with_raw_response``.

        Sends nothing, and works even after the client was closed.

        Returns:
            The result of the method. For a list, these are the rows of the first page; for a trigger, the handle of the
            run.

        Raises:
            ProtocolError: The body does not fit its type.
            HightouchError: The body reports an error.
        """
        if self._failure:
            raise failure(self._failure)
        return self._make(self._value)

    def __copy__(self) -> RawResponse[T]:
        return _with(self._make, self.__dict__)

    def __deepcopy__(self, memo: dict[int, Any]) -> RawResponse[T]:
        # The function is shared, because it may hold a client.
        rest = {name: deepcopy(value, memo) for name, value in self.__dict__.items() if name != "_make"}
        return _with(self._make, rest)

    def __reduce__(self) -> tuple[Any, ...]:
        rest = {name: value for name, value in self.__dict__.items() if name != "_make"}
        if isinstance(self._make, partial):
            (reader,) = self._make.args  # pyright: ignore[reportUnknownMemberType]
            return (_of_type, (reader.type, rest))
        if self._make is no_result:
            return (_with, (no_result, rest))
        raise TypeError(
            "The raw answer of a trigger cannot be pickled, because `parse` returns a handle, which holds a client."
            " Pickle its `body`, or the token of the run."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(status={self.status}, {len(self.body)} bytes)"


def _with(make: Callable[[bytes], T], rest: dict[str, Any]) -> RawResponse[T]:
    raw = cast("RawResponse[T]", object.__new__(RawResponse))
    raw.__dict__.update({**rest, "_make": make})
    return raw


def _of_type(of: type[T], rest: dict[str, Any]) -> RawResponse[T]:
    return _with(partial(decoded, decoder(of)), rest)
