"""The daily refresh (the previous and the current billing month, of all sources), the daily purge, the weekly verification."""

import dagster as dg

from ingestion.settings import Home
from orchestration.backfill_state import window_for
from orchestration.jobs import LANDING, PURGE, VERIFY, range_tags


@dg.schedule(
    name="daily_refresh",
    job=LANDING,
    cron_schedule="30 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Lands the open billing months every day at 06:30 UTC, after the vendors' days are over, or the whole history "
        "while a source that is set up has not delivered it. The build follows (sensor `build_after_landing`)."
    ),
)
def daily_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    moment = context.scheduled_execution_time
    return dg.RunRequest(run_key=f"{moment:%Y-%m-%d}", tags=range_tags(window_for(Home.from_environment())))


daily_purge = dg.ScheduleDefinition(
    name="daily_purge",
    job=PURGE,
    cron_schedule="5 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 00:05 UTC, so that prompts are deleted on the day on which they expire.",
)

weekly_verification = dg.ScheduleDefinition(
    name="weekly_verification",
    job=VERIFY,
    cron_schedule="0 3 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every Sunday at 03:00 UTC, so that a file that the disk changed is requested again while its vendor has it.",
)
