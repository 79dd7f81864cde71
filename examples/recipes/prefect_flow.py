"""A flow that runs syncs. If the wait for a run breaks, Prefect waits for the same run again."""

from typing import Any

from prefect import flow, task

from hightouch_sdk import Hightouch, RunFailedError


@task(retries=0)
def start(sync: int | str) -> str:
    with Hightouch() as ht:
        return ht.syncs.trigger(sync).token


def has_not_failed(_task: Any, _task_run: Any, state: Any) -> bool:
    """Returns whether the run may still succeed. A run that has failed stays failed, so no retry waits for it."""
    return not isinstance(state.result(raise_on_failure=False), RunFailedError)


@task(retries=3, retry_delay_seconds=30, retry_condition_fn=has_not_failed)
def finish(token: str) -> int:
    with Hightouch() as ht:
        return ht.run(token).wait(timeout=3600).successful_rows.added_count


@flow
def nightly(syncs: list[int | str]) -> int:
    tokens = start.map(syncs)
    added = finish.map(tokens).result()
    return sum(added)


if __name__ == "__main__":
    print(nightly(["orders-to-salesforce", 2]))
