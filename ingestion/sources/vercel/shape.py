"""Vercel's raw tables, and how its records become rows."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import (
    Measure,
    Table,
    boolean,
    date,
    integer,
    json,
    money,
    number,
    rest,
    text,
    timestamp,
)
from ingestion.lake.contract import ClaimKind, Evidence
from ingestion.lake.people import without_addresses
from ingestion.lake.records import exact, instant, moment, part, typed
from ingestion.lake.rejected import REJECTED_RECORDS, Money
from ingestion.lake.tags import tags_of

# FOCUS name on the wire → column, and what it is.
TEXTS = {
    "BillingCurrency": "billing_currency",
    "PricingCurrency": "pricing_currency",
    "ChargeCategory": "charge_category",
    "ConsumedUnit": "consumed_unit",
    "PricingCategory": "pricing_category",
    "PricingUnit": "pricing_unit",
    "RegionId": "region_id",
    "RegionName": "region_name",
    "ServiceCategory": "service_category",
    "ServiceName": "service_name",
    "ServiceProviderName": "service_provider_name",
    "SkuId": "sku_id",
}
NUMBERS = {
    "BilledCost": "billed_cost",
    "EffectiveCost": "effective_cost",
    "ConsumedQuantity": "consumed_quantity",
    "PricingQuantity": "pricing_quantity",
}
TIMES = {"ChargePeriodStart": "charge_period_start", "ChargePeriodEnd": "charge_period_end"}
KNOWN = {*TEXTS, *NUMBERS, *TIMES, "Tags"}
REQUIRED = ("BilledCost", "EffectiveCost", "BillingCurrency", "ChargePeriodStart", "ChargePeriodEnd")
# What Vercel documents as always there. A charge without one of these lands all the same.
DOCUMENTED = (
    *REQUIRED,
    *("PricingCurrency", "ChargeCategory", "ConsumedQuantity", "ConsumedUnit", "PricingCategory"),
    *("PricingQuantity", "PricingUnit", "ServiceName", "ServiceProviderName", "Tags"),
)

CHARGES = Table(
    "charges",
    "One row a charge of a team and day, as `GET /v1/billing/charges` gives it.",
    (
        text("team_id", "the team that was requested; Vercel's rows don't name it"),
        date("charge_date", "the day in Los Angeles, which is Vercel's billing day"),
        timestamp("charge_period_start", "ChargePeriodStart"),
        timestamp("charge_period_end", "ChargePeriodEnd, exclusive"),
        money("billed_cost", "BilledCost: what the invoice carries; 0 for committed usage"),
        money("effective_cost", "EffectiveCost: for showback"),
        number("consumed_quantity", "ConsumedQuantity"),
        number("pricing_quantity", "PricingQuantity"),
        *(text(column, name) for name, column in TEXTS.items()),
        json("tags", "Tags: ProjectId and ProjectName, or none"),
        json("extra", "fields that are not known by name"),
    ),
    measures=(
        Measure("billed_cost", "billed_cost", "billing_currency"),
        Measure("effective_cost", "effective_cost", "billing_currency"),
    ),
    charge_end="charge_period_end",
)
# Of teams, projects and members only what is named here lands: Vercel's answers also hold values of environment variables,
# invitations and what protects a deployment.
TEAMS = Table(
    "teams",
    "One row a team that is billed.",
    (
        text("team_id", "id"),
        text("slug", "slug"),
        text("name", "name"),
        timestamp("created_at", "createdAt"),
    ),
    versioned=True,
)
PROJECTS = Table(
    "projects",
    "One row a project that exists; deleted ones stay known from earlier deliveries and from the charges' tags.",
    (
        text("project_id", "id"),
        text("team_id", "accountId"),
        text("name", "name"),
        text("repository", "link: the repository that is deployed, with its owner"),
        timestamp("created_at", "createdAt"),
        boolean(
            "has_access_groups",
            "whether the access groups could be read with the projects: where not, a project without one may be in one",
        ),
    ),
    versioned=True,
)
MEMBERS = Table(
    "members",
    "One row a member of a team. Of a person only the username lands; name, address and logins elsewhere are left out.",
    (
        text("team_id", "the team that was requested"),
        text("user_id", "uid"),
        text("username", "username; an address as its hash"),
        text("role", "role in the team"),
        json("projects", "projects: id to role, of those that the member has a role of their own in"),
        timestamp("created_at", "createdAt"),
    ),
)
ACCESS_GROUPS = Table(
    "access_groups",
    "One row an access group of a team.",
    (
        text("access_group_id", "accessGroupId"),
        text("team_id", "the team that was requested"),
        text("name", "name"),
        integer("member_count", "membersCount"),
        integer("project_count", "projectsCount"),
        timestamp("created_at", "createdAt"),
    ),
    versioned=True,
)
ACCESS_GROUP_PROJECTS = Table(
    "access_group_projects",
    "One row a project that an access group has a role in.",
    (
        text("access_group_id", "the access group"),
        text("access_group_name", "its name"),
        integer("group_project_count", "how many projects the access group has a role in"),
        text("team_id", "the team that was requested"),
        text("project_id", "projectId"),
        text("role", "role: ADMIN, PROJECT_DEVELOPER, PROJECT_VIEWER or PROJECT_GUEST"),
    ),
    versioned=True,
)
CONTRACT_COMMITMENTS = Table(
    "contract_commitments",
    "One row a contract commitment of a team, as `GET /v1/billing/contract-commitments` gives it (FOCUS 1.3).",
    (
        text("team_id", "the team that was requested"),
        text("contract_id", "ContractId"),
        timestamp("contract_period_start", "ContractPeriodStart"),
        timestamp("contract_period_end", "ContractPeriodEnd, exclusive"),
        text("contract_commitment_id", "ContractCommitmentId"),
        timestamp("contract_commitment_period_start", "ContractCommitmentPeriodStart"),
        timestamp("contract_commitment_period_end", "ContractCommitmentPeriodEnd, exclusive"),
        text("contract_commitment_category", "ContractCommitmentCategory: Spend or Usage"),
        text("contract_commitment_type", "ContractCommitmentType: Pro or Enterprise"),
        text("contract_commitment_description", "ContractCommitmentDescription"),
        number("contract_commitment_cost", "ContractCommitmentCost, of a commitment to spend"),
        number("contract_commitment_quantity", "ContractCommitmentQuantity, of a commitment to use"),
        text("contract_commitment_unit", "ContractCommitmentUnit: MIUs or USD"),
        text("billing_currency", "BillingCurrency"),
        json("extra", "fields that are not known by name"),
    ),
    versioned=True,
)
# By what a query of the report groups; one query has one of them.
DIMENSIONS = ("day", "user", "model", "tag", "provider", "credential_type")
_USAGE = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cached_input_tokens": "cached_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
    "reasoning_tokens": "reasoning_tokens",
    "request_count": "request_count",
}
AI_GATEWAY_REPORT = Table(
    "ai_gateway_report",
    "One row a UTC day and value of a dimension in the AI Gateway's report. Each dimension has all usage.",
    (
        date("usage_day", "the UTC day that was requested"),
        text("dimension", "group_by: day, user, model, tag, provider or credential_type"),
        text("value", "the value of the dimension; an address as its hash"),
        money("total_cost", "total_cost: what Vercel charges, in USD; 0 with keys of one's own"),
        money("market_cost", "market_cost: list price, in USD, also with keys of one's own"),
        *(integer(column, name) for column, name in _USAGE.items()),
        json("extra", "fields that are not known by name"),
    ),
)
AI_GATEWAY_CREDITS = Table(
    "ai_gateway_credits",
    "One row a UTC day: the credits of the AI Gateway when they were read last on it.",
    (
        timestamp("read_at", "when they were read"),
        money("balance", "balance: what is left, in USD"),
        money("total_used", "total_used: what was used since the first purchase, in USD"),
    ),
)
TABLES = (
    CHARGES,
    TEAMS,
    PROJECTS,
    MEMBERS,
    ACCESS_GROUPS,
    ACCESS_GROUP_PROJECTS,
    CONTRACT_COMMITMENTS,
    AI_GATEWAY_REPORT,
    AI_GATEWAY_CREDITS,
    REJECTED_RECORDS,
)
CLAIM_KINDS = (
    ClaimKind("vercel_project", Evidence.PROVIDER_ACCOUNT, "Vercel project id"),
    ClaimKind("vercel_team", Evidence.PROVIDER_ACCOUNT, "Vercel team id"),
    ClaimKind(
        "vercel_access_group", Evidence.TAG, "Access group of the Vercel project: the one with the fewest projects"
    ),
    ClaimKind("vercel_project_name", Evidence.NAME_PATTERN, "Name of the Vercel project"),
)


FIELDS = {column: name for name, column in {**TEXTS, **NUMBERS, **TIMES}.items()}


def _millis(value: object) -> datetime | None:
    """A time that nothing depends on: what can't be read as one costs its record nothing."""
    try:
        return None if value is None else instant(value, "", 1000)
    except BadInput:
        return None


