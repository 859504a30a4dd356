"""What the issue of the ledger promises, on the sample company, through the commands that users run."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ingestion.lake import known_notes, load_of
from ingestion.settings import PROJECT_ROOT, Home
from tests.end_to_end.conftest import SECOND, Company

pytestmark = pytest.mark.slow

MONEY = ("raw_aws", "raw_vercel", "raw_atlas", "raw_llm_providers")


def test_ledger_equals_the_delivery_notes_exactly(company: Company) -> None:
    expected: dict[tuple[str, str | None, str], Decimal] = defaultdict(Decimal)
    home = Home(company.home)
    for dataset in MONEY:
        notes = known_notes(home, dataset)
        for file in (home.lake / dataset / "delivery_totals").glob("*.parquet"):
            for row in pq.read_table(file, partitioning=None).to_pylist():
                note = notes.get(row["slice_id"])
                if row["measure"] == "billed_cost" and note and note.load_id == row["load_id"] == load_of(file):
                    source = row["slice_id"].split("|")[0] if dataset == "raw_llm_providers" else dataset[4:]
                    expected[(source, note.billing_period, row["currency"])] += row["amount"]
    found = {
        (source, month, currency): amount
        for source, month, currency, amount in company.query(
            "select source, billing_month, billing_currency, sum(billed_cost) from fact_cost group by all"
        )
    }
    assert found == dict(expected)
    assert {source for source, _, _ in found} == {"aws", "vercel", "atlas", "openai", "anthropic"}


def test_all_stages_agree(company: Company) -> None:
    assert company.query("select count(*) from fact_reconciliation where not is_reconciled") == [(0,)]


def test_owners_are_right_where_there_is_evidence(company: Company) -> None:
    labels = company.stage.folder / "labels" / "owners.parquet"
    rows = company.query(
        f"""
        with ledger as (
            select source, vendor_charge_id, owner_id, sum(effective_cost) as amount from fact_cost group by all
        )
        select labels.source, sum(labels.amount), sum(least(labels.amount, coalesce(ledger.amount, 0)))
        from read_parquet('{labels}') as labels
        left join ledger using (source, vendor_charge_id, owner_id)
        where labels.enough_evidence
        group by 1
        """
    )
    right = {source: hit / total for source, total, hit in rows}
    assert set(right) == {"aws", "vercel", "atlas", "openai", "anthropic"}
    assert min(right.values()) >= Decimal("0.95"), right


def test_cost_without_evidence_is_not_given_to_anybody(company: Company) -> None:
    assert company.query("select sum(effective_cost) > 0 from owner_statement where how = 'unowned'") == [(True,)]


def test_team_that_changed_hands_pays_until_the_day(company: Company) -> None:
    handover = company.stage.world.handover
    rows = company.query(
        """
        select owner_id, min(cast(charge_period_start as date)), max(cast(charge_period_start as date))
        from fact_cost where resource_name like '%pricing-engine%' and source = 'aws' and evidence_kind = 'tag'
        group by 1
        """
    )
    spans = {owner: (first, last) for owner, first, last in rows}
    assert spans["checkout"][1] < handover <= spans["payments"][0]


def test_month_that_was_restated_after_it_closed_carries_its_refund(company: Company) -> None:
    rows = company.query(
        "select sum(billed_cost), min(charge_class) from fact_cost "
        "where source = 'aws' and billing_month = '2026-09' and charge_category = 'Adjustment' and billed_cost = -37.5 "
        "or origin_charge_key in (select origin_charge_key from fact_cost where charge_description = 'Refund of log ingestion')"
    )
    assert rows == [(Decimal("-37.500000000000"), "Correction")]


def test_unmetered_ai_spend_is_visible(company: Company) -> None:
    rows = company.query(
        "select ai_account, sum(effective_cost) > 0 from fact_cost where telemetry_status = 'unmetered' group by 1"
    )
    assert ("proj_research", True) in rows


def test_no_prompt_reaches_lake_or_marts(company: Company) -> None:
    for file in (company.home / "lake" / "raw_llm_gateway" / "llm_requests").glob("*.parquet"):
        assert b"redacted-by-litellm" not in file.read_bytes()


def test_focus_view_has_no_violation(company: Company, tmp_path: Path) -> None:
    exported = company.home / "published" / "parquet" / "focus_cost_and_usage_1_4.parquet"
    validator = Path(sys.executable).with_name("focus-toolkit")
    done = subprocess.run(
        [str(validator), "validate", str(exported), "--dataset", "cost-and-usage"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_focus_views_have_the_columns_of_their_versions(company: Company) -> None:
    counts = dict(
        company.query(
            "select view_name, column_count from duckdb_views() where view_name like 'focus_cost_and_usage%'"
        )
    )
    assert counts == {
        "focus_cost_and_usage_1_2": 57,
        "focus_cost_and_usage_1_3": 65,
        "focus_cost_and_usage_1_4": 65,
    }


def test_second_refresh_changes_nothing_and_readers_are_not_disturbed(company: Company) -> None:
    before = company.marts()
    errors: list[str] = []
    reads = [0]
    running = threading.Event()
    running.set()

    def read() -> None:
        while running.is_set():
            try:
                with duckdb.connect(str(company.database), read_only=True) as connection:
                    told = connection.execute(
                        "select (select sum(billed_cost) from fact_cost), (select sum(billed_cost) from owner_statement)"
                    ).fetchone()
                    if told is None or told[0] != told[1]:
                        errors.append(f"mixed state: {told}")
                reads[0] += 1
            except duckdb.Error as error:
                errors.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    output = company.refresh()
    running.clear()
    reader.join()
    assert not errors and reads[0] > 0
    assert company.marts() == before, output[-2000:]


def test_parquet_says_the_same_as_the_database(company: Company) -> None:
    for (name,) in company.query("select table_name from duckdb_tables()"):
        file = company.home / "published" / "parquet" / f"{name}.parquet"
        assert duckdb.sql(f"select count(*) from read_parquet('{file}')").fetchall() == company.query(
            f'select count(*) from "{name}"'
        )


def test_no_secret_is_in_output_lake_or_publication(company: Company) -> None:
    secrets = [
        value
        for name, value in company.stage.environment.items()
        if any(word in name for word in ("TOKEN", "SECRET", "KEY"))
    ]
    assert len(secrets) >= 4
    for output in company.outputs:
        assert not [secret for secret in secrets if secret in output]
    for file in (company.home / "lake").rglob("*.jsonl"):
        assert not [secret for secret in secrets if secret in file.read_text()]


def test_sql_unit_tests_pass(company: Company) -> None:
    environment = {
        **company.environment,
        "COSTOWNER_LAKE_PATH": str(company.home / "lake"),
        "COSTOWNER_WAREHOUSE": str(company.home / "warehouse.duckdb"),
    }
    done = subprocess.run(
        [
            *(
                str(Path(sys.executable).with_name("dbt")),
                "test",
                "--select",
                "test_type:unit",
                "--profiles-dir",
                ".",
            ),
            *("--target-path", str(company.home / "unit_target"), "--log-path", str(company.home / "unit_logs")),
        ],
        cwd=PROJECT_ROOT / "dbt_project",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "PASS=" in done.stdout, done.stdout[-3000:]


def test_labels_are_read_by_nobody() -> None:
    for folder in ("ingestion", "dbt_project/models", "dbt_project/macros", "orchestration"):
        for file in (PROJECT_ROOT / folder).rglob("*"):
            if file.suffix in (".py", ".sql", ".yml"):
                assert "owners.parquet" not in file.read_text()


def test_spikes_have_known_causes(company: Company) -> None:
    spikes = json.loads((company.stage.folder / "labels" / "spikes.json").read_text())
    assert len(spikes) >= 3 and all(spike["cause"] for spike in spikes)


# Each marker is a line that the refresh prints; the process is killed the moment it appears.
MOMENTS = (
    "AWS: asking for",
    "LLM gateway: asking for",
    "int_charges__unified",
    "model marts.fact_cost ",
    "publishing to ",
)


def test_killed_refreshes_leave_nothing_behind(
    staged_company: Callable[[str, date], Company], company: Company
) -> None:
    killed = staged_company("killed", SECOND)
    for moment in MOMENTS:
        process = killed.start()
        assert process.stdout is not None
        for line in process.stdout:
            if moment in line:
                break
        else:
            pytest.fail(f"the refresh never came to {moment!r}")
        process.kill()
        process.communicate()
    assert not killed.database.exists()
    killed.refresh()
    assert killed.marts() == company.marts()
