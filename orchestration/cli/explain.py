"""`costowner explain`: from a charge of the ledger back to its claims, the rule that won, its split and its delivery.

Charges are read from the publication, the rules from the lake's delivery that the publication was built from: neither can be
locked by a refresh, and both are what the ledger was decided with, whatever the registry's files hold now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import duckdb
import pyarrow.parquet as pq

from ingestion.errors import SettingError, near_misses
from ingestion.lake.contract import DELIVERIES, DELIVERY_TOTALS
from ingestion.settings import Home
from ingestion.sources.registry import SOURCE as REGISTRY
from ingestion.sources.registry.shape import OWNERSHIP_RULES
from orchestration.cli.matching import Match, Rule, Rules
from orchestration.cli.output import print_json, publication

# A resource may have thousands of charges: those that are decided alike are one explanation.
SHOWN, CANDIDATES = 20, 5
SHORTEST_PREFIX = 6
SLICE_ID = "slice_id"

COSTS = ("list_cost", "contracted_cost", "effective_cost", "billed_cost")
DECISION = (
    "source",
    "billing_currency",
    "owner_id",
    "ownership_rule_id",
    "evidence_kind",
    "evidence_value",
    "evidence_rank",
    "pool_owner_id",
    "allocation_method",
    "telemetry_status",
    "is_estimated",
    "claims",
    "slice_id",
    "load_id",
)


@dataclass(frozen=True)
class RuleMatch:
    """A rule that matches a claim. `lost_because` is None of the one that won."""

    rule_id: str
    claim: str
    owner_id: str
    priority: int
    evidence_kind: str
    evidence_rank: int
    lost_because: str | None


@dataclass(frozen=True)
class Delivery:
    """Where the charge came from: the slice's delivery, and its files in the lake."""

    slice_id: str
    load_id: str
    extracted_at: str | None
    vendor_version: str | None
    files: list[str]


@dataclass
class Explanation:
    """Charges that are decided alike. Costs are in `billing_currency`."""

    charge_key: str
    charges: int
    description: str | None
    service: str | None
    resource_id: str | None
    first_day: date
    last_day: date
    billing_currency: str
    costs: dict[str, Decimal | None]
    owner_id: str
    owner_name: str | None
    ownership_rule_id: str | None
    evidence: str
    claims: dict[str, str]
    rules: list[RuleMatch] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    delivery: Delivery | None = None


def explain(home: Home, charge_key: str | None, resource: str | None) -> list[Explanation]:
    """What decided a charge, or the charges of a resource; the dearest first. Raises SettingError for an unknown one."""
    with publication(home) as connection:
        if resource:
            condition, value = "resource_id = ?", _known_resource(connection, resource)
        else:
            condition, value = "? in (charge_key, origin_charge_key)", _known_charge(connection, charge_key or "")
        rules = _rules(home, connection)
        groups = connection.execute(
            f"""
            select min(charge_key), count(*), min(charge_description), min(service_name), min(resource_id),
                cast(min(charge_period_start) as date), cast(max(charge_period_start) as date),
                {", ".join(f"sum({cost})" for cost in COSTS)}, min(allocation_ratio), max(allocation_ratio),
                {", ".join(DECISION)}
            from fact_cost where {condition} group by all
            order by sum(effective_cost) desc, min(charge_key)
            """,
            [value],
        ).fetchall()
        return [_explanation(home, connection, rules, row) for row in groups]


def _known_charge(connection: duckdb.DuckDBPyConnection, given: str) -> str:
    """The key of a charge, also from its first characters or the vendor's own id."""
    exact = _values(connection, "charge_key", "? in (charge_key, origin_charge_key)", given)
    if exact:
        return given
    found = _values(connection, "charge_key", "vendor_charge_id = ?", given)
    if not found and len(given) >= SHORTEST_PREFIX:
        found = _values(connection, "charge_key", "starts_with(charge_key, ?)", given)
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingError(
            f"{given!r} names several charges: {', '.join(found)}{' …' * (len(found) == CANDIDATES)}"
        )
    raise SettingError(
        f"no charge has the key {given!r}: take a charge_key (or vendor_charge_id) of fact_cost in the publication, or "
        "name a resource: costowner explain --resource ID"
    )


