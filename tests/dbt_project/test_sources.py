"""What dbt holds of the sources is what they declare in Python: tables, datasets, money and freshness."""

from __future__ import annotations

import csv
import re

import yaml

from ingestion.lake.contract import DELIVERIES, DELIVERY_TOTALS, Source
from ingestion.sources.catalog import SOURCES
from orchestration.dbt.project_files import DBT_PROJECT

BILLED = "billed_cost"


def listed(macro: str) -> set[str]:
    """The datasets that a macro lists."""
    return set(re.findall(r'"(raw_\w+)"', (DBT_PROJECT / "macros" / macro).read_text()))


def has_billed_money(source: Source) -> bool:
    """A table that is added up by billed cost; or a vendor's own files, which are bills and come with their totals."""
    return any(
        table.vendor_files or any(measure.name == BILLED for measure in table.measures) for table in source.tables
    )


def test_delivery_notes_of_every_source_are_read() -> None:
    assert listed("lake/read_delivery_notes.sql") == {source.dataset for source in SOURCES}


def test_ledger_is_reconciled_to_every_source_that_bills() -> None:
    assert listed("ledger/money_datasets.sql") == {
        source.dataset for source in SOURCES if has_billed_money(source)
    }


def test_dbt_sources_are_the_tables_that_sources_declare() -> None:
    declared = {source.dataset: {table.name for table in source.tables} for source in SOURCES}
    notes = {DELIVERIES.name, DELIVERY_TOTALS.name}
    found: dict[str, set[str]] = {}
    for file in DBT_PROJECT.glob("models/staging/*/_*__sources.yml"):
        for source in yaml.safe_load(file.read_text())["sources"]:
            found[source["name"]] = {table["name"] for table in source["tables"]} - notes
    assert found == declared


def test_freshness_of_the_ledger_is_judged_by_what_its_source_declares() -> None:
    declared = {source.dataset: source.freshness_sla_hours for source in SOURCES}
    with (DBT_PROJECT / "seeds" / "source_freshness_slas.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["dataset"] for row in rows} >= {source.dataset for source in SOURCES if has_billed_money(source)}
    for row in rows:
        # A dataset of several providers takes the strictest for itself; one of files may be later.
        assert int(row["freshness_sla_hours"]) >= declared[row["dataset"]], row
    for dataset in {row["dataset"] for row in rows}:
        hours = [int(row["freshness_sla_hours"]) for row in rows if row["dataset"] == dataset]
        assert min(hours) == declared[dataset], dataset
