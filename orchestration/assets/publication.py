"""The publication as an asset: downstream of every mart, and so behind every blocking check."""

import dagster as dg

from ingestion.lake import alone
from ingestion.settings import Home
from orchestration.assets.ledger import PROJECT
from orchestration.publish import publish
from orchestration.warehouse import marts_of, opened

MARTS = marts_of(PROJECT.manifest_path)


@dg.asset(
    key=["published", "marts"],
    deps=[dg.AssetKey([mart.schema, mart.name]) for mart in MARTS],
    group_name="published",
    kinds={"duckdb", "parquet"},
    owners=["team:data"],
    description=(
        "What BI tools read: `marts.duckdb` and the same as Parquet, replaced in one step. "
        "A failing blocking check keeps the last good publication up."
    ),
)
def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    home = Home.from_environment()
    context.log.info(f"publishing to {home.published}")
    with alone(home, "warehouse"), opened(home, MARTS) as connection:
        rows = publish(connection, home.published, MARTS)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(home.published / "marts.duckdb")),
            "rows": dg.MetadataValue.json(rows),
        }
    )
