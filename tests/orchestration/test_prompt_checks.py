"""The checks on prompts, as Dagster runs them: each passes on what is right, and fails when it is broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.lake.pipeline import land
from ingestion.settings import Home
from ingestion.sources.llm_gateway import SOURCE as GATEWAY
from ingestion.sources.llm_gateway.source import GatewaySettings
from tests.ingestion.test_llm_prompts import NOW, POLICY, WINDOW, landed, log, registry, slp

__all__ = ["log", "registry"]  # fixtures


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Callable[..., None]) -> Home:
    made = Home(tmp_path / "home")
    monkeypatch.setenv("COSTOWNER_HOME", str(made.root))
    monkeypatch.setenv("COSTOWNER_NOW", NOW.isoformat())
    log(slp(1, "support"))
    land(made, GATEWAY, GatewaySettings(litellm_url=str(tmp_path / "logs")), WINDOW, NOW)
    return made


def result(name: str) -> dg.AssetCheckResult:
    from orchestration.checks import prompts

    found = getattr(prompts, name)()
    assert isinstance(found, dg.AssetCheckResult)
    return found


def test_column_that_nobody_declared_fails_the_contract_and_stops_the_publication(home: Home) -> None:
    from orchestration.checks.prompts import no_column_but_the_declared_ones

    assert result("no_column_but_the_declared_ones").passed
    (file,) = (home.lake / "raw_llm_gateway" / "llm_requests").glob("*.parquet")
    table = pq.read_table(file, partitioning=None)
    smuggled = table.append_column("messages", pa.array(["words"] * table.num_rows))
    pq.write_table(smuggled, file.with_name("1.5.smuggled.parquet"))
    broken = result("no_column_but_the_declared_ones")
    assert not broken.passed and "column messages is not declared" in str(broken.description)
    assert all(spec.blocking for spec in no_column_but_the_declared_ones.check_specs)


def test_table_that_nobody_declared_fails_the_contract(home: Home) -> None:
    (home.lake / "raw_llm_gateway" / "prompts").mkdir()
    assert "prompts: no such table is declared" in str(result("no_column_but_the_declared_ones").description)


def test_prompt_that_is_too_old_fails_the_check_until_it_is_purged(
    home: Home, registry: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.schedules import PURGE, daily_purge

    name = "no_prompt_is_too_old_or_outside_the_policy"
    registry(POLICY)
    landed(home)
    assert result(name).passed
    monkeypatch.setenv("COSTOWNER_NOW", (NOW + timedelta(days=13)).isoformat())
    failed = result(name)
    assert not failed.passed and "costowner purge" in str(failed.description)
    assert PURGE.execute_in_process().success
    assert result(name).passed
    assert daily_purge.default_status == dg.DefaultScheduleStatus.RUNNING


def test_policy_that_is_withdrawn_fails_the_check_until_it_is_purged(
    home: Home, registry: Callable[..., Path]
) -> None:
    from orchestration.cli.main import main

    name = "no_prompt_is_too_old_or_outside_the_policy"
    registry(POLICY)
    landed(home)
    registry()
    assert not result(name).passed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["orchestration", "purge"])
        assert main() == 0
    assert result(name).passed
