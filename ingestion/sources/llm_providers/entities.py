"""Who and what an organization at a provider consists of: projects, workspaces, keys, service accounts, users.

One long table: they are names and owners of ids that costs and usage mention. No key's value or part of one, no
person's name or address enters it.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Table, json, rest, text
from ingestion.sources.llm_providers.records import EXTRA, hashed, without_addresses

ENTITIES = Table(
    "entities",
    "One row a project, workspace, key, service account or user of an organization at a provider.",
    (
        text("provider", "openai or anthropic"),
        text("kind", "project, workspace, api_key, admin_api_key, service_account or user"),
        text("entity_id", "the provider's id"),
        text("name", "its name; NULL for users"),
        text("status", "the provider's own: active, archived, disabled …"),
        text("parent_id", "project or workspace that it belongs to; NULL where it is the organization's"),
        text("owner_kind", "user or service_account, of a key"),
        text("owner_id", "who a key belongs to"),
        text("email_hash", "hash of a user's e-mail address, as requests carry it"),
        json("tags", "tags of a workspace"),
        text("created_at", "the provider's own text"),
        text("expires_at", "the provider's own text"),
        text("archived_at", "the provider's own text"),
        EXTRA,
    ),
)

# Never kept: parts of keys, what names a person, and what moves with every request (a list would change each day).
_DROPPED = {
    "last_used_at",
    "redacted_value",
    "partial_key_hint",
    "value",
    "secret",
    "email",
    "email_address",
    "picture",
    "owner",
}
_KNOWN = {
    "object",
    "type",
    "id",
    "name",
    "status",
    "workspace_id",
    "tags",
    "created_at",
    "added_at",
    "expires_at",
    "archived_at",
    "principal",
    "created_by",
}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _owner(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Who a key belongs to: OpenAI's `owner` holds the holder below its type; Anthropic's field is `principal`."""
    owner = record.get("owner") or record.get("principal") or record.get("created_by")
    if not isinstance(owner, dict):
        return None, None
    kind = str(owner.get("type") or "").lower().replace("serviceaccount", "service_account") or None
    holder = owner.get(kind) if kind else None
    return kind, _text((holder if isinstance(holder, dict) else owner).get("id"))


def entity(provider: str, kind: str, record: dict[str, Any], parent_id: str | None = None) -> dict[str, Any]:
    """A row of one of the provider's lists. Raises BadInput where it has no id."""
    if not record.get("id"):
        raise BadInput(f"{provider}: a {kind} has no id")
    owner_kind, owner_id = _owner(record) if kind in ("api_key", "admin_api_key") else (None, None)
    tags = record.get("tags")
    unknown = {key: value for key, value in record.items() if key not in _DROPPED}
    return {
        "provider": provider,
        "kind": kind,
        "entity_id": str(record["id"]),
        "name": None if kind == "user" else hashed(record.get("name")),
        "status": _text(record.get("status")),
        "parent_id": _text(record.get("workspace_id")) or parent_id,
        "owner_kind": owner_kind,
        "owner_id": owner_id,
        "email_hash": hashed(record.get("email") or record.get("email_address")),
        "tags": jsonlib.dumps(tags, sort_keys=True) if isinstance(tags, dict) and tags else None,
        "created_at": _text(record.get("created_at") or record.get("added_at")),
        "expires_at": _text(record.get("expires_at")),
        "archived_at": _text(record.get("archived_at")),
        "extra": rest(without_addresses(unknown), _KNOWN, (None,)),
    }
