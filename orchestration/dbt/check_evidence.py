"""Failed tests of a dbt build as failed checks: with their rows, their SQL and what to do.

While dbt builds, it alone has the warehouse: the rows are asked for when it has ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from ingestion.settings import Home
from orchestration.checks.evidence import MOST_ROWS, evidence
from orchestration.dbt.engine import Engine
from orchestration.dbt.failure import places_of
from orchestration.dbt.project import results_in
from orchestration.dbt.rows import QueryError, Row, first_rows, query_of
from orchestration.dbt.translator import opening_comment

# Where a query starts a dbt of its own (Spark), the rows of so many tests are asked for.
MOST_QUERIES_ON_SPARK = 3
IN_DESCRIPTION = 3
# dagster-dbt's metadata of a test.
UNIQUE_ID, COUNT = "unique_id", "dagster_dbt/failed_row_count"


def all_but_failed_checks(events: Iterable[Any], failed: list[dg.AssetCheckResult]) -> Iterator[Any]:
    """The events of a build. Checks that failed are put into `failed` instead."""
    for event in events:
        if isinstance(event, dg.AssetCheckResult) and not event.passed:
            failed.append(event)
        else:
            yield event


def with_evidence(
    home: Home, engine: Engine, manifest: Path, failed: Iterable[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckResult]:
    """Checks that failed in the build that has just ended, each with the rows that fail."""
    found = list(failed)
    if not found:
        return
    tests = json.loads(manifest.read_text())["nodes"]
    compiled = _compiled(engine.target_folder(home))
    for number, check in enumerate(found):
        stated = {name: getattr(value, "value", value) for name, value in (check.metadata or {}).items()}
        test_id = str(stated.get(UNIQUE_ID, ""))
        sql = compiled.get(test_id)
        if sql is None:
            yield check
            continue
        rows = _rows(home, engine, sql) if not engine.is_spark or number < MOST_QUERIES_ON_SPARK else []
        first = "; ".join(places_of(rows[:IN_DESCRIPTION]))
        yield dg.AssetCheckResult(
            passed=False,
            asset_key=check.asset_key,
            check_name=check.check_name,
            severity=check.severity,
            description=f"{stated.get(COUNT)} rows: {first}" if first else check.description,
            metadata={
                **(check.metadata or {}),
                **evidence(rows, sql, _way_out(home, engine, tests.get(test_id, {}))),
            },
        )


def _compiled(target: Path) -> dict[str, str]:
    """The SQL of each test by its id, as dbt ran it; none where the build did not come to its end."""
    return {one["unique_id"]: str(one["compiled_code"]) for one in results_in(target) if one.get("compiled_code")}


def _rows(home: Home, engine: Engine, sql: str) -> list[Row]:
    try:
        return query_of(home, engine)(first_rows(sql, MOST_ROWS))
    except QueryError:
        return []  # the check has failed all the same


def _way_out(home: Home, engine: Engine, test: Mapping[str, Any]) -> str:
    promise = test.get("description") or opening_comment(str(test.get("raw_code", "")))
    place = "on the cluster" if engine.is_spark else f"in `duckdb -readonly {home.warehouse}`"
    return " ".join(
        [
            *([f"It promises: {promise.rstrip('.')}."] if promise else []),
            f"Run the SQL {place} for all rows. Correct what delivers them (the vendor's file, or the registry), and refresh.",
            "docs/operations.md (Severities) has what stays published meanwhile.",
        ]
    )
