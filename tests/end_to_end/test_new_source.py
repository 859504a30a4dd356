"""The example source of CONTRIBUTING.md, added to a copy of the project: its charge has an owner in the ledger."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow

COPIED = ("ingestion", "orchestration", "dbt_project", "registry")
CHARGE = {
    "id": "d1",
    "team": "engineering",
    "start": "2026-10-01T00:00:00Z",
    "end": "2026-11-01T00:00:00Z",
    "seats": 7,
    "amount": 129.5,
    "currency": "USD",
    "plan": "pro",
}
# Maps the charge to an owner in the registry's template.
RULE = "  - {id: desk, claim: desk_team, match: owner, owner: '*'}\n"


def files_of_the_guide() -> dict[str, str]:
    """The files of the example: the last path in backquotes before each code block, with the block."""
    text = (PROJECT_ROOT / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"((?:(?!```).)*)```(?:python|sql)\n(.*?)```", text, re.DOTALL)
    return {re.findall(r"`([\w/]+/[\w.]+\.(?:py|sql))`", prose)[-1]: code for prose, code in blocks}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with the example's files and catalog entry."""
    root = tmp_path / "project"
    for name in COPIED:
        shutil.copytree(PROJECT_ROOT / name, root / name, ignore=shutil.ignore_patterns("target", "__pycache__"))
    shutil.copy(PROJECT_ROOT / "pyproject.toml", root)
    for path, code in files_of_the_guide().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(code)
    catalog = root / "ingestion" / "sources" / "catalog.py"
    before, start, after = catalog.read_text().partition("SOURCES: tuple[Source, ...] = (\n")
    imported = "from ingestion.sources.desk import SOURCE as DESK\n"
    catalog.write_text(f"{before}{imported}{start}    DESK,\n{after}")
    rules = root / "registry" / "ownership_rules.yml"
    rules.write_text(rules.read_text().rstrip() + "\n" + RULE)
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "2026-10.json").write_text(json.dumps([CHARGE]))
    return root


# A refresh up to the ledger: lands the registry and the new source, and builds the models without their tests.
LAND_AND_BUILD = """
import subprocess
from ingestion.lake.pipeline import declare, land
from ingestion.settings import Home, Month, Window, resolve, utc_now
from ingestion.sources.catalog import LAKE
from orchestration.dbt.project_files import DBT_PROJECT
from orchestration.environment import prepare

home, october = Home.from_environment(), Month(2026, 10)
prepare(home)
for source in LAKE:
    declare(home, source)
    if source.name in ("registry", "desk"):
        landing = land(home, source, resolve(source.settings, source.name), Window(october, october), utc_now())
        assert not landing.refused, landing.refused
build = ["dbt", "build", "--select", "+fact_cost", "+fact_reconciliation", "+source_freshness"]
subprocess.run([*build, "--exclude", "resource_type:test", "resource_type:unit_test"], cwd=DBT_PROJECT, check=True)
"""


def run(project: Path, *arguments: str) -> None:
    """Run Python in the copy; it must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={
            **os.environ,
            "COSTOWNER_HOME": str(project.parent / "home"),
            "COSTOWNER_NOW": "2026-10-20T06:00:00Z",
            "SOURCES__DESK__EXPORT_URL": str(project.parent / "export"),
        },
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_source_of_the_guide_has_its_charge_in_the_ledger_with_its_owner(project: Path) -> None:
    run(project, "-m", "orchestration.generate")
    run(project, "-c", LAND_AND_BUILD)
    with duckdb.connect(str(project.parent / "home" / "warehouse.duckdb"), read_only=True) as ledger:
        charges = ledger.execute(
            "select source, billing_month, vendor_charge_id, billed_cost, billing_currency, owner_id, "
            "evidence_kind, ownership_rule_id from fact_cost"
        ).fetchall()
        reconciled = ledger.execute(
            "select is_reconciled from fact_reconciliation where source = 'desk'"
        ).fetchall()
        freshness = ledger.execute(
            "select freshness_sla_hours, newest_charge_at is null from source_freshness where source = 'desk'"
        ).fetchall()
    assert charges == [
        ("desk", "2026-10", "d1", Decimal("129.5"), "USD", "engineering", "provider_account", "desk")
    ]
    assert reconciled and all(row == (True,) for row in reconciled)
    assert freshness == [(72, False)]
