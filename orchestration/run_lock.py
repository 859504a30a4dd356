"""One run at a time on an installation, from landing to publication, however it is started.

A resource of Dagster's: all steps of a run need it, and a run has its steps in one process (`in_process_executor`), so it
is held from before the first step until after the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from ingestion.settings import Home
from orchestration.layout import writing

# The key under which assets, checks and ops require it.
RUN_LOCK = "run_lock"


class RunLock(dg.ConfigurableResource[None]):
    """Held while a run's steps are executed. A run that finds it taken waits, and logs what it waits for."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[None]:
        def log_wait(holder: str) -> None:
            if context.log:
                context.log.info(f"waiting for {holder}: one run at a time, from landing to publication")

        with writing(Home.from_environment(), f"run {context.run_id}", log_wait):
            yield
