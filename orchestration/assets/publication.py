"""The publication as assets: downstream of every mart, and so behind every blocking check."""

import dagster as dg

from ingestion.lake import alone
from ingestion.settings import Home
from orchestration.assets.ledger import PROJECT
from orchestration.engine import Engine
from orchestration.news import News
from orchestration.publish import PARQUET, publish_database, publish_parquet
from orchestration.warehouse import marts_of

MARTS = marts_of(PROJECT.manifest_path)
PUBLISHED = dg.AssetKey(["published", "marts"])


@dg.asset(
    key=PUBLISHED,
    deps=[mart.asset_key for mart in MARTS],
    group_name="published",
    kinds={"duckdb"},
    owners=["team:data"],
    description=(
        "What BI tools read: `marts.duckdb`, replaced in one step. "
        "A failing blocking check keeps the last good publication up."
    ),
)
def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    home = Home.from_environment()
    context.log.info(f"publishing to {home.published}")
    with alone(home, "warehouse"):
        rows = publish_database(home, MARTS)
        News(home, Engine.from_environment()).published()
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(home.database)),
            "rows": dg.MetadataValue.json(rows),
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
)
def published_parquet() -> dg.MaterializeResult[None]:
    home = Home.from_environment()
    with alone(home, "warehouse"):
        written = publish_parquet(home, MARTS)
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(str(home.published / PARQUET)), "files written": written}
    )
