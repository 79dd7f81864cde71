"""Raw answers of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import UNSET

from ._door import meta_of
from ._errors import ProtocolError
from ._public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._door import Door
    from ._encoding import Args
    from ._errors import Meta

T = TypeVar("T")


@public
class RawResponse(Generic[T]):
    """The server's answer to one call, unread. Its status is from 200 to 299.

    The call raises for any other status, as the method itself does. Some operations report an error with status 200;
    such an answer is returned too, and :meth:`parse` raises it.
    """

    def __init__(self, door: Door, op: str, args: Args, answer: tuple[str, bytes], make: Callable[[bytes], T]) -> None:
        self._door = door
        self._op = op
        self._args = args
        self._make = make
        head, self.body = answer
        """The bytes of the body, decompressed."""
        self.meta: Meta = meta_of(head)
        """The metadata of the call."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.meta.status or 0

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, with names in lower case."""
        return self.meta.headers or {}

    @property
    def text(self) -> str:
        """The body as text for display. Bytes that are not UTF-8 become U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def parse(self) -> T:
        """Decodes the answer as the method itself would have. Nothing is sent, but the client must still be open.

        Returns:
            The result of the method. For a list it is the rows of the first page, for a trigger the handle of the run.

        Raises:
            ProtocolError: The body is not UTF-8, or does not fit its type.
            HightouchError: The body reports an error.
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
