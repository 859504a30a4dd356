"""What pages the data team: a refresh that failed, and a source that went stale."""

import json
from collections.abc import Iterator

import dagster as dg
import duckdb

from ingestion.settings import Home, utc_now
from orchestration.alerts import alert, failure_alert
from orchestration.assets.failure import causes, newly_held
from orchestration.checks.ledger import stale_sources
from orchestration.checks.refresh import LANDING_TAG
from orchestration.jobs import BUILD, BUILD_OF_TODAY, COMMAND_TAG, LANDING, REFRESH, job_after_landing

# The events that show why a run failed.
CAUSES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION}


@dg.run_status_sensor(
    name="build_after_landing",
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[LANDING],
    request_jobs=[BUILD, BUILD_OF_TODAY],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "After a landing: builds, checks and publishes the ledger; where nothing changed, only what depends on the "
        "refresh or on the date. The command does so itself."
    ),
)
def build_after_landing(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    landing = context.dagster_run
    if COMMAND_TAG in landing.tags:
        return dg.SkipReason("the command builds by itself")
    return dg.RunRequest(
        run_key=landing.run_id,
        job_name=job_after_landing(Home.from_environment()),
        tags={LANDING_TAG: landing.run_id},
    )


@dg.run_status_sensor(
    name="build_without_held_periods",
    run_status=dg.DagsterRunStatus.FAILURE,
    monitored_jobs=[BUILD, BUILD_OF_TODAY, REFRESH],
    request_jobs=[BUILD],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "After a build that held deliveries, because the money of their billing periods did not add up: builds and publishes "
        "everything else. The command does so itself."
    ),
)
def build_without_held_periods(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    failed = context.dagster_run
    if COMMAND_TAG in failed.tags:
        return dg.SkipReason("the command builds by itself")
    if not newly_held(_events(context.instance, failed.run_id)):
        return dg.SkipReason("the build held nothing")
    return dg.RunRequest(
        run_key=failed.run_id,
        job_name=BUILD.name,
        tags={LANDING_TAG: failed.tags.get(LANDING_TAG, failed.run_id)},
    )


def _events(instance: dg.DagsterInstance, run_id: str) -> list[dg.DagsterEvent]:
    """The events that show why a run failed."""
    records = instance.get_records_for_run(run_id, of_type=CAUSES).records
    return [event for record in records if (event := record.event_log_entry.dagster_event) is not None]


@dg.run_failure_sensor(name="refresh_failed", default_status=dg.DefaultSensorStatus.RUNNING)
def refresh_failed(context: dg.RunFailureSensorContext) -> None:
    """Alerts of a run that failed: which steps, and why. The command alerts of its own runs itself."""
    found = causes(_events(context.instance, context.dagster_run.run_id))
    failure_alert(
        f"run of {context.dagster_run.job_name}",
        found or [context.failure_event.message or "no message"],
        context.dagster_run.run_id,
    )


@dg.sensor(
    name="source_is_stale",
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reads the published freshness every hour, also when no refresh runs, and alerts once of each stale source.",
)
def source_is_stale(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason]:
    published = Home.from_environment().database
    if not published.exists():
        yield dg.SkipReason("nothing is published yet")
        return
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(
            "select source, newest_charge_at, freshness_sla_hours, slice_count from source_freshness order by 1"
        ).fetchall()
    stale = {line.split(":")[0]: line for line in stale_sources(rows, utc_now())}
    alerted = set(json.loads(context.cursor or "[]"))
    new = sorted(set(stale) - alerted)
    sent = not new or alert("Costowner: stale source", "\n".join(stale[source] for source in new))
    # An alert that could not be sent is sent at the next tick; a source that is fresh again can be alerted of again.
    context.update_cursor(json.dumps(sorted(set(stale) if sent else set(stale) & alerted)))
    yield dg.SkipReason(f"{len(stale)} stale, {len(new)} new")
