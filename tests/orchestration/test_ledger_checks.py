"""What the ledger's checks make of the rows of their marts."""

from __future__ import annotations

from decimal import Decimal

import dagster as dg

from orchestration.checks.ledger import charges_follow_the_focus_rules, found_issues

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
