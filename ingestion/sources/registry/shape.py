"""The registry's tables, and what the declarations mean, resolved to flat rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ingestion.lake.columns import Table, integer, number, text
from ingestion.lake.columns import date as day
from ingestion.lake.people import without_addresses
from ingestion.sources.registry.client import Entry, Registry

ALWAYS = date(1970, 1, 1)
FOREVER = date(9999, 12, 31)

# The keys that make claims where claim_keys.yml names none, in their order.
DEFAULT_CLAIM_KEYS: dict[str, tuple[str, ...]] = {
    "tag": ("team", "owner", "service", "application", "cost_center"),
    "cost_category": ("team",),
}

OWNERS = Table(
    "owners",
    "One row an owner and time for which its declaration holds.",
    (
        text("owner_id", "the owner's id"),
        text("owner_kind", "team, service, user, customer, feature, experiment, job, shared pool or unowned"),
        text("name", "the name to show"),
        text("parent_owner_id", "the owner above"),
        text("team_owner_id", "the nearest team: the owner itself, or the first team above it"),
        text("owner_path", "ids from the top down to the owner, separated by ' / '"),
        text("cost_center", "the cost center"),
        text("contact", "where a question goes"),
        text("steward", "who looks after a cost without an owner"),
        day("valid_from", "the first day on which this holds"),
        day("valid_to", "the first day on which it no longer holds"),
    ),
)
OWNERSHIP_RULES = Table(
    "ownership_rules",
    "One row a rule from a claim to an owner; rules of match 'owner' are one row an id or alias.",
    (
        text("rule_id", "the rule's id"),
        text("claim", "the kind of claim"),
        text("match", "exact or glob"),
        text("value", "the value or pattern"),
        text("owner_id", "the owner"),
        integer("priority", "lower wins first"),
        day("valid_from", "the first day on which the rule holds"),
        day("valid_to", "the first day on which it no longer holds"),
    ),
)
CLAIM_KEYS = Table(
    "claim_keys",
    "One row a tag key or cost category that makes claims; no row where the registry names none.",
    (
        integer("position", "its place in the list, from 1: claims are in this order"),
        text("claim", "tag or cost_category"),
        text("key", "the key, as bills spell it"),
    ),
)
ALLOCATION_POOLS = Table(
    "allocation_pools",
    "One row a shared pool and time for which its way of allocation holds.",
    (
        text("pool_owner_id", "the owner whose cost is allocated"),
        text("method", "even, fixed or proportional"),
        day("valid_from", "the first day on which this holds"),
        day("valid_to", "the first day on which it no longer holds"),
    ),
)
ALLOCATION_POOL_MEMBERS = Table(
    "allocation_pool_members",
    "One row a member of a shared pool.",
    (
        text("pool_owner_id", "the pool"),
        day("valid_from", "the first day on which the pool's allocation holds"),
        text("member_owner_id", "the owner who takes a part"),
        number("share", "the member's share, of a pool with fixed shares"),
    ),
)
BUDGETS = Table(
    "budgets",
    "One row a budget or rate limit.",
    (
        text("budget_id", "the budget's id"),
        text("owner_id", "whose budget it is"),
        text("workflow_id", "the workflow it is for; NULL for all"),
        number("monthly_amount", "the amount a month, in currency"),
        text("currency", "ISO 4217"),
        integer("requests_per_minute", "rate limit"),
        integer("tokens_per_minute", "rate limit"),
        day("valid_from", "the first day on which it holds"),
        day("valid_to", "the first day on which it no longer holds"),
    ),
)
PROMPT_POLICY = Table(
    "prompt_policy",
    "One row a workflow whose prompts may be kept, redacted, and the time for which that holds.",
    (
        text("workflow_id", "the workflow"),
        integer("retention_days", "how many days a prompt may be kept"),
        text("purpose", "what the prompts are kept for"),
        text("redaction", "the redaction profile: standard or strict"),
        text("approved_by", "who has approved it"),
        day("valid_from", "the first day of requests that may be kept"),
        day("valid_to", "the first day of requests that may not"),
    ),
)
MODEL_NAMES = Table(
    "model_names",
    "One row a name of a model in requests that only the company knows, and the time for which it stands for a model.",
    (
        text("provider", "the provider"),
        text(
            "name",
            "the name in requests, lower case and without a gateway's path: a deployment, an inference profile",
        ),
        text("model", "the model that it stands for, as the provider names it"),
        day("valid_from", "the first day on which this holds"),
        day("valid_to", "the first day on which it no longer holds"),
    ),
)
REPRICED_MONTHS = Table(
    "repriced_months",
    "One row a closed month that is to be priced with a later price book than the one it closed with.",
    (
        text("month", "the month, YYYY-MM"),
        day("as_of", "the day whose price book it is priced with"),
        text("reason", "why"),
    ),
)
TABLES = (
    OWNERS,
    OWNERSHIP_RULES,
    CLAIM_KEYS,
    ALLOCATION_POOLS,
    ALLOCATION_POOL_MEMBERS,
    BUDGETS,
    PROMPT_POLICY,
    MODEL_NAMES,
    REPRICED_MONTHS,
)

UNOWNED: dict[str, Any] = {
    "id": "unowned",
    "kind": "unowned",
    "name": "Unowned",
    "steward": "declare one in owners.yml",
}


def starts(fields: dict[str, Any]) -> date:
    """The first day on which a declaration holds."""
    return _date(fields.get("valid_from")) or ALWAYS


def ends(fields: dict[str, Any]) -> date:
    """The first day on which a declaration no longer holds."""
    return _date(fields.get("valid_to")) or FOREVER


def _date(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, date) else None


def owner_entries(registry: Registry) -> tuple[Entry, ...]:
    """The declared owners, and `unowned` where it is not declared."""
    if any(entry.fields["id"] == "unowned" for entry in registry.owners):
        return registry.owners
    return (*registry.owners, Entry("owners.yml", 1, UNOWNED))


def owner_rows(registry: Registry) -> list[dict[str, Any]]:
    """One row an owner version, with its path and team as of the version's first day."""
    owners = owner_entries(registry)

    def version(owner: str, when: date) -> dict[str, Any] | None:
        versions = [entry.fields for entry in owners if entry.fields["id"] == owner]
        held = [fields for fields in versions if starts(fields) <= when < ends(fields)]
        return next(iter(held or versions), None)

    rows = []
    for entry in owners:
        fields = entry.fields
        chain, above = [fields], fields.get("parent")
        while above:
            parent = version(above, starts(fields))
            if parent is None:
                break
            chain.append(parent)
            above = parent.get("parent")
        team = next((link["id"] for link in chain if link["kind"] == "team"), None)
        rows.append(
            {
                "owner_id": fields["id"],
                "owner_kind": fields["kind"],
                "name": fields["name"],
                "parent_owner_id": fields.get("parent"),
                "team_owner_id": team or fields["id"],
                "owner_path": " / ".join(link["id"] for link in reversed(chain)),
                "cost_center": fields.get("cost_center"),
                "contact": fields.get("contact"),
                "steward": fields.get("steward"),
                "valid_from": starts(fields),
                "valid_to": ends(fields),
            }
        )
    return rows


