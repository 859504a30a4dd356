"""The code location by its name, and runs of its jobs in this process that stand in the UI as all others do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.events import RunFailureReason
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

# The module of the definitions: Dagster names a location by its module, where no name is set (workspace.yaml). The state of
# schedules and sensors is kept by it too.
CODE_LOCATION = "orchestration.definitions"


@dataclass(frozen=True)
class Execution:
    """A run that came to its end in this process."""

    run_id: str
    success: bool
    events: Sequence[dg.DagsterEvent]


def execute_here(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    run_id: str,
    tags: Mapping[str, str],
    run_config: Mapping[str, Any],
    selection: Sequence[dg.AssetKey] | None = None,
) -> Execution:
    """Execute a job of the in-process executor, or some of its assets. An error in a step ends the run, and is not raised.

    A signal ends the run, and is raised: as KeyboardInterrupt, whichever it was.

    Timeline, overview and job page list a run by the code location that it is from. Dagster's own `execute_in_process` leaves
    that out, so its runs stand on the page of all runs only.
    """
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(CODE_LOCATION), SINGLETON_REPOSITORY_NAME)
    job = job.get_subset(asset_selection=set(selection)) if selection else job
    run = instance.create_run_for_job(
        job_def=job,
        run_id=run_id,
        tags={**job.run_tags, **tags},
        run_config=run_config,
        asset_selection=set(selection) if selection else None,
        remote_job_origin=location.get_job_origin(job.name),
    )
    events = list(execute_run_iterator(InMemoryJob(job), run, instance))
    if any(_is_interrupted(event) for event in events):
        raise KeyboardInterrupt
    ended = instance.get_run_by_id(run_id)
    return Execution(run_id, ended is not None and ended.is_success, events)


def _is_interrupted(event: dg.DagsterEvent) -> bool:
    return (
        event.is_job_failure and event.job_failure_data.failure_reason == RunFailureReason.UNEXPECTED_TERMINATION
    )
