"""The ledger: every dbt model an asset, every dbt test a check. dbt finds out itself which periods to build."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.errors import DagsterDbtError

from ingestion.settings import Home, utc_now
from orchestration.assets.failure import HELD
from orchestration.dbt.change_detection import ChangeDetection, Logic
from orchestration.dbt.check_evidence import all_but_failed_checks, with_evidence
from orchestration.dbt.engine import Engine
from orchestration.dbt.failure import why_it_failed
from orchestration.dbt.lineage import Lineage, with_lineage
from orchestration.dbt.project import LedgerCli, built_all_models, dbt_project, results_of
from orchestration.dbt.translator import LedgerTranslator
from orchestration.publication.build_state import BuildState
from orchestration.publication.holding import held_lines, hold_failing_periods, lift
from orchestration.repair import repair_after, repair_warehouse
from orchestration.retention.verify import damages_found, set_damaged_aside
from orchestration.run_lock import RUN_LOCK

PROJECT = dbt_project()
DBT = LedgerCli.of(PROJECT)
TRANSLATOR = LedgerTranslator()
# `meta: {refresh: always}`: what these models contain depends on the refresh itself, or on the date.
MODELS_OF_TODAY = frozenset(
    TRANSLATOR.get_asset_key(node)
    for node in json.loads(PROJECT.manifest_path.read_text())["nodes"].values()
    if node["resource_type"] == "model" and node["config"]["meta"].get("refresh") == "always"
)


def _includes(context: dg.AssetExecutionContext, models: frozenset[dg.AssetKey]) -> bool:
    """Whether these models are built, and all tests of what is built run."""
    selected = context.selected_asset_keys
    tests = {check for check in ledger.check_keys if check.asset_key in selected}
    return bool(models <= selected and tests <= context.selected_asset_check_keys)


def _is_complete_part(context: dg.AssetExecutionContext) -> bool:
    """Whether every model downstream of a built one is built too, and all of their tests run."""
    selected = context.selected_asset_keys
    return _includes(context, frozenset(key for key, upstream in ledger.asset_deps.items() if upstream & selected))


@dbt_assets(
    manifest=PROJECT.manifest_path,
    project=PROJECT,
    dagster_dbt_translator=TRANSLATOR,
    name="ledger",
    required_resource_keys={"dbt", RUN_LOCK},
)
def ledger(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Build the selected models and test them. Unit tests run in `make test`: they prove the SQL, not the data."""
    home, engine = Home.from_environment(), Engine.from_environment()
    target = engine.target_folder(home)
    engine.wait_until_reachable()
    whole = not context.is_subset
    changes, logic, state = ChangeDetection(home, engine), Logic(home, engine), BuildState(home, engine)
    unchanged = not changes.has_changes()
    # Where nothing changed, the models of today are all that differs from the last build.
    complete_part = _is_complete_part(context) or (unchanged and _includes(context, MODELS_OF_TODAY))
    repaired = [] if engine.is_spark else repair_warehouse(home)
    for line in (*repaired, *damages_found(home), *held_lines(lift(home))):
        context.log.warning(line)
    if repaired and not whole:
        raise dg.Failure(f"{'; '.join(repaired)} by a whole refresh: run one", allow_retries=False)
    build = state.begin(context.run_id, whole=whole, complete_part=complete_part)
    changes.begin(represents_inputs=whole or (unchanged and complete_part))
    if unchanged:
        context.log.info("nothing new was delivered: the ledger stays as it is")
    arguments = ["--full-refresh"] if whole and logic.is_new() else []
    results_of(target).unlink(missing_ok=True)  # a build that is killed leaves none of its own
    dbt: LedgerCli = context.resources.dbt
    command = ["build", "--exclude-resource-type", "unit_test", *arguments]
    events = dbt.cli(command, context=context, target_path=target).stream()
    failed_checks: list[dg.AssetCheckResult] = []
    failure: DagsterDbtError | None = None
    try:
        yield from all_but_failed_checks(
            with_lineage(events, Lineage(PROJECT, target, TRANSLATOR, engine.dialect)), failed_checks
        )
    except DagsterDbtError as error:
        failure = error  # raised below: Dagster keeps the text of all that an error is raised from
    yield from with_evidence(home, engine, PROJECT.manifest_path, failed_checks)
    if failure is not None:
        if whole and built_all_models(target):
            logic.built()
        why = why_it_failed(home, engine, failure)
        if held := hold_failing_periods(home, engine, utc_now()):
            raise dg.Failure(
                f"{why}; the next build is without {len(held)} deliveries",
                metadata={HELD: dg.JsonMetadataValue(held_lines(held))},
                allow_retries=False,
            )
        damaged = "".join(f"; {line}" for line in (*repair_after(home, why), *set_damaged_aside(home)))
        raise dg.Failure(f"{why}{damaged}", allow_retries=False)
    if whole:
        logic.built()
    state.tested(build)
