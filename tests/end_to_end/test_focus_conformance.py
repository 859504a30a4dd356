"""The published FOCUS views as others check them: by the official validator, and by the use cases of the specification."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.settings import PROJECT_ROOT
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
    (found,) = FOCUS_VENV.glob(f"lib/python3.*/site-packages/{name}")
    return found


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
        connection.execute(f"copy (select * from focus_cost_and_usage_1_2) to '{view}'")
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