def _known_resource(connection: duckdb.DuckDBPyConnection, given: str) -> str:
    """A resource's id, also from its name or a part of its id that no other resource has."""
    if _values(connection, "resource_id", "resource_id = ?", given):
        return given
    part = _values(connection, "resource_id", "contains(resource_id, ?)", given)
    found = _values(connection, "resource_id", "resource_name = ?", given) or part
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingError(
            f"{given!r} names several resources: {', '.join(found)}{' …' * (len(found) == CANDIDATES)}"
        )
    known = connection.execute(
        "select distinct resource_id from fact_cost where resource_id is not null"
    ).fetchall()
    close = near_misses(given, (name for (name,) in known))
    raise SettingError(
        f"no charge is of the resource {given!r}{close}"
        + ("" if close else "; fact_cost lists them (column resource_id)")
    )


def _values(connection: duckdb.DuckDBPyConnection, column: str, condition: str, value: str) -> list[str]:
    rows = connection.execute(
        f"select distinct {column} from fact_cost where {condition} and {column} is not null order by 1 limit {CANDIDATES}",
        [value],
    ).fetchall()
    return [str(found) for (found,) in rows]


def _rules(home: Home, connection: duckdb.DuckDBPyConnection) -> Rules:
    """The rules that the publication was built with."""
    loads = connection.execute(
        "select load_id from fact_delivery where dataset = ?", [REGISTRY.dataset]
    ).fetchall()
    folder = home.lake / REGISTRY.dataset / OWNERSHIP_RULES.name
    files = [file for (load,) in loads for file in sorted(folder.glob(f"{load}.*.parquet"))]
    return Rules(Rule.of(row) for file in files for row in pq.read_table(file, partitioning=None).to_pylist())


def _explanation(
    home: Home, connection: duckdb.DuckDBPyConnection, rules: Rules, row: tuple[Any, ...]
) -> Explanation:
    key, charges, description, service, resource, first, last, *rest = row
    costs, (smallest, largest), decision = (
        rest[: len(COSTS)],
        rest[len(COSTS) : -len(DECISION)],
        rest[-len(DECISION) :],
    )
    decided = dict(zip(DECISION, decision, strict=True))
    claims: dict[str, str] = json.loads(decided["claims"] or "{}")
    name = connection.execute(
        "select name from dim_owner where owner_id = ? order by is_current desc limit 1", [decided["owner_id"]]
    ).fetchone()
    return Explanation(
        charge_key=key,
        charges=charges,
        description=description,
        service=service,
        resource_id=resource,
        first_day=first,
        last_day=last,
        billing_currency=decided["billing_currency"],
        costs=dict(zip(COSTS, costs, strict=True)),
        owner_id=decided["owner_id"],
        owner_name=name[0] if name else None,
        ownership_rule_id=decided["ownership_rule_id"],
        evidence=f"{decided['evidence_kind']} (rank {decided['evidence_rank']})",
        claims=claims,
        rules=list(_matches(rules.ranked(claims, last), decided["ownership_rule_id"])),
        steps=list(_steps(decided, smallest, largest)),
        delivery=_delivery(home, connection, decided["slice_id"], decided["load_id"]),
    )


def _matches(ranked: list[Match], winner_id: str | None) -> Iterator[RuleMatch]:
    winner = next((match for match in ranked if match.rule.rule_id == winner_id), None)
    for match in ranked:
        rule, lost = match.rule, None
        if match is not winner:
            lost = winner.why_before(match) if winner else "the ledger was built with other rules"
        yield RuleMatch(
            rule.rule_id,
            f"{rule.claim}={match.value}" + (f" (pattern {rule.value})" if rule.is_pattern else ""),
            rule.owner_id,
            rule.priority,
            match.evidence.kind,
            match.evidence.rank,
            lost,
        )


def _steps(decided: dict[str, Any], smallest: Decimal | None, largest: Decimal | None) -> Iterator[str]:
    """How the vendor's charge became this one: the split by requests, then the owner's pool."""
    share = "" if smallest is None else f", ratio {smallest}" + (f" to {largest}" if largest != smallest else "")
    is_pooled = decided["pool_owner_id"] is not None
    if decided["is_estimated"]:
        yield "estimated at list price from requests that no bill covers yet"
    elif decided["telemetry_status"] == "metered":
        yield "split by tokens over the requests of the same provider, model, day and token class" + (
            "" if is_pooled else share
        )
    elif decided["telemetry_status"] == "unmetered":
        yield "the part of the bill that no request explains (unmetered)" + ("" if is_pooled else share)
    if is_pooled:
        yield f"shared pool {decided['pool_owner_id']}: allocated {decided['allocation_method']}{share}"


