"""A handler of AWS Lambda: the first call of a state machine starts the run, later calls look at it."""

from typing import Any

from hightouch_sdk import Hightouch

# Created once for a process, which is frozen between two invocations. The handler does not close it.
ht = Hightouch(timeout=10, deadline=25)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    if "token" not in event:
        return {"token": ht.syncs.trigger(event["sync"]).token, "ended": False}
    state = ht.run(event["token"]).state()
    return {"token": event["token"], "ended": state.has_ended, "status": state.status}
