"""Tests of programs that use this package, against a local server that implements the Hightouch API.

Needs ``hightouch-sdk[sandbox]``. With pytest, use the fixtures of ``hightouch_sdk.testing.pytest_plugin``. Without
pytest, use a world as a context manager::

    from hightouch_sdk.testing import World

    with World(slugs=["orders-to-salesforce"]) as world:
        world.fail_next_run("orders-to-salesforce", "no such table")
        with world.client() as ht:
            print(ht.syncs.trigger("orders-to-salesforce").wait(on_failure="return").status)
"""

from __future__ import annotations

from ._requests import Request
from ._server import Sandbox
from ._world import Keys, World, WorldError

__all__ = ["Keys", "Request", "Sandbox", "World", "WorldError"]
