"""Registers the plugin of ``hightouch_sdk.testing`` with pytest, if the package ``hightouch-sdk`` is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    try:
        from hightouch_sdk.testing import pytest_plugin
    except ModuleNotFoundError as missing:
        # This package can also be used without the SDK, which contains the plugin.
        if missing.name != "hightouch_sdk":
            raise
        return
    if not config.pluginmanager.is_registered(pytest_plugin):
        config.pluginmanager.register(pytest_plugin, "hightouch_sdk.testing.pytest_plugin")
