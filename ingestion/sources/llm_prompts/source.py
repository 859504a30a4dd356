"""Prompts as a source of its own: the gateway's logs read a second time, for the workflows that a policy names.

Where no policy names one nothing is read, and nothing is asked of the gateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from ingestion.access.objects import Object
from ingestion.access.stores import open_store
from ingestion.lake.contract import Known, Rows, Slice, Source
from ingestion.settings import Month, Window, resolve
from ingestion.sources.llm_gateway.client import LiteLlmLogs, MongoLog, version_of
from ingestion.sources.llm_gateway.source import SETTLE, GatewaySettings
from ingestion.sources.llm_prompts.policy import PromptPolicy, prompt_policy
from ingestion.sources.llm_prompts.redaction import check_installed, policy_name, redact
from ingestion.sources.llm_prompts.shape import (
    LLM_PROMPTS,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    TABLES,
    litellm_identity,
    message_texts,
    moment,
)

# What is asked of a collection: whose request it is, and its text.
DOCUMENT = frozenset({"request_id", "started_at", "workflow", *REQUEST_FIELDS, *RESPONSE_FIELDS})


@dataclass(frozen=True)
class PromptSettings:
    """None of its own: `sources.llm_gateway` names the logs, `registry/prompt_policy.yml` the workflows."""


def prompt_rows(
    policy: PromptPolicy,
    source_system: str,
    request_id: str,
    workflow: str | None,
    started_at: datetime | None,
    record: dict[str, Any],
    now: datetime,
) -> list[dict[str, Any]]:
    """The rows of a record; none where no policy lets it be kept, or no longer."""
    permission = policy.of(workflow, started_at) if started_at else None
    if permission is None or started_at is None or not request_id:
        return []
    until = permission.retention_until(started_at)
    if until <= now.date():
        return []
    rows = []
    for position, (role, words) in enumerate(message_texts(record), start=1):
        redacted = redact(words, permission.redaction)
        rows.append(
            {
                "source_system": source_system,
                "request_id": request_id,
                "workflow": permission.workflow,
                "started_at": started_at,
                "position": position,
                "role": role,
                "text_redacted": redacted.text,
                "redaction_policy": policy_name(permission.redaction),
                "redactions": redacted.found,
                "retention_until": until,
            }
        )
    return rows


def _litellm(
    settings: GatewaySettings, url: str, policy: PromptPolicy, start: datetime, end: datetime, now: datetime
) -> Iterable[Slice]:
    store = open_store(
        url,
        profile=settings.profile,
        endpoint_url=settings.endpoint_url,
        setting="sources.llm_gateway.litellm_url",
    )
    logs = LiteLlmLogs(store)
    found = logs.found(start, end)
    spans = [(f"{hour:%Y-%m-%dT%H}", hour, timedelta(hours=1), items) for hour, items in found.hours.items()]
    spans += [(f"{day:%Y-%m-%d}", day, timedelta(days=1), items) for day, items in found.days.items()]
    for name, first, length, items in spans:

        def read(items: list[Object] = items) -> Iterator[Rows]:
            for item in items:
                rows = []
                for where, record in logs.records(item):
                    system, request_id, started, workflow = litellm_identity(record)
                    started_at = moment(started, f"{where}, startTime")
                    rows += prompt_rows(policy, system, request_id, workflow, started_at, record, now)
                yield Rows(LLM_PROMPTS, rows)

        yield Slice(
            id=f"litellm|{name}",
            billing_period=str(Month.of(first)),
            start=first,
            end=first + length,
            read=read,
            version=f"{version_of(items)}:{policy.digest}",
            version_proves=True,
        )


def _mongo(
    settings: GatewaySettings, uri: str, policy: PromptPolicy, start: datetime, end: datetime, now: datetime
) -> Iterable[Slice]:
    log = MongoLog(uri, settings.mongo_database, settings.mongo_collection, DOCUMENT)
    day = datetime.combine(start.date(), time(), UTC)
    while day < end:
        day_end = min(day + timedelta(days=1), now - SETTLE)

        def read(first: datetime = day, last: datetime = day_end) -> Iterator[Rows]:
            rows = []
            documents = log.documents(first, last, {"workflow": {"$in": policy.workflows}})
            for number, found in enumerate(documents, start=1):
                where = f"{log.place}, {first:%Y-%m-%d}, document {number}"
                request_id = str(found.get("request_id") or found["_id"])
                started_at = moment(found.get("started_at"), f"{where}, started_at")
                rows += prompt_rows(policy, "mongodb", request_id, found["workflow"], started_at, found, now)
            yield Rows(LLM_PROMPTS, rows)

        yield Slice(f"mongodb|{day:%Y-%m-%d}", str(Month.of(day)), day, day_end, read)
        day += timedelta(days=1)


def slices(settings: PromptSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The gateway's slices that may still hold a prompt to keep.

    Raises SettingError where a policy names a workflow and what redacts is not installed, and RegistryError where
    the policy can't be read: nothing is landed then.
    """
    policy = prompt_policy()
    if not policy.policies:
        return
    check_installed(policy.workflows[0])
    gateway = resolve(GatewaySettings, "llm_gateway") or GatewaySettings()
    start, end = max(window.start, now - policy.longest_retention), min(window.end, now)
    if gateway.litellm_url:
        yield from _litellm(gateway, gateway.litellm_url, policy, start, end, now)
    if gateway.mongo_uri:
        yield from _mongo(gateway, gateway.mongo_uri, policy, start, end, now)


SOURCE = Source(
    name="llm_prompts",
    title="LLM prompts",
    description="Messages of people and models, redacted, of the workflows that registry/prompt_policy.yml names.",
    settings=PromptSettings,
    tables=TABLES,
    slices=slices,
    kinds=("litellm", "mongodb"),
)
