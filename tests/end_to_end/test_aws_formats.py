"""A legacy report as gzipped CSV gives the same marts as CUR 2.0's Parquet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from sample_company.aws.formats import FORMATS, write_delivery
from sample_company.aws.lines import NODES, lines, node_name
from tests.end_to_end.conftest import FIRST, Company

pytestmark = pytest.mark.slow

MONTH = "2026-10"
# Legacy CUR has no account names and no IAM principals, so both exports leave them out here.
NOT_IN_LEGACY = ("line_item_iam_principal", "line_item_user_identifier")


def refreshed(staged_company: Callable[[str, date], Company], form: str) -> Company:
    """An installation whose only source is this export."""
    company = staged_company(f"aws-{form}", FIRST)
    content = [
        {column: value for column, value in line.items() if column not in NOT_IN_LEGACY}
        for line, _, _ in lines(company.stage.world, MONTH, FIRST)
    ]
    export = company.home / "bills" / "sample-cur2"
    write_delivery(
        next(found for found in FORMATS if found.name == form), content, MONTH, export, "20261005T053621Z-a"
    )
    company.settings = {name: "" for name in company.stage.environment if name.startswith("SOURCES__")}
    company.settings["SOURCES__AWS__EXPORT_URL"] = str(export)
    company.refresh("--months", MONTH)
    return company


def test_legacy_csv_gives_the_same_owners_and_costs_as_cur_2(
    staged_company: Callable[[str, date], Company],
) -> None:
    cur2, legacy = (refreshed(staged_company, form) for form in ("cur2-parquet", "legacy-csv"))
    charges = (
        "select vendor_charge_id, owner_id, ownership_rule_id, charge_category, service_name, region_id, resource_name, "
        "billing_currency, charge_period_start, sum(billed_cost), sum(effective_cost), sum(list_cost) "
        "from fact_cost where source = 'aws' group by all order by all"
    )
    found = legacy.query(charges)
    assert found == cur2.query(charges)
    assert len({owner for _, owner, *_ in found}) > 5
    assert {name for *_, name, _, _, _, _, _ in found if name} == {node_name(node) for node in range(NODES)}
    statement = (
        "select owner_id, billing_currency, sum(billed_cost), sum(effective_cost) "
        "from owner_statement group by all order by all"
    )
    assert legacy.query(statement) == cur2.query(statement)
    assert legacy.query("select count(*) from fact_reconciliation where not is_reconciled") == [(0,)]
