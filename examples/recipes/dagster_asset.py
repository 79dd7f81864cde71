"""Defines a sync as an asset of Dagster. Each materialization is one run, with the numbers of its rows as metadata."""

import dagster as dg

from hightouch_sdk import Hightouch


class HightouchResource(dg.ConfigurableResource):
    api_key: str

    def client(self) -> Hightouch:
        return Hightouch(api_key=self.api_key)


@dg.asset(kinds={"hightouch"})
def salesforce_orders(context: dg.AssetExecutionContext, hightouch: HightouchResource) -> dg.MaterializeResult:
    with hightouch.client() as ht:
        run = ht.syncs.trigger("orders-to-salesforce")
        context.log.info("Run %s, token %s", run.id, run.token)
        # If the run fails, `wait` raises an error with the reason, and Dagster shows this error.
        result = run.wait(timeout=3600)
    rows = result.successful_rows
    return dg.MaterializeResult(
        metadata={
            "run": result.id,
            "added": rows.added_count,
            "changed": rows.changed_count,
            "removed": rows.removed_count,
        }
    )


defs = dg.Definitions(
    assets=[salesforce_orders],
    resources={"hightouch": HightouchResource(api_key=dg.EnvVar("HIGHTOUCH_API_KEY"))},
)
