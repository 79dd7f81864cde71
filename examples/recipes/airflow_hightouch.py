"""An operator for Airflow that starts the run of a sync, and uses no worker while the run is in progress.

Put this file into the folder `plugins` of Airflow, where workers and triggerers can import it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent

from hightouch_sdk import AsyncHightouch, Hightouch


class HightouchRun(BaseTrigger):
    """Waits in the triggerer for the end of the run that a token names."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "airflow_hightouch.HightouchRun", {"token": self.token}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        async with AsyncHightouch() as ht:
            await ht.run(self.token).wait(on_failure="return")
        yield TriggerEvent({"token": self.token})


class HightouchSync(BaseOperator):
    """Runs a sync, given by its id or slug. The XCom is the id of the run. A run that fails makes the task fail."""

    template_fields = ("sync",)

    def __init__(self, *, sync: int | str, **options: Any) -> None:
        super().__init__(**options)
        self.sync = sync

    def execute(self, context: Any) -> None:
        with Hightouch() as ht:
            # A retry of the task joins the run that is in progress. The first try always starts a new run, because an
            # older run may miss rows that the tasks upstream have written since.
            retried = context["ti"].try_number > 1
            token = ht.syncs.trigger(self.sync, if_running="join" if retried else "queue").token
        self.defer(trigger=HightouchRun(token), method_name="finish", timeout=self.execution_timeout)

    def finish(self, context: Any, event: dict[str, str]) -> int:
        with Hightouch() as ht:
            return ht.run(event["token"]).wait(timeout=60).id
