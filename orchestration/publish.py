"""The publication: the marts in a DuckDB file of their own and as Parquet, each replaced in one step.

A new snapshot is written beside the old one and renamed over it. A reader that holds the old file open keeps
reading it, and sees the new one when it connects again; nobody ever sees half of a refresh.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.warehouse import CATALOG, Mart

DATABASE = "marts.duckdb"
PARQUET = "parquet"


def _order_of(connection: duckdb.DuckDBPyConnection, mart: Mart) -> str:
    """The columns by which a mart's rows are ordered, so that equal marts make equal files."""
    columns = connection.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = ? "
        "and table_name = ? order by column_index limit 2",
        [CATALOG, mart.schema, mart.name],
    ).fetchall()
    return ", ".join(f'"{name}"' for (name,) in columns)


def publish(connection: duckdb.DuckDBPyConnection, target: Path, marts: Sequence[Mart]) -> dict[str, int]:
    """Publish marts to a folder; gives the rows of each. The connection sees them as `warehouse.<schema>.<mart>`.

    Leaves `target/marts.duckdb` (tables and views under their own names in schema `main`) and
    `target/parquet/<mart>.parquet`. A view must read published marts only.
    """
    target.mkdir(parents=True, exist_ok=True)
    for left in target.glob(".new-*"):
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    draft = target / f".new-{DATABASE}"
    folder = target / f".new-{PARQUET}"
    folder.mkdir()
    rows: dict[str, int] = {}
    connection.execute(f"attach '{draft}' as draft")
    for mart in sorted(marts, key=lambda mart: (mart.is_view, mart.name)):
        source = f'{CATALOG}."{mart.schema}"."{mart.name}"'
        order = _order_of(connection, mart)
        if mart.is_view:
            connection.execute("use draft.main")
            connection.execute(f'create view "{mart.name}" as {_definition(connection, mart)}')
            connection.execute("use memory.main")
            source = f'draft.main."{mart.name}"'
        else:
            connection.execute(f'create table draft.main."{mart.name}" as select * from {source} order by {order}')
            source = f'draft.main."{mart.name}"'
        connection.execute(
            f"copy (select * from {source}) to '{folder / mart.name}.parquet' (format parquet, compression zstd)"
        )
        counted = connection.execute(f"select count(*) from {source}").fetchone()
        rows[mart.name] = int(counted[0]) if counted else 0
    connection.execute("detach draft")
    _replace_folder(folder, target / PARQUET)
    draft.replace(target / DATABASE)
    return rows


def _definition(connection: duckdb.DuckDBPyConnection, mart: Mart) -> str:
    """A view's select, over the published tables instead of the warehouse's."""
    found = connection.execute(
        "select sql from duckdb_views() where database_name = ? and schema_name = ? and view_name = ?",
        [CATALOG, mart.schema, mart.name],
    ).fetchone()
    if found is None:
        raise RuntimeError(f"{mart.name}: no such view in the warehouse")
    select = str(found[0]).split(" AS ", 1)[1]
    return re.sub(rf'("?\w+"?\.)?"?{re.escape(mart.schema)}"?\."?(\w+)"?', r'main."\2"', select)


def _replace_folder(new: Path, current: Path) -> None:
    """Put a folder in another's place: a link that is renamed, so that no reader finds it missing.

    The folder before stays until the next publication, for a reader that is in the middle of it.
    """
    kept = current.parent / f".{current.name}-{new.stat().st_ino}"
    new.rename(kept)
    link = current.parent / f".new-link-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(kept.name)
    old = current.resolve() if current.is_symlink() else None
    link.replace(current)
    for folder in current.parent.glob(f".{current.name}-*"):
        if folder not in (kept, old):
            shutil.rmtree(folder, ignore_errors=True)
