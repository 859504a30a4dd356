"""What pages the data team: a refresh that failed, and a source that went stale."""

import json
from collections.abc import Iterator

import dagster as dg
import duckdb

from ingestion.settings import Home, utc_now
from orchestration.alerts import alert
from orchestration.checks.ledger import stale_sources


@dg.run_failure_sensor(name="refresh_failed", default_status=dg.DefaultSensorStatus.RUNNING)
def refresh_failed(context: dg.RunFailureSensorContext) -> None:
    """Tells that a run failed and where; the last good publication is still up."""
    alert(
        f"Costowner: run of {context.dagster_run.job_name} failed",
        f"{context.failure_event.message or 'no message'} (run {context.dagster_run.run_id}); "
        "what was published before is still up",
    )


@dg.sensor(
    name="source_is_stale",
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks at the published freshness every hour, also when no refresh runs; tells a source once.",
)
def source_is_stale(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason]:
    published = Home.from_environment().database
    if not published.exists():
        yield dg.SkipReason("nothing is published yet")
        return
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(
            "select source, newest_charge_at, promise_hours, slice_count from source_freshness order by 1"
        ).fetchall()
    stale = {line.split(":")[0]: line for line in stale_sources(rows, utc_now())}
    told = set(json.loads(context.cursor or "[]"))
    news = sorted(set(stale) - told)
    sent = not news or alert("Costowner: stale source", "\n".join(stale[source] for source in news))
    # A source that could not be told is told at the next look; one that is fresh again may be told again.
    context.update_cursor(json.dumps(sorted(set(stale) if sent else set(stale) & told)))
    yield dg.SkipReason(f"{len(stale)} stale, {len(news)} new")