def _delivery(home: Home, connection: duckdb.DuckDBPyConnection, slice_id: str, load_id: str) -> Delivery:
    found = connection.execute(
        "select dataset, strftime(extracted_at, '%Y-%m-%d %H:%M:%S'), vendor_version from fact_delivery "
        "where slice_id = ? and load_id = ?",
        [slice_id, load_id],
    ).fetchone()
    if found is None:
        return Delivery(slice_id, load_id, None, None, [])
    dataset, extracted_at, vendor_version = found
    return Delivery(
        slice_id, load_id, extracted_at, vendor_version, _files(home.lake / dataset, load_id, slice_id)
    )


def _files(dataset: Path, load_id: str, slice_id: str) -> list[str]:
    """The files of a load that hold rows of a slice. A vendor's own file has no column of slices: its load is one slice."""
    notes = (DELIVERIES.name, DELIVERY_TOTALS.name)
    found = []
    for file in sorted(dataset.glob(f"*/{load_id}.*.parquet")):
        if file.parent.name in notes:
            continue
        if SLICE_ID not in pq.read_schema(file).names or _holds(file, slice_id):
            found.append(str(file))
    return found


def _holds(file: Path, slice_id: str) -> bool:
    rows = pq.read_table(file, columns=[SLICE_ID], filters=[(SLICE_ID, "=", slice_id)], partitioning=None)
    return bool(rows.num_rows)


def print_explanations(explanations: list[Explanation], as_json: bool) -> None:
    """Each explanation in the order of the ledger's own steps."""
    if as_json:
        print_json([asdict(found) for found in explanations])
        return
    for found in explanations[:SHOWN]:
        click.echo("\n".join(_text(found)))
        click.echo()
    if len(explanations) > SHOWN:
        click.echo(f"… and {len(explanations) - SHOWN} more that cost less; --json lists all")


def _text(found: Explanation) -> Iterator[str]:
    days = f"{found.first_day}" + (f" to {found.last_day}" if found.last_day != found.first_day else "")
    count = f" and {found.charges - 1} charges decided alike" if found.charges > 1 else ""
    yield f"charge {found.charge_key}{count}, {days}"
    yield f"  what       {' · '.join(text for text in (found.service, found.description) if text)}"
    if found.resource_id:
        yield f"  resource   {found.resource_id}"
    amounts = [
        f"{name.removesuffix('_cost')} {cost.normalize():f}"
        for name, cost in found.costs.items()
        if cost is not None
    ]
    yield f"  cost       {', '.join(amounts)} {found.billing_currency}"
    rule = f"rule {found.ownership_rule_id}" if found.ownership_rule_id else "no rule matches"
    yield f"  owner      {found.owner_name or found.owner_id} ({found.owner_id}): {rule}, evidence {found.evidence}"
    yield from _listed("claims", [f"{kind}={value}" for kind, value in found.claims.items()])
    yield from _listed("rules", [_rule_text(match) for match in found.rules])
    yield from _listed("steps", found.steps or ["none: the whole charge is its owner's"])
    if delivery := found.delivery:
        version = f", vendor's version {delivery.vendor_version}" if delivery.vendor_version else ""
        extracted = f", extracted {delivery.extracted_at} UTC" if delivery.extracted_at else ""
        yield f"  delivery   slice {delivery.slice_id}, load {delivery.load_id}{extracted}{version}"
        for file in delivery.files:
            yield f"             {file}"


def _listed(heading: str, lines: list[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f"  {heading if index == 0 else '':<11}{line}"


def _rule_text(match: RuleMatch) -> str:
    outcome = f"lost: {match.lost_because}" if match.lost_because else "won"
    return (
        f"{match.rule_id} → {match.owner_id} by {match.claim} (priority {match.priority}, {match.evidence_kind}, "
        f"rank {match.evidence_rank}): {outcome}"
    )
