"""Blocking checks before publication: the ledger equals the vendors' deliveries to 10⁻¹²."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from ingestion.lake.integrity import lost
from ingestion.settings import Home, utc_now
from ingestion.sources.catalog import DATASETS
from orchestration.assets.failure import in_our_words
from orchestration.checks.evidence import evidence, warned
from orchestration.dbt.engine import Engine
from orchestration.publication.build_state import BUILD, BuildState
from orchestration.publication.warehouse import built_marts, opened
from orchestration.run_lock import RUN_LOCK

RECONCILIATION = dg.AssetKey(["marts", "fact_reconciliation"])
# Every build has this mart, so the checks wait for it even where their own mart is not rebuilt.
FRESHNESS = dg.AssetKey(["marts", "source_freshness"])
QUALITY = dg.AssetKey(["marts", "data_quality_issue"])
DELIVERY = dg.AssetKey(["marts", "fact_delivery"])


def of_build() -> dict[str, str]:
    """Metadata of a check: the build that it was run on, which alone may be published."""
    build = BuildState(Home.from_environment(), Engine.from_environment()).last
    return {BUILD: build.id} if build else {}


def rows_of(mart: dg.AssetKey, columns: str, condition: str = "true") -> list[tuple[object, ...]]:
    """Rows of a mart as the engine built it, in order."""
    home = Home.from_environment()
    (wanted,) = [built for built in built_marts(home) if built.asset_key == mart]
    with opened(home, [wanted]) as connection:
        return connection.execute(
            f"select {columns} from {wanted.relation} where {condition} order by all"
        ).fetchall()


def shown(
    mart: dg.AssetKey, columns: str, rows: Sequence[tuple[object, ...]], way_out: str, condition: str = "true"
) -> dict[str, dg.MetadataValue]:
    """Metadata of a check that failed for rows of `rows_of`; none where there are none."""
    if not rows:
        return {}
    names = [name.strip() for name in columns.split(",")]
    sql = f"select {columns}\nfrom {mart.path[-1]}\nwhere {condition}\norder by all"
    place = f"The SQL is for the warehouse ({Home.from_environment().warehouse}, opened with `duckdb -readonly`)."
    return evidence([dict(zip(names, row, strict=True)) for row in rows], sql, f"{way_out} {place}")


BILLED = "source, billing_month, billing_currency, delivered_billed_cost, fact_billed_cost, billed_difference"


@dg.asset_check(
    asset=RECONCILIATION,
    additional_deps=[FRESHNESS],
    blocking=True,
    required_resource_keys={RUN_LOCK},
    name="billed_cost_equals_the_delivery_notes",
    description=(
        "For every source, billing month and currency, four totals are equal: delivered, charges, fact_cost, owners' statement."
    ),
)
@in_our_words()
def billed_cost_equals_the_delivery_notes() -> dg.AssetCheckResult:
    broken = rows_of(RECONCILIATION, BILLED, "not is_reconciled")
    lines = [
        f"{source}, {month}: delivered {delivered} {currency}, in the ledger {ledger} ({difference} apart)"
        for source, month, currency, delivered, ledger, difference in broken
    ]
    return dg.AssetCheckResult(
        passed=not broken,
        description="; ".join(lines[:3]) or None,
        metadata={
            "differences": dg.JsonMetadataValue(list(lines)),
            **shown(
                RECONCILIATION,
                BILLED,
                broken,
                "Request the month again (`costowner refresh --months`).",
                "not is_reconciled",
            ),
            **of_build(),
        },
    )


ISSUE = (
    "source, rule_id, billing_month, row_count, example_charge_key, slice_id, rule, billed_cost, billing_currency"
)


DELIVERED = "source, slice_id, finding"
HAS_FINDING = "finding is not null"
FRESH = "source, newest_charge_at, freshness_sla_hours, slice_count"


def _warning(lines: Mapping[str, str], metadata: Mapping[str, dg.MetadataValue]) -> dg.AssetCheckResult:
    """A check that warns of what was found, a line for each subject: its description names the first few."""
    return dg.AssetCheckResult(
        passed=not lines,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join([*lines.values()][:3]) or None,
        metadata={**metadata, **warned(lines)},
    )


def found_issues(rows: list[tuple[object, ...]]) -> dg.AssetCheckResult:
    """The result for rows of `data_quality_issue`, in the columns of ISSUE: a warning that names the first few."""
    named: dict[str, str] = {}
    for source, rule_id, month, count, example, *_ in rows:
        line = f"{source}, {month}: {rule_id} in {count} rows, such as charge {example}"
        named.setdefault(f"{source}, {rule_id}", line)
    way_out = "What is published is right; ask the vendor about the rule, or correct the export."
    listed = dg.JsonMetadataValue([[str(value) for value in row] for row in rows])
    return _warning(named, {"issues": listed, **shown(QUALITY, ISSUE, rows, way_out)})


@dg.asset_check(
    asset=QUALITY,
    additional_deps=[FRESHNESS],
    required_resource_keys={RUN_LOCK},
    name="charges_follow_the_focus_rules",
    description=(
        "Charges keep the rules of FOCUS beyond their amounts (price times quantity, units, enumerations). The money of "
        "those that do not is right and published; data_quality_issue lists them."
    ),
)
@in_our_words()
def charges_follow_the_focus_rules() -> dg.AssetCheckResult:
    return found_issues(rows_of(QUALITY, ISSUE))


def found_in_deliveries(rows: list[tuple[object, ...]]) -> dg.AssetCheckResult:
    """The result for rows of source, slice and finding: a warning that names the first few, and lists all."""
    lines = {
        f"{source}, {slice_id}": f"{source}, slice {slice_id}: {finding}" for source, slice_id, finding in rows
    }
    way_out = "Compare the delivery with the vendor's own page; if it is incomplete, request the month again."
    evident = shown(DELIVERY, DELIVERED, rows, way_out, HAS_FINDING)
    return _warning(lines, evident)


@dg.asset_check(
    asset=DELIVERY,
    additional_deps=[FRESHNESS],
    required_resource_keys={RUN_LOCK},
    name="deliveries_come_to_their_totals_and_do_not_shrink",
    description=(
        "The lines of a delivery come to the vendor's own total, and no delivery of days or a month that are over lost much "
        "of what the one before had (fact_delivery, finding). What was delivered is published."
    ),
)
@in_our_words()
def deliveries_come_to_their_totals_and_do_not_shrink() -> dg.AssetCheckResult:
    return found_in_deliveries(rows_of(DELIVERY, DELIVERED, HAS_FINDING))


@dg.asset_check(
    asset=DELIVERY,
    additional_deps=[FRESHNESS],
    blocking=True,
    required_resource_keys={RUN_LOCK},
    name="every_current_delivery_is_in_the_lake",
    description=(
        "The files of every current delivery are in the lake, with the sizes that its manifest lists. A damaged delivery is "
        "requested again by each refresh; until it is back, the last good publication stays up."
    ),
)
@in_our_words()
def every_current_delivery_is_in_the_lake() -> dg.AssetCheckResult:
    home = Home.from_environment()
    found = [f"{one.slice_id}: {one.damage}" for dataset in DATASETS for one in lost(home, dataset).values()]
    way_out = (
        f"; where the vendor has it no longer, restore the file below {home.lake} from the backup, or go on without it: "
        "`costowner accept-loss SLICE --reason TEXT`"
    )
    return dg.AssetCheckResult(
        passed=not found,
        description="; ".join(found[:3]) + way_out if found else None,
        metadata={"damaged": dg.JsonMetadataValue(list(found)), **of_build()},
    )


def stale_sources(rows: list[tuple[object, ...]], now: datetime) -> dict[str, str]:
    """A line for each source that is older than its freshness SLA, from rows of (source, newest charge, SLA in hours, slices)."""
    found = {}
    for source, newest, sla, slices in rows:
        if not slices:
            continue  # not set up: no SLA applies
        if not isinstance(newest, datetime):
            found[str(source)] = f"{source}: has delivered no charge"
            continue
        hours = (now - newest.replace(tzinfo=UTC)).total_seconds() / 3600
        if hours > int(str(sla)):
            age = f"{hours:.0f} h old; its freshness SLA is {sla} h"
            found[str(source)] = f"{source}: newest charge {newest:%Y-%m-%d %H:%M} UTC, {age}"
    return found


@dg.asset_check(
    asset=FRESHNESS,
    required_resource_keys={RUN_LOCK},
    name="newest_charge_is_within_the_sla",
    description="The newest charge of each source is no older than its freshness SLA (source_freshness).",
)
@in_our_words()
def newest_charge_is_within_the_sla() -> dg.AssetCheckResult:
    rows = rows_of(FRESHNESS, FRESH)
    stale = stale_sources(rows, utc_now())
    evident = shown(FRESHNESS, FRESH, rows, "`costowner sources` names what is missing.") if stale else {}
    return _warning(stale, evident)


CHECKS = [
    billed_cost_equals_the_delivery_notes,
    charges_follow_the_focus_rules,
    deliveries_come_to_their_totals_and_do_not_shrink,
    every_current_delivery_is_in_the_lake,
    newest_charge_is_within_the_sla,
]
