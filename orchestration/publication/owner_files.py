"""The publication by owner: for each a folder with its rows of the marts, those of the owners below it, and the company's totals.

The marts are read once: their rows are put in the order of who sees them, and each owner's are then a range of them. Its
file is written again from these. Nothing is deleted from a copy of the whole: what is deleted can stay in the bytes of a file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.settings import Home
from orchestration.publication.owner_folders import (
    PASSED_THROUGH,
    folder_name,
    prepare_folder,
    remove_others,
)
from orchestration.publication.owner_scope import (
    EVERYTHING,
    ITS_TABLE,
    NOTHING,
    OwnRows,
    holders_of,
    own_rows,
    versions_of,
)
from orchestration.publication.publish import (
    FORMAT,
    PUBLISHED,
    clear,
    definition_of,
    limit,
    replace_database,
)
from orchestration.publication.warehouse import Mart

# Whoever may enter an owner's folder may read the file in it.
READ_ONLY = 0o444
OWNERS = f"{PUBLISHED}.main.dim_owner"
# The database of the ordered rows, to the connection.
ROWS = "rows"
# Most owners have few rows: with DuckDB's own block size (262144) their files are twice as large.
BLOCK_SIZE = 65536


@dataclass(frozen=True)
class OwnerFiles:
    """What was published: how many owners, how many rows of theirs, and the folders that were removed."""

    owners: int
    rows: int
    removed: Sequence[str]


def publish_owner_files(home: Home, marts: Sequence[Mart]) -> OwnerFiles:
    """Publish `published/owners/<owner>/marts.duckdb` for each declared owner, from the published marts.

    All files are written first; then each replaces the one before, in one step. An owner that is not declared any more
    loses its folder.
    """
    clear(home.published)
    work = home.published / f".new-{home.owners.name}"
    prepare_folder(work)
    try:
        with duckdb.connect(str(work / f"{ROWS}.duckdb")) as connection:
            limit(connection)
            connection.execute(f"attach '{home.database}' as {PUBLISHED} (read_only)")
            owners = _number_owners(connection)
            rows = sum(_order_rows(connection, mart) for mart in marts)
            _write_all(connection, marts, work, owners)
        prepare_folder(home.owners, PASSED_THROUGH)
        names = {folder_name(owner): number for number, owner in owners.items()}
        for name, number in names.items():
            draft, folder = _draft(work, number), home.owners / name
            draft.chmod(READ_ONLY)
            prepare_folder(folder)
            replace_database(draft, folder / home.database.name)
        return OwnerFiles(len(owners), rows, remove_others(home.owners, names))
    finally:
        shutil.rmtree(work)


def _number_owners(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """Make the tables of who sees whose rows; gives the owners by number."""
    connection.execute(
        f"create table versions as {versions_of(OWNERS)}; "
        "create table readers as select row_number() over (order by owner_id) as reader, owner_id as reader_id "
        "from (select distinct owner_id from versions); "
        f"create table holders as select readers.reader, held.* from ({holders_of(OWNERS)}) as held "
        "inner join readers on held.reader_id = readers.reader_id"
    )
    return dict(connection.execute("select reader, reader_id from readers order by reader").fetchall())


def _order_rows(connection: duckdb.DuckDBPyConnection, mart: Mart) -> int:
    """Make the table of a mart's rows in the order of who sees them; gives how many they are."""
    if not isinstance(mart.owners_see, OwnRows):
        return 0
    select = own_rows(f'{PUBLISHED}.main."{mart.name}"', mart.owners_see, "holders", "versions")
    counted = connection.execute(f'create table "{mart.name}" as {select} order by reader').fetchone()
    return int(counted[0]) if counted else 0


def _write_all(
    connection: duckdb.DuckDBPyConnection, marts: Sequence[Mart], work: Path, owners: Mapping[int, str]
) -> None:
    """Write each owner's file: one thread a file, which is small, and as many at once as there are processors."""
    views = {mart.name: definition_of(connection, mart) for mart in marts if mart.owners_see == ITS_TABLE}
    tables = [mart for mart in marts if mart.owners_see not in (NOTHING, ITS_TABLE)]
    connection.execute("set threads = 1")
    with ThreadPoolExecutor(os.cpu_count()) as writers:
        written = [writers.submit(_write, connection, tables, views, work, number) for number in owners]
    for file in written:
        file.result()


def _write(
    shared: duckdb.DuckDBPyConnection,
    tables: Sequence[Mart],
    views: Mapping[str, str],
    work: Path,
    number: int,
) -> None:
    """Write one owner's file."""
    name = f"draft_{number}"
    with shared.cursor() as connection:
        connection.execute(
            f"attach '{_draft(work, number)}' as {name} (storage_version '{FORMAT}', block_size {BLOCK_SIZE})"
        )
        connection.execute(f"use {name}.main; begin")
        for mart in tables:
            rows = (
                f'select * from {PUBLISHED}.main."{mart.name}"'
                if mart.owners_see == EVERYTHING
                else f'select * exclude (reader) from {ROWS}.main."{mart.name}" where reader = {number}'
            )
            connection.execute(f'create table "{mart.name}" as {rows}')
        for view, select in views.items():
            connection.execute(f'create view "{view}" as {select}')
        connection.execute(f"commit; checkpoint; use {ROWS}.main; detach {name}")


def _draft(work: Path, number: int) -> Path:
    return work / f"{number}.duckdb"
