"""AWS's FOCUS exports make the ledger that CUR 2.0 makes of the same usage; a bill that comes twice stops publication."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sample_company.aws_focus import Form, settings, write_delivery
from sample_company.aws_formats import FORMATS
from sample_company.aws_formats import write_delivery as write_cur
from sample_company.aws_lines import lines
from tests.end_to_end.conftest import FIRST, Company

pytestmark = pytest.mark.slow

# A month that CUR tells before discounts: AWS's FOCUS exports know no net columns.
MONTH = "2026-09"
BY_OWNER = (
    "select owner_id, charge_category, billing_currency, cast(charge_period_start as date), "
    "sum(billed_cost), sum(effective_cost) from fact_cost group by all order by all"
)
# FOCUS has no IAM principal: neither bill has them here.
NOT_IN_FOCUS = ("line_item_iam_principal", "line_item_user_identifier")


@pytest.fixture(scope="module")
def company(staged_company: Callable[[str, date], Company]) -> Company:
    """An installation that has nothing but one AWS bill, and the bill in three exports."""
    company = staged_company("focus", FIRST)
    content = [
        {column: value for column, value in line.items() if column not in NOT_IN_FOCUS}
        for line, _, _ in lines(company.stage.world, MONTH, FIRST)
    ]
    bills = company.home / "bills"
    cur2 = next(found for found in FORMATS if found.name == "cur2-parquet")
    write_cur(cur2, content, MONTH, bills / "cur2", "20261005T053621Z-a")
    write_delivery(Form("1.0", is_parquet=True), content, MONTH, bills / "focus-1-0", "20261005T053621Z-b")
    write_delivery(Form("1.2", is_parquet=False), content, MONTH, bills / "focus-1-2", "20261005T053621Z-c")
    return company


def show(company: Company, *exports: str, cur: bool = False, compare_only: bool = False) -> None:
    """Set up these exports of the bill, and no other source."""
    bills: Path = company.home / "bills"
    company.settings = {name: "" for name in company.stage.environment if name.startswith("SOURCES__")}
    company.settings |= settings(bills, *exports, compare_only=compare_only) if exports else {}
    if cur:
        company.settings["SOURCES__AWS__EXPORT_URL"] = str(bills / "cur2")


def test_focus_exports_make_the_owners_and_costs_of_cur_2_and_a_bill_that_comes_twice_is_not_published(
    company: Company,
) -> None:
    show(company, "focus-1-0", "focus-1-2", cur=True, compare_only=True)
    company.refresh("--months", MONTH)
    of_cur = company.query(BY_OWNER)
    assert len({owner for owner, *_ in of_cur}) > 5
    assert company.query("select distinct source from fact_cost") == [("aws",)]
    compared = company.query(
        "select export_name, count(distinct charge_category), sum(abs(billed_difference)), sum(abs(effective_difference)) "
        "from focus_comparison group by 1 order by 1"
    )
    assert compared == [("focus-1-0", 5, 0, 0), ("focus-1-2", 5, 0, 0)]

    show(company, "focus-1-0", cur=True)
    published = company.database.stat().st_mtime_ns
    said = company.fail({"COSTOWNER_HOME": str(company.home)})
    assert "focus slice focus-1-0|2026-09 and by aws slice cur|cur2|2026-09" in said, said[-3000:]
    assert "sources.focus.compare_only" in said
    assert company.database.stat().st_mtime_ns == published


def test_focus_export_alone_makes_the_same_owners_and_costs(
    company: Company, staged_company: Callable[[str, date], Company]
) -> None:
    alone = staged_company("focus-alone", FIRST)
    alone.settings = {name: "" for name in alone.stage.environment if name.startswith("SOURCES__")}
    alone.settings |= settings(company.home / "bills", "focus-1-2")
    alone.refresh("--months", MONTH)
    assert alone.query(BY_OWNER) == company.query(BY_OWNER)
    assert alone.query("select count(*), bool_and(is_reconciled) from fact_reconciliation") == [(1, True)]
    assert alone.query("select distinct source from fact_cost") == [("focus",)]
