"""What a check last said stands, until it says something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.verdicts import FAILED_ROWS, Verdicts

PRICED = dg.AssetCheckKey(dg.AssetKey(["marts", "fact_llm_request"]), "llm_requests_are_priced")
UNIQUE = dg.AssetCheckKey(dg.AssetKey(["marts", "fact_cost"]), "unique_fact_cost_charge_key")
NEVER_RUN = dg.AssetCheckKey(dg.AssetKey(["marts", "fact_cost"]), "new_one")


def said(check: dg.AssetCheckKey, failed_rows: int, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=failed_rows == 0,
        severity=severity,
        metadata={FAILED_ROWS: failed_rows},
    )


def build(folder: Path, *events: Any) -> list[Any]:
    return list(Verdicts(folder).noting(iter(events)))


def standing(folder: Path) -> dict[str, tuple[bool, str, Any]]:
    """Of each check that stands: whether it passed, its severity, and how many rows failed."""
    found = list(Verdicts(folder).standing([PRICED, UNIQUE, NEVER_RUN]))
    assert all("evaluated" in result.metadata for result in found)
    return {
        str(result.check_name): (result.passed, result.severity.name, result.metadata[FAILED_ROWS].value)
        for result in found
    }


def test_a_warning_stands_until_its_check_passes(tmp_path: Path) -> None:
    warning = said(PRICED, 3, dg.AssetCheckSeverity.WARN)
    passed = said(UNIQUE, 0, dg.AssetCheckSeverity.ERROR)
    other = dg.AssetMaterialization(["marts", "fact_cost"])
    assert build(tmp_path, other, warning, passed) == [other, warning, passed], (
        "the build's events go on unchanged"
    )
    assert standing(tmp_path) == {
        PRICED.name: (False, "WARN", 3),
        UNIQUE.name: (True, "ERROR", 0),
    }, "what never ran says nothing"

    build(tmp_path, said(PRICED, 0, dg.AssetCheckSeverity.WARN))
    assert standing(tmp_path) == {PRICED.name: (True, "WARN", 0), UNIQUE.name: (True, "ERROR", 0)}


def test_what_was_said_before_a_build_broke_is_kept(tmp_path: Path) -> None:
    def breaking() -> Iterator[Any]:
        yield said(UNIQUE, 7, dg.AssetCheckSeverity.ERROR)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        list(Verdicts(tmp_path).noting(breaking()))
    assert standing(tmp_path) == {UNIQUE.name: (False, "ERROR", 7)}
