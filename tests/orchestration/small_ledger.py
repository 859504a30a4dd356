"""A published ledger of a few charges, and the rules that it was built with: small enough to check by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.settings import Home
from ingestion.sources.registry.client import read
from ingestion.sources.registry.shape import OWNERSHIP_RULES, rule_rows

OWNERS = """\
owners:
  - {id: checkout, kind: team, name: Checkout}
  - {id: search, kind: team, name: Search}
  - {id: shared, kind: shared pool, name: Shared}
"""
POOLS = "pools:\n  - {owner: shared, method: even, members: [checkout, search]}\n"


@dataclass(frozen=True)
class Charge:
    """A row of `fact_cost`."""

    key: str
    claims: dict[str, str]
    cost: str
    owner: str = "unowned"
    rule: str | None = None
    currency: str = "USD"
    day: str = "2026-10-05"
    resource: str | None = None
    origin: str | None = None
    pool: str | None = None
    method: str | None = None
    ratio: str | None = None


def write_registry(folder: Path, *rules: str, owners: str = OWNERS, **files: str) -> Path:
    """A registry of these rules."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = "rules:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules)
    contents = {"owners": owners, "ownership_rules": listed, "allocation_pools": POOLS, **files}
    for name, text in contents.items():
        (folder / f"{name}.yml").write_text(text)
    return folder


def publish(home: Home, charges: Sequence[Charge]) -> None:
    """The marts that the commands read, published; and in the lake, the rules of the registry's files."""
    home.published.mkdir(parents=True, exist_ok=True)
    home.database.unlink(missing_ok=True)
    with duckdb.connect(str(home.database)) as connection:
        connection.execute(
            """
            create table fact_cost (
                charge_key text, origin_charge_key text, vendor_charge_id text, source text, slice_id text, load_id text,
                billing_month text, billing_currency text, owner_id text, ownership_rule_id text, evidence_kind text,
                evidence_value text, evidence_rank integer, pool_owner_id text, allocation_method text,
                allocation_ratio decimal(20, 12), telemetry_status text, is_estimated boolean, claims text,
                charge_period_start timestamp, charge_description text, service_name text, resource_id text,
                resource_name text, list_cost decimal(38, 12), contracted_cost decimal(38, 12),
                effective_cost decimal(38, 12), billed_cost decimal(38, 12)
            );
            create table dim_owner (owner_id text, name text, is_current boolean);
            insert into dim_owner values ('checkout', 'Checkout', true), ('search', 'Search', true);
            create table fact_delivery (
                dataset text, slice_id text, load_id text, extracted_at timestamp, vendor_version text
            );
            insert into fact_delivery values
                ('raw_registry', 'registry', '1.1', '2026-10-06 06:00:00', null),
                ('raw_aws', 'cur|2026-10', '2.1', '2026-10-06 06:00:00', 'v7');
            """
        )
        for charge in charges:
            cost = Decimal(charge.cost)
            connection.execute(
                "insert into fact_cost values "
                "(?, ?, null, 'aws', 'cur|2026-10', '2.1', ?, ?, ?, ?, ?, null, 4, ?, ?, ?, 'not_applicable', false, ?, ?, "
                "'a line', 'Amazon EC2', ?, null, ?, ?, ?, ?)",
                [
                    charge.key,
                    charge.origin or charge.key,
                    charge.day[:7],
                    charge.currency,
                    charge.owner,
                    charge.rule,
                    "tag" if charge.rule else "none",
                    charge.pool,
                    charge.method,
                    charge.ratio and Decimal(charge.ratio),
                    json.dumps(charge.claims),
                    charge.day,
                    charge.resource,
                    *[cost] * 4,
                ],
            )
    rules = rule_rows(read(home.registry))
    _write(
        home, "raw_registry/ownership_rules/1.1.a.parquet", pa.Table.from_pylist(rules, _columns(OWNERSHIP_RULES))
    )
    _write(home, "raw_aws/cost_and_usage_report/2.1.a.parquet", pa.table({"line_item_id": ["a"]}))


def _columns(table: object) -> pa.Schema:
    return pa.schema([(column.name, column.type) for column in table.columns])  # type: ignore[attr-defined]


def _write(home: Home, name: str, rows: pa.Table) -> None:
    file = home.lake / name
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, file)
