"""Why an owner's month costs more or less than the one before, in a terminal, from the published marts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal

import click
import duckdb

from ingestion.errors import SettingError
from ingestion.settings import Home
from orchestration.cli.incidents import COLUMNS as INCIDENT_COLUMNS
from orchestration.cli.incidents import Incident
from orchestration.cli.output import amount, print_json, print_table, publication, read

# Columns of cost_change, in the order in which they are shown, with their meaning.
CAUSES = {
    "moved": "resources and workflows that changed hands",
    "new": "services and units that were not there before",
    "gone": "services and units that are not there any more",
    "usage": "another quantity at the mix and prices of before",
    "price": "other list prices",
    "discount": "another share of list price that is paid",
    "mix": "other items of the same unit",
    "shared": "parts of pools",
    "calendar": "fees, seats, tax and credits",
    "one_off": "one-off purchases and adjustments",
}
SHOWN = 10


@dataclass(frozen=True)
class Change:
    """The change of one service and unit of an owner, or of owners below it, in `currency`, with its parts by cause."""

    source: str
    service: str
    unit: str | None
    currency: str
    earlier: Decimal
    cost: Decimal
    change: Decimal
    causes: dict[str, Decimal]

    @property
    def mostly(self) -> str:
        """The cause with the largest part."""
        name = max(self.causes, key=lambda cause: abs(self.causes[cause]))
        return f"{name.replace('_', '-')} {amount(self.causes[name])}" if self.causes[name] else "-"


@dataclass(frozen=True)
class Explanation:
    """An owner's month beside the same days of the month before."""

    owner: str
    month: str
    changes: list[Change]
    incidents: list[Incident]


def _owners(connection: duckdb.DuckDBPyConnection, owner: str) -> list[str]:
    """The owner and all below it. Raises SettingError where nobody is named so."""
    found = connection.execute(
        "select owner_id from dim_owner where is_current and instr(' / ' || owner_path || ' / ', ' / ' || ? || ' / ') > 0",
        [owner],
    ).fetchall()
    if not found:
        raise SettingError(f"no owner {owner!r}: `costowner status` lists them")
    return [owner_id for (owner_id,) in found]


def explain(home: Home, owner: str, month: str | None) -> Explanation:
    """What changed for an owner and all below it, in a month or the newest one."""
    with publication(home) as connection:
        owners = _owners(connection, owner)
        months = [
            one
            for (one,) in connection.execute(
                "select distinct billing_month from cost_change where list_contains(?, owner_id) order by 1 desc",
                [owners],
            ).fetchall()
        ]
        if month is None and months:
            month = months[0]
        if month not in months:
            known = f"there are {months[-1]} to {months[0]}" if months else "the ledger has no two months of it"
            raise SettingError(f"no comparison of {month or 'a month'} for {owner!r}: {known}")
        sums = ", ".join(f"sum({name}_cost)" for name in CAUSES)
        rows = connection.execute(
            f"""
            select source, service_name, consumed_unit, billing_currency, sum(earlier_cost), sum(cost), sum(change_cost), {sums}
            from cost_change where billing_month = ? and list_contains(?, owner_id)
            group by 1, 2, 3, 4 order by billing_currency, abs(sum(change_cost)) desc, 1, 2, 3
            """,
            [month, owners],
        ).fetchall()
        incidents = read(
            connection,
            Incident,
            f"""
            select {INCIDENT_COLUMNS} from fact_incident
            where list_contains(?, owner_id) and ? between strftime(first_day, '%Y-%m') and strftime(last_day, '%Y-%m')
            order by abs(impact_cost) desc
            """,
            [owners, month],
        )
    changes = [
        Change(source, service, unit, currency, earlier, cost, change, dict(zip(CAUSES, causes, strict=True)))
        for source, service, unit, currency, earlier, cost, change, *causes in rows
    ]
    return Explanation(owner, str(month), changes, incidents)


def print_explanation(found: Explanation, as_json: bool) -> None:
    """The explanation as tables, or as JSON."""
    if as_json:
        print_json(asdict(found))
        return
    for currency in sorted({change.currency for change in found.changes}):
        changes = [change for change in found.changes if change.currency == currency]
        cost, earlier = (sum((getattr(one, name) for one in changes), Decimal(0)) for name in ("cost", "earlier"))
        click.echo(
            f"{found.owner} in {found.month}: {amount(cost)} {currency}, in the same days of the month before "
            f"{amount(earlier)}: {cost - earlier:+,.2f}"
        )
        causes = {name: sum((one.causes[name] for one in changes), Decimal(0)) for name in CAUSES}
        print_table(
            "Why",
            ["cause", "", "change"],
            [
                (name.replace("_", "-"), meaning, f"{causes[name]:+,.2f}")
                for name, meaning in CAUSES.items()
                if round(causes[name], 2)
            ],
            texts=2,
        )
        print_table(
            "Where",
            ["source", "service", "unit", "mostly", "before", "now", "change"],
            [
                (
                    one.source,
                    one.service,
                    one.unit or "-",
                    one.mostly,
                    amount(one.earlier),
                    amount(one.cost),
                    f"{one.change:+,.2f}",
                )
                for one in changes[:SHOWN]
            ],
            texts=4,
        )
    for incident in found.incidents:
        click.echo(
            f"Incident {incident.short}: {incident.thing}, {incident.span}, a {incident.direction} of "
            f"{amount(abs(incident.impact))} {incident.currency} (`costowner incidents {incident.short}`)"
        )
