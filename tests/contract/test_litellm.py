"""Lands the S3 logs of a real LiteLLM proxy: every request once, with the upstream's tokens and LiteLLM's spend."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_gateway import SOURCE
from ingestion.sources.llm_gateway.source import GatewaySettings
from tests.contract.litellm_proxy import ANSWER, BUCKET, ENVIRONMENT, emitted, litellm_proxy
from tests.ingestion.test_llm_prompts import holds, rows
from tests.s3_server import ROOT, needs_s3_server, s3_server

pytestmark = [
    pytest.mark.litellm,
    needs_s3_server,
    pytest.mark.skipif(
        not (ENVIRONMENT / "bin" / "litellm").exists() and not os.environ.get("CI"),
        reason="no LiteLLM: `make test-litellm` installs it in an environment of its own",
    ),
]
QUESTION = "a question that nobody should find in a ledger"


def ask(address: str, key: str, model: str, question: str = QUESTION, **fields: Any) -> requests.Response:
    return requests.post(
        f"{address}/v1/chat/completions",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": 64, **fields},
        timeout=60,
    )


def test_records_of_a_real_proxy_land_once_and_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = {"metadata": {"spend_logs_metadata": {"workflow": "triage", "customer_id": "acme"}}}
    cached = {"cache": {"use-cache": True}}
    with s3_server(tmp_path / "s3") as s3, litellm_proxy(tmp_path / "proxy", s3) as (address, upstream):
        assert ask(address, "sk-support", "mini", **context).ok
        assert ask(address, "sk-support", "mini", stream=True, stream_options={"include_usage": True}).ok
        assert ask(address, "sk-support", "claude").ok
        assert ask(address, "sk-support", "house").ok  # LiteLLM has no price for it
        assert ask(address, "sk-shared", "mini").ok
        for _ in range(2):  # the second is answered from the gateway's own cache
            assert ask(address, "sk-shared", "mini", question=f"{QUESTION}, again", **cached).ok
            emitted(s3, len(upstream.answered))
        assert ask(address, "sk-support", "flaky").ok
        assert ask(address, "sk-support", "broken").ok  # falls back to mini
        # The upstream answers six requests, the retry and the fallback. A cache hit and two failed attempts are recorded too.
        assert len(upstream.answered) == 8
        records = emitted(s3, 11)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ROOT.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ROOT.secret_access_key)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        home, month = Home(tmp_path / "home"), Month.of(datetime.now(UTC))
        settings = GatewaySettings(litellm_url=f"s3://{BUCKET}/litellm", endpoint_url=s3.url)
        landing = land(home, SOURCE, settings, Window(month, month), datetime.now(UTC))
        assert not landing.refused
        if keep := os.environ.get("KEEP_LITELLM_RECORDS"):
            Path(keep).write_text("".join(json.dumps(record) + "\n" for record in records))

    found = rows(home, "raw_llm_gateway/llm_requests")
    # Every record once.
    assert Counter(row["request_id"] for row in found) == Counter(record["id"] for record in records)
    assert max(Counter(row["request_id"] for row in found).values()) == 1
    by_id = {row["request_id"]: row for row in found}
    # Every upstream answer has a different number of output tokens. (LiteLLM gives Anthropic's answer a new id.)
    answered = {used["output"]: key for key, used in upstream.answered.items()}
    succeeded = [row for row in found if row["status"] == "success" and not row["gateway_cache_hit"]]
    answers = {answered[row["output_tokens"]]: row for row in succeeded}
    assert len(succeeded) == len(answers) == len(upstream.answered)
    # Tokens are the upstream's.
    for key, used in upstream.answered.items():
        row = answers[key]
        assert (row["input_tokens"], row["output_tokens"]) == (used["input"], used["output"]), row
        assert (row["cache_read_tokens"], row["cache_write_5m_tokens"]) == (used["cached"], used["written"]), row
    # Spend is LiteLLM's, to all twelve places.
    for record in records:
        assert by_id[record["id"]]["reported_cost"] == round(Decimal(repr(record["response_cost"])), 12)
    # LiteLLM is wrong about a model without a price: the request succeeds with cost 0.
    (house,) = [row for row in answers.values() if "house" in str(row["request_model"])]
    assert house["reported_cost"] == 0 and house["status"] == "success"
    assert all(row["reported_cost"] > 0 for row in answers.values() if row is not house)
    # A hit in the gateway's own cache, a retry and a fallback are distinguished.
    (hit,) = [row for row in found if row["gateway_cache_hit"]]
    assert hit["reported_cost"] == 0 and "_cache_hit" in hit["request_id"]
    assert sum(row["is_stream"] is True for row in found) == 1
    failed = [row for row in found if row["status"] == "failure"]
    assert failed and {row["usage_source"] for row in failed} == {"missing"}
    assert len(found) == len(upstream.answered) + 1 + len(failed)
    assert {row["key_alias"] for row in found} == {"support-key", "shared-legacy-key"}
    assert {row["team_id"] for row in found if row["key_alias"] == "shared-legacy-key"} == {None}
    # The gateway sends prompts and responses. None of them lands, and their records are counted.
    assert holds(home, QUESTION, ANSWER) == []
    dropped = {row["field"]: row for row in rows(home, "raw_llm_gateway/dropped_fields")}
    assert dropped["messages"]["record_count"] == len(found) and dropped["messages"]["redacted_count"] == 0
