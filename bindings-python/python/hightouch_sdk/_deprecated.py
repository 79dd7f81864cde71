"""Warns about operations that Hightouch has deprecated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import deprecated
else:
    import functools
    import warnings

    def deprecated(message):  # noqa: ANN001, ANN202
        """The same as `warnings.deprecated`, which is new in Python 3.13."""

        def mark(function):  # noqa: ANN001, ANN202
            @functools.wraps(function)
            def warn(*args, **kwargs):  # noqa: ANN002, ANN003, ANN202
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return function(*args, **kwargs)

            warn.__deprecated__ = message
            return warn

        return mark


__all__ = ["deprecated"]
