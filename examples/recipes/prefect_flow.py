"""A flow that runs syncs. If the wait for a run fails, Prefect waits for the same run again."""

from prefect import flow, task

from hightouch_sdk import Hightouch


@task(retries=0)
def start(sync: int | str) -> str:
    with Hightouch() as ht:
        return ht.syncs.trigger(sync).token


@task(retries=3, retry_delay_seconds=30)
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
