"""How an operation that the vendor has deprecated says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import deprecated
else:
    import functools
    import warnings

    def deprecated(message):  # noqa: ANN001, ANN202
        """As `warnings.deprecated`, which is newer than the oldest Python that this runs on."""

        def mark(function):  # noqa: ANN001, ANN202
            @functools.wraps(function)
            def warn(*args, **kwargs):  # noqa: ANN002, ANN003, ANN202
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return function(*args, **kwargs)

            warn.__deprecated__ = message
            return warn

        return mark


__all__ = ["deprecated"]
