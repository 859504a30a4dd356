"""LiteLLM's own records, as a real proxy emitted them: spend exact, and the kinds of attempt kept apart."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.access.http import exact_json
from ingestion.access.objects import Folder
from ingestion.errors import BadInput
from ingestion.lake.notes import known_notes
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_gateway import SOURCE
from ingestion.sources.llm_gateway.client import LiteLlmLogs
from ingestion.sources.llm_gateway.columnar import read
from ingestion.sources.llm_gateway.formats import LITELLM, MONGODB, SPEND_LOGS
from ingestion.sources.llm_gateway.relations import Local
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS
from ingestion.sources.llm_gateway.source import GatewaySettings
from ingestion.sources.prices.client import resolved
from tests.ingestion.llm_records import one, read_records

DATA = Path(__file__).parent.parent / "data" / "litellm"
WINDOW = Window(Month(2026, 11), Month(2026, 11))
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def records(name: str) -> list[dict[str, Any]]:
    return [exact_json(line) for line in (DATA / name).read_text().splitlines()]


def rows(name: str) -> list[dict[str, Any]]:
    kind = SPEND_LOGS if name.startswith("spend") else LITELLM
    return read(kind, [Local(DATA / name, name)], {"openai": "proj_x"}).rows.to_pylist()


def canonical(number: str, **fields: Any) -> dict[str, Any]:
    return {"request_id": number, "started_at": "2026-11-01T00:00:00Z", **fields}


@pytest.mark.parametrize(
    ("name", "cost"), [("standard_logging_payload.jsonl", "response_cost"), ("spend_logs.jsonl", "spend")]
)
def test_spend_of_real_records_is_exact(name: str, cost: str) -> None:
    expected = sum(round(Decimal(str(record[cost])), 12) for record in records(name) if record[cost] is not None)
    assert sum(row["reported_cost"] for row in rows(name) if row["reported_cost"] is not None) == expected


def test_real_cache_hits_failures_and_retries_are_kept_apart() -> None:
    found = rows("standard_logging_payload.jsonl")
    raw = records("standard_logging_payload.jsonl")
    assert sum(row["gateway_cache_hit"] for row in found) == sum(record["cache_hit"] is True for record in raw) > 0
    failures = [row for row in found if row["status"] == "failure"]
    assert len(failures) == sum(record["status"] == "failure" for record in raw) > 0
    assert all(row["reported_cost"] == 0 and row["usage_source"] == "missing" for row in failures)
    assert {row["error_code"] for row in failures} == {
        "500",
        "503",
        None,
    }  # the third was refused before any model
    spent = rows("spend_logs.jsonl")
    retries = [exact_json(record["metadata"]).get("attempted_retries") for record in records("spend_logs.jsonl")]
    assert [row["attempted_retries"] for row in spent] == retries


def test_real_token_classes_add_up_to_the_input() -> None:
    for name in ("standard_logging_payload.jsonl", "spend_logs.jsonl"):
        for row in rows(name):
            if row["usage_source"] == "provider":
                parts = (
                    "input_uncached_tokens",
                    "cache_read_tokens",
                    "cache_write_5m_tokens",
                    "cache_write_1h_tokens",
                )
                assert sum(row[part] for part in parts) == row["input_tokens"], row["request_id"]


def test_no_text_of_a_prompt_has_a_column() -> None:
    columns = {column.name for column in LLM_REQUESTS.columns}
    assert not columns & {"messages", "response", "prompt", "proxy_server_request", "requester_ip_address"}
    text = json.dumps(rows("standard_logging_payload.jsonl"), default=str)
    assert "redacted-by-litellm" not in text and "127.0.0.1" not in text and "Traceback" not in text


def test_automatic_tags_are_left_out() -> None:
    assert all("User-Agent" not in row["tags"] for row in rows("standard_logging_payload.jsonl"))


def test_missing_usage_is_null_and_not_zero() -> None:
    row = one(LITELLM, {"id": "x", "startTime": 1795439764.5, "status": "success"})
    assert row["input_tokens"] is None and row["usage_source"] == "missing"
    assert row["started_at"] == datetime(2026, 11, 23, 13, 16, 4, 500000, tzinfo=UTC)


def test_addresses_are_hashed_and_ids_kept() -> None:
    users = ["ada@sample.example", "ADA@sample.example", "svc-bot", None]
    found = read_records(MONGODB, [canonical(str(n), user_id=user) for n, user in enumerate(users)])
    hashes = [row["user_id"] for row in found]
    # This hash must never change: `printf ada@sample.example | sha256sum`, its first half.
    assert hashes[0] == hashes[1] == f"sha256:{hashlib.sha256(b'ada@sample.example').hexdigest()[:32]}"
    assert hashes[2:] == ["svc-bot", None]


def test_both_layouts_land_once_and_again_unchanged(tmp_path: Path) -> None:
    lines = (DATA / "standard_logging_payload.jsonl").read_text().splitlines()
    logs = tmp_path / "logs"
    batch = logs / "2026-11-23" / "13" / "batch_13-59-59_x.jsonl"
    batch.parent.mkdir(parents=True)
    batch.write_text("\n".join(lines[:-2]) + "\n")
    for number, line in enumerate(lines[-2:]):
        (logs / "2026-11-23" / f"time-13-20-0{number}-000000_{number}.json").write_text(line)
    home, settings = Home(tmp_path / "home"), GatewaySettings(litellm_url=str(logs))
    landing = land(home, SOURCE, settings, WINDOW, NOW)
    assert landing.rows["llm_requests"] == len(lines)
    assert land(home, SOURCE, settings, WINDOW, NOW).states == {"unchanged": 1}
    batch.with_name("batch_14-00-30_late.jsonl").write_text(lines[0] + "\n")
    assert land(home, SOURCE, settings, WINDOW, NOW).states == {"delivered": 1}


def test_line_that_is_cut_in_half_names_file_and_line_and_keeps_the_last_delivery(tmp_path: Path) -> None:
    lines = (DATA / "standard_logging_payload.jsonl").read_text().splitlines()
    file = tmp_path / "logs" / "2026-11-23" / "13" / "batch_x.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(lines[0] + "\n")
    home, settings = Home(tmp_path / "home"), GatewaySettings(litellm_url=str(tmp_path / "logs"))
    land(home, SOURCE, settings, WINDOW, NOW)
    before = known_notes(home, "raw_llm_gateway")
    file.write_text(lines[0] + "\n" + lines[1][: len(lines[1]) // 2])
    landing = land(home, SOURCE, settings, WINDOW, NOW)
    assert landing.states == {"refused": 1}
    assert "batch_x.jsonl, line 2: not JSON" in landing.refused[0][1]
    assert known_notes(home, "raw_llm_gateway") == before


def test_only_the_days_of_the_window_are_listed(tmp_path: Path) -> None:
    for day in ("2026-10-31", "2026-11-01"):
        file = tmp_path / "team" / day / "05" / "batch.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text("{}\n")
    hours = LiteLlmLogs(Folder(tmp_path)).hours(WINDOW.start, WINDOW.end)
    assert list(hours) == [datetime(2026, 11, 1, 5, tzinfo=UTC)]


@pytest.mark.parametrize(
    "folder", ["", "Platform/", "Platform/key-of-search/"], ids=["root", "team", "team and key"]
)
@pytest.mark.parametrize(
    "name", ["chatcmpl-9f", "resp_0a.b", "failure-0a1b2c3d4e5f", "msg_1.json", "13/batch_13-00-00_a.jsonl"]
)
def test_object_is_found_by_the_name_that_its_writer_gives_it(tmp_path: Path, folder: str, name: str) -> None:
    line = (DATA / "standard_logging_payload.jsonl").read_text().splitlines()[0]
    file = tmp_path / "logs" / folder / "2026-11-23" / name
    file.parent.mkdir(parents=True)
    file.write_text(line)
    home, settings = Home(tmp_path / "home"), GatewaySettings(litellm_url=str(tmp_path / "logs"))
    landing = land(home, SOURCE, settings, WINDOW, NOW)
    assert landing.rows["llm_requests"] == 1 and not landing.refused


def test_objects_of_a_day_and_of_its_hours_are_slices_of_their_own(tmp_path: Path) -> None:
    lines = (DATA / "standard_logging_payload.jsonl").read_text().splitlines()
    day = tmp_path / "logs" / "2026-11-23"
    (day / "00").mkdir(parents=True)
    (day / "00" / "batch_a.jsonl").write_text(lines[0])
    (day / "chatcmpl-b").write_text(lines[1])
    (day / "chatcmpl-c").write_text(lines[2])
    home, settings = Home(tmp_path / "home"), GatewaySettings(litellm_url=str(tmp_path / "logs"))
    land(home, SOURCE, settings, WINDOW, NOW)
    assert set(known_notes(home, "raw_llm_gateway")) == {"litellm|2026-11-23", "litellm|2026-11-23T00"}


def test_objects_that_are_left_out_are_counted_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    line = (DATA / "standard_logging_payload.jsonl").read_text().splitlines()[0]
    day = tmp_path / "logs" / "2026-11-23"
    (day / "deeper").mkdir(parents=True)
    (day / "chatcmpl-b").write_text(line)
    for name in ("_SUCCESS", "report.csv", "deeper/one.json"):
        (day / name).write_text("{}")
    audit = tmp_path / "logs" / "audit_logs" / "2026-11-23"
    audit.mkdir(parents=True)
    (audit / "10-00-00_a.json").write_text("{}")
    home, settings = Home(tmp_path / "home"), GatewaySettings(litellm_url=str(tmp_path / "logs"))
    landing = land(home, SOURCE, settings, WINDOW, NOW)
    assert landing.rows["llm_requests"] == 1 and not landing.refused
    assert "3 objects are left out: 2026-11-23/_SUCCESS is named as no callback" in caplog.text


def test_log_without_a_folder_of_a_day_is_refused_by_the_name_of_an_object(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "requests.jsonl").write_text("{}")
    landing = land(Home(tmp_path / "home"), SOURCE, GatewaySettings(litellm_url=str(logs)), WINDOW, NOW)
    assert [(name, "requests.jsonl: its path names no day" in why) for name, why in landing.refused] == [
        ("litellm|undated", True)
    ]


def test_document_needs_an_id_and_a_start() -> None:
    with pytest.raises(BadInput, match=r"line 1: .*a document needs"):
        one(MONGODB, {"request_id": "x"})
    row = one(MONGODB, {"_id": "7", "started_at": "2026-11-01T00:00:00Z", "prompt": "secret"})
    assert row["request_id"] == "7" and "secret" not in str(row)


@pytest.mark.parametrize("name", ["standard_logging_payload.jsonl", "spend_logs.jsonl", "proxy_run.jsonl"])
def test_model_of_a_real_record_is_in_the_price_book_wherever_litellm_has_a_price(name: str) -> None:
    paid = [row for row in rows(name) if row["reported_cost"]]
    aliased = [row for row in paid if row["model_group"] not in (row["request_model"], None)]
    assert len(aliased) > 2
    unknown = [
        row["response_model"] for row in paid if resolved(row["provider"], row["response_model"], set())[1] is None
    ]
    assert not unknown
