"""The code location, as a table of contents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from orchestration.assets.ledger import DBT, ledger
from orchestration.assets.publication import PUBLISHED_ASSETS, RECORDED
from orchestration.assets.raw import RAW_ASSETS
from orchestration.checks import ledger as ledger_checks
from orchestration.checks import prompts as prompt_checks
from orchestration.checks import refresh as refresh_checks
from orchestration.checks import registry as registry_checks
from orchestration.jobs import BUILD, BUILD_OF_TODAY, LANDING, PURGE, REFRESH, VERIFY
from orchestration.run_lock import RUN_LOCK, RunLock
from orchestration.schedules import daily_purge, daily_refresh, weekly_verification
from orchestration.sensors import (
    build_after_landing,
    build_without_held_periods,
    run_failed,
    run_warns,
    source_is_stale,
)

# Of raw and published assets only: a refresh without changes leaves most of the ledger as it is. How old the newest charge
# is, is a check of the content (checks/ledger.py).
DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))


def with_policy(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    return [asset.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, DAILY)) for asset in assets]


defs = dg.Definitions(
    assets=[*with_policy(RAW_ASSETS), ledger, RECORDED, *with_policy(PUBLISHED_ASSETS)],
    asset_checks=[*ledger_checks.CHECKS, *prompt_checks.CHECKS, *refresh_checks.CHECKS, *registry_checks.CHECKS],
    jobs=[LANDING, BUILD, BUILD_OF_TODAY, REFRESH, PURGE, VERIFY],
    schedules=[daily_refresh, daily_purge, weekly_verification],
    sensors=[build_after_landing, build_without_held_periods, run_failed, run_warns, source_is_stale],
    resources={"dbt": DBT, RUN_LOCK: RunLock()},
    # A run that the UI starts has its steps in one process too: so it holds the lock from its first step to its last.
    executor=dg.in_process_executor,
)
