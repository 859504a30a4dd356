"""The marts as the engine built them, read by DuckDB: for the checks before publication, and for the publication.

DuckDB's own warehouse is a file, which is attached. Spark leaves every mart as Parquet (macro `export_mart`), over
which views stand here in its place; what is a view among the marts is compiled once more, for DuckDB.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from ingestion.errors import IngestionError
from ingestion.setting_table import DUCKDB, DUCKDB_MEMORY, ENGINE
from ingestion.settings import Home
from orchestration.dbt.command import needed
from orchestration.dbt.engine import Engine
from orchestration.dbt.project_files import DBT_PROJECT, project_digest
from orchestration.publication.owner_scope import NOTHING, OwnersSee, owners_see
from orchestration.state_file import read_state, write_state

# The name under which it is attached: `warehouse.main.fact_cost`.
CATALOG = "warehouse"
# The folder, and the layer, of the models that are marts.
LAYER = "marts"
# Types of contracts that have another name in DuckDB.
TYPES = {"string": "varchar"}


class WarehouseError(IngestionError):
    """The warehouse cannot be read; the message names what is missing and the way out."""


@dataclass(frozen=True)
class Mart:
    """A model to publish, with the types of its columns. A view is published as its definition.

    `in_parquet`: whether it is published as files too (not where `meta: {parquet: false}`); `by_month`: as one a billing
    month (`meta: {parquet: by_month}`: a table that is built by period, or a view of one, row by row). `owners_see`: what of it
    an owner's own publication has.
    """

    name: str
    is_view: bool
    types: Mapping[str, str]
    path: str = ""
    in_parquet: bool = True
    by_month: bool = False
    owners_see: OwnersSee = NOTHING

    @property
    def relation(self) -> str:
        """The mart's name in a connection of `opened`."""
        return f'{CATALOG}.main."{self.name}"'

    @property
    def asset_key(self) -> dg.AssetKey:
        return dg.AssetKey([LAYER, self.name])


def marts_of(manifest: Path) -> list[Mart]:
    """All models of the marts' folder, from dbt's manifest."""
    nodes = json.loads(manifest.read_text())["nodes"].values()
    return [mart_of(node) for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == LAYER]


def built_marts(home: Home) -> list[Mart]:
    """The marts of an installation, as the engine that is set builds them."""
    return marts_of(Engine.from_environment().manifest(home))


def mart_of(node: Mapping[str, Any]) -> Mart:
    """A mart from its node of dbt's manifest."""
    types = {name: column.get("data_type") or "string" for name, column in node["columns"].items()}
    is_view = node["config"]["materialized"] == "view"
    meta = node["config"].get("meta", {})
    parquet = meta.get("parquet", True)
    return Mart(
        node["name"],
        is_view,
        types,
        node["original_file_path"],
        bool(parquet),
        by_month=parquet == "by_month",
        owners_see=owners_see(node["name"], meta.get("owners_see")),
    )


def _column(name: str, declared: str) -> str:
    """A column of Spark's Parquet in its contract's type. (Spark's times are instants; ours are UTC by convention.)"""
    if declared == "timestamp":
        return f'timezone(\'UTC\', "{name}") as "{name}"'
    return f'cast("{name}" as {TYPES.get(declared, declared)}) as "{name}"'


def _compiled_for_duckdb(home: Home, views: Sequence[Mart]) -> dict[str, str]:
    """The SQL of marts that are views, as DuckDB's target compiles it, over `warehouse.main`.

    It does not depend on the data: it is compiled again when the project's files or the selected views change.
    """
    folder = home.root / "spark" / "views"
    target, stamp = folder / "target", folder / "compiled_of.json"
    compiled_of = [project_digest(), *sorted(view.name for view in views)]
    if read_state(stamp) != compiled_of:
        stamp.unlink(missing_ok=True)
        _compile_for_duckdb(home, folder, target, [view.name for view in views])
        write_state(stamp, compiled_of)
    found = {}
    for view in views:
        sql = (target / "compiled" / "costowner" / view.path).read_text()
        found[view.name] = re.sub(r'"?\bviews"?\."?main"?\.', f"{CATALOG}.main.", sql)
    return found


def _compile_for_duckdb(home: Home, folder: Path, target: Path, names: Sequence[str]) -> None:
    engine = Engine(DUCKDB)
    done = subprocess.run(
        [str(engine.dbt), "--quiet", "compile", "--target", DUCKDB, "--select", *names],
        cwd=DBT_PROJECT,
        env=needed(
            {
                **os.environ,
                **engine.environment(home),
                ENGINE.name: DUCKDB,
                "COSTOWNER_WAREHOUSE": str(folder / "views.duckdb"),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(folder / "logs"),
                "DBT_PROJECT_DIR": str(DBT_PROJECT),
            }
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WarehouseError(f"the marts that are views could not be compiled for DuckDB: {done.stdout[-500:]}")


def _attach_export(connection: duckdb.DuckDBPyConnection, home: Home, marts: Sequence[Mart]) -> None:
    folder = Engine.from_environment().export_folder(home)
    connection.execute(f"attach ':memory:' as {CATALOG}")
    for mart in marts:
        if mart.is_view:
            continue
        files = folder / mart.name / "*.parquet"
        if not list(files.parent.glob(files.name)):
            raise WarehouseError(
                f"Spark has left no {mart.name} in {folder}: build the whole ledger first (make refresh); on a cluster, "
                "see that it writes where this machine reads (COSTOWNER_SPARK_EXPORT, docs/scaling.md)"
            )
        columns = ", ".join(_column(name, declared) for name, declared in mart.types.items())
        connection.execute(f"create view {mart.relation} as select {columns} from read_parquet('{files}')")
    views = [mart for mart in marts if mart.is_view]
    compiled = _compiled_for_duckdb(home, views) if views else {}
    for view in views:
        connection.execute(f"create view {view.relation} as {compiled[view.name]}")


@contextmanager
def opened(home: Home, marts: Sequence[Mart]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees some marts as the engine last built them, read only, as `Mart.relation`.

    Raises WarehouseError where Spark has not built one of them yet.
    """
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"set memory_limit = '{DUCKDB_MEMORY.value()}'")
        if Engine.from_environment().is_spark:
            _attach_export(connection, home, marts)
        else:
            connection.execute(f"attach '{home.warehouse}' as {CATALOG} (read_only)")
        yield connection
