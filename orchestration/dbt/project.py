"""The dbt project as Dagster sees it, with its manifest made where there is none yet.

`DbtProject.prepare_if_dev` does nothing outside `dagster dev`, so a fresh clone would have no manifest for tests,
for `dagster definitions validate` and for the command line.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster_dbt import DbtCliInvocation, DbtCliResource, DbtProject
from dagster_dbt.errors import DagsterDbtError
from dbt.adapters.base.impl import BaseAdapter
from packaging.version import Version

from ingestion.errors import SettingError
from ingestion.locks import exclusive_lock
from ingestion.settings import Home
from orchestration.assets.failure import one_line
from orchestration.dbt.engine import Engine
from orchestration.dbt.invocation import LedgerInvocation
from orchestration.dbt.project_files import DBT_PROJECT, project_digest
from orchestration.environment import prepare
from orchestration.state_file import read_state

DBT_COMMAND = Path(__file__).with_name("command.py")


class LedgerCli(DbtCliResource):
    """dbt on the engine that is set."""

    @classmethod
    def of(cls, project: DbtProject) -> LedgerCli:
        engine = Engine.from_environment()
        return cls(
            project_dir=str(project.project_dir),
            profiles_dir=str(DBT_PROJECT),
            # The executable is Python, and its first arguments are the script that runs dbt.
            dbt_executable=str(engine.python),
            global_config_flags=["-P", str(DBT_COMMAND)],
            target=engine.name,
        )

    def cli(self, args: Sequence[str], **options: Any) -> DbtCliInvocation:
        """Start dbt, as DbtCliResource does; what it prints quotes no data."""
        return LedgerInvocation.of(super().cli(args, **options))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> BaseAdapter:
        """No adapter in Dagster's own process: nothing here asks for one, and Spark's is not installed there."""
        return None  # type: ignore[return-value]

    @cached_property
    def _cli_version(self) -> Version:
        """The installed dbt's version, without starting it to ask: both engines' environments have the same."""
        return Version(version("dbt-core"))


def results_of(target: Path) -> Path:
    """Results of models and tests of the last build into a target folder, where that build came to its end."""
    return target / "run_results.json"


def results_in(target: Path) -> list[dict[str, Any]]:
    """The same, read: one a model or test; none where the build did not come to its end."""
    return list((read_state(results_of(target)) or {"results": []})["results"])


def built_all_models(target: Path) -> bool:
    """Whether what failed in the last build were checks only: a build that did not come to its end did not."""
    states = [found["status"] for found in results_in(target) if found["unique_id"].startswith("model.")]
    return bool(states) and all(state == "success" for state in states)


def _is_whole(manifest: Path) -> bool:
    """Whether a manifest begins and ends as one, before Dagster reads it: the disk may have cut it off."""
    try:
        text = manifest.read_bytes()
    except FileNotFoundError:
        return False
    return text.startswith(b"{") and text.rstrip().endswith(b"}")


def dbt_project() -> DbtProject:
    """The project on the engine that is set, its manifest up to date."""
    home = Home.from_environment()
    prepare(home)
    engine = Engine.from_environment()
    parsed = engine.manifest(home).parent
    project = DbtProject(
        project_dir=DBT_PROJECT, profiles_dir=DBT_PROJECT, target_path=parsed, packaged_project_dir=None
    )
    stamp, digest = engine.read_of(home), project_digest()
    with exclusive_lock(home, "dbt_project"):
        if not _is_whole(project.manifest_path) or not stamp.exists() or stamp.read_text() != digest:
            stamp.unlink(missing_ok=True)
            # A whole parse: the cache of an earlier one holds absolute paths.
            kept = parsed / "partial_parse.msgpack"
            kept.unlink(missing_ok=True)
            try:
                LedgerCli.of(project).cli(["parse", "--quiet"], target_path=parsed).wait()
            except DagsterDbtError as error:
                raise SettingError(f"dbt_project can't be read: {one_line(str(error))}") from None
            shutil.copyfile(kept, engine.target_folder(home) / kept.name)
            stamp.write_text(digest)
    return project
