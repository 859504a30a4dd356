"""The publication as an asset: downstream of every mart, and so behind every blocking check."""

import json

import dagster as dg

from ingestion.lake import alone
from ingestion.settings import Home
from orchestration.assets.ledger import PROJECT, TRANSLATOR
from orchestration.publish import Mart, publish


def marts() -> list[Mart]:
    """All models of the marts' folder, from dbt's manifest."""
    nodes = json.loads(PROJECT.manifest_path.read_text())["nodes"].values()
    return [
        Mart(node["name"], node["schema"], node["config"]["materialized"] == "view")
        for node in nodes
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    ]


def _mart_keys() -> list[dg.AssetKey]:
    nodes = json.loads(PROJECT.manifest_path.read_text())["nodes"].values()
    return [
        TRANSLATOR.get_asset_key(node)
        for node in nodes
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    ]


@dg.asset(
    key=["published", "marts"],
    deps=_mart_keys(),
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
    with alone(home, "warehouse"):
        rows = publish(home.warehouse, home.published, marts())
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(home.published / "marts.duckdb")),
            "rows": dg.MetadataValue.json(rows),
        }
    )
