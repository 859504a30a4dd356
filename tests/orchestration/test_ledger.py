"""What the ledger's asset reports for a build that failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from ingestion.settings import Home
from orchestration.dbt.change_detection import Logic
from orchestration.dbt.engine import Engine
from orchestration.dbt.project import LedgerCli, dbt_project
from orchestration.run_lock import RUN_LOCK, RunLock

ENGINE = Engine("duckdb")
ALL_BUILT = {"results": [{"unique_id": "model.costowner.fact_cost", "status": "success"}]}


@pytest.fixture
def home_out_of_order(read_home: Home) -> Iterator[Home]:
    """An installation whose warehouse can't be opened: dbt ends before its first model, as it does when it is killed."""
    read_home.warehouse.mkdir()
    yield read_home
    read_home.warehouse.rmdir()


def test_build_that_ends_before_its_first_model_counts_as_not_built(home_out_of_order: Home) -> None:
    from orchestration.assets.ledger import ledger  # reads the project of the installation that is set

    home = home_out_of_order
    (ENGINE.target_folder(home) / "run_results.json").write_text(json.dumps(ALL_BUILT))
    dbt = LedgerCli.of(dbt_project())
    done = dg.materialize([ledger], resources={"dbt": dbt, RUN_LOCK: RunLock()}, raise_on_error=False)
    (failed,) = [event for event in done.all_events if event.is_step_failure]
    assert "warehouse" in str(failed.step_failure_data.error), "dbt's own words"
    assert Logic(home, ENGINE).is_new(), "all that another logic builds is still to be built"


def test_part_is_complete_with_all_that_is_made_of_it_and_all_their_tests(read_home: Home) -> None:
    from orchestration.assets.ledger import _is_complete_part, ledger

    selected = {dg.AssetKey(["staging", "stg_vercel__charges"])}
    while more := {key for key, made_of in ledger.asset_deps.items() if made_of & selected} - selected:
        selected |= more
    tests = {check for check in ledger.check_keys if check.asset_key in selected}
    assert dg.AssetKey(["marts", "fact_cost"]) in selected and selected < ledger.keys and tests

    def is_complete(keys: set[dg.AssetKey], checks: set[dg.AssetCheckKey]) -> bool:
        selection: Any = SimpleNamespace(selected_asset_keys=keys, selected_asset_check_keys=checks)
        return _is_complete_part(selection)

    assert is_complete(selected, tests)
    assert not any(is_complete(selected, tests - {test}) for test in tests)
    start = dg.AssetKey(["staging", "stg_vercel__charges"])
    followers = {key for key, made_of in ledger.asset_deps.items() if made_of & (selected - {key})} & selected - {
        start
    }
    assert followers and not any(is_complete(selected - {key}, tests) for key in followers)