def charge_row(record: dict[str, Any], team_id: str, day: Any, where: str) -> dict[str, Any]:
    """A charge as a row. Raises BadInput, with `where` and the field, if one is absent that must not be, or malformed."""
    absent = [name for name in REQUIRED if record.get(name) is None]
    if absent:
        raise BadInput(f"{where}: no {', '.join(absent)}")
    given = record.get("Tags")
    tags = tags_of(given)
    # What holds no tags stays under its own name.
    known = KNOWN if tags is not None or not given else KNOWN - {"Tags"}
    row = {
        "team_id": team_id,
        "charge_date": day,
        **{column: record.get(name) for name, column in {**TEXTS, **NUMBERS}.items()},
        **{column: moment(record[name], f"{where}, {name}") for name, column in TIMES.items()},
        "tags": jsonlib.dumps(tags or {}, sort_keys=True, default=str),
        "extra": rest(record, known),
    }
    return typed(CHARGES, row, where, FIELDS)


# A name of a field as Vercel's are; any other may be anything that somebody wrote, and is not repeated.
_FIELD = re.compile("[A-Za-z][A-Za-z0-9_]{0,59}")


@dataclass
class Fields:
    """The fields that charges have, held against the documented ones."""

    count: int = 0
    unknown: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def add(self, found: Mapping[str, Any]) -> None:
        self.count += 1
        self.unknown |= {name if _FIELD.fullmatch(name) else "others" for name in found.keys() - KNOWN}
        self.seen |= found.keys() & set(DOCUMENTED)

    def remark(self) -> str | None:
        """Fields that are new, and documented ones that no charge has; None where there are none of either."""
        missing = [name for name in DOCUMENTED if name not in self.seen] if self.count else []
        lines = [
            f"fields that are not documented, kept in extra: {', '.join(sorted(self.unknown))}"
            if self.unknown
            else "",
            f"documented fields that no charge has: {', '.join(missing)}" if missing else "",
        ]
        return "; ".join(line for line in lines if line) or None


