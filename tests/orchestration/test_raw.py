"""A vendor that does not answer is asked again, and whoever waits is told why and for how long."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from ingestion.errors import VendorError
from ingestion.settings import Home
from ingestion.sources.atlas import SOURCE
from orchestration.assets import raw
from orchestration.run_lock import RUN_LOCK, RunLock


def test_why_a_vendor_is_asked_again_is_said_before_the_wait(
    prepared_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = "Atlas: https://cloud.mongodb.com/api/oauth/token failed 6 times, last with status 503"

    def land(*arguments: Any) -> None:
        raise VendorError(problem)

    monkeypatch.setattr(raw, "land", land)
    monkeypatch.setattr(raw, "AGAIN", dg.RetryPolicy(max_retries=2, delay=0))
    monkeypatch.setenv("COSTOWNER_HOME", str(prepared_home.root))
    for name in ("client_id", "client_secret", "org_id"):
        monkeypatch.setenv(f"SOURCES__ATLAS__{name.upper()}", "x")
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [raw.raw_assets(SOURCE)], partition_key="2026-10", instance=instance, resources={RUN_LOCK: RunLock()}
        )
        logged = [entry.user_message for entry in instance.all_logs(result.run_id) if not entry.is_dagster_event]
    again = f"MongoDB Atlas: {problem}; next try in 0 seconds"
    assert [line for line in logged if problem in line] == [
        again,
        again,
        f"MongoDB Atlas: not refreshed: {problem}",
    ]
    (check,) = result.get_asset_check_evaluations()
    assert result.success and not check.passed, "the refresh goes on without it, and is told so"
