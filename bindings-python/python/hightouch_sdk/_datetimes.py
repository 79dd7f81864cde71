"""The real ``datetime`` class, even while a library such as freezegun replaces it.

Such a library puts its own class into ``datetime`` and into every module that imported the real class. Decoders live as
long as the process, so they must be built from the real class.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.msgpack import decode

# msgspec's decoder does not look the class up in a module, so it returns an instance of the real class even if a
# library has replaced `datetime.datetime`. `Annotated` hides the class from such libraries, which search modules for
# it.
datetime: Any = Annotated[type(decode(b"\xd6\xff\x00\x00\x00\x00")), "the real one"]


def real_datetime(value: object) -> object:
    """Converts an instance of a subclass of ``datetime`` to the real class; returns any other value as it is.

    Raises:
        ValueError: ``value`` is not a point in time, such as pandas' ``NaT``.
    """
    real = datetime.__origin__
    if not isinstance(value, real) or type(value) is real:
        return value
    it: Any = value
    try:
        return real(it.year, it.month, it.day, it.hour, it.minute, it.second, it.microsecond, it.tzinfo, fold=it.fold)
    except TypeError:
        raise ValueError(f"{value} is not a point in time") from None
