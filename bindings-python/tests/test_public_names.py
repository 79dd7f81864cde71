"""The names that ``from hightouch_sdk import *`` imports."""

from __future__ import annotations

from collections import Counter

import hightouch_sdk
from hightouch_sdk import *  # noqa: F403
from hightouch_sdk import _error_classes


def test_every_public_name_is_in_the_list_once() -> None:
    """If you add a type, an enum or a kind of error, add its name to ``__all__`` in ``hightouch_sdk/__init__.py``."""
    public = {*hightouch_sdk._LATER, *_error_classes.__all__}
    assert public - {*hightouch_sdk.__all__} == set()
    assert all(hasattr(hightouch_sdk, name) for name in hightouch_sdk.__all__)
    assert set(Counter(hightouch_sdk.__all__).values()) == {1}


def test_a_star_import_has_values_errors_and_enums_also_for_mypy() -> None:
    """mypy, which checks this file, would report names that it does not find in the list."""

    def describe(of: Sync, status: SyncRunStatus) -> str:  # noqa: F405
        return f"{of.slug}: {status}"

    assert describe(Sync(id=1, slug="orders"), "success") == "orders: success"  # noqa: F405
    error: HightouchError = NotFoundError("There is no such sync.")  # noqa: F405
    assert error.kind == "not_found"
