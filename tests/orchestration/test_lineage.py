"""What is known of columns is kept from build to build, whatever order the models are built in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster_dbt import DbtProject

import orchestration.dbt.lineage
from orchestration.dbt.lineage import COLUMN_LINEAGE, Lineage, with_lineage
from orchestration.dbt.translator import LedgerTranslator

SQL = {
    "prices": "select 1 as sku, 2 as price",
    "people": "select 1 as person",
    "orders": "select sku, price * 2 as cost from warehouse.shop.prices",
}
READ = {"prices": [], "people": [], "orders": ["prices"]}


def project(folder: Path, sql: Mapping[str, str]) -> DbtProject:
    """A dbt project of three models as dbt leaves it: a manifest and compiled SQL."""
    compiled = folder / "target" / "compiled" / "shop" / "models"
    compiled.mkdir(parents=True, exist_ok=True)
    for name, text in sql.items():
        (compiled / f"{name}.sql").write_text(text)
    nodes = {
        f"model.shop.{name}": {
            "unique_id": f"model.shop.{name}",
            "resource_type": "model",
            "name": name,
            "schema": "shop",
            "config": {"schema": "shop"},
            "original_file_path": f"models/{name}.sql",
            "depends_on": {"nodes": [f"model.shop.{read}" for read in READ[name]]},
        }
        for name in sql
    }
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    manifest = {"metadata": {"project_name": "shop"}, "nodes": nodes, "sources": {}}
    (folder / "target" / "manifest.json").write_text(json.dumps(manifest))
    return DbtProject(project_dir=folder, target_path="target")


def build(folder: Path, order: Sequence[str], sql: Mapping[str, str] = SQL) -> dict[str, dg.TableColumnLineage]:
    """Columns of each model of a build in an order."""
    lineage = Lineage(project(folder, sql), folder / "target", LedgerTranslator())
    events = with_lineage([dg.AssetMaterialization(["shop", name]) for name in order], lineage)
    return {event.asset_key.path[-1]: event.metadata[COLUMN_LINEAGE].value for event in events}


def test_nothing_is_read_again_when_models_come_in_another_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(tmp_path, ["prices", "orders", "people"])
    assert first["orders"].deps_by_column["cost"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(["shop", "prices"]), column_name="price")
    ]

    def not_again(*_: object) -> None:
        raise AssertionError("SQL that is known was read again")

    monkeypatch.setattr(orchestration.dbt.lineage, "column_origins", not_again)
    assert build(tmp_path, ["people", "prices", "orders"]) == first


def test_another_table_below_is_read_again(tmp_path: Path) -> None:
    order = ["prices", "people", "orders"]
    build(tmp_path, order, {**SQL, "orders": "select * from shop.prices"})
    wider = {**SQL, "prices": "select 1 as sku, 2 as price, 3 as unit", "orders": "select * from shop.prices"}
    assert list(build(tmp_path, order, wider)["orders"].deps_by_column) == ["sku", "price", "unit"]
