"""Vercel's raw tables, and how its records become rows."""

from __future__ import annotations

import json as jsonlib
from datetime import datetime
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Measure, Table, date, json, money, number, rest, text, timestamp
from ingestion.lake.contract import ClaimKind, Evidence
from ingestion.lake.records import exact, instant, moment, typed
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

CHARGES = Table(
    "charges",
    "One row a charge of a team and day, as `GET /v1/billing/charges` gives it.",
    (
        text("team_id", "the team that was asked for; Vercel's rows don't name it"),
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
TEAMS = Table(
    "teams",
    "One row a team that the token sees.",
    (
        text("team_id", "id"),
        text("slug", "slug"),
        text("name", "name"),
        timestamp("created_at", "createdAt"),
        json("extra", "fields that are not known by name"),
    ),
)
PROJECTS = Table(
    "projects",
    "One row a project that exists; deleted ones stay known from earlier deliveries and from the charges' tags.",
    (
        text("project_id", "id"),
        text("team_id", "accountId"),
        text("name", "name"),
        timestamp("created_at", "createdAt"),
        json("extra", "fields that are not known by name"),
    ),
)
TABLES = (CHARGES, TEAMS, PROJECTS, REJECTED_RECORDS)
CLAIM_KINDS = (
    ClaimKind("vercel_project", Evidence.PROVIDER_ACCOUNT, "Vercel project id"),
    ClaimKind("vercel_team", Evidence.PROVIDER_ACCOUNT, "Vercel team id"),
    ClaimKind("vercel_project_name", Evidence.NAME_PATTERN, "Name of the Vercel project"),
)


FIELDS = {column: name for name, column in {**TEXTS, **NUMBERS, **TIMES}.items()}


def _millis(value: object, where: str) -> datetime | None:
    return None if value is None else instant(value, where, 1000)


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


def billed(record: dict[str, Any]) -> Money:
    """What a charge bills."""
    return exact(record["BilledCost"], "BilledCost"), str(record["BillingCurrency"]).upper()


def _listed(table: Table, found: dict[str, Any], key: str, fields: dict[str, str], where: str) -> dict[str, Any]:
    if not found.get("id"):
        raise BadInput(f"{where}: no id")
    row = {
        key: found["id"],
        **{column: found.get(name) for column, name in fields.items()},
        "created_at": _millis(found.get("createdAt"), f"{where}, createdAt"),
        "extra": rest(found, {"id", "createdAt", *fields.values()}),
    }
    return typed(table, row, where, fields)


def team_row(found: dict[str, Any], where: str) -> dict[str, Any]:
    return _listed(TEAMS, found, "team_id", {"slug": "slug", "name": "name"}, where)


def project_row(found: dict[str, Any], where: str) -> dict[str, Any]:
    return _listed(PROJECTS, found, "project_id", {"team_id": "accountId", "name": "name"}, where)
