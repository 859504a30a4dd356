"""The daily refresh (the previous and the current billing month, of all sources, in one run) and the daily purge."""

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ingestion.settings import Home, Window, utc_now
from orchestration.history import window_for
from orchestration.partitions import billing_months
from orchestration.purge import purge
from orchestration.run_lock import RUN_LOCK, RunLock

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


@dg.op(
    required_resource_keys={RUN_LOCK},
    description="Deletes prompts that are too old or that no policy lets be kept, the lake's files included.",
)
def purge_prompts(context: dg.OpExecutionContext) -> None:
    done = purge(Home.from_environment(), utc_now())
    context.log.info(str(done))


@dg.job(
    name="purge",
    executor_def=dg.in_process_executor,
    resource_defs={RUN_LOCK: RunLock()},
    description="Retention of prompts: what registry/prompt_policy.yml does not let be kept is gone afterwards.",
)
def PURGE() -> None:
    purge_prompts()


daily_purge = dg.ScheduleDefinition(
    name="daily_purge",
    job=PURGE,
    cron_schedule="5 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 00:05 UTC: what must be gone by that day is gone.",
)
