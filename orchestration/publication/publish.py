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
import threading
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingestion.setting_table import DUCKDB_MEMORY
from ingestion.settings import Home
from orchestration.dbt.engine import Engine
from orchestration.publication.access import access
from orchestration.publication.warehouse import CATALOG, Mart, opened

# The oldest DuckDB that reads it, as dbt_project/profiles.yml has it for the warehouse.
FORMAT = "v1.3.0"
PARQUET = "parquet"
# The published database, to the connection that writes Parquet from it.
PUBLISHED = "published"
# In the metadata of a Parquet file: what of the ledger it was written from.
STAMP = "costowner_ledger"
FICLONE = 0x40049409  # of Linux's ioctl


def publish_database(home: Home, marts: Sequence[Mart]) -> dict[str, int]:
    """Publish the marts as `published/marts.duckdb`, tables and views in schema `main`; gives the rows of each.

    A view must read published marts only. The caller sees to it that nobody writes the warehouse meanwhile.
    """
    target = home.published
    target.mkdir(parents=True, exist_ok=True)
    clear(target)
    draft = target / f".new-{home.database.name}"
    if Engine.from_environment().is_spark:
        _write(home, draft, marts)
    else:
        _copy(home, draft, marts)
    with duckdb.connect(str(draft), read_only=True) as connection:
        rows = {mart.name: _count(connection, mart.name) for mart in marts}
    draft.chmod(access().file)
    replace_database(draft, home.database)
    return rows


def publish_parquet(home: Home, marts: Sequence[Mart]) -> int:
    """Write what is published as `published/parquet/<mart>/*.parquet`, but for marts that only the database shows.

    A mart that is kept by billing month has a file a month, the others have one. Gives how many files were written: a
    month that was not rebuilt keeps its file.
    """
    target = home.published
    folder = target / f".new-{PARQUET}"
    clear(target)
    folder.mkdir()
    current = target / PARQUET
    with duckdb.connect() as connection:
        limit(connection)
        connection.execute(f"attach '{home.database}' as {PUBLISHED} (read_only)")
        written = 0
        for mart in marts:
            if mart.in_parquet:
                (folder / mart.name).mkdir()
                write = _write_months if mart.by_month else _write_whole
                written += write(connection, mart, folder / mart.name, current / mart.name)
    modes = access()
    for path in (folder, *folder.rglob("*")):
        path.chmod(modes.folder if path.is_dir() else modes.file)
    _replace_folder(folder, current)
    return written


def _write_whole(connection: duckdb.DuckDBPyConnection, mart: Mart, folder: Path, _before: Path) -> int:
    _write_file(connection, f'select * from {PUBLISHED}.main."{mart.name}"', folder / "all.parquet", "")
    return 1


def _write_months(connection: duckdb.DuckDBPyConnection, mart: Mart, folder: Path, before: Path) -> int:
    """A file a billing month; those that were written from the same as now are linked."""
    select = definition_of(connection, mart) if mart.is_view else f'select * from main."{mart.name}"'
    base = _base(mart, select)
    months = _months(connection, base)
    shape = connection.execute(f'describe {PUBLISHED}.main."{mart.name}"').fetchall()
    written = 0
    # Of a table without rows, its columns.
    for month, content in months.items() or [("none", "")]:
        stamp = hashlib.sha256(f"{content}{shape!r}{select}".encode()).hexdigest()
        file, known = folder / f"{month}.parquet", before / f"{month}.parquet"
        if known.exists() and _stamp_of(known) == stamp:
            os.link(known, file)
            continue
        # What the select reads, with this month's rows only.
        connection.execute(
            f'create or replace view main."{base}" as '
            f"select * from {PUBLISHED}.main.\"{base}\" where billing_month = '{month}'"
        )
        _write_file(connection, select, file, stamp)
        written += 1
    return written


def _write_file(connection: duckdb.DuckDBPyConnection, select: str, file: Path, stamp: str) -> None:
    metadata = f", kv_metadata {{{STAMP}: '{stamp}'}}" if stamp else ""
    connection.execute(f"copy ({select}) to '{file}' (format parquet, compression zstd{metadata})")


