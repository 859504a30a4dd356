"""`costowner registry check`: what is wrong with the declarations, and which of them do nothing. Nothing is landed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import click
import duckdb

from ingestion.errors import near_misses
from ingestion.settings import Home, resolve
from ingestion.sources.registry.check import problems
from ingestion.sources.registry.client import Entry, Registry, RegistryError, read
from ingestion.sources.registry.globs import covers
from ingestion.sources.registry.shape import ends, owner_entries, rule_rows, starts
from ingestion.sources.registry.source import RegistrySettings
from orchestration.cli.matching import Match, Rule, Rules
from orchestration.cli.output import money, print_json, publication

# How many billing months of the ledger rules are held against, and how many claims without a rule the terminal shows.
MONTHS, SHOWN = 3, 15

# The claims that requests make, with their columns in `fact_llm_request`. A request that no bill covers yet, or whose bill
# is split otherwise, makes them all the same.
CLAIMS_OF_REQUESTS = {
    "signed_actor": "actor_id",
    "signed_team": "actor_team",
    "llm_key": "key_hash",
    "llm_key_alias": "key_alias",
    "request_team": "team_id",
    "request_service": "service_id",
    "request_workflow": "workflow_id",
    "request_feature": "feature",
    "request_customer": "customer_id",
}

Amounts = dict[str, Decimal]


@dataclass
class Claim:
    """A claim that charges of the ledger make. `cost`, and `unowned` of it, are effective cost by currency."""

    kind: str
    value: str
    first: date
    last: date
    cost: Amounts = field(default_factory=lambda: defaultdict(Decimal))
    unowned: Amounts = field(default_factory=lambda: defaultdict(Decimal))
    winners: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return f"{self.kind}={self.value}"


@dataclass(frozen=True)
class Ledger:
    """What the published ledger holds against the rules: the claims of its last months, and all rules that ever won.

    `requests` are the claims, as (kind, value), of the requests of these months.
    """

    months: list[str]
    claims: list[Claim]
    winners: set[str]
    requests: set[tuple[str, str]]


@dataclass(frozen=True)
class Report:
    """What a check found. An error is a declaration that can't do what it is meant to; a warning, one that does nothing."""

    registry: Path
    errors: list[str]
    warnings: list[str] = field(default_factory=list)
    months: list[str] = field(default_factory=list)
    unnamed: list[Claim] = field(default_factory=list)
    # Of the warnings, those of rules that match nothing.
    unmatched: dict[str, str] = field(default_factory=dict)


def registry_folder(home: Home) -> Path:
    """The registry that a refresh of this installation reads."""
    settings = resolve(RegistrySettings, "registry")
    return Path(settings.path) if settings and settings.path else home.registry


def check(home: Home) -> Report:
    """Check the registry of an installation, also against its publication where there is one."""
    folder = registry_folder(home)
    try:
        registry = read(folder)
    except RegistryError as error:
        first, *lines = str(error).splitlines()
        return Report(folder, lines or [first])
    errors = problems(registry)
    if errors:
        return Report(folder, errors)
    rules = Rules(Rule.of(row) for row in rule_rows(registry))
    places = {entry.fields["id"]: entry for entry in registry.rules}
    warnings = [*_pools_without_effect(registry), *_outside_of_their_owner(registry), *_shadowed(rules, places)]
    if not home.database.exists():
        return Report(folder, [], warnings)
    with publication(home) as connection:
        ledger = _ledger(connection)
    beaten, unmatched = _without_effect(rules, places, ledger)
    return Report(
        folder, [], [*warnings, *beaten, *unmatched.values()], ledger.months, _unnamed(rules, ledger), unmatched
    )


def _overlap(one: Entry, other: Entry) -> bool:
    return max(starts(one.fields), starts(other.fields)) < min(ends(one.fields), ends(other.fields))


def _pools_without_effect(registry: Registry) -> Iterator[str]:
    """Pools that get no cost, and shared cost that nobody shares."""
    named = {entry.fields["owner"] for entry in registry.rules}
    shared = {entry.fields["owner"] for entry in registry.pools}
    for entry in registry.pools:
        if entry.fields["owner"] not in named and "*" not in named:
            yield f"{entry.place}: no rule gives cost to the pool {entry.fields['owner']!r}: it allocates nothing"
    for entry in owner_entries(registry):
        owner = entry.fields["id"]
        if entry.fields["kind"] == "shared pool" and owner not in shared:
            yield f"{entry.place}: shared pool {owner!r} is not in allocation_pools.yml: its cost stays unallocated"


