"""What pages the data team: a refresh that failed, and a source that went stale."""

import dagster as dg
import duckdb

from ingestion.settings import Home, utc_now
from orchestration.alerts import alert
from orchestration.assets.failure import newly_held
from orchestration.checks.ledger import newest_charge_is_within_the_sla, stale_sources
from orchestration.checks.refresh import LANDING_TAG
from orchestration.jobs import BUILD, BUILD_OF_TODAY, COMMAND_TAG, LANDING, REFRESH, job_after_landing
from orchestration.run_alerts import EVENTS, alert_of_run, alert_once, name_of


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
    records = instance.get_records_for_run(run_id, of_type=EVENTS).records
    return [event for record in records if (event := record.event_log_entry.dagster_event) is not None]


@dg.run_failure_sensor(
    name="run_failed",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Raises one alert of a run that failed: its steps, their causes, new warnings, and what stays published. The command "
        "does so itself. Of a build that held deliveries, the build without them raises it."
    ),
)
def run_failed(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    return _alert(context, succeeded=False)


@dg.run_status_sensor(
    name="run_warns",
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Raises an alert where the checks of a run warn of something new. The command does so itself.",
)
def run_warns(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
    return _alert(context, succeeded=True)


def _alert(context: dg.RunStatusSensorContext, *, succeeded: bool) -> dg.SkipReason | None:
    run = context.dagster_run
    if COMMAND_TAG in run.tags:
        return dg.SkipReason("the command raises its alerts itself")
    events = _events(context.instance, run.run_id)
    if newly_held(events):
        return dg.SkipReason("the build without what is held raises the alert")
    what, cause = f"run of {run.job_name}", context.dagster_event.message or ""
    alert_of_run(Home.from_environment(), what, events, succeeded=succeeded, run_id=run.run_id, cause=cause)
    return None


@dg.sensor(
    name="source_is_stale",
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reads the published freshness every hour, also when no refresh runs, and alerts once of each stale source.",
)
def source_is_stale(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    home = Home.from_environment()
    if not home.database.exists():
        return dg.SkipReason("nothing is published yet")
    with duckdb.connect(str(home.database), read_only=True) as connection:
        rows = connection.execute(
            "select source, newest_charge_at, freshness_sla_hours, slice_count from source_freshness order by 1"
        ).fetchall()
    stale = stale_sources(rows, utc_now())
    # As the check of the last build found it: what raised an alert there raises none here.
    found = {name_of(newest_charge_is_within_the_sla.check_key): stale}
    alert_once(
        home,
        found,
        lambda new: not new or alert("Costowner: stale source", "\n".join(one.line for one in new)),
    )
    return dg.SkipReason(f"{len(stale)} stale")
