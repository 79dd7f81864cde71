"""The real ``datetime``, whatever stands in its place at the moment.

Libraries that freeze time put a class of their own into ``datetime`` and into every module that imported the real one.
Decoders are kept for the life of the process, so none may be built from such a class.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.msgpack import decode

# A timestamp in MessagePack, which the decoder makes without looking into any module. Inside `Annotated` it is not
# recognised, and not replaced, by those who look through modules.
datetime: Any = Annotated[type(decode(b"\xd6\xff\x00\x00\x00\x00")), "the real one"]


def plain(moment: object) -> object:
    """An instance of a subclass of ``datetime`` as the real one; anything else as it is."""
    real = datetime.__origin__
    if not isinstance(moment, real) or type(moment) is real:
        return moment
    it: Any = moment
    return real(it.year, it.month, it.day, it.hour, it.minute, it.second, it.microsecond, it.tzinfo, fold=it.fold)
