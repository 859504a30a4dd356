"""The owners' scoreboard: who spends what, how much of it is owned, and whether the numbers can be trusted."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from ingestion.settings import PROJECT_ROOT, Home


def _money(amount: object) -> str:
    return f"{Decimal(str(amount)):,.2f}"


def _table(title: str, headings: list[str], rows: list[tuple[Any, ...]]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(str(value) for value in row))
    return table


def tables(database: Path) -> list[Table]:
    """The scoreboard's tables from a published database; one set of columns a currency, never added up."""
    with duckdb.connect(str(database), read_only=True) as connection:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        months = [
            str(month)
            for (month,) in rows("select distinct billing_month from owner_statement order by 1 desc limit 2")
        ]
        latest, before = [*months, "-", "-"][:2]
        owners = rows(
            f"""
            select coalesce(team.name, statement.team_owner_id), statement.billing_currency,
                sum(statement.effective_cost) filter (where billing_month = '{before}'),
                sum(statement.effective_cost) filter (where billing_month = '{latest}'),
                sum(statement.effective_cost) filter (where attribution_type = 'owned'),
                sum(statement.effective_cost) filter (where attribution_type = 'allocated')
            from owner_statement as statement
            left join dim_owner as team on statement.team_owner_id = team.owner_id and team.is_current
            group by 1, 2
            order by sum(statement.effective_cost) desc, 1
            """
        )
        attribution = rows(
            """
            select attribution_type, billing_currency, sum(effective_cost),
                100 * sum(effective_cost) / sum(sum(effective_cost)) over (partition by billing_currency)
            from owner_statement group by 1, 2 order by 3 desc
            """
        )
        sources = rows(
            """
            select source, billing_currency, sum(delivered_billed_cost), sum(estimated_billed_cost),
                sum(fact_billed_cost), sum(billed_difference), sum(fact_effective_cost), bool_and(is_reconciled)
            from fact_reconciliation group by 1, 2 order by 1, 2
            """
        )
        freshness = rows(
            "select source, newest_charge_at, last_extracted_at, freshness_sla_hours, slice_count "
            "from source_freshness order by 1"
        )
    zero = Decimal(0)
    return [
        _table(
            "Spend by owner (effective cost, whole history)",
            ["owner", "currency", before, latest, "owned", "allocated"],
            [(name, currency, *(_money(value or zero) for value in values)) for name, currency, *values in owners],
        ),
        _table(
            "How it is owned",
            ["", "currency", "effective cost", "share"],
            [(name, currency, _money(cost), f"{share:.1f} %") for name, currency, cost, share in attribution],
        ),
        _table(
            "Reconciliation of billed cost: delivered by the source + estimated until the bill = in the ledger",
            ["source", "currency", "delivered", "estimated", "ledger", "difference", "effective", "exact"],
            [
                (
                    name,
                    currency,
                    _money(delivered),
                    _money(estimated),
                    _money(ledger),
                    f"{difference.normalize():f}",
                    _money(effective),
                    "yes" if ok else "NO",
                )
                for name, currency, delivered, estimated, ledger, difference, effective, ok in sources
            ],
        ),
        _table(
            "Freshness",
            ["source", "newest charge (UTC)", "last refreshed (UTC)", "freshness SLA"],
            [
                (
                    name,
                    f"{newest:%Y-%m-%d %H:%M}" if newest else "-",
                    f"{refreshed:%Y-%m-%d %H:%M}" if refreshed else "-",
                    f"{sla} h" if count else "not set up",
                )
                for name, newest, refreshed, sla, count in freshness
            ],
        ),
    ]


def show(home: Home, console: Console) -> None:
    """Print the scoreboard, and where to look next."""
    database = home.database
    for table in tables(database):
        console.print(table)
        console.print()
    console.print(f"Published: {database} and {home.published / 'parquet'}")
    console.print(
        f"Next: `{ui_command(home)}` shows lineage, checks and freshness on http://127.0.0.1:3000. BI tools: docs/bi.md."
    )


def ui_command(home: Home) -> str:
    """The command that opens the Dagster UI on an installation."""
    of_checkout = {PROJECT_ROOT / "var" / "sample": "make ui", PROJECT_ROOT / "var" / "own": "make own-ui"}
    return of_checkout.get(home.root, "costowner ui")