def _outside_of_their_owner(registry: Registry) -> Iterator[str]:
    """Rules that hold on no day of their owner's."""
    for entry in registry.rules:
        versions = [owner for owner in owner_entries(registry) if owner.fields["id"] == entry.fields["owner"]]
        if versions and not any(_overlap(entry, owner) for owner in versions):
            yield (
                f"{entry.place}: rule {entry.fields['id']!r} holds on no day on which its owner {entry.fields['owner']!r} "
                f"is declared ({versions[0].place})"
            )


def _shadowed(rules: Rules, places: dict[str, Entry]) -> Iterator[str]:
    """Rules that another one always beats: for the same claims, on all of their days."""
    by_claim: dict[str, list[Match]] = defaultdict(list)
    by_id: dict[str, list[Match]] = defaultdict(list)
    for rule in rules.rules:
        if evidence := rules.evidence_of(rule):
            match = Match(rule, rule.value, evidence)
            by_claim[rule.claim].append(match)
            by_id[rule.rule_id].append(match)
    for rule_id, rows in by_id.items():
        winners = [next((one for one in by_claim[row.rule.claim] if _shadows(one, row)), None) for row in rows]
        found = [winner for winner in winners if winner is not None]
        if len(found) == len(rows):
            winner = found[0]
            yield (
                f"{places[rule_id].place}: rule {rule_id!r} never wins: {winner.rule.rule_id!r} "
                f"({places[winner.rule.rule_id].place}) matches the same claims on the same days, and "
                f"{winner.why_before(rows[0])}"
            )


def _shadows(one: Match, other: Match) -> bool:
    wide, narrow = one.rule, other.rule
    return (
        wide.rule_id != narrow.rule_id
        and one.order < other.order
        and wide.valid_from <= narrow.valid_from
        and narrow.valid_to <= wide.valid_to
        and (
            covers(wide.value, narrow.value)
            if wide.is_pattern
            else not narrow.is_pattern and wide.value == narrow.value
        )
    )


def _ledger(connection: duckdb.DuckDBPyConnection) -> Ledger:
    months = [
        str(month)
        for (month,) in connection.execute(
            f"select distinct billing_month from fact_cost order by 1 desc limit {MONTHS}"
        ).fetchall()
    ]
    oldest = min(months, default="")
    groups = connection.execute(
        f"""
        select claims, ownership_rule_id, billing_currency, cast(min(charge_period_start) as date),
            cast(max(charge_period_start) as date), sum(effective_cost)
        from fact_cost where billing_month >= '{oldest}' and claims is not null group by all
        """
    ).fetchall()
    found: dict[tuple[str, str], Claim] = {}
    for claims, winner, currency, first, last, cost in groups:
        for kind, value in json.loads(claims).items():
            claim = found.setdefault((kind, value), Claim(kind, value, first, last))
            claim.first, claim.last = min(claim.first, first), max(claim.last, last)
            claim.cost[currency] += cost or Decimal(0)
            if winner is None:
                claim.unowned[currency] += cost or Decimal(0)
            else:
                claim.winners.add(winner)
    won = connection.execute("select distinct ownership_rule_id from fact_cost").fetchall()
    winners = {rule_id for (rule_id,) in won if rule_id}
    return Ledger(months, list(found.values()), winners, _claims_of_requests(connection, oldest))


def _claims_of_requests(connection: duckdb.DuckDBPyConnection, oldest: str) -> set[tuple[str, str]]:
    # A publication of an earlier release may lack a column.
    columns = {
        column
        for (column,) in connection.execute(
            "select column_name from duckdb_columns() where table_name = 'fact_llm_request'"
        ).fetchall()
    }
    return {
        (kind, str(value))
        for kind, column in CLAIMS_OF_REQUESTS.items()
        if column in columns
        for (value,) in connection.execute(
            f"select distinct {column} from fact_llm_request "
            f"where billing_month >= '{oldest}' and {column} is not null"
            + (" and identity_status = 'verified'" if kind.startswith("signed_") else "")
        ).fetchall()
    }


