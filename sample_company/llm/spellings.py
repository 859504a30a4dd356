"""How LiteLLM's other versions, and its callers, write a request: another spelling of the same one, or no request at all.

Each is a kind that public issues show. The truth of a request stays what it is; what is added costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

from sample_company.llm.models import inference_profile
from sample_company.llm.requests import SHARED_KEY, LlmRequest, key_hash
from sample_company.world import World, at

Record = dict[str, Any]
# The day of each month on which the gateway writes `odd_records`, and a model that no price book knows.
ODD_DAY = 3
LAB, LAB_MODEL = "sample-lab", "sample-lab-1"
ALIAS = "assistant"
# LiteLLM's names of providers, as other parts of it and other SDKs spell them.
OTHER_NAMES = {
    "openai": "OpenAI",
    "anthropic": "anthropic.messages",
    "bedrock": "bedrock_converse",
    "groq": "Groq",
}


def _usages(record: Record) -> list[Record]:
    """Where a record has its counts."""
    response = record["response"] or {}
    return [record, *filter(None, (response.get("usage"), record["metadata"]["usage_object"]))]


def _cached_beside_the_input(request: LlmRequest, record: Record) -> None:
    """As Anthropic counts: the total shows that the input leaves the cached tokens out."""
    for usage in _usages(record) if request.succeeded else ():
        usage["prompt_tokens"] = request.tokens[0]


def _provider_of_another_name(request: LlmRequest, record: Record) -> None:
    record["custom_llm_provider"] = OTHER_NAMES[request.model.provider]


def _alias_in_the_response(request: LlmRequest, record: Record) -> None:
    """The proxy repeats the name that was asked for; what served it stands in `hidden_params`."""
    record["model_group"] = ALIAS
    record["hidden_params"]["litellm_model_name"] = record["model"]
    if record["response"]:
        record["response"]["model"] = ALIAS


def _inference_profile(request: LlmRequest, record: Record) -> None:
    """Of a profile only the company's registry knows the model."""
    if request.model.provider == "bedrock":
        record["model"] = f"bedrock/{inference_profile(request.model)}"
        if record["response"]:
            record["response"]["model"] = inference_profile(request.model)


def _attributes_as_tags(request: LlmRequest, record: Record) -> None:
    attributes = record["metadata"]["spend_logs_metadata"]
    if request.key_alias != SHARED_KEY and attributes:
        tags = [f"feature:{attributes.pop('feature')}", f"env:{attributes.pop('environment')}"]
        record["request_tags"] = [*record["request_tags"], *tags]


def _no_id_in_words(request: LlmRequest, record: Record) -> None:
    record["hidden_params"]["additional_headers"]["llm_provider-x-request-id"] = "None"


def _optional_fields_absent(request: LlmRequest, record: Record) -> None:
    for name in ("cache_hit", "end_user", "response_time", "completionStartTime", "model_parameters"):
        del record[name]


SPELLINGS: tuple[Callable[[LlmRequest, Record], None], ...] = (
    _cached_beside_the_input,
    _provider_of_another_name,
    _alias_in_the_response,
    _inference_profile,
    _attributes_as_tags,
    _no_id_in_words,
    _optional_fields_absent,
)


def respelled(world: World, request: LlmRequest, record: Record) -> Record:
    """The record as it is, or in another spelling: which one is its own, however often it is written."""
    found = deepcopy(record)
    if not request.cache_hit:
        some = world.rng("spelling", request.id).randrange(4 * len(SPELLINGS))
        for spelling in SPELLINGS[some : some + 1]:
            spelling(request, found)
    return found


def odd_records(world: World, day: date) -> list[Record]:
    """Once a month: counts that don't add up, images, and a record that can't be read; all of a model without a price."""
    if day.day != ODD_DAY:
        return []
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 5000}
    images = {"input_tokens": 20, "output_tokens": 4000, "total_tokens": 4020}
    start = at(day) + timedelta(hours=12)
    base = {
        "startTime": start.timestamp(),
        "endTime": (start + timedelta(seconds=2)).timestamp(),
        "status": "success",
        "call_type": "acompletion",
        "custom_llm_provider": LAB,
        "model": f"{LAB}/{LAB_MODEL}",
        "model_group": LAB_MODEL,
        "metadata": {"user_api_key_hash": key_hash("lab-prod"), "user_api_key_alias": "lab-prod"},
        "response_cost": 0.0,
    }
    found: dict[str, Record] = {
        "disputed": {**usage, "response": {"model": LAB_MODEL, "usage": usage}},
        "images": {"call_type": "aimage_generation", "response": {"model": LAB_MODEL, "usage": images}},
        "unreadable": {"prompt_tokens": "many", "completion_tokens": 1, "total_tokens": "many"},
    }
    return [{**base, "id": f"chatcmpl-{name}-{day}", **fields} for name, fields in found.items()]


def odd_key(day: date) -> str:
    """The object of that day's odd records."""
    return f"{day}/12/batch_12-59-59_odd.jsonl"