def billed(record: dict[str, Any]) -> Money:
    """What a charge bills."""
    return exact(record["BilledCost"], "BilledCost"), str(record["BillingCurrency"]).upper()


def _id(found: dict[str, Any], name: str, where: str) -> str:
    """The id of a record. Raises BadInput where it has none."""
    if not found.get(name):
        raise BadInput(f"{where}: no {name}")
    return str(found[name])


def team_row(found: dict[str, Any], where: str) -> dict[str, Any]:
    row = {
        "team_id": _id(found, "id", where),
        "slug": found.get("slug"),
        "name": found.get("name"),
        "created_at": _millis(found.get("createdAt")),
    }
    return typed(TEAMS, row, where)


def _repository(link: Any) -> str | None:
    """The repository of a project, as GitHub, Bitbucket and GitLab name theirs; None of any other link."""
    if not isinstance(link, dict):
        return None
    for owner, name in (("org", "repo"), ("owner", "slug")):
        if link.get(owner) and link.get(name):
            return f"{link[owner]}/{link[name]}"
    namespaced = link.get("projectNameWithNamespace")
    return str(namespaced) if namespaced else None


def project_row(found: dict[str, Any], where: str) -> dict[str, Any]:
    row = {
        "project_id": _id(found, "id", where),
        "team_id": found.get("accountId"),
        "name": found.get("name"),
        "repository": _repository(found.get("link")),
        "created_at": _millis(found.get("createdAt")),
    }
    return typed(PROJECTS, row, where, {"team_id": "accountId"})


