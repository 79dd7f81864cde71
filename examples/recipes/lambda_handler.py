"""A handler of AWS Lambda: the first call of a state machine starts a run, and later calls read its state."""

from typing import Any

from hightouch_sdk import Hightouch

# Lambda freezes and reuses the process, so all invocations share one client. The client is never closed.
ht = Hightouch(timeout=10, deadline=25)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    if "token" not in event:
        return {"token": ht.syncs.trigger(event["sync"]).token, "ended": False}
    state = ht.run(event["token"]).state()
    return {"token": event["token"], "ended": state.has_ended, "status": state.status}
