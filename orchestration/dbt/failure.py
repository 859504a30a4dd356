"""Why a build of dbt's failed: the first model or test, with dbt's reason or the rows that the test found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dagster_dbt.errors import DagsterDbtError

from ingestion.settings import Home
from orchestration.assets.failure import one_line
from orchestration.checks.evidence import places
from orchestration.dbt.engine import Engine
from orchestration.dbt.invocation import LOG, without_values
from orchestration.dbt.project import results_in
from orchestration.dbt.rows import QueryError, first_rows, query_of

FAILED = ("error", "runtime error", "fail")
# Of a failed test: enough to know where to look. The check in the UI has the number of all, and its SQL.
ROWS, COLUMNS = 3, 6
# What dagster-dbt heads its message with, also where nothing follows.
HEADING = "Errors parsed from dbt logs:"


def why_it_failed(home: Home, engine: Engine, error: DagsterDbtError) -> str:
    """One line. Where dbt did not come to its end, what it printed last."""
    failed = failed_results(home, engine)
    if not failed:
        printed = str(error).replace(HEADING, "").strip()
        return one_line(printed) if printed else f"dbt ended without results; {LOG} may have the reason"
    # A model that can't be built comes before the tests of others, which may fail without it.
    first = min(failed, key=lambda found: FAILED.index(found["status"]))
    # `model.costowner.fact_cost`; a generic test's id ends with a hash.
    kind, _, name, *_ = str(first["unique_id"]).split(".")
    more = f" (and {len(failed) - 1} more, see the checks of the ledger)" if len(failed) > 1 else ""
    return f"{kind} {name} failed: {_reason(home, engine, first)}{more}"


def failed_results(home: Home, engine: Engine) -> list[Mapping[str, Any]]:
    """dbt's results of the models and tests that failed; none where the build did not come to its end."""
    return [found for found in results_in(engine.target_folder(home)) if found["status"] in FAILED]


def _reason(home: Home, engine: Engine, result: Mapping[str, Any]) -> str:
    if result["status"] == "fail":
        rows = _places(home, engine, str(result["compiled_code"]))
        return f"{result['failures']} rows" + (f", {'; '.join(rows)}" if rows else "")
    return without_values(str(result["message"] or result["status"]))


def _places(home: Home, engine: Engine, sql: str) -> list[str]:
    try:
        return places_of(query_of(home, engine)(first_rows(sql, ROWS)))
    except QueryError:
        return []  # the number of rows is known all the same


def places_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The rows of a test, `column=value` each: places of the ledger and numbers, no vendor's text."""
    return [", ".join([f"{name}={value}" for name, value in places(row).items()][:COLUMNS]) for row in rows]
