"""OpenAI's usage endpoints beside completions: what each is grouped by, and one long table for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion.lake.columns import Table, integer, number, rest, text
from ingestion.sources.llm_providers.records import BUCKET, EXTRA, bucket, quantity

_WHO = ("project_id", "user_id", "api_key_id")
_CALLER = (*_WHO, "model")


@dataclass(frozen=True)
class Endpoint:
    """An endpoint below `/organization/usage`: its groups, and the field that counts, with its unit.

    `is_young`: the vendor added it in 2026 and does not serve it to everybody; 404 means that it is not there.
    """

    name: str
    groups: tuple[str, ...]
    counted: str
    unit: str
    is_young: bool = False


ENDPOINTS = (
    Endpoint("embeddings", _CALLER, "input_tokens", "Tokens"),
    Endpoint("moderations", _CALLER, "input_tokens", "Tokens"),
    Endpoint("images", (*_CALLER, "size", "source"), "images", "Images"),
    Endpoint("audio_speeches", _CALLER, "characters", "Characters"),
    Endpoint("audio_transcriptions", _CALLER, "seconds", "Seconds"),
    Endpoint("vector_stores", ("project_id",), "usage_bytes", "Bytes"),
    Endpoint("code_interpreter_sessions", ("project_id",), "num_sessions", "Sessions"),
    Endpoint("file_search_calls", (*_WHO, "vector_store_id"), "num_requests", "Requests", is_young=True),
    Endpoint("web_search_calls", (*_CALLER, "context_level"), "num_requests", "Requests", is_young=True),
    Endpoint("decisions", (*_CALLER, "service_tier"), "num_model_requests", "Requests", is_young=True),
)

OPENAI_OTHER_USAGE = Table(
    "openai_usage",
    "One row a usage result of a UTC day and endpoint other than completions (`/organization/usage/<endpoint>`).",
    (
        *BUCKET,
        text("endpoint", "the usage endpoint: embeddings, images, web_search_calls …"),
        text("project_id", "project"),
        text("api_key_id", "key"),
        text("user_id", "user"),
        text("model", "model"),
        text("service_tier", "tier"),
        text("size", "size of the images"),
        text("source", "image.generation, image.edit or image.variation"),
        text("context_level", "how much a web search may read"),
        text("vector_store_id", "vector store that was searched"),
        number("quantity", "what the endpoint counts, in its unit"),
        text("unit", "Tokens, Images, Characters, Seconds, Bytes, Sessions or Requests"),
        integer("num_model_requests", "requests"),
        EXTRA,
    ),
)

_TEXTS = (*_CALLER, "service_tier", "size", "source", "context_level", "vector_store_id")


def other_usage(endpoint: Endpoint, record: dict[str, Any], day: datetime) -> dict[str, Any]:
    """A usage result. What counts may be absent: then it is unknown, and not 0."""
    return {
        **bucket(day),
        "endpoint": endpoint.name,
        **{name: record.get(name) for name in _TEXTS},
        "quantity": quantity(record.get(endpoint.counted), endpoint.counted),
        "unit": endpoint.unit,
        "num_model_requests": record.get("num_model_requests"),
        "extra": rest(record, {"object", "num_model_requests", endpoint.counted, *_TEXTS}, (None,)),
    }
