"""Fields of a gateway's records that hold messages of people and models: they have no column; here they are counted.

The text itself is dropped by the adapters' allow-list. What remains is a number a source, field and day, so that the
data team learns that a gateway ships prompts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ingestion.sources.llm_gateway.unread import unread_usage

# Top-level fields of the canonical contract's documents that hold text, by the names that are in use for it.
DOCUMENT_FIELDS = (
    "messages",
    "prompt",
    "prompts",
    "system",
    "system_prompt",
    "instructions",
    "input",
    "response",
    "completion",
    "completions",
    "output",
    "request_body",
    "response_body",
    "proxy_server_request",
    "tools",
    "tool_calls",
)
# And where the formats keep it deeper: LiteLLM 1.106 (StandardLoggingPayload, LiteLLM_SpendLogs), Bedrock's
# invocation log, OpenTelemetry's GenAI attributes (as a flat mapping).
PROMPT_PATHS: tuple[tuple[str, ...], ...] = (
    *((name,) for name in DOCUMENT_FIELDS),
    ("model_parameters", "tools"),
    ("model_parameters", "system"),
    ("model_parameters", "instructions"),
    ("metadata", "mcp_tool_call_metadata"),
    ("metadata", "prompt_management_metadata"),
    ("metadata", "vector_store_request_metadata"),
    ("metadata", "proxy_server_request"),
    ("input", "inputBodyJson"),
    ("output", "outputBodyJson"),
    ("attributes", "gen_ai.system_instructions"),
    ("attributes", "gen_ai.input.messages"),
    ("attributes", "gen_ai.output.messages"),
    ("attributes", "gen_ai.tool.call.arguments"),
    ("attributes", "gen_ai.tool.call.result"),
    ("attributes", "gen_ai.prompt"),
    ("attributes", "gen_ai.completion"),
)
# With message logging off LiteLLM writes this in the text's place.
MARKERS = ("redacted-by-litellm", "REDACTED by litellm")
# Bedrock's `input` and `output` hold token counts as well: there only the body is text.
METERED = ("inputTokenCount", "outputTokenCount", "inputContentType", "outputContentType")
# An answer's metadata, beside its words.
ABOUT = frozenset(
    {
        *(
            "id",
            "object",
            "type",
            "created",
            "created_at",
            "model",
            "provider",
            "system_fingerprint",
            "service_tier",
        ),
        *("usage", "role", "status", "index", "finish_reason", "stop_reason", "stop_sequence", "logprobs"),
    }
)
NOTHING = (None, "", "{}", "[]", "null")


def _at(record: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = record
    for step in path:
        if isinstance(value, str) and value.startswith("{"):
            # LiteLLM's database keeps `metadata` as text.
            try:
                value = json.loads(value)
            except (RecursionError, ValueError):
                return None
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def holds(value: Any) -> bool:
    """Whether there are any words in it; a number or a flag is none, nor an answer's metadata."""
    if isinstance(value, str):
        return value.strip() not in NOTHING
    if isinstance(value, Mapping):
        return not any(name in value for name in METERED) and any(
            holds(item) for name, item in value.items() if name not in ABOUT
        )
    return isinstance(value, list) and any(holds(item) for item in value)


def prompt_fields(record: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """The record's fields that hold text, by path, and whether the gateway had replaced the text."""
    for path in PROMPT_PATHS:
        value = _at(record, path)
        if holds(value):
            shown = value if isinstance(value, str) else json.dumps(value, default=str)
            yield ".".join(path), any(marker in shown for marker in MARKERS)


class Dropped:
    """A count of what was dropped: `look` at each record, then `rows` for the slice."""

    def __init__(self) -> None:
        self._records: Counter[tuple[str, str, date]] = Counter()
        self._redacted: Counter[tuple[str, str, date]] = Counter()
        self._unread: Counter[tuple[str, str, date]] = Counter()

    def look(self, source_system: str, usage_day: date, record: Mapping[str, Any]) -> None:
        for field, is_redacted in prompt_fields(record):
            self.add(source_system, field, usage_day, 1, int(is_redacted))
        for field in unread_usage(record):
            self.add_unread(source_system, field, usage_day, 1)

    def add_unread(self, source_system: str, field: str, usage_day: date, records: int) -> None:
        self._unread[source_system, field, usage_day] += records

    def add(self, source_system: str, field: str, usage_day: date, records: int, redacted: int = 0) -> None:
        self._records[source_system, field, usage_day] += records
        self._redacted[source_system, field, usage_day] += redacted

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "source_system": source_system,
                "field": field,
                "is_usage": is_usage,
                "usage_day": usage_day,
                "record_count": count,
                "redacted_count": 0 if is_usage else self._redacted[source_system, field, usage_day],
            }
            for is_usage, counted in ((False, self._records), (True, self._unread))
            for (source_system, field, usage_day), count in sorted(counted.items())
        ]
