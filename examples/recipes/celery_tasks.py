"""Tasks that start a run and wait for its end. If a worker dies during the wait, another worker continues the wait.

(start.s("orders-to-salesforce") | finish.s()).delay()
"""

import os

from celery import Celery

from hightouch_sdk import Hightouch, WaitTimeoutError

app = Celery("jobs", broker=os.environ["CELERY_BROKER_URL"], backend=os.environ["CELERY_RESULT_BACKEND"])
ht = Hightouch()  # one client for each worker process; forking is safe


@app.task
def start(sync: int | str) -> str:
    return ht.syncs.trigger(sync).token


# If a worker dies, `acks_late` and `reject_on_worker_lost` make Celery give the task to another worker.
@app.task(bind=True, acks_late=True, reject_on_worker_lost=True, max_retries=120)
def finish(self, token: str) -> int:
    try:
        return ht.run(token).wait(timeout=60).id
    except WaitTimeoutError as error:
        raise self.retry(exc=error, countdown=0) from None
