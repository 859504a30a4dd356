"""Which build the warehouse holds, and whether it may be published: a publication refuses any other.

A build is published where all of dbt's tests passed in it, every blocking check of the marts passed on this very build, and
nobody has written the warehouse since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from ingestion.settings import Home
from orchestration.dbt.engine import Engine
from orchestration.state_file import read_state, write_state

# In the metadata of a check: the build that it was run on. In that of the publication: the build that is published.
BUILD = "build"
WAY_OUT = "run a whole refresh, which builds, checks and publishes"


class NotPublishable(Exception):
    """The warehouse does not hold a build that was checked; the message names the reason and the way out."""


def warehouse_version(home: Home) -> list[int] | None:
    """What changes when anybody writes DuckDB's warehouse; None where there is none."""
    if not home.warehouse.exists():
        return None
    status = home.warehouse.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns]


@dataclass(frozen=True)
class Build:
    """A build by the id of the run that made it. `is_tested`: it came to its end, and all of dbt's tests passed."""

    id: str
    is_tested: bool
    warehouse: list[int] | None = None


class BuildState:
    """The last build of an installation, kept beside dbt's artifacts (`build.json`)."""

    def __init__(self, home: Home, engine: Engine) -> None:
        self._home, self._engine = home, engine
        self._file = engine.target_folder(home) / "build.json"

    @property
    def last(self) -> Build | None:
        return _read(self._file)

    def begin(self, run_id: str, *, whole: bool, complete_part: bool = False) -> Build:
        """Note that a run begins to write the warehouse; gives the build that it will be once it is `tested`.

        `complete_part`: of a part of the ledger, whether all that is made of it is built too, and all of it is tested. Then it
        is as good as the build before; any other part leaves models that do not fit together.
        """
        before = self.last
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_state(self._file, asdict(Build(run_id, is_tested=False)))
        return Build(run_id, is_tested=whole or (complete_part and before is not None and before.is_tested))

    def tested(self, build: Build) -> None:
        """Note that a build came to its end, and that its tests passed."""
        write_state(self._file, asdict(Build(build.id, build.is_tested, self._warehouse())))

    def published(self, build: Build) -> None:
        """Note the warehouse as the publication leaves it: it brings a file of an older format to today's."""
        write_state(self._file, asdict(Build(build.id, build.is_tested, self._warehouse())))

    def publishable(
        self,
        instance: dg.DagsterInstance,
        checks: Sequence[dg.AssetCheckKey],
        standing: Sequence[dg.AssetCheckKey] = (),
    ) -> Build:
        """The build to publish. Raises NotPublishable where the warehouse holds another, or a check did not pass on it.

        `standing` are blocking checks of what a build is made of: none of them may have failed, or have been left out by a
        run that was killed, when it last ran.
        """
        build = self.last
        if build is None:
            raise NotPublishable(f"nothing is built yet: {WAY_OUT}")
        if not build.is_tested:
            raise NotPublishable(
                f"the build of run {build.id} did not come to its end, a test failed in it, or it built a part of the ledger "
                f"without all that is made of it: {WAY_OUT}"
            )
        if build.warehouse != self._warehouse():
            raise NotPublishable(
                f"{self._home.warehouse} was written after the build of run {build.id}: {WAY_OUT}"
            )
        evaluations = instance.event_log_storage.get_latest_asset_check_execution_by_key([*checks, *standing])
        results = {check: evaluation_of(evaluations.get(check)) for check in (*checks, *standing)}
        for check in standing:
            result = results[check]
            if check in evaluations and (result is None or not result.passed):
                raise NotPublishable(
                    f"the check {check.name} failed, or was not reached, when it last ran: {WAY_OUT}"
                )
        for check in checks:
            result = results[check]
            checked = result.metadata.get(BUILD) if result else None
            if result is None or checked is None or checked.value != build.id:
                raise NotPublishable(
                    f"the check {check.name} has not run on the build of run {build.id}: {WAY_OUT}"
                )
            if not result.passed:
                raise NotPublishable(f"the check {check.name} failed on the build of run {build.id}: {WAY_OUT}")
        return build

    def _warehouse(self) -> list[int] | None:
        # Of a cluster's tables nobody here can find out who else has written them.
        return None if self._engine.is_spark else warehouse_version(self._home)


def evaluation_of(record: Any) -> dg.AssetCheckEvaluation | None:
    """The result of a check, from its record in Dagster's storage; None where a run planned it and did not come to it."""
    event = record.event.dagster_event if record and record.event else None
    if event is None or event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return None
    evaluation: dg.AssetCheckEvaluation = event.asset_check_evaluation_data
    return evaluation


def _read(file: Path) -> Build | None:
    found = read_state(file)
    return Build(**found) if found else None
