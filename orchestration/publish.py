"""The publication: the marts in a DuckDB file of their own, then as Parquet, each replaced in one step.

A new snapshot is written beside the old one and renamed over it. A reader that holds the old file open keeps
reading it, and sees the new one when it connects again; nobody ever sees half of a refresh.

The marts are the schema `main` of DuckDB's warehouse, so its file is copied, and what is not a mart dropped from the
copy: rows are not written again, however many they are. What Spark left as Parquet is written into a new file.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingestion.settings import Home
from orchestration.copying import copy_file
from orchestration.engine import Engine
from orchestration.environment import duckdb_memory
from orchestration.warehouse import CATALOG, Mart, opened

DATABASE = "marts.duckdb"
# The oldest DuckDB that reads it, as dbt_project/profiles.yml has it for the warehouse.
FORMAT = "v1.3.0"
PARQUET = "parquet"
# In the metadata of a Parquet file: what of the ledger it was written from.
STAMP = "costowner_ledger"


def publish_database(home: Home, marts: Sequence[Mart]) -> dict[str, int]:
    """Publish the marts as `published/marts.duckdb`, tables and views in schema `main`; gives the rows of each.

    A view must read published marts only. The caller sees to it that nobody writes the warehouse meanwhile.
    """
    target = home.published
    target.mkdir(parents=True, exist_ok=True)
    _clear(target)
    draft = target / f".new-{DATABASE}"
    if Engine.from_environment().is_spark:
        _write(home, draft, marts)
    else:
        _copy(home, draft, marts)
    with duckdb.connect(str(draft), read_only=True) as connection:
        rows = {mart.name: _count(connection, mart.name) for mart in marts}
    draft.replace(target / DATABASE)
    return rows


def publish_parquet(home: Home, marts: Sequence[Mart]) -> int:
    """Write what is published as `published/parquet/<mart>.parquet`, but for marts that only the database shows.

    Gives how many files were written: those of the ledger stay what they are while no period of it was built anew.
    """
    target = home.published
    folder = target / f".new-{PARQUET}"
    _clear(target)
    folder.mkdir()
    current = target / PARQUET
    written = 0
    with duckdb.connect(str(target / DATABASE), read_only=True) as connection:
        _limit(connection)
        ledger = _ledger_digest(connection)
        for mart in marts:
            if not mart.in_parquet:
                continue
            file = folder / f"{mart.name}.parquet"
            stamp = _stamp(connection, mart, ledger)
            before = current / file.name
            if stamp and before.exists() and _stamp_of(before) == stamp:
                os.link(before, file)
                continue
            said = f", kv_metadata {{{STAMP}: '{stamp}'}}" if stamp else ""
            connection.execute(
                f"copy (select * from \"{mart.name}\") to '{file}' (format parquet, compression zstd{said})"
            )
            written += 1
    _replace_folder(folder, current)
    return written


def _ledger_digest(connection: duckdb.DuckDBPyConnection) -> str:
    """What the published ledger was built from; empty where there is none."""
    has_fingerprints = connection.execute(
        "select count(*) from duckdb_columns() where table_name = 'fact_cost' and column_name = 'ledger_fingerprint'"
    ).fetchone()
    if not has_fingerprints or not has_fingerprints[0]:
        return ""
    periods = connection.execute(
        "select source, billing_month, ledger_fingerprint, count(*) from fact_cost group by all order by all"
    ).fetchall()
    return hashlib.sha256(repr(periods).encode()).hexdigest()


def _stamp(connection: duckdb.DuckDBPyConnection, mart: Mart, ledger: str) -> str:
    """What a mart's file depends on: `fact_cost`, or a view of it alone. Empty for the others, which are small."""
    shape = connection.execute(f'describe "{mart.name}"').fetchall()
    if mart.is_view:
        select = _definition(connection, mart)
        if set(re.findall(r'\bmain\."?(\w+)"?', select)) != {"fact_cost"}:
            return ""
        shape.append((select,))
    elif mart.name != "fact_cost":
        return ""
    return hashlib.sha256(f"{ledger}{shape!r}".encode()).hexdigest() if ledger else ""


def _stamp_of(file: Path) -> str:
    """The stamp that a file was written with."""
    metadata: dict[bytes, bytes] = pq.read_metadata(file).metadata or {}
    return metadata.get(STAMP.encode(), b"").decode()


def _clear(target: Path) -> None:
    """Remove what a killed publication left."""
    for left in target.glob(".new-*"):
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def _limit(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"set memory_limit = '{duckdb_memory()}'")
    connection.execute("set preserve_insertion_order = false")


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    counted = connection.execute(f'select count(*) from "{name}"').fetchone()
    return int(counted[0]) if counted else 0


def _copy(home: Home, draft: Path, marts: Sequence[Mart]) -> None:
    """The warehouse's file, without what is no mart."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{home.warehouse}' as {CATALOG} (storage_version '{FORMAT}')")
        # A file of before takes the format on with the first checkpoint that has anything to write.
        connection.execute(f"begin; create table {CATALOG}.passing (x int); drop table {CATALOG}.passing; commit")
        connection.execute(f"checkpoint {CATALOG}")
    copy_file(home.warehouse, draft)
    names = {mart.name for mart in marts}
    with duckdb.connect(str(draft)) as connection:
        schemas = connection.execute(
            "select schema_name from duckdb_schemas() where not internal and schema_name <> 'main'"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(f'drop schema "{schema}" cascade')
        for name, kind in connection.execute(
            "select table_name, 'table' from duckdb_tables() union all "
            "select view_name, 'view' from duckdb_views() where not internal"
        ).fetchall():
            if name not in names:
                connection.execute(f'drop {kind} "{name}"')
        for mart in marts:
            if mart.is_view:
                connection.execute(f'create or replace view "{mart.name}" as {_definition(connection, mart)}')
        connection.execute("checkpoint")


def _write(home: Home, draft: Path, marts: Sequence[Mart]) -> None:
    """A new file of what the engine left elsewhere."""
    with opened(home, marts) as connection:
        _limit(connection)
        connection.execute(f"attach '{draft}' as draft (storage_version '{FORMAT}')")
        for mart in sorted(marts, key=lambda mart: mart.is_view):
            if mart.is_view:
                connection.execute("use draft.main")
                connection.execute(f'create view "{mart.name}" as {_definition(connection, mart)}')
                connection.execute("use memory.main")
            else:
                connection.execute(f'create table draft.main."{mart.name}" as select * from {mart.relation}')
        connection.execute("detach draft")


def _definition(connection: duckdb.DuckDBPyConnection, mart: Mart) -> str:
    """A view's select, over the tables beside it instead of the warehouse's."""
    found = connection.execute(
        "select sql from duckdb_views() where schema_name = 'main' and view_name = ? and not internal", [mart.name]
    ).fetchone()
    if found is None:
        raise RuntimeError(f"{mart.name}: no such view in the warehouse")
    select = str(found[0]).split(" AS ", 1)[1].rstrip(";\n")
    return re.sub(rf'"?{CATALOG}"?\."?main"?\.', "main.", select)


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
