"""Answers as they came, beside what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import UNSET

from ._door import meta_of
from ._errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._door import Args, Door
    from ._errors import Meta

T = TypeVar("T")


class RawResponse(Generic[T]):
    """The server's answer to one call, untouched: its status is from 200 to 299.

    An answer with any other status is raised as by the method itself. An error that comes with status 200 is such an
    answer too; :meth:`parse` raises it.
    """

    def __init__(self, door: Door, op: str, args: Args, answer: tuple[str, bytes], make: Callable[[bytes], T]) -> None:
        self._door = door
        self._op = op
        self._args = args
        self._make = make
        head, self.body = answer
        """The body's bytes, unpacked."""
        self.meta: Meta = meta_of(head)
        """What became of the call on its way."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.meta.status or 0

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; their names are in lower case."""
        return self.meta.headers or {}

    @property
    def text(self) -> str:
        """The body as text, for reading; bytes that are not UTF-8 are shown as U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def parse(self) -> T:
        """Give what the method would have given for this answer, or raise what it would have raised.

        Nothing is sent, but the client must still be open. For a list it is the rows of its first page, for a
        trigger the handle of its run.

        Raises:
            ProtocolError: The body is not UTF-8, or not what the API promises.
            HightouchError: The body is an error.
        """
        try:
            body = self.body.decode()
        except UnicodeDecodeError as error:
            raise ProtocolError(f"The body is not UTF-8: {error}.", meta=self.meta) from error
        asked = {
            "op": self._op,
            "args": {name: value for name, value in self._args.items() if value is not UNSET},
            "status": self.status,
            "headers": self.headers,
            "body": body,
        }
        return self._make(self._door.local("parse", asked)[1])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(status={self.status}, {len(self.body)} bytes)"
