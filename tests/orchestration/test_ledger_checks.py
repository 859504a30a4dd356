"""What the ledger's checks make of the rows of their marts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingestion.settings import Home
from orchestration.checks.evidence import MOST_ROWS, ROWS, WARNED
from orchestration.checks.ledger import (
    charges_follow_the_focus_rules,
    deliveries_come_to_their_totals_and_do_not_shrink,
    found_in_deliveries,
    found_issues,
)
from orchestration.dbt.check_evidence import all_but_failed_checks, with_evidence
from orchestration.dbt.engine import Engine

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
    listed = found.metadata[WARNED].value
    assert isinstance(listed, dict) and len(listed) == 5
    assert found_in_deliveries([]).passed
    (spec,) = deliveries_come_to_their_totals_and_do_not_shrink.check_specs
    assert not spec.blocking


SQL = 'select * from "warehouse"."main"."charges" where cost > 0 order by cost'
TEST = "test.costowner.costs_are_small.abc123"


def failed_check(test: str = TEST) -> dg.AssetCheckResult:
    """A failed test as dagster-dbt has it."""
    return dg.AssetCheckResult(
        passed=False,
        asset_key=dg.AssetKey(["marts", "charges"]),
        check_name="costs_are_small",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"unique_id": test, "dagster_dbt/failed_row_count": 30},
    )


@pytest.fixture
def build_with_a_failed_test(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            "create table charges as select 'aws' as source, 'a prompt' as tag, cast(i as decimal(38, 12)) as cost "
            "from range(31) as n(i)"
        )
    target = Engine("duckdb").target_folder(home)
    target.mkdir()
    (target / "run_results.json").write_text(json.dumps({"results": [{"unique_id": TEST, "compiled_code": SQL}]}))
    tests = {TEST: {"raw_code": "-- No cost is large.\nselect 1"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": tests}))
    return home


def test_failed_test_of_dbt_has_its_rows_its_sql_and_what_to_do(build_with_a_failed_test: Home) -> None:
    home = build_with_a_failed_test
    passed = dg.AssetCheckResult(passed=True, asset_key=dg.AssetKey(["marts", "charges"]), check_name="other")
    failed: list[dg.AssetCheckResult] = []
    assert list(all_but_failed_checks([passed, failed_check()], failed)) == [passed]
    (found,) = with_evidence(home, Engine("duckdb"), home.root / "manifest.json", failed)
    assert (found.passed, found.check_name, found.severity) == (
        False,
        "costs_are_small",
        dg.AssetCheckSeverity.WARN,
    )
    assert found.description == (
        "30 rows: source=aws, cost=1.000000000000; source=aws, cost=2.000000000000; source=aws, cost=3.000000000000"
    )
    rows = found.metadata[ROWS]
    assert isinstance(rows, dg.TableMetadataValue)
    assert [column.name for column in rows.schema.columns] == ["source", "cost"], "a vendor's text is not shown"
    assert len(rows.records) == MOST_ROWS == 20
    assert rows.records[19].data == {"source": "aws", "cost": "20.000000000000"}
    assert found.metadata["SQL of all failing rows"].value == f"```sql\n{SQL}\n```"
    way_out = str(found.metadata["what to do"].value)
    assert "No cost is large." in way_out and f"duckdb -readonly {home.warehouse}" in way_out
    assert found.metadata["dagster_dbt/failed_row_count"].value == 30


def test_failed_test_whose_rows_cannot_be_read_fails_all_the_same(build_with_a_failed_test: Home) -> None:
    home = build_with_a_failed_test
    unknown = failed_check("test.costowner.other")
    home.warehouse.unlink()
    first, second = with_evidence(home, Engine("duckdb"), home.root / "manifest.json", [failed_check(), unknown])
    assert (
        not first.passed
        and ROWS not in first.metadata
        and SQL in str(first.metadata["SQL of all failing rows"].value)
    )
    assert second is unknown, "a test without a result has no SQL"


@pytest.mark.parametrize(
    "found",
    [found_issues(ISSUES * 5), found_in_deliveries([("vercel", f"charges|{n}", "emptied") for n in range(25)])],
    ids=["rules of FOCUS", "deliveries"],
)
def test_own_check_that_fails_has_its_rows_its_sql_and_what_to_do(found: dg.AssetCheckResult) -> None:
    rows = found.metadata[ROWS]
    assert isinstance(rows, dg.TableMetadataValue) and len(rows.records) == MOST_ROWS
    assert rows.records[0].data["source"] in ("aws", "vercel")
    assert str(found.metadata["SQL of all failing rows"].value).startswith("```sql\nselect source, ")
    assert "duckdb -readonly" in str(found.metadata["what to do"].value)


def test_own_check_that_passes_shows_nothing() -> None:
    assert set(found_issues([]).metadata) == {"issues"}