def member_row(found: dict[str, Any], team_id: str, where: str) -> dict[str, Any]:
    """A member as a row. The username is all that names the person."""
    projects = [part(project, f"{where}, projects") for project in found.get("projects") or []]
    row = {
        "team_id": team_id,
        "user_id": _id(found, "uid", where),
        "username": without_addresses(found.get("username")),
        "role": found.get("role"),
        "projects": jsonlib.dumps({_id(one, "id", where): str(one.get("role") or "") for one in projects}),
        "created_at": _millis(found.get("createdAt")),
    }
    return typed(MEMBERS, row, where)


def access_group_row(found: dict[str, Any], team_id: str, where: str) -> dict[str, Any]:
    fields = {"name": "name", "member_count": "membersCount", "project_count": "projectsCount"}
    row = {
        "access_group_id": _id(found, "accessGroupId", where),
        "team_id": team_id,
        **{column: found.get(name) for column, name in fields.items()},
        "created_at": _millis(found.get("createdAt")),
    }
    return typed(ACCESS_GROUPS, row, where, fields)


def access_group_project_row(found: dict[str, Any], group: dict[str, Any], where: str) -> dict[str, Any]:
    """A project of an access group as a row; `group` is the group's own row."""
    row = {
        "access_group_id": group["access_group_id"],
        "access_group_name": group["name"],
        "group_project_count": group["project_count"],
        "team_id": group["team_id"],
        "project_id": _id(found, "projectId", where),
        "role": found.get("role"),
    }
    return typed(ACCESS_GROUP_PROJECTS, row, where)


_COMMITMENT_TEXTS = {
    "contract_id": "ContractId",
    "contract_commitment_id": "ContractCommitmentId",
    "contract_commitment_category": "ContractCommitmentCategory",
    "contract_commitment_type": "ContractCommitmentType",
    "contract_commitment_description": "ContractCommitmentDescription",
    "contract_commitment_unit": "ContractCommitmentUnit",
    "billing_currency": "BillingCurrency",
}
_COMMITMENT_NUMBERS = {
    "contract_commitment_cost": "ContractCommitmentCost",
    "contract_commitment_quantity": "ContractCommitmentQuantity",
}
_COMMITMENT_TIMES = {
    "contract_period_start": "ContractPeriodStart",
    "contract_period_end": "ContractPeriodEnd",
    "contract_commitment_period_start": "ContractCommitmentPeriodStart",
    "contract_commitment_period_end": "ContractCommitmentPeriodEnd",
}


def commitment_row(found: dict[str, Any], team_id: str, where: str) -> dict[str, Any]:
    """A contract commitment as a row."""
    fields = {**_COMMITMENT_TEXTS, **_COMMITMENT_NUMBERS}
    _id(found, "ContractCommitmentId", where)
    row = {
        "team_id": team_id,
        **{column: found.get(name) for column, name in fields.items()},
        **{
            column: None if found.get(name) is None else moment(found[name], f"{where}, {name}")
            for column, name in _COMMITMENT_TIMES.items()
        },
        "extra": rest(found, {*fields.values(), *_COMMITMENT_TIMES.values()}),
    }
    return typed(CONTRACT_COMMITMENTS, row, where, {**fields, **_COMMITMENT_TIMES})


def ai_gateway_row(found: dict[str, Any], day: Date, dimension: str, where: str) -> dict[str, Any]:
    """Usage of a day by one value of a dimension as a row. Raises BadInput, with `where`, where it has no value or cost."""
    if found.get(dimension) is None or found.get("total_cost") is None:
        raise BadInput(f"{where}: no {dimension} or no total_cost")
    fields = {"value": dimension, "total_cost": "total_cost", "market_cost": "market_cost", **_USAGE}
    row = {
        "usage_day": day,
        "dimension": dimension,
        **{column: found.get(name) for column, name in fields.items()},
        "value": without_addresses(str(found[dimension])),
        "extra": rest(found, {*fields.values(), "day", "hour"}),
    }
    return typed(AI_GATEWAY_REPORT, row, where, fields)


def ai_gateway_credits_row(found: dict[str, Any], read_at: datetime, where: str) -> dict[str, Any]:
    """The credits of the AI Gateway as a row. Raises BadInput where one of both amounts is missing."""
    if found.get("balance") is None or found.get("total_used") is None:
        raise BadInput(f"{where}: no balance or no total_used")
    row = {"read_at": read_at, "balance": found["balance"], "total_used": found["total_used"]}
    return typed(AI_GATEWAY_CREDITS, row, where)
