"""Vercel's raw tables, and how its records become rows."""

from __future__ import annotations

import json as jsonlib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ingestion.columns import Measure, Table, date, json, money, number, rest, text, timestamp
from ingestion.errors import BadInput

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
TABLES = (CHARGES, TEAMS, PROJECTS)


def _moment(value: object, where: str) -> datetime:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError as error:
        raise BadInput(f"{where}: {value!r} is not a time") from error


def _amount(value: object, where: str) -> Decimal | None:
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise BadInput(f"{where}: {value!r} is not a number") from error


def _millis(value: object) -> datetime | None:
    return datetime.fromtimestamp(int(str(value)) / 1000, UTC) if value is not None else None


def charge_row(record: dict[str, Any], team_id: str, day: Any, where: str) -> dict[str, Any]:
    """A charge as a row. Raises BadInput, with `where`, if a required field is absent or malformed."""
    absent = [name for name in REQUIRED if record.get(name) is None]
    if absent:
        raise BadInput(f"{where}: no {', '.join(absent)}")
    return {
        "team_id": team_id,
        "charge_date": day,
        **{column: record.get(name) for name, column in TEXTS.items()},
        **{column: _amount(record.get(name), f"{where}, {name}") for name, column in NUMBERS.items()},
        **{column: _moment(record[name], f"{where}, {name}") for name, column in TIMES.items()},
        "tags": jsonlib.dumps(record.get("Tags") or {}, sort_keys=True),
        "extra": rest(record, KNOWN),
    }


def team_row(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "team_id": record["id"],
        "slug": record.get("slug"),
        "name": record.get("name"),
        "created_at": _millis(record.get("createdAt")),
        "extra": rest(record, {"id", "slug", "name", "createdAt"}),
    }


def project_row(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "project_id": record["id"],
        "team_id": record.get("accountId"),
        "name": record.get("name"),
        "created_at": _millis(record.get("createdAt")),
        "extra": rest(record, {"id", "accountId", "name", "createdAt"}),
    }
