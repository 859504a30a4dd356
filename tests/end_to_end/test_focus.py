"""AWS's FOCUS exports give the same ledger as CUR 2.0 for the same usage, in gross and in net months. The second delivery of a
bill is held."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sample_company.aws.base import Line
from sample_company.aws.focus import Form, settings, write_delivery
from sample_company.aws.formats import FORMATS
from sample_company.aws.formats import write_delivery as write_cur
from sample_company.aws.lines import lines
from sample_company.server import Request, Response, Route, serving
from tests.end_to_end.conftest import FIRST, Company

pytestmark = pytest.mark.slow

# In the gross month CUR has discount lines and no net columns. In the net month its lines also have net costs.
GROSS, NET = "2026-09", "2026-10"
MONTHS = ("--months", f"{GROSS}..{NET}")
BY_OWNER = (
    "select billing_month, owner_id, charge_category, billing_currency, cast(charge_period_start as date), "
    "sum({billed}), sum(effective_cost) from fact_cost group by all order by all"
)
# CUR bills a line before discounts, which are a separate line of the payer. FOCUS bills it after discounts. For a line without a
# commitment the billed cost after discounts is its effective cost. Then the discount line itself is 0.
AFTER_DISCOUNTS = (
    f"case when billing_month = '{NET}' and pricing_category is distinct from 'Committed' "
    "then effective_cost else billed_cost end"
)
# FOCUS has no IAM principals and no account tags, so both bills leave them out here.
NOT_IN_FOCUS = ("line_item_iam_principal", "line_item_user_identifier", "tags")


def content(company: Company, month: str) -> list[Line]:
    """The bill's lines of a month."""
    return [
        {column: value for column, value in line.items() if column not in NOT_IN_FOCUS}
        for line, _, _ in lines(company.stage.world, month, FIRST)
    ]


@pytest.fixture(scope="module")
def company(staged_company: Callable[[str, date], Company]) -> Company:
    """An installation with one AWS bill as its only source, and this bill in three exports."""
    company = staged_company("focus", FIRST)
    bills = company.home / "bills"
    cur2 = next(found for found in FORMATS if found.name == "cur2-parquet")
    for month in (GROSS, NET):
        bill = content(company, month)
        write_cur(cur2, bill, month, bills / "cur2", f"{month}-a")
        write_delivery(Form("1.0", is_parquet=True), bill, month, bills / "focus-1-0", f"{month}-b")
        write_delivery(Form("1.2", is_parquet=False), bill, month, bills / "focus-1-2", f"{month}-c")
    return company


def discount(bill: Sequence[Line]) -> Decimal:
    """The total discount of a bill's lines, computed from their net costs."""
    return sum(
        (
            Decimal(repr(line["line_item_unblended_cost"])) - Decimal(repr(line["line_item_net_unblended_cost"]))
            for line in bill
            if not line.get("split_line_item_parent_resource_id")
            and line["line_item_line_item_type"] != "EdpDiscount"
        ),
        Decimal(0),
    )


def show(company: Company, *exports: str, cur: bool = False, compare_only: bool = False) -> None:
    """Set up these exports of the bill, and no other source."""
    bills: Path = company.home / "bills"
    company.settings = {name: "" for name in company.stage.environment if name.startswith("SOURCES__")}
    company.settings |= settings(bills, *exports, compare_only=compare_only) if exports else {}
    if cur:
        company.settings["SOURCES__AWS__EXPORT_URL"] = str(bills / "cur2")


def test_focus_exports_give_the_owners_and_costs_of_cur_2_and_the_second_delivery_of_a_bill_is_held(
    company: Company,
) -> None:
    show(company, "focus-1-0", "focus-1-2", cur=True, compare_only=True)
    company.refresh(*MONTHS)
    of_cur = company.query(BY_OWNER.format(billed="billed_cost"))
    assert {month for month, *_ in of_cur} == {GROSS, NET} and len({owner for _, owner, *_ in of_cur}) > 5
    assert company.query("select distinct source from fact_cost") == [("aws",)]
    compared = company.query(
        "select export_name, billing_month, count(distinct charge_category), sum(billed_difference), "
        "sum(abs(effective_difference)) from focus_comparison group by all order by all"
    )
    assert compared == [
        (export, month, 5, 0, 0) for export in ("focus-1-0", "focus-1-2") for month in (GROSS, NET)
    ]
    # Billed cost differs only in the place of the discounts: CUR has a separate line, FOCUS reduces the usage.
    moved = discount(content(company, NET))
    assert moved > 0
    assert company.query(
        "select export_name, billing_month, charge_category, billed_difference "
        "from focus_comparison where billed_difference <> 0 order by all"
    ) == [
        (export, NET, category, difference)
        for export in ("focus-1-0", "focus-1-2")
        for category, difference in (("Adjustment", moved), ("Usage", -moved))
    ]

    show(company, "focus-1-0", cur=True)
    alerts: list[str] = []

    def hook(request: Request) -> Response:
        alerts.append(json.loads(request.body)["text"])
        return Response(200)

    for _ in range(2):  # The hold stays until a newer delivery.
        with serving([Route("POST", "/hook", hook)]) as base:
            output = company.fail({"COSTOWNER_ALERT_WEBHOOK": f"{base}/hook"})
        assert "focus, 2026-09: held, no_bill_is_delivered_twice failed" in output, output[-3000:]
        assert "focus slice focus-1-0|2026-09 and by aws slice cur|cur2|2026-09" in output
        assert "sources.focus.compare_only" in output
        assert company.query(BY_OWNER.format(billed="billed_cost")) == of_cur
        assert company.query(
            "select source, billing_month, rule, ledger_load_id is null, load_id = ledger_load_id from held_delivery order by all"
        ) == [("focus", month, "no_bill_is_delivered_twice", False, False) for month in (GROSS, NET)]
    (alert,) = alerts
    assert alert.count("focus, 2026-09: held") == alert.count("focus, 2026-10: held") == 1, alert
    assert "All else is published." in alert
    held = "select source, sum(held_billed_cost) > 0, bool_and(is_reconciled) from fact_reconciliation group by all order by all"
    assert company.query(held) == [("aws", False, True), ("focus", True, True)]

    show(company, "focus-1-0", "focus-1-2", cur=True, compare_only=True)
    company.refresh(*MONTHS)
    assert company.query("select count(*) from held_delivery") == [(0,)]
    assert company.query(BY_OWNER.format(billed="billed_cost")) == of_cur


def test_focus_export_alone_gives_the_same_owners_and_costs(
    company: Company, staged_company: Callable[[str, date], Company]
) -> None:
    alone = staged_company("focus-alone", FIRST)
    alone.settings = {name: "" for name in alone.stage.environment if name.startswith("SOURCES__")}
    alone.settings |= settings(company.home / "bills", "focus-1-2")
    alone.refresh(*MONTHS)
    by_owner = alone.query(BY_OWNER.format(billed="billed_cost"))
    assert by_owner == company.query(BY_OWNER.format(billed=AFTER_DISCOUNTS))
    as_cur_bills = company.query(BY_OWNER.format(billed="billed_cost"))
    assert [row for row in by_owner if row[0] == GROSS] == [row for row in as_cur_bills if row[0] == GROSS]
    assert alone.query("select count(*), bool_and(is_reconciled) from fact_reconciliation") == [(2, True)]
    assert alone.query("select distinct source from fact_cost") == [("focus",)]
