"""Requests of a gateway from its log files to `fact_llm_request`, compared with a bare load of the same files.

    python -m benchmarks.llm_requests --rows 200000

Every figure is a whole process in the same run. The bare load is `create table as select * from read_json(…)` by DuckDB
alone. Peak memory is the sum of all processes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.aws_speed import MEMORY, Report
from benchmarks.peak_memory import measure

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
HOURS = 31 * 24

BARE = """
import sys, duckdb
with duckdb.connect(sys.argv[2]) as c:
    c.execute("set preserve_insertion_order = false; set memory_limit = '{memory}'")
    c.execute(f"create table requests as select * from read_json('{{sys.argv[1]}}/**/*.jsonl', union_by_name = true)")
"""

LAND = """
from datetime import UTC, datetime
import sys
from pathlib import Path
from ingestion.lake.pipeline import land
from ingestion.sources.llm_gateway import SOURCE
from ingestion.sources.llm_gateway.source import GatewaySettings
from ingestion.settings import Home, Month, Window
month = Month(2026, 10)
print(land(Home(Path(sys.argv[2])), SOURCE, GatewaySettings(litellm_url=sys.argv[1]), Window(month, month),
           datetime(2026, 11, 1, 12, tzinfo=UTC)))
"""


def record(number: int, moment: datetime) -> dict[str, Any]:
    """A StandardLoggingPayload of about two kilobytes, without LiteLLM's copy of its price map."""
    cached, prompt, output = number % 1000, 1000 + number % 3000, 50 + number % 400
    return {
        "id": f"chatcmpl-{number:024x}",
        "litellm_call_id": f"call-{number:024x}",
        "trace_id": f"trace-{number // 3:024x}",
        "session_id": f"session-{number // 9}",
        "call_type": "acompletion",
        "cache_hit": None,
        "stream": number % 2 == 0,
        "status": "success",
        "custom_llm_provider": "openai",
        "saved_cache_cost": 0.0,
        "startTime": moment.timestamp(),
        "endTime": moment.timestamp() + 1.25,
        "completionStartTime": moment.timestamp() + 0.5,
        "model": "openai/gpt-5-mini-2025-08-07",
        "model_group": "gpt-5-mini",
        "model_id": "dep-1",
        "response_cost": round(prompt * 2.5e-07 + output * 2e-06, 12),
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "end_user": f"customer-{number % 500}",
        "request_tags": ["User-Agent: python-httpx", "env:prod"],
        "metadata": {
            "user_api_key_hash": f"{number % 50:064x}",
            "user_api_key_alias": f"key-{number % 50}",
            "user_api_key_team_id": f"team-{number % 10}",
            "user_api_key_team_alias": f"Team {number % 10}",
            "user_api_key_org_id": "org-1",
            "user_api_key_user_id": f"user{number % 200}@sample.example",
            "user_api_key_auth_metadata": {"service": f"service-{number % 10}"},
            "spend_logs_metadata": {"workflow": f"workflow-{number % 20}", "environment": "prod"},
            "requester_ip_address": "10.0.0.1",
            "requester_metadata": {"headers": {"user-agent": "python-httpx/0.28.1", "accept": "*/*"}},
            "usage_object": {
                "prompt_tokens": prompt,
                "completion_tokens": output,
                "total_tokens": prompt + output,
                "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": output // 2, "audio_tokens": 0},
            },
        },
        "messages": [{"role": "user", "content": "redacted-by-litellm"}],
        "response": {
            "model": "gpt-5-mini-2025-08-07",
            "choices": [{"message": {"content": "redacted-by-litellm"}}],
        },
        "hidden_params": {
            "additional_headers": {
                "llm_provider-x-request-id": f"req_{number:024x}",
                "x-litellm-attempted-retries": 0,
                "x-litellm-attempted-fallbacks": 0,
            },
            "litellm_overhead_time_ms": 5.2481,
        },
        "error_information": {"error_code": "", "error_class": "", "traceback": ""},
    }


def write_logs(folder: Path, rows: int) -> int:
    """Write a month of hourly batches in LiteLLM's format. Gives their size in bytes."""
    size, number = 0, 0
    for hour in range(HOURS):
        start, until = FIRST + timedelta(hours=hour), rows * (hour + 1) // HOURS
        path = folder / f"{start:%Y-%m-%d}" / f"{start:%H}" / "batch_59-59_a.jsonl"
        path.parent.mkdir(parents=True)
        with path.open("w") as file:
            while number < until:
                size += file.write(
                    json.dumps(record(number, start + timedelta(milliseconds=number % 3_600_000))) + "\n"
                )
                number += 1
    return size


def compare(root: Path, rows: int) -> None:
    logs, home, report = root / "logs", root / "home", Report()
    size = write_logs(logs, rows)
    print(f"<!-- {size / rows:,.0f} bytes a record, {size / 1e9:.2f} GB -->")
    bare = [sys.executable, "-c", BARE.format(memory=MEMORY), str(logs), str(root / "bare.duckdb")]
    report.line(rows, "bare load", *measure(bare))
    settings = {
        "COSTOWNER_DUCKDB_MEMORY": MEMORY,
        "COSTOWNER_HOME": str(home),
        "COSTOWNER_NOW": "2026-11-01T12:00:00+00:00",
        "COSTOWNER_HISTORY_START": "2026-10",
        "SOURCES__LLM_GATEWAY__LITELLM_URL": str(logs),
    }
    landed, peak = measure([sys.executable, "-c", LAND, str(logs), str(home)], settings)
    report.line(rows, "landing", landed, peak)
    # A refresh of the same home finds the landing unchanged, so its time is that of all models and the publication.
    started = time.time()
    total, peak = measure([sys.executable, "-m", "orchestration", "refresh"], settings)
    built = built_at(home, "model.costowner.fact_llm_request") - started
    report.line(rows, "landing, and then all until fact_llm_request is built", landed + built)
    report.line(rows, "landing, and then all models, checks and publication", landed + total, peak)


def built_at(home: Path, model: str) -> float:
    """When the last build finished a model, in seconds since the epoch."""
    results = json.loads((home / "dbt_target" / "run_results.json").read_text())["results"]
    timing = next(result["timing"] for result in results if result["unique_id"] == model)
    ended = max(step["completed_at"] for step in timing)
    return datetime.fromisoformat(ended.replace("Z", "+00:00")).timestamp()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000])
    arguments = parser.parse_args()
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory(prefix="costowner-llm-requests-") as folder:
            compare(Path(folder), rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
