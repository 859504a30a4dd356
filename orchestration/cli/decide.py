"""Budgets and forecasts in a terminal, from the published marts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

import click

from ingestion.settings import Home
from orchestration.cli.output import amount, print_json, print_table, publication, read

# Series of a forecast, in the order in which they are shown.
KINDS = ("all", "owner", "owner and source", "budget")


@dataclass(frozen=True)
class Budget:
    """A budget on its newest complete day. Amounts are in `currency`; `forecast` is of the whole month."""

    budget: str
    owner: str
    workflow: str | None
    day: date
    currency: str
    amount: Decimal
    spent: Decimal
    estimated: Decimal
    left: Decimal
    expected: Decimal
    forecast: Decimal | None
    low: Decimal | None
    high: Decimal | None
    breach: date | None
    status: str


@dataclass(frozen=True)
class Forecast:
    """What a period will have cost, as of a day; `low` and `high` hold 80 %, None where the history is too short."""

    series: str
    name: str
    currency: str
    start: date
    end: date
    day: date
    spent: Decimal
    forecast: Decimal
    low: Decimal | None
    high: Decimal | None
    is_history_short: bool


def budgets(home: Home) -> list[Budget]:
    """The budgets of the running month, those that are over first."""
    with publication(home) as connection:
        return read(
            connection,
            Budget,
            """
            select budget_id, owner_id, workflow_id, status_day, billing_currency, budget_amount, spent_cost,
                estimated_cost, left_amount, expected_amount, forecast_cost, forecast_cost_low, forecast_cost_high,
                breach_day, status
            from fact_budget_status where is_newest
            order by status = 'within', status, left_amount / nullif(budget_amount, 0), budget_id
            """,
        )


def forecasts(home: Home, horizon: str, owner: str | None) -> list[Forecast]:
    """The forecasts of a horizon, of all owners or of one."""
    with publication(home) as connection:
        return read(
            connection,
            Forecast,
            f"""
            select series_kind, series_id, billing_currency, period_start, period_end, as_of_day, spent_cost,
                forecast_cost, forecast_cost_low, forecast_cost_high, is_history_short
            from forecast where horizon = ? and (? is null or owner_id = ?)
            order by list_position({list(KINDS)}, series_kind), billing_currency, forecast_cost desc, series_id
            """,
            [horizon, owner, owner],
        )


def print_budgets(found: list[Budget], as_json: bool) -> None:
    """The budgets as a table, or as JSON."""
    if as_json:
        print_json([asdict(budget) for budget in found])
        return
    if not found:
        click.echo("No budget holds today: declare some in registry/budgets.yml, then `costowner refresh`.")
        return
    print_table(
        f"Budgets of {found[0].day:%Y-%m}, as of {found[0].day}",
        [
            "budget",
            "owner",
            "status",
            "currency",
            "budget",
            "spent",
            "even month",
            "forecast",
            "80 % from",
            "to",
            "over on",
        ],
        [
            (
                budget.budget,
                budget.owner + (f", {budget.workflow}" if budget.workflow else ""),
                budget.status,
                budget.currency,
                amount(budget.amount),
                amount(budget.spent),
                amount(budget.expected),
                amount(budget.forecast),
                amount(budget.low),
                amount(budget.high),
                str(budget.breach or "-"),
            )
            for budget in found
        ],
        texts=4,
    )
    click.echo("Several budgets may hold the same cost: they are not added up.")


def print_forecasts(found: list[Forecast], as_json: bool) -> None:
    """The forecasts as a table, or as JSON."""
    if as_json:
        print_json([asdict(forecast) for forecast in found])
        return
    if not found:
        click.echo("No forecast: the ledger has no cost of this owner yet.")
        return
    print_table(
        f"Effective cost from {found[0].start} to {found[0].end}",
        ["series", "", "currency", "spent", "as of", "forecast", "80 % from", "to", ""],
        [
            (
                forecast.series,
                forecast.name,
                forecast.currency,
                amount(forecast.spent),
                str(forecast.day),
                amount(forecast.forecast),
                amount(forecast.low),
                amount(forecast.high),
                "short history" if forecast.is_history_short else "",
            )
            for forecast in found
        ],
        texts=3,
    )
    click.echo("Series overlap: they are not added up.")
