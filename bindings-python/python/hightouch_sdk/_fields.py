"""Declares fields that users must pass when they create a value. Answers of the API may lack these fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # A type checker sees fields without a default, so it requires users to pass them.
    from msgspec import field as needed
    from msgspec import field as needed_list
else:
    from msgspec import field

    def _no_items():  # noqa: ANN202
        return []

    def needed(name=None):  # noqa: ANN001, ANN202
        """Declares a field that is None if an answer lacks it. The core refuses to send a value without this field."""
        return field(name=name, default=None)

    def needed_list(name=None):  # noqa: ANN001, ANN202
        """Declares a list that becomes empty if an answer lacks it.

        If the factory were `list` itself, msgspec would leave empty lists out of the JSON that is sent.
        """
        return field(name=name, default_factory=_no_items)


__all__ = ["needed", "needed_list"]
