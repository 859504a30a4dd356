"""The publication as assets: downstream of every mart, and so behind every blocking check."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from ingestion.lake.history import COST_REVISIONS, HISTORY
from ingestion.lake.notes import known_notes
from ingestion.setting_table import EVERYONE, PUBLISH_BY_OWNER, PUBLISHED_ACCESS
from ingestion.settings import Home, utc_now
from orchestration.assets.code_reference import code_reference, raw_table_metadata
from orchestration.assets.failure import in_our_words
from orchestration.assets.ledger import PROJECT
from orchestration.checks import ledger, prompts
from orchestration.dbt.change_detection import ChangeDetection
from orchestration.dbt.engine import Engine
from orchestration.publication.build_state import BUILD, BuildState, NotPublishable
from orchestration.publication.history import record_revisions
from orchestration.publication.owner_files import publish_owner_files
from orchestration.publication.publish import PARQUET, publish_database, publish_parquet
from orchestration.publication.warehouse import marts_of
from orchestration.run_lock import RUN_LOCK

MARTS = marts_of(PROJECT.manifest_path)
PUBLISHED = dg.AssetKey(["published", "marts"])
# They must have passed on the very build that is published.
BLOCKING, BLOCKING_OF_RAW = (
    [spec.key for check in checks for spec in check.check_specs if spec.blocking]
    for checks in (ledger.CHECKS, prompts.CHECKS)
)


# A publication writes it and the next build reads it: to Dagster it comes from outside of both.
RECORDED = dg.AssetSpec(
    [HISTORY.dataset, COST_REVISIONS.name],
    group_name=HISTORY.dataset,
    kinds={"dlt", "parquet"},
    owners=["team:data"],
    description=f"{COST_REVISIONS.description}\n\n{HISTORY.description}",
    metadata=raw_table_metadata(COST_REVISIONS, Path(__file__)),
)


def of_landed_sources(home: Home, checks: Sequence[dg.AssetCheckKey]) -> list[dg.AssetCheckKey]:
    """The checks of raw tables whose source has landed something: the check of a source that is not set up never runs."""
    return [check for check in checks if known_notes(home, check.asset_key.path[0])]


@dg.asset(
    key=PUBLISHED,
    deps=[mart.asset_key for mart in MARTS],
    group_name="published",
    kinds={"duckdb"},
    owners=["team:data"],
    description=(
        "What BI tools read: `marts.duckdb`, replaced in one step. "
        "A failing blocking check keeps the last good publication up; no other build than the one that was checked is published."
    ),
    metadata=code_reference(Path(__file__)),
    required_resource_keys={RUN_LOCK},
)
@in_our_words()
def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    home = Home.from_environment()
    engine = Engine.from_environment()
    state = BuildState(home, engine)
    try:
        build = state.publishable(context.instance, BLOCKING, of_landed_sources(home, BLOCKING_OF_RAW))
    except NotPublishable as reason:
        raise dg.Failure(f"nothing is published: {reason}", allow_retries=False) from None
    recorded = record_revisions(home, build.id, utc_now())
    if recorded:
        added = {"rows": dg.IntMetadataValue(recorded)}
        context.log_event(dg.AssetMaterialization(RECORDED.key, metadata=added))
    context.log.info(f"publishing to {home.published}")
    rows = publish_database(home, MARTS)
    state.published(build)
    ChangeDetection(home, engine).published()
    return dg.MaterializeResult(
        metadata={
            BUILD: build.id,
            "path": dg.MetadataValue.path(str(home.database)),
            "rows": dg.MetadataValue.json(rows),
            "revisions recorded": recorded,
        }
    )


@dg.asset(
    key=["published", "parquet"],
    deps=[PUBLISHED],
    group_name="published",
    kinds={"parquet"},
    owners=["team:data"],
    description=(
        "The published marts as Parquet, a folder each, for tools that read files; replaced in one step. Marts that are "
        "kept by billing month have a file a month, which stays while the month does."
    ),
    metadata=code_reference(Path(__file__)),
    required_resource_keys={RUN_LOCK},
)
@in_our_words()
def published_parquet() -> dg.MaterializeResult[None]:
    home = Home.from_environment()
    written = publish_parquet(home, MARTS)
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(str(home.published / PARQUET)), "files written": written}
    )


@dg.asset(
    key=["published", "owners"],
    deps=[PUBLISHED],
    output_required=False,
    group_name="published",
    kinds={"duckdb"},
    owners=["team:data"],
    description=(
        "For each owner a folder with its own rows of the marts, those of the owners below it, and the company's totals. "
        f"Only where {PUBLISH_BY_OWNER.name} is set; each file is replaced in one step."
    ),
    metadata=code_reference(Path(__file__)),
    required_resource_keys={RUN_LOCK},
)
def published_owners(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    home = Home.from_environment()
    if not PUBLISH_BY_OWNER.value():
        context.log.info(f"{PUBLISH_BY_OWNER.name} is not set: no publication by owner")
        if home.owners.is_dir():
            context.log.warning(
                f"{home.owners} stays as an earlier publication left it: remove the folder, or set {PUBLISH_BY_OWNER.name}=true"
            )
        return
    done = publish_owner_files(home, MARTS)
    if done.removed:
        context.log.info(f"not declared any more, removed: {', '.join(done.removed)}")
    if PUBLISHED_ACCESS.value() == EVERYONE:
        context.log.warning(
            f"{home.database} has every owner's rows and can be read by everyone on this machine: "
            f"set {PUBLISHED_ACCESS.name} (docs/bi.md)"
        )
    yield dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(home.owners)),
            "owners": done.owners,
            "rows": done.rows,
            "removed": dg.MetadataValue.json(list(done.removed)),
        }
    )


PUBLISHED_ASSETS = [published_marts, published_parquet, published_owners]