def _base(mart: Mart, select: str) -> str:
    """The table whose rows a mart by month shows."""
    found = {match[1] for match in re.finditer(r'\bmain\."?(\w+)"?', select)}
    if len(found) != 1:
        raise RuntimeError(
            f"{mart.name}: `parquet: by_month` is for a table, or a view of one; it reads {sorted(found)}"
        )
    return found.pop()


def _months(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """What each billing month of a table was built from, by its fingerprints."""
    columns = connection.execute(
        f"select column_name from duckdb_columns() where database_name = '{PUBLISHED}' and schema_name = 'main' "
        f"and table_name = '{table}' and ends_with(column_name, '_fingerprint')"
    ).fetchall()
    if len(columns) != 1:
        raise RuntimeError(
            f"{table}: `parquet: by_month` is for a table with one fingerprint; it has {len(columns)}"
        )
    ((fingerprint,),) = columns
    rows = connection.execute(
        f'select billing_month, "{fingerprint}", count(*) from {PUBLISHED}.main."{table}" group by all order by all'
    ).fetchall()
    found: dict[str, str] = {}
    for month, *content in rows:
        found[month] = found.get(month, "") + repr(content)
    return found


def _stamp_of(file: Path) -> str:
    """The stamp that a file was written with."""
    metadata: dict[bytes, bytes] = pq.read_metadata(file).metadata or {}
    return metadata.get(STAMP.encode(), b"").decode()


def clear(target: Path) -> None:
    """Remove what a killed publication left."""
    for left in target.glob(".new-*"):
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def limit(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"set memory_limit = '{DUCKDB_MEMORY.value()}'")
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
    _copy_file(home.warehouse, draft)
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
                connection.execute(f'create or replace view "{mart.name}" as {definition_of(connection, mart)}')
        connection.execute("checkpoint")


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file. A file system that shares blocks (XFS, Btrfs) does it at once, whatever its size."""
    try:
        from fcntl import ioctl

        with source.open("rb") as reading, target.open("wb") as writing:
            ioctl(writing.fileno(), FICLONE, reading.fileno())
    except (ImportError, OSError):
        shutil.copyfile(source, target)


def _write(home: Home, draft: Path, marts: Sequence[Mart]) -> None:
    """A new file of what the engine left elsewhere."""
    with opened(home, marts) as connection:
        limit(connection)
        connection.execute(f"attach '{draft}' as draft (storage_version '{FORMAT}')")
        for mart in sorted(marts, key=lambda mart: mart.is_view):
            if mart.is_view:
                connection.execute("use draft.main")
                connection.execute(f'create view "{mart.name}" as {definition_of(connection, mart)}')
                connection.execute("use memory.main")
            else:
                connection.execute(f'create table draft.main."{mart.name}" as select * from {mart.relation}')
        connection.execute("detach draft")


def definition_of(connection: duckdb.DuckDBPyConnection, mart: Mart) -> str:
    """A view's select, over the tables beside it instead of the warehouse's."""
    # No parameter: DuckDB would import pandas for it.
    found = connection.execute(
        f"select sql from duckdb_views() where schema_name = 'main' and not internal and view_name = '{mart.name}'"
    ).fetchone()
    if found is None:
        raise RuntimeError(f"{mart.name}: no such view in the warehouse")
    select = str(found[0]).split(" AS ", 1)[1].rstrip(";\n")
    return re.sub(rf'"?{CATALOG}"?\."?main"?\.', "main.", select)


def replace_database(new: Path, current: Path) -> None:
    """Put a database in another's place, without the write-ahead log that a reader may have left beside the other.

    Whoever opens the new one would replay it, and read other figures than were published. It is removed before, so that
    no reader finds the new file with the old log, and after, in case it was written meanwhile.
    """
    log = current.with_name(f"{current.name}.wal")
    log.unlink(missing_ok=True)
    _replace(new, current)
    log.unlink(missing_ok=True)


def _replace(new: Path, current: Path) -> None:
    """Put a file in another's place. To free what the other one held takes a large file's time: nobody waits for it."""
    held = os.open(current, os.O_RDONLY) if current.exists() else None
    new.replace(current)
    if held is not None:
        threading.Thread(target=os.close, args=(held,)).start()


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
