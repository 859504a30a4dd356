"""A refresh from the command line: the landing and the build of the schedule and its sensor, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import dagster as dg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ingestion.lake.pipeline import declare
from ingestion.settings import Home, Window, utc_now
from ingestion.sources.catalog import SOURCES
from ingestion.sources.registry.client import RegistryError
from orchestration.assets.failure import causes, newly_held
from orchestration.assets.raw import RAW_ASSETS
from orchestration.checks.refresh import LANDING_TAG
from orchestration.code_location import Execution, execute_here
from orchestration.definitions import defs
from orchestration.jobs import BUILD, BUILD_OF_TODAY, COMMAND_TAG, LANDING, job_after_landing, range_tags
from orchestration.layout import writing
from orchestration.publication.build_state import evaluation_of
from orchestration.repair import repair_dagster
from orchestration.retention.purge import purge
from orchestration.retention.traces import purge_traces
from orchestration.run_alerts import alert_of_run, failure_alert, name_of

# dagster-dbt's metadata of a test that failed.
FAILED_ROWS = "dagster_dbt/failed_row_count"
# Dagster's own lines on the terminal: none, or those of its steps (its log file and the UI have all events).
SILENT_LOGGERS, VERBOSE_LOGGERS = ({"console": {"config": {"log_level": level}}} for level in ("CRITICAL", "INFO"))

Listener = Callable[[dg.EventLogEntry], None]


@dataclass(frozen=True)
class Outcome:
    """How a refresh ended: None, or one line of what failed and where."""

    failure: str | None
    seconds: float


def fail_abandoned_runs(instance: dg.DagsterInstance) -> None:
    """Report earlier runs of this command that never ended as failed: only one runs at a time."""
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED], tags={COMMAND_TAG: "refresh"})
    for run in instance.get_runs(started):
        instance.report_run_failed(run, "the process was killed; the next refresh does its work")


def _print_failed_checks(instance: dg.DagsterInstance, say: Callable[[str], None]) -> None:
    """Print every check that failed when it ran last: a warning stands until its check passes, whichever run ran it."""
    keys = sorted(defs.resolve_asset_graph().asset_check_keys)
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    for key in keys:
        check = evaluation_of(latest.get(key))
        if check is not None and not check.passed:
            rows = check.metadata.get(FAILED_ROWS)
            cause = check.description or (f"rows that fail: {rows.value}" if rows else "")
            say(
                f"  check failed ({check.severity.value.lower()}): {name_of(key)}"
                + (f": {cause}" if cause else "")
            )


def refresh(
    home: Home,
    window: Window,
    say: Callable[[str], None],
    only: Collection[str] = (),
    listen: Listener | None = None,
    verbose: bool = False,
) -> Outcome:
    """Land the sources (all, or `only` these) over a window, then build. One that fails raises the alert.

    `say` gets lines for people; `listen`, each event of the runs. `verbose`: Dagster prints its steps' lines as well.
    """
    started = time.monotonic()

    def failed(cause: str) -> Outcome:
        failure_alert(home, "refresh", [cause])
        return Outcome(cause, time.monotonic() - started)

    def print_wait(holder: str) -> None:
        say(f"waiting for {holder}: one run at a time, from landing to publication")

    with writing(home, "a refresh by the command", print_wait):
        try:
            return _run(home, window, say, only, listen, verbose)
        except (OSError, SQLAlchemyError) as broken:
            # No step's own failure: Dagster could not write down what happens.
            problem = broken.orig if isinstance(broken, DBAPIError) else broken
            damaged = repair_dagster(home, wholly=True)
            if damaged:
                return failed(f"{'; '.join(damaged)}: refresh again")
            return failed(f"Dagster's records in {home.root / 'dagster'}: {type(problem).__name__}: {problem}")


def _run(
    home: Home,
    window: Window,
    say: Callable[[str], None],
    only: Collection[str],
    listen: Listener | None,
    verbose: bool,
) -> Outcome:
    started = time.monotonic()
    with dg.DagsterInstance.get() as instance:
        fail_abandoned_runs(instance)
        # The landing of a broken registry reports it; what is past its own date is purged all the same.
        with suppress(RegistryError):
            purged = purge(home, utc_now())
            if purged.rows:
                say(f"  prompts: {purged}")
        traces = purge_traces(home, datetime.now(UTC), instance)
        if traces.notes or traces.runs:
            say(f"  what earlier releases quoted of files: {traces}")

        def execute(job: str, tags: dict[str, str], selection: Sequence[dg.AssetKey] | None = None) -> Execution:
            run_id = str(uuid4())
            if listen:
                instance.add_event_listener(run_id, listen)
            return execute_here(
                defs.resolve_job_def(job),
                instance,
                run_id,
                tags={**tags, COMMAND_TAG: "refresh"},
                run_config={"loggers": VERBOSE_LOGGERS if verbose else SILENT_LOGGERS},
                selection=selection,
            )

        result = landing = execute(LANDING.name, range_tags(window), assets_of(home, only))
        if landing.success:
            job = job_after_landing(home)
            if job == BUILD_OF_TODAY.name:
                say("  nothing new was delivered: only what depends on the refresh or on the date is built")
            of_landing = {LANDING_TAG: landing.run_id}
            result = execute(job, of_landing)
            while held := newly_held(result.events):
                for line in held:
                    say(f"  {line}")
                say("  the ledger is built again without these deliveries")
                result = execute(BUILD.name, of_landing)
        _print_failed_checks(instance, say)
        # The landing's warnings are in the same alert.
        events = result.events if result is landing else [*landing.events, *result.events]
        unknown = "the run failed; see the Dagster UI (`costowner ui`)"
        alert_of_run(home, "refresh", events, succeeded=result.success, run_id=result.run_id, cause=unknown)
        failure = None if result.success else (causes(events) or [unknown])[0]
    return Outcome(failure, time.monotonic() - started)


def assets_of(home: Home, only: Collection[str]) -> list[dg.AssetKey] | None:
    """The raw assets of some sources; None for all. A source that nothing may be published without comes along."""
    if not only:
        return None
    keys: list[dg.AssetKey] = []
    for source, assets in zip(SOURCES, RAW_ASSETS, strict=True):
        if source.name in only or source.is_required:
            keys += assets.keys
        else:
            # What was never landed is an empty table, so that the ledger can be built.
            declare(home, source)
    return keys
