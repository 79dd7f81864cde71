"""Fields that a value must have when a user makes it, though answers may lack them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # To a type checker they are fields without a default, so it asks for them.
    from msgspec import field as needed
    from msgspec import field as needed_list
else:
    from msgspec import field

    def _no_items():  # noqa: ANN202
        return []

    def needed(name=None):  # noqa: ANN001, ANN202
        """None where an answer lacks it; the core refuses to send a value without it."""
        return field(name=name, default=None)

    def needed_list(name=None):  # noqa: ANN001, ANN202
        """Empty where an answer lacks it; an empty one is sent, which it would not be if the factory were `list`."""
        return field(name=name, default_factory=_no_items)


__all__ = ["needed", "needed_list"]