def _without_effect(rules: Rules, places: dict[str, Entry], ledger: Ledger) -> tuple[list[str], dict[str, str]]:
    """Rules that never won a charge: those that others beat; by rule those that no charge and no request matches."""
    beaten: list[str] = []
    unmatched: dict[str, str] = {}
    if not ledger.claims:
        return beaten, unmatched
    first, last = (min(claim.first for claim in ledger.claims), max(claim.last for claim in ledger.claims))
    matched: dict[str, list[Claim]] = defaultdict(list)
    for claim in ledger.claims:
        for match in rules.matching(claim.kind, claim.value, claim.first, claim.last):
            matched[match.rule.rule_id].append(claim)
    of_requests = {
        match.rule.rule_id for kind, value in ledger.requests for match in rules.matching(kind, value, first, last)
    }
    by_id: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules.rules:
        if rule.holds_between(first, last):
            by_id[rule.rule_id].append(rule)
    for rule_id, rows in by_id.items():
        place = places[rule_id].place
        if rule_id in ledger.winners:
            continue
        if rule_id not in matched:
            if rule_id not in of_requests:
                unmatched[rule_id] = (
                    f"{place}: rule {rule_id!r} ({_named(rows)}) matched no charge of {_span(ledger)}: "
                    f"{_nearest(rows, ledger)}"
                )
            continue
        winners = sorted({winner for claim in matched[rule_id] for winner in claim.winners})
        if winners:
            beaten.append(
                f"{place}: rule {rule_id!r} ({_named(rows)}) matches charges and won none; "
                f"{', '.join(repr(winner) for winner in winners[:3])} won them"
            )
    return beaten, unmatched


def _named(rows: list[Rule]) -> str:
    return str(rows[0]) if len(rows) == 1 else f"{rows[0].claim} = an owner"


def _span(ledger: Ledger) -> str:
    return f"{ledger.months[-1]} to {ledger.months[0]}"


def _nearest(rows: list[Rule], ledger: Ledger) -> str:
    """What the ledger claims instead of what a rule names, with its money."""
    kind = rows[0].claim
    kinds = {claim.kind for claim in ledger.claims}
    if kind not in kinds:
        return f"no charge makes a claim of kind {kind!r}{near_misses(kind, kinds)}"
    values = {claim.value: claim for claim in ledger.claims if claim.kind == kind}
    near = near_misses(rows[0].value, values) if len(rows) == 1 else ""
    close = [claim for value, claim in values.items() if repr(value) in near]
    return f"no charge claims this value{near}" + "".join(
        f" {claim} costs {money(claim.cost)}" for claim in close[:1]
    )


def _unnamed(rules: Rules, ledger: Ledger) -> list[Claim]:
    """Claims that no rule names, of kinds that rules use or of cost without an owner.

    The dearest unowned first; of claims on the same unowned cost, the one that claims the least beside it.
    """
    used = {rule.claim for rule in rules.rules}
    found = [
        claim
        for claim in ledger.claims
        if (claim.kind in used or claim.unowned)
        and not rules.matching(claim.kind, claim.value, claim.first, claim.last)
    ]

    def order(claim: Claim) -> tuple[Decimal, Decimal, str]:
        cost = _largest(claim.cost)
        return (-_largest(claim.unowned), cost if claim.unowned else -cost, str(claim))

    return sorted(found, key=order)


def _largest(amounts: Amounts) -> Decimal:
    """To sort by; amounts of currencies are not added."""
    return max(amounts.values(), default=Decimal(0))


def print_report(report: Report, as_json: bool) -> None:
    """The whole report, errors first."""
    if as_json:
        print_json(
            {
                "registry": report.registry,
                "errors": report.errors,
                "warnings": report.warnings,
                "months": report.months,
                "claims_without_a_rule": [
                    {
                        "kind": claim.kind,
                        "value": claim.value,
                        "cost": dict(claim.cost),
                        "unowned": dict(claim.unowned),
                    }
                    for claim in report.unnamed
                ],
            }
        )
        return
    for level, lines in (("error", report.errors), ("warning", report.warnings)):
        for line in lines:
            click.echo(f"{level}: {line}")
    if report.unnamed:
        click.echo(
            f"claims that no rule names ({report.months[-1]} to {report.months[0]}, effective cost; a charge makes several):"
        )
        for line in _lines(report.unnamed[:SHOWN]):
            click.echo(line)
        if len(report.unnamed) > SHOWN:
            click.echo(f"  … and {len(report.unnamed) - SHOWN} more; --json lists all")
    state = "has errors: a refresh would not do what it declares" if report.errors else "is valid"
    click.echo(
        f"the registry in {report.registry} {state} ({len(report.errors)} errors, {len(report.warnings)} warnings)"
    )


def _lines(claims: Iterable[Claim]) -> Iterator[str]:
    for claim in claims:
        unowned = f", unowned {money(claim.unowned)}" if claim.unowned else ""
        yield f"  {claim}: {money(claim.cost)}{unowned}"
