"""What the ledger's checks make of the rows of their marts."""

from __future__ import annotations

from decimal import Decimal

import dagster as dg

from orchestration.checks.ledger import (
    charges_follow_the_focus_rules,
    deliveries_come_to_their_totals_and_do_not_shrink,
    found_in_deliveries,
    found_issues,
)

ISSUES = [
    ("aws", f"rule_{number}", "2026-10", number, f"key{number}", "slice", "A rule.", Decimal(number), "USD")
    for number in range(1, 6)
]


def test_violated_rule_of_focus_warns_with_the_first_few_and_lists_all() -> None:
    found = found_issues(ISSUES)
    assert not found.passed and found.severity == dg.AssetCheckSeverity.WARN
    assert found.description == (
        "aws, 2026-10: rule_1 in 1 rows, such as charge key1; aws, 2026-10: rule_2 in 2 rows, such as charge key2; "
        "aws, 2026-10: rule_3 in 3 rows, such as charge key3"
    )
    listed = found.metadata["issues"].value
    assert isinstance(listed, list) and len(listed) == 5
    assert listed[4] == ["aws", "rule_5", "2026-10", "5", "key5", "slice", "A rule.", "5", "USD"]


def test_ledger_without_violations_passes() -> None:
    found = found_issues([])
    assert found.passed and found.description is None


def test_violated_rule_of_focus_stops_no_publication() -> None:
    (spec,) = charges_follow_the_focus_rules.check_specs
    assert not spec.blocking


def test_delivery_that_shrank_warns_with_source_and_slice_and_stops_nothing() -> None:
    rows: list[tuple[object, ...]] = [
        ("vercel", f"charges|t|2026-10-0{day}", "emptied: 0 USD") for day in range(1, 6)
    ]
    found = found_in_deliveries(rows)
    assert not found.passed and found.severity == dg.AssetCheckSeverity.WARN
    assert found.description is not None and found.description.startswith(
        "vercel, slice charges|t|2026-10-01: emptied: 0 USD; vercel, slice charges|t|2026-10-02"
    )
    listed = found.metadata["findings"].value
    assert isinstance(listed, list) and len(listed) == 5
    assert found_in_deliveries([]).passed
    (spec,) = deliveries_come_to_their_totals_and_do_not_shrink.check_specs
    assert not spec.blocking
