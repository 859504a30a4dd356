"""The daily refresh: the previous and the current billing month, of all sources, in one run."""

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ingestion.settings import Home, Window
from orchestration.history import window_for
from orchestration.partitions import billing_months

REFRESH = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    partitions_def=billing_months(),
    executor_def=dg.in_process_executor,
    description="Land what changed, build the ledger, check it, publish it.",
)


def range_tags(window: Window) -> dict[str, str]:
    """The tags by which one run covers a range of billing months."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: str(window.first),
        ASSET_PARTITION_RANGE_END_TAG: str(window.last),
    }


@dg.schedule(
    name="daily_refresh",
    job=REFRESH,
    cron_schedule="30 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Open billing months, every day at 06:30 UTC: after the vendors' days are over. "
        "The whole history while a source that is set up has not delivered it."
    ),
)
def daily_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    moment = context.scheduled_execution_time
    return dg.RunRequest(run_key=f"{moment:%Y-%m-%d}", tags=range_tags(window_for(Home.from_environment())))
