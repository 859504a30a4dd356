"""The records of a real LiteLLM proxy's run (tests/contract/), landed: what `make test-litellm` proves, without a proxy."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingestion.access.http import exact_json
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_gateway import SOURCE
from ingestion.sources.llm_gateway.source import GatewaySettings

RUN = Path(__file__).parent.parent / "data" / "litellm" / "proxy_run.jsonl"
RECORDS = [exact_json(line) for line in RUN.read_text().splitlines()]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The rows by request id."""
    folder = tmp_path_factory.mktemp("run")
    moment = datetime.fromtimestamp(float(RECORDS[0]["startTime"]), UTC)
    file = folder / "logs" / f"{moment:%Y-%m-%d}" / f"{moment:%H}" / "batch_x.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(RUN.read_text())
    home, month = Home(folder / "home"), Month.of(moment)
    settings = GatewaySettings(litellm_url=str(folder / "logs"))
    land(home, SOURCE, settings, Window(month, month), datetime(2027, 1, 1, tzinfo=UTC))
    files = (home.lake / "raw_llm_gateway" / "llm_requests").glob("*.parquet")
    rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    assert len(rows) == len(RECORDS)
    return {row["request_id"]: row for row in rows}


def test_every_record_is_one_row_at_litellms_own_spend(landed: dict[str, dict[str, Any]]) -> None:
    assert set(landed) == {record["id"] for record in RECORDS}
    for record in RECORDS:
        assert landed[record["id"]]["reported_cost"] == round(Decimal(str(record["response_cost"])), 12)


def test_tokens_are_those_that_upstream_answered(landed: dict[str, dict[str, Any]]) -> None:
    answered = [row for row in landed.values() if row["status"] == "success" and not row["gateway_cache_hit"]]
    assert sorted(row["output_tokens"] for row in answered) == [100 + number for number in range(1, 9)]
    for row in answered:
        number = row["output_tokens"] - 100
        written = 512 if row["provider"] == "anthropic" else 0
        assert row["input_tokens"] == 2000 + number + (1024 + written if written else 0)
        assert (row["cache_read_tokens"], row["cache_write_5m_tokens"]) == (1024, written)
        assert row["input_uncached_tokens"] == row["input_tokens"] - 1024 - written


def test_cache_hit_retry_fallback_stream_and_unknown_model_are_kept_apart(
    landed: dict[str, dict[str, Any]],
) -> None:
    (hit,) = [row for row in landed.values() if row["gateway_cache_hit"]]
    assert hit["reported_cost"] == 0 and "_cache_hit" in hit["request_id"]
    failed = [row for row in landed.values() if row["status"] == "failure"]
    assert len(failed) == 2 and all(row["input_tokens"] is None for row in failed)
    # The failed attempt and its success share the call: one was tried again, one fell back to another model.
    for row in failed:
        (success,) = [
            other
            for other in landed.values()
            if other["call_id"] == row["call_id"] and other["status"] == "success"
        ]
        assert (success["model_group"] == row["model_group"]) == (row["model_group"] == "flaky")
    assert [row["output_tokens"] for row in landed.values() if row["is_stream"]] == [102]
    (house,) = [row for row in landed.values() if "house" in row["request_model"]]
    assert house["reported_cost"] == 0 and house["status"] == "success"  # LiteLLM is wrong: it has no price of it


def test_key_team_and_workflow_are_kept(landed: dict[str, dict[str, Any]]) -> None:
    assert {row["key_alias"] for row in landed.values()} == {"support-key", "shared-legacy-key"}
    assert all((row["team_id"] == "t-support") == (row["key_alias"] == "support-key") for row in landed.values())
    (answered,) = [row for row in landed.values() if row["workflow"]]
    assert (answered["workflow"], answered["customer_id"]) == ("triage", "acme")