def rule_rows(registry: Registry) -> list[dict[str, Any]]:
    """The rules, those of match 'owner' spelled out for every owner's id and aliases."""
    names: dict[str, str] = {}
    for entry in owner_entries(registry):
        for name in (entry.fields["id"], *entry.fields.get("aliases", [])):
            names.setdefault(name, entry.fields["id"])
    rows = []
    for entry in registry.rules:
        rule = entry.fields
        # Tags of FOCUS rows carry people's addresses hashed.
        is_hashed = rule["claim"].startswith(("focus_tag:", "atlas_tag:"))
        base = {
            "rule_id": rule["id"],
            "claim": rule["claim"],
            "priority": rule.get("priority", 100),
            "valid_from": starts(rule),
            "valid_to": ends(rule),
        }
        match = rule.get("match", "exact")
        if match == "owner":
            rows += [
                {
                    **base,
                    "match": "exact",
                    "value": without_addresses(name) if is_hashed else name,
                    "owner_id": owner,
                }
                for name, owner in sorted(names.items())
            ]
        else:
            value = without_addresses(rule["value"]) if is_hashed else rule["value"]
            rows.append({**base, "match": match, "value": value, "owner_id": rule["owner"]})
    return rows


def claim_key_rows(registry: Registry) -> list[dict[str, Any]]:
    """The claim keys, in the order of the file."""
    return [{"position": position, **entry.fields} for position, entry in enumerate(registry.claim_keys, start=1)]


