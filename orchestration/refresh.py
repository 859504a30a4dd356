"""A refresh from the command line: the same Dagster job as the schedule's, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import dagster as dg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ingestion.locks import RUN, exclusive_lock
from ingestion.settings import Home, Window, utc_now
from ingestion.sources.registry.client import RegistryError
from orchestration.alerts import failure_alert
from orchestration.assets.failure import causes
from orchestration.definitions import defs
from orchestration.purge import purge
from orchestration.schedules import range_tags
from orchestration.verdicts import FAILED_ROWS

# The runs of this command carry it as a tag.
COMMAND = "costowner/command"
# On the terminal: what each step says, and not each event of the engine (the UI has them all).
QUIET_LOGGERS = {"console": {"config": {"log_level": "INFO"}}}


@dataclass(frozen=True)
class Outcome:
    """How a refresh ended: None, or one line of what failed and where."""

    failure: str | None
    seconds: float


def _bury(instance: dg.DagsterInstance) -> None:
    """Tell the UI that earlier runs of this command that never ended are dead: only one runs at a time."""
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED], tags={COMMAND: "refresh"})
    for run in instance.get_runs(started):
        instance.report_run_failed(run, "the process was killed; the next refresh does its work")


def _print_failed_checks(events: Sequence[dg.DagsterEvent], say: Callable[[str], None]) -> None:
    for event in events:
        if event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        check = event.asset_check_evaluation_data
        if not check.passed:
            rows = check.metadata.get(FAILED_ROWS)
            what = check.description or (f"rows that fail: {rows.value}" if rows else "")
            say(
                f"  check failed ({check.severity.value.lower()}): {check.check_name} on {check.asset_key.path[-1]}"
                + (f": {what}" if what else "")
            )


def refresh(home: Home, window: Window, say: Callable[[str], None]) -> Outcome:
    """Run the job over a window; prints each step as it ends. One that fails raises the alert."""
    started = time.monotonic()

    def failed(causes: Sequence[str], run_id: str | None = None) -> Outcome:
        failure_alert("refresh", causes, run_id)
        return Outcome(causes[0], time.monotonic() - started)

    def print_wait(holder: str) -> None:
        say(f"waiting for {holder}: one run at a time, from landing to publication")

    with exclusive_lock(home, RUN, "a refresh by the command", print_wait):
        try:
            return _run(home, window, say, failed)
        except (OSError, SQLAlchemyError) as broken:
            # No step's own failure: Dagster could not write down what happens.
            problem = broken.orig if isinstance(broken, DBAPIError) else broken
            return failed([f"Dagster's records in {home.root / 'dagster'}: {type(problem).__name__}: {problem}"])


def _run(home: Home, window: Window, say: Callable[[str], None], failed: Callable[..., Outcome]) -> Outcome:
    started = time.monotonic()
    job = defs.resolve_job_def("refresh")
    with dg.DagsterInstance.get() as instance:
        _bury(instance)
        # The landing of a broken registry reports it; what is past its own date is purged all the same.
        with suppress(RegistryError):
            purged = purge(home, utc_now())
            if purged.rows:
                say(f"  prompts: {purged}")
        tags = {**range_tags(window), COMMAND: "refresh"}
        result = job.execute_in_process(
            instance=instance, tags=tags, run_config={"loggers": QUIET_LOGGERS}, raise_on_error=False
        )
        _print_failed_checks(result.all_events, say)
        if not result.success:
            return failed(
                causes(result.all_events) or ["the run failed; see the Dagster UI (make ui)"], result.run_id
            )
    return Outcome(None, time.monotonic() - started)
