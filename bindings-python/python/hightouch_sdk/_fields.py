"""Fields that are required in a value that a user creates, but that an answer may lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # For a type checker these are fields without a default, so it requires them.
    from msgspec import field as needed
    from msgspec import field as needed_list
else:
    from msgspec import field

    def _no_items():  # noqa: ANN202
        return []

    def needed(name=None):  # noqa: ANN001, ANN202
        """None if an answer lacks it. The core refuses to send a value without it."""
        return field(name=name, default=None)

    def needed_list(name=None):  # noqa: ANN001, ANN202
        """Empty if an answer lacks it. With `list` as the factory, msgspec would not send an empty one."""
        return field(name=name, default_factory=_no_items)


__all__ = ["needed", "needed_list"]
