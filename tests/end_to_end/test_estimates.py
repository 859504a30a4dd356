"""AI spend that no bill covers is estimated from priced requests, until the bill arrives and replaces the estimate."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sample_company.llm.models import ACCOUNTS, CLASSES, GPT_OSS
from sample_company.llm.requests import requests
from sample_company.world import World
from tests.end_to_end.conftest import SECOND, Company

pytestmark = pytest.mark.slow

# Groq bills less than its list price, and so far only up to and including this day.
BILLED_UNTIL = date(2026, 10, 20)
DISCOUNT = Decimal("0.9")
MONTHS = ("--months", "2026-09..2026-10")

Costs = dict[tuple[date, str], tuple[int, Decimal]]


def true_costs(world: World, as_of: date, since: date) -> Costs:
    """Tokens and list price of the sample company's true Groq requests, by day and token class."""
    found: dict[tuple[date, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for day in world.days(as_of):
        for request in requests(world, day):
            if request.billed and request.model is GPT_OSS and day >= since:
                for token_class, count in zip(CLASSES, request.tokens, strict=True):
                    if count:
                        tokens, cost = found[day, token_class]
                        found[day, token_class] = tokens + count, cost + request.model.cost(token_class, count)
    return dict(found)


def write_bill(costs: Costs, file: Path) -> None:
    with file.open("w", newline="") as opened:
        lines = csv.writer(opened)
        lines.writerow(
            ["day", "provider", "account", "model", "token_class", "quantity", "unit", "amount", "currency"]
        )
        for (day, token_class), (tokens, cost) in sorted(costs.items()):
            head = [day.isoformat(), "Groq", ACCOUNTS["groq"], GPT_OSS.wire, token_class]
            lines.writerow([*head, tokens, "Tokens", format(cost * DISCOUNT, "f"), "USD"])


ESTIMATES = """
    select cast(charge_period_start as date), ai_token_class, cast(sum(consumed_quantity) as bigint), sum(billed_cost)
    from fact_cost where is_estimated group by all
"""


def queried(company: Company, sql: str) -> Costs:
    return {(day, token_class): (tokens, cost) for day, token_class, tokens, cost in company.query(sql)}


@pytest.fixture(scope="module")
def refreshed(
    staged_company: Callable[[str, date], Company], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The estimates before Groq's bill, and the installation after the bill is delivered."""
    company = staged_company("estimates", SECOND)
    company.refresh(*MONTHS)
    before = {
        "estimates": queried(company, ESTIMATES),
        "whole": company.query("select sum(billed_cost) from fact_cost where ai_provider = 'groq'"),
    }
    folder = tmp_path_factory.mktemp("bills")
    truth = true_costs(company.stage.world, SECOND, date(2026, 10, 1))
    write_bill({key: value for key, value in truth.items() if key[0] <= BILLED_UNTIL}, folder / "2026-10.csv")
    company.settings["SOURCES__LLM_PROVIDERS__COSTS_URL"] = str(folder)
    company.refresh(*MONTHS)
    return {"before": before, "company": company}


def test_estimates_equal_the_list_price_of_requests_that_no_bill_covers(refreshed: dict[str, Any]) -> None:
    """Exactly, by day and token class. A provider with a bill has none: Bedrock's requests are on AWS's bill."""
    company: Company = refreshed["company"]
    truth = true_costs(company.stage.world, SECOND, date(2026, 9, 1))
    assert refreshed["before"]["estimates"] == truth and len(truth) > 50
    assert refreshed["before"]["whole"] == [(sum(cost for _, cost in truth.values()),)]


def test_bill_replaces_the_estimates_of_its_days(refreshed: dict[str, Any]) -> None:
    """The bill is lower than the estimates, and the bill counts. Later days and September stay estimated."""
    company: Company = refreshed["company"]
    truth = true_costs(company.stage.world, SECOND, date(2026, 9, 1))
    first = date(2026, 10, 1)
    unbilled = {key: value for key, value in truth.items() if not first <= key[0] <= BILLED_UNTIL}
    assert queried(company, ESTIMATES) == unbilled and {day.month for day, _ in unbilled} == {9, 10}
    billed = queried(company, ESTIMATES.replace("is_estimated", "source = 'llm_costs'"))
    assert billed == {
        key: (tokens, cost * DISCOUNT) for key, (tokens, cost) in truth.items() if key not in unbilled
    }


def test_replaced_estimates_are_a_restatement(refreshed: dict[str, Any]) -> None:
    company: Company = refreshed["company"]
    before = sum(cost for (day, _), (_, cost) in refreshed["before"]["estimates"].items() if day.month == 10)
    after = sum(cost for (day, _), (_, cost) in queried(company, ESTIMATES).items() if day.month == 10)
    assert company.query(
        "select billing_month, reason, sum(billed_change) from fact_restatement "
        "where source = 'llm_gateway' and billed_change <> 0 group by all"
    ) == [("2026-10", "other deliveries", after - before)]


def test_estimates_are_part_of_no_invoice_and_of_every_total(refreshed: dict[str, Any]) -> None:
    company: Company = refreshed["company"]
    assert company.query("select count(*) from fact_reconciliation where not is_reconciled") == [(0,)]
    rows = company.query(
        "select sum(delivered_billed_cost), sum(estimated_billed_cost), sum(billed_difference) "
        "from fact_reconciliation where source = 'llm_gateway'"
    )
    estimated = sum(cost for _, cost in queried(company, ESTIMATES).values())
    assert rows == [(0, estimated, 0)]
    assert company.query("select sum(estimated_cost) from owner_statement") == [(estimated,)]
    assert company.query(
        "select count(*) from fact_cost where is_estimated and (invoice_id is not null or sku_price_details is null)"
    ) == [(0,)]


def test_estimates_have_the_owners_of_their_requests(refreshed: dict[str, Any]) -> None:
    company: Company = refreshed["company"]
    assert company.query(
        "select distinct owner_id, evidence_kind, telemetry_status, workflow_id from fact_cost where is_estimated"
    ) == [("security", "managed_key", "metered", "log-digest")]
    unit_economics = company.query(
        "select is_estimated, count(distinct usage_day), sum(billed_cost) from llm_unit_economics "
        "where provider = 'groq' and billed_cost is not null group by 1 order by 1"
    )
    assert [row[0] for row in unit_economics] == [False, True]
    assert [sum(row[2] for row in unit_economics)] == list(
        company.query("select sum(billed_cost) from fact_cost where ai_provider = 'groq'")[0]
    )
