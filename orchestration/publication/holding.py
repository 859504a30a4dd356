"""Holding what does not add up: a failed test of money costs the periods that it names, never another source.

A build whose tests fail publishes nothing. Where every failed test names sources and billing months, the deliveries of these
periods that are newer than the published ones are held, and the next build uses the deliveries before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from ingestion.lake.holds import Hold, holds, lift_ended, write_holds
from ingestion.settings import Home
from ingestion.sources.catalog import SOURCES
from orchestration.dbt.change_detection import logic_digest
from orchestration.dbt.engine import Engine
from orchestration.dbt.failure import ROWS, failed_results, places_of
from orchestration.dbt.rows import Query, QueryError, Row, query_of, relation_of

# The columns by which a test names a period of the ledger.
PERIOD = ("source", "billing_month")
# What the query for them adds to a test's columns.
NUMBERS = ("rows_of_period", "row_of_period")
# The model of the deliveries that the ledger counts.
CURRENT = "int_slices__current"


@dataclass(frozen=True)
class Verdict:
    """A period that a test found wrong. `reason`: the number of its rows, and the places that the first of them name."""

    source: str
    billing_month: str
    rule: str
    reason: str


def lift(home: Home) -> list[Hold]:
    """Remove the holds that a newer delivery or other models end, before a build; gives those that stay."""
    logic = logic_digest()
    return [hold for source in SOURCES for hold in lift_ended(home, source.dataset, logic)]


def current_holds(home: Home) -> list[Hold]:
    return [hold for source in SOURCES for hold in holds(home, source.dataset)]


def hold_failing_periods(home: Home, engine: Engine, now: datetime) -> list[Hold]:
    """Hold the new deliveries of the periods that a failed build's tests name; gives the new holds.

    None where a test names no period, a model could not be built, or a period has nothing that is not published already: then
    the build fails as a whole, and the publication stays as it is.
    """
    query = query_of(home, engine)
    try:
        verdicts = _verdicts(query, failed_results(home, engine))
        found = _new_deliveries(home, engine, query, verdicts) if verdicts else None
    except QueryError:
        return []  # the failure that led here is reported all the same
    if not found:
        return []
    logic = logic_digest()
    new: dict[str, list[Hold]] = {}
    for dataset, slice_id, load_id, verdict in found:
        hold = Hold(
            slice_id,
            load_id,
            verdict.billing_month,
            verdict.source,
            verdict.rule,
            verdict.reason,
            logic,
            now,
        )
        new.setdefault(dataset, []).append(hold)
    for dataset, added in new.items():
        write_holds(home, dataset, [*holds(home, dataset), *added])
    return [hold for added in new.values() for hold in added]


def _verdicts(query: Query, failed: Iterable[Mapping[str, Any]]) -> list[Verdict] | None:
    """The periods that failed tests name; None where one of them names none."""
    found: list[Verdict] = []
    for result in failed:
        if result["status"] != "fail":
            return None
        period = ", ".join(PERIOD)
        # The first rows of each period, with the number of all.
        rows = query(
            f"select * from (select *, count(*) over (partition by {period}) as rows_of_period, "
            f"row_number() over (partition by {period} order by {period}) as row_of_period "
            f"from ({result['compiled_code']}) as found) as numbered where row_of_period <= {ROWS}"
        )
        rule = str(result["unique_id"]).split(".")[2]
        for (source, month), group in _by_period(rows).items():
            if source is None or month is None:
                return None
            places = places_of({name: row[name] for name in row if name not in NUMBERS} for row in group)
            reason = f"{group[0]['rows_of_period']} rows" + (f": {'; '.join(places)}" if places else "")
            found.append(Verdict(source, month, rule, reason))
    return found


def _by_period(rows: Iterable[Row]) -> dict[tuple[str | None, str | None], list[Row]]:
    found: dict[tuple[str | None, str | None], list[Row]] = {}
    for row in rows:
        found.setdefault((row["source"], row["billing_month"]), []).append(row)
    return dict(sorted(found.items(), key=lambda item: str(item[0])))


def _new_deliveries(
    home: Home, engine: Engine, query: Query, verdicts: list[Verdict]
) -> list[tuple[str, str, str, Verdict]] | None:
    """Dataset, slice, load of the deliveries of failing periods that are not published; None where a period has none."""
    published: set[tuple[str, str]] = set()
    if home.database.exists():
        with duckdb.connect(str(home.database), read_only=True) as marts:
            published = set(marts.execute("select slice_id, load_id from fact_delivery").fetchall())
    deliveries: dict[tuple[str, str], list[Row]] = {}
    months = ", ".join(sorted({f"'{verdict.billing_month}'" for verdict in verdicts}))
    for row in query(
        f"select source, billing_month, dataset, slice_id, load_id from {relation_of(home, engine, CURRENT)} "
        f"where billing_month in ({months})"
    ):
        deliveries.setdefault((row["source"], row["billing_month"]), []).append(row)
    found: dict[tuple[str, str], tuple[str, str, str, Verdict]] = {}
    for verdict in verdicts:
        for row in deliveries.get((verdict.source, verdict.billing_month), []):
            delivery = (row["slice_id"], row["load_id"])
            if delivery not in published:
                found.setdefault(delivery, (row["dataset"], *delivery, verdict))
    rules_with_new = {verdict.rule for *_, verdict in found.values()}
    # A test that holds back nothing new would fail again.
    return list(found.values()) if rules_with_new >= {verdict.rule for verdict in verdicts} else None


def held_lines(found: Iterable[Hold]) -> list[str]:
    """One line a period for people: the rule, the slices, and what lifts the hold."""
    return list(held_periods(found).values())


def held_periods(found: Iterable[Hold]) -> dict[str, str]:
    """These lines by source, billing month and rule."""
    by_period: dict[tuple[str, str, str], list[Hold]] = {}
    for hold in found:
        by_period.setdefault((hold.ledger_source, hold.billing_period, hold.rule), []).append(hold)
    return {
        f"{source}, {month}, {rule}": f"{source}, {month}: held, {rule} failed ({group[0].reason}); "
        f"slice {group[0].slice_id}{f' and {len(group) - 1} more' if len(group) > 1 else ''} waits for a newer delivery"
        for (source, month, rule), group in sorted(by_period.items())
    }
