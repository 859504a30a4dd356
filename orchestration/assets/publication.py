"""The publication as an asset: downstream of every mart, and so behind every blocking check."""

import json
from typing import Any

import dagster as dg

from ingestion.lake import alone
from ingestion.settings import Home
from orchestration.assets.ledger import PROJECT, TRANSLATOR
from orchestration.environment import duckdb_memory
from orchestration.publish import Mart, publish


def _mart_nodes() -> list[dict[str, Any]]:
    """All models of the marts' folder, from dbt's manifest."""
    nodes = json.loads(PROJECT.manifest_path.read_text())["nodes"].values()
    return [node for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == "marts"]


NODES = _mart_nodes()
MARTS = [Mart(node["name"], node["schema"], node["config"]["materialized"] == "view") for node in NODES]


@dg.asset(
    key=["published", "marts"],
    deps=[TRANSLATOR.get_asset_key(node) for node in NODES],
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
        rows = publish(home.warehouse, home.published, MARTS, duckdb_memory())
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(home.published / "marts.duckdb")),
            "rows": dg.MetadataValue.json(rows),
        }
    )
