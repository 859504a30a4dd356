"""The gateway's logs in LiteLLM's S3 layouts, records as its `s3_v2` callback writes them.

One JSONL file an hour; one team's gateway is older and writes one object a request, below the team's prefix. Of one
day the files of the evening arrive five days late.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sample_company.identity import token
from sample_company.llm.models import ACCOUNTS
from sample_company.llm.requests import SHARED_KEY, LlmRequest, key_hash, requests
from sample_company.llm.spellings import odd_key, odd_records, respelled
from sample_company.world import World, first_of_month

PREFIX = "litellm"
SINGLE_OBJECT_TEAM = "security"
LATE_BY_DAYS = 5
LATE_FROM_HOUR = 15


def late_day(world: World) -> date:
    """The day whose evening's files arrive late."""
    return first_of_month(world.until).replace(day=2)


def record(world: World, request: LlmRequest) -> dict[str, Any]:
    """A request as a StandardLoggingPayload; the text of messages is never logged in full."""
    fresh, cached, written, output = request.tokens
    prompt = fresh + cached + written
    succeeded, ended = request.succeeded, request.ended_at
    shared = request.key_alias == SHARED_KEY
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": cached},
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
    }
    attributes = {
        "workflow": request.workflow.id,
        "service": request.workflow.service,
        "feature": request.workflow.feature,
        "customer_id": request.customer,
        "environment": "prod",
    }
    signature = token(world, request)
    metadata = {**({} if shared else attributes), **({"actor_token": signature} if signature else {})}
    return {
        "id": f"{request.id}_cache_hit{int(request.started_at.timestamp())}" if request.cache_hit else request.id,
        "litellm_call_id": request.call_id,
        "trace_id": request.call_id,
        "call_type": "aretrieve_batch" if request.tier == "batch" else "acompletion",
        "cache_hit": True if request.cache_hit else None,
        "stream": request.stream,
        "status": request.status,
        "custom_llm_provider": request.model.provider,
        "saved_cache_cost": 0.0,
        "startTime": request.started_at.timestamp(),
        "endTime": ended.timestamp(),
        "completionStartTime": ended.timestamp(),
        "response_time": request.seconds,
        "model": f"{request.model.provider}/{request.model.wire}",
        "model_group": request.model.id,
        "model_id": f"dep-{request.model.id}",
        "api_base": f"https://api.{request.model.provider}.example/v1",
        "metadata": {
            "user_api_key_hash": key_hash(request.key_alias),
            "user_api_key_alias": request.key_alias,
            "user_api_key_team_id": None if shared else request.team,
            "user_api_key_team_alias": None if shared else request.team,
            "user_api_key_user_id": None if shared else request.user,
            "spend_logs_metadata": metadata or None,
            "usage_object": usage if succeeded else None,
            "attempted_retries": request.retries,
            "batch_models": [request.model.wire] if request.tier == "batch" else None,
            "requester_ip_address": "10.0.0.1",
        },
        "response_cost": float(request.logged_cost),
        "total_tokens": prompt + output,
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "request_tags": ["User-Agent: python-httpx"],
        "end_user": None if shared else request.customer,
        "messages": [{"role": "user", "content": "redacted-by-litellm"}],
        "response": {"model": request.model.wire, "usage": usage} if succeeded else None,
        "model_parameters": {"stream": request.stream},
        "hidden_params": {
            "additional_headers": {
                "llm_provider-x-request-id": request.provider_request_id,
                "x-litellm-attempted-retries": request.retries,
                "x-litellm-attempted-fallbacks": 1 if request.fallback_from else 0,
            }
        },
        "error_str": None if succeeded else "rate limited",
        "error_information": None if succeeded else {"error_code": "429", "error_class": "RateLimitError"},
    }


def _key(world: World, request: LlmRequest) -> str:
    """The object that a record goes to."""
    moment = request.started_at
    if request.team == SINGLE_OBJECT_TEAM:
        return f"{request.team}/{moment:%Y-%m-%d}/time-{moment:%H-%M-%S-%f}_{request.id}.json"
    batch = world.token("batch", moment.date(), moment.hour, length=12)
    return f"{moment:%Y-%m-%d}/{moment:%H}/batch_{moment:%H}-59-59_{batch}.jsonl"


def _has_arrived(world: World, request: LlmRequest, as_of: date) -> bool:
    moment = request.started_at
    is_late = moment.date() == late_day(world) and moment.hour >= LATE_FROM_HOUR
    return as_of > moment.date() + timedelta(days=LATE_BY_DAYS if is_late else 0)


def write_logs(world: World, as_of: date, folder: Path) -> None:
    """Write the objects that are not written yet, and remove those that are not there by then; an object never changes."""
    due = set()

    def write(key: str, records: Callable[[], list[dict[str, Any]]], written: float) -> None:
        target = folder / PREFIX / key
        due.add(target)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("".join(f"{json.dumps(one)}\n" for one in records()))
            # The version of a file is its time: the same object comes back with the same one.
            os.utime(target, (written, written))

    for day in world.days(as_of):
        objects: dict[str, list[LlmRequest]] = defaultdict(list)
        for request in requests(world, day):
            if request.is_through_gateway and _has_arrived(world, request, as_of):
                objects[_key(world, request)].append(request)
        for key, found in objects.items():
            written = max(request.ended_at for request in found).timestamp()
            write(key, partial(_records, world, found), written)
        if (odd := odd_records(world, day)) and as_of > day:
            write(odd_key(day), partial(list, odd), odd[0]["endTime"])
    for path in (folder / PREFIX).rglob("*"):
        if path.is_file() and path not in due:
            path.unlink()


def _records(world: World, found: list[LlmRequest]) -> list[dict[str, Any]]:
    return [respelled(world, request, record(world, request)) for request in found]


def settings(folder: Path) -> dict[str, str]:
    """The environment under which ingestion finds the logs, and which provider accounts the gateway uses."""
    return {
        "SOURCES__LLM_GATEWAY__LITELLM_URL": str(folder / PREFIX),
        "SOURCES__LLM_GATEWAY__PROVIDER_ACCOUNTS": ",".join(
            f"{name}={account}" for name, account in ACCOUNTS.items()
        ),
    }
