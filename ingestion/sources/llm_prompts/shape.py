"""The one table that may hold messages of people and models, redacted; and how a record's text is taken apart."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Table, exact, integer, json, text, timestamp
from ingestion.lake.columns import date as day
from ingestion.sources.llm_gateway.dropped import MARKERS

LLM_PROMPTS = Table(
    "llm_prompts",
    "One row a message of a request whose workflow's policy lets it be kept, redacted; purged by `retention_until`.",
    (
        text("source_system", "litellm, litellm_spend_logs or mongodb"),
        text("request_id", "the gateway's id of the attempt; with source_system it finds the request"),
        text("workflow", "the workflow whose policy lets it be kept"),
        timestamp("started_at", "start of the attempt"),
        integer("position", "number of the message within its request, from 1; the answer comes last"),
        text("role", "system, user, assistant, tool … the gateway's own word"),
        text("text_redacted", "the text, redacted before it was written"),
        text("redaction_policy", "profile and versions of the rules that it went through"),
        json("redactions", "how many of each kind were taken out"),
        day("retention_until", "the first UTC day on which it must be gone"),
    ),
    charge_end="started_at",
)
TABLES = (LLM_PROMPTS,)

REQUEST_FIELDS = ("system", "system_prompt", "instructions", "messages", "prompt", "input")
RESPONSE_FIELDS = ("response", "completion", "output")
# Parts of a message that are words; of others (images, audio, files) only their kind is kept.
WORDS = (
    "text",
    "input_text",
    "output_text",
    "tool_use",
    "tool_result",
    "tool_call",
    "function",
    "refusal",
    "thinking",
)


def _parsed(value: Any) -> Any:
    """JSON that is kept as text (LiteLLM's database does), as what it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return jsonlib.loads(value)
        except (RecursionError, ValueError):
            return value
    return value


def _words(value: Any) -> Any:
    """A message's content without pictures and sound."""
    if isinstance(value, list):
        return [_words(item) for item in value]
    if isinstance(value, Mapping):
        kind = value.get("type")
        if isinstance(kind, str) and kind not in WORDS and kind != "message":
            return {"type": kind}
        return {str(name): _words(item) for name, item in value.items()}
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else [value]
    if all(isinstance(part, Mapping) and set(part) <= {"type", "text"} and "text" in part for part in parts):
        return "\n".join(str(part["text"]) for part in parts)
    return jsonlib.dumps(_words(value), default=str, ensure_ascii=False)


def _messages(value: Any, role: str) -> Iterator[tuple[str, str]]:
    value = _parsed(value)
    if value in (None, "", {}, []):
        return
    if isinstance(value, Mapping):
        choices = value.get("choices")
        if isinstance(choices, list):
            for choice in choices:
                content = choice.get("message") or choice.get("text") if isinstance(choice, Mapping) else choice
                yield from _messages(content, role)
            return
        content = value.get("content", value.get("output"))
        calls = {name: value[name] for name in ("tool_calls", "function_call") if value.get(name)}
        if content is None and not calls and "role" not in value:
            yield role, _text(value)
            return
        named = str(value.get("role") or role)
        if content not in (None, "", []):
            yield named, _text(_parsed(content) if isinstance(content, str) else content)
        if calls:
            yield named, _text(calls)
        return
    if isinstance(value, list) and all(isinstance(item, Mapping) and "role" in item for item in value):
        for item in value:
            yield from _messages(item, role)
        return
    yield role, _text(value)


def message_texts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A record's messages, as (role, text): the request's messages, then the answer.

    Text that the gateway has replaced itself is left out.
    """
    for names, role in ((REQUEST_FIELDS, "user"), (RESPONSE_FIELDS, "assistant")):
        for name in names:
            given = "system" if name in ("system", "system_prompt", "instructions") else role
            for found, words in _messages(record.get(name), given):
                if not any(marker in words for marker in MARKERS):
                    yield found, words


def litellm_identity(record: Mapping[str, Any]) -> tuple[str, str, Any, str | None]:
    """Source system, request id, start as written, and workflow of a LiteLLM record.

    What the gateway keeps of the key outranks the caller's own word.
    """
    is_spend_log = "request_id" in record
    metadata = _parsed(record.get("metadata"))
    metadata = metadata if isinstance(metadata, Mapping) else {}
    workflow = None
    for holder in ("user_api_key_auth_metadata", "user_api_key_metadata", "spend_logs_metadata"):
        attributes = _parsed(metadata.get(holder))
        if isinstance(attributes, Mapping):
            workflow = workflow or attributes.get("workflow") or attributes.get("workflow_id")
    return (
        "litellm_spend_logs" if is_spend_log else "litellm",
        str(record.get("request_id") or record.get("id") or ""),
        record.get("startTime"),
        str(workflow) if workflow else None,
    )


def moment(value: Any, where: str) -> datetime | None:
    """An instant from seconds since 1970 (number) or ISO text; text without a zone is UTC."""
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int | float | Decimal):
            # Through `exact`, because the digits of 1e999999999 would fill the memory.
            whole = exact(value, where)
            return datetime.fromtimestamp(int(whole), UTC).replace(microsecond=int(whole % 1 * 1_000_000))
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        parsed = datetime.fromisoformat(str(value))
    except (BadInput, ValueError, ArithmeticError, OSError):
        raise BadInput(f"{where}: not a time") from None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
