"""A refresh from the command line: the same Dagster job as the schedule's, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from ingestion.lake import alone
from ingestion.registry.client import RegistryError
from ingestion.settings import Home, Window, utc_now
from orchestration.assets.failure import explained, one_line
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


def _step_of(event: dg.DagsterEvent) -> str:
    return (event.step_key or "").removeprefix("raw_")


def refresh(home: Home, window: Window, say: Callable[[str], None]) -> Outcome:
    """Run the job over a window; says each step as it ends."""
    started = time.monotonic()
    job = defs.resolve_job_def("refresh")
    failure: str | None = None
    with alone(home, "refresh"), dg.DagsterInstance.get() as instance:
        _bury(instance)
        # A broken registry is told by its own landing; what is past its own date is purged all the same.
        with suppress(RegistryError):
            purged = purge(home, utc_now())
            if purged.rows:
                say(f"  prompts: {purged}")
        tags = {**range_tags(window), COMMAND: "refresh"}
        try:
            result = job.execute_in_process(
                instance=instance, tags=tags, run_config={"loggers": QUIET_LOGGERS}, raise_on_error=False
            )
        except (OSError, SQLAlchemyError) as broken:
            # No step's own failure: Dagster could not write down what happens.
            said = explained(broken)[0].splitlines()[0]
            return Outcome(f"Dagster's records in {home.root / 'dagster'}: {said}", time.monotonic() - started)
        for event in result.all_events:
            if event.is_step_failure:
                data = event.step_failure_data
                error = data.error
                while error is not None and error.cause is not None:
                    error = error.cause
                what = (data.user_failure_data.description if data.user_failure_data else None) or (
                    error.message if error else ""
                )
                failure = failure or f"{_step_of(event)}: {one_line(what)}"
            elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                check = event.asset_check_evaluation_data
                if not check.passed:
                    rows = check.metadata.get(FAILED_ROWS)
                    what = check.description or (f"rows that fail: {rows.value}" if rows else "")
                    say(
                        f"  check failed ({check.severity.value.lower()}): {check.check_name} on {check.asset_key.path[-1]}"
                        + (f": {what}" if what else "")
                    )
    if not result.success and failure is None:
        failure = "the run failed; see the Dagster UI (make ui)"
    return Outcome(failure, time.monotonic() - started)