def keys_of_claims(registry: Registry, claim: str) -> tuple[str, ...]:
    """The keys of tags or of cost categories that make claims: those of the registry, else the default."""
    if not registry.claim_keys:
        return DEFAULT_CLAIM_KEYS[claim]
    return tuple(entry.fields["key"] for entry in registry.claim_keys if entry.fields["claim"] == claim)


def pool_rows(registry: Registry) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The pools, and their members."""
    pools, members = [], []
    for entry in registry.pools:
        pool = entry.fields
        dates = {"valid_from": starts(pool), "valid_to": ends(pool)}
        pools.append({"pool_owner_id": pool["owner"], "method": pool["method"], **dates})
        for member in pool["members"]:
            owner, share = (
                (member["owner"], Decimal(str(member["share"]))) if isinstance(member, dict) else (member, None)
            )
            members.append(
                {
                    "pool_owner_id": pool["owner"],
                    "valid_from": dates["valid_from"],
                    "member_owner_id": owner,
                    "share": share,
                }
            )
    return pools, members


def budget_rows(registry: Registry) -> list[dict[str, Any]]:
    return [
        {
            "budget_id": entry.fields["id"],
            "owner_id": entry.fields["owner"],
            "workflow_id": entry.fields.get("workflow"),
            "monthly_amount": (
                Decimal(entry.fields["monthly_amount"]) if "monthly_amount" in entry.fields else None
            ),
            "currency": entry.fields.get("currency"),
            "requests_per_minute": entry.fields.get("requests_per_minute"),
            "tokens_per_minute": entry.fields.get("tokens_per_minute"),
            "valid_from": starts(entry.fields),
            "valid_to": ends(entry.fields),
        }
        for entry in registry.budgets
    ]


def policy_rows(registry: Registry) -> list[dict[str, Any]]:
    return [
        {
            "workflow_id": entry.fields["workflow"],
            "retention_days": entry.fields["retention_days"],
            "purpose": entry.fields["purpose"],
            "redaction": entry.fields.get("redaction", "standard"),
            "approved_by": entry.fields["approved_by"],
            "valid_from": starts(entry.fields),
            "valid_to": ends(entry.fields),
        }
        for entry in registry.prompt_logging
    ]


def plain_model_name(name: str) -> str:
    """A model's name as requests are compared with it: the macro `plain_model_name` has the same rule.

    `azure/Chat-Prod` is `chat-prod`; of an ARN nothing is cut off but what stands before it.
    """
    plain = name.strip().lower()
    return f"arn:{plain.partition('arn:')[2]}" if "arn:" in plain else plain.rpartition("/")[2]


def model_name_rows(registry: Registry) -> list[dict[str, Any]]:
    return [
        {
            "provider": entry.fields["provider"],
            "name": plain_model_name(entry.fields["name"]),
            "model": entry.fields["model"],
            "valid_from": starts(entry.fields),
            "valid_to": ends(entry.fields),
        }
        for entry in registry.model_names
    ]


def repriced_rows(registry: Registry) -> list[dict[str, Any]]:
    return [
        {
            "month": entry.fields["month"],
            "as_of": _date(entry.fields["as_of"]),
            "reason": entry.fields["reason"],
        }
        for entry in registry.reprice
    ]
