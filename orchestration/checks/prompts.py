"""Checks of prompts in the lake: no column for them, none past its date, and a warning where a gateway ships them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.lake.contract import NOTE_TABLES, Source
from ingestion.settings import Home, utc_now
from ingestion.sources.llm_gateway import SOURCE as GATEWAY
from ingestion.sources.llm_prompts import SOURCE as PROMPTS
from orchestration.assets.failure import in_our_words
from orchestration.checks.evidence import warned
from orchestration.checks.ledger import FRESHNESS, rows_of
from orchestration.retention.purge import overdue
from orchestration.run_lock import RUN_LOCK

REQUESTS = dg.AssetKey([GATEWAY.dataset, "llm_requests"])
LANDED_PROMPTS = dg.AssetKey([PROMPTS.dataset, "llm_prompts"])
DROPPED = dg.AssetKey(["marts", "llm_dropped_prompt_fields"])
# How far back the check looks for prompts in a gateway's logs.
LOOK_BACK = timedelta(days=7)


def undeclared(home: Home, source: Source) -> Iterator[str]:
    """Tables and columns in a dataset's files that the source does not declare, read from the files themselves."""
    declared = {table.name: table for table in (*source.tables, *NOTE_TABLES)}
    folder = home.lake / source.dataset
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not place.is_dir() or place.name.startswith("_"):
            continue
        if place.name not in declared:
            yield f"{place.name}: no such table is declared"
            continue
        for file in sorted(place.rglob("*.parquet")):
            try:
                columns = set(pq.read_schema(file).names)
            except (pa.ArrowInvalid, OSError):
                continue  # a killed load's half file: no reader takes it, `prune` removes it
            for name in sorted(columns - set(declared[place.name].schema.names)):
                yield f"{place.name}/{file.name}: column {name} is not declared"


@dg.asset_check(
    asset=REQUESTS,
    required_resource_keys={RUN_LOCK},
    blocking=True,
    name="no_column_but_the_declared_ones",
    description=(
        "The lake's files of gateway requests have the columns of the contract and no other: text of prompts and "
        "responses has none. Read from the files themselves."
    ),
)
@in_our_words()
def no_column_but_the_declared_ones() -> dg.AssetCheckResult:
    found = list(undeclared(Home.from_environment(), GATEWAY))
    return dg.AssetCheckResult(
        passed=not found,
        description="; ".join(found[:3]) or None,
        metadata={"undeclared": dg.JsonMetadataValue(list(found))},
    )


@dg.asset_check(
    asset=LANDED_PROMPTS,
    required_resource_keys={RUN_LOCK},
    name="no_prompt_is_too_old_or_outside_the_policy",
    description=(
        "Every prompt in the lake's files belongs to a workflow whose prompts registry/prompt_policy.yml retains, and is "
        "within its retention period; no killed run has left a copy. `costowner purge` deletes the rest."
    ),
)
@in_our_words()
def no_prompt_is_too_old_or_outside_the_policy() -> dg.AssetCheckResult:
    found = overdue(Home.from_environment(), utc_now())
    return dg.AssetCheckResult(
        passed=not found,
        description=("run `costowner purge`: " + "; ".join(found[:3])) if found else None,
        metadata={"overdue": dg.JsonMetadataValue(list(found))},
    )


@dg.asset_check(
    asset=DROPPED,
    additional_deps=[FRESHNESS],
    required_resource_keys={RUN_LOCK},
    name="no_gateway_ships_prompts",
    description="No gateway sent text of prompts or responses in the last week. (Costowner drops such text before it lands.)",
)
@in_our_words()
def no_gateway_ships_prompts() -> dg.AssetCheckResult:
    since = (utc_now() - LOOK_BACK).date()
    found = {
        f"{source_system}, {field}": f"{source_system}: {field} in {count} records"
        for source_system, field, count in rows_of(
            DROPPED,
            "source_system, field, sum(text_count)",
            f"usage_day >= date '{since}' group by source_system, field having sum(text_count) > 0",
        )
    }
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=("dropped here; turn it off at the gateway: " + "; ".join([*found.values()][:3]))
        if found
        else None,
        metadata=warned(found),
    )


CHECKS = [no_column_but_the_declared_ones, no_prompt_is_too_old_or_outside_the_policy, no_gateway_ships_prompts]
