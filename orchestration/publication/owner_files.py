"""The publication by owner: for each a folder with its rows of the marts, those of the owners below it, and the company's totals.

The marts are read once: their rows are dealt out to the owners as Parquet. Each owner's file is then written anew from
these. Nothing is deleted from a copy of the whole: what is deleted can stay in the bytes of a file.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
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
# The file that is being written, to the connection.
DRAFT = "draft"


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
    shown = [mart for mart in marts if mart.owners_see != NOTHING]
    clear(home.published)
    work = home.published / f".new-{home.owners.name}"
    prepare_folder(work)
    try:
        with duckdb.connect() as connection:
            limit(connection)
            connection.execute(f"set temp_directory = '{work / 'spilled'}'")
            connection.execute(f"attach '{home.database}' as {PUBLISHED} (read_only)")
            owners = _number_owners(connection)
            rows = sum(_deal_out(connection, mart, work) for mart in shown)
            drafts = {folder_name(owner): work / f"{number}.duckdb" for number, owner in owners}
            for number, owner in owners:
                _write(connection, shown, work, number, drafts[folder_name(owner)])
        prepare_folder(home.owners, PASSED_THROUGH)
        for name, draft in drafts.items():
            draft.chmod(READ_ONLY)
            prepare_folder(home.owners / name)
            replace_database(draft, home.owners / name / home.database.name)
        return OwnerFiles(len(drafts), rows, remove_others(home.owners, drafts))
    finally:
        shutil.rmtree(work)


def _number_owners(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Make the tables of who sees whose rows; gives the owners with their numbers."""
    connection.execute(
        f"create table versions as {versions_of(OWNERS)}; "
        "create table readers as select row_number() over (order by owner_id) as reader, owner_id as reader_id "
        "from (select distinct owner_id from versions); "
        f"create table holders as select readers.reader, held.* from ({holders_of(OWNERS)}) as held "
        "inner join readers on held.reader_id = readers.reader_id"
    )
    return connection.execute("select reader, reader_id from readers order by reader").fetchall()


def _deal_out(connection: duckdb.DuckDBPyConnection, mart: Mart, work: Path) -> int:
    """Write a mart's rows into `<mart>/reader=<number>/*.parquet`; gives how many they are."""
    if not isinstance(mart.owners_see, OwnRows):
        return 0
    select = own_rows(f'{PUBLISHED}.main."{mart.name}"', mart.owners_see, "holders", "versions")
    copied = connection.execute(
        f"copy ({select}) to '{work / mart.name}' (format parquet, partition_by (reader))"
    ).fetchone()
    return int(copied[0]) if copied else 0


def _write(
    connection: duckdb.DuckDBPyConnection, marts: Sequence[Mart], work: Path, number: int, draft: Path
) -> None:
    """Write one owner's file."""
    connection.execute(f"attach '{draft}' as {DRAFT} (storage_version '{FORMAT}')")
    connection.execute(f"use {DRAFT}.main; begin")
    for mart in marts:
        whole = f'{PUBLISHED}.main."{mart.name}"'
        if mart.owners_see == EVERYTHING:
            connection.execute(f'create table "{mart.name}" as select * from {whole}')
        elif isinstance(mart.owners_see, OwnRows):
            connection.execute(f'create table "{mart.name}" as select * from {whole} limit 0')
            files = sorted(str(file) for file in (work / mart.name / f"reader={number}").glob("*.parquet"))
            if files:
                own = f"read_parquet({files}, hive_partitioning = false)"
                connection.execute(f'insert into "{mart.name}" by name select * from {own}')
    for mart in marts:
        if mart.owners_see == ITS_TABLE:
            connection.execute(f'create view "{mart.name}" as {definition_of(connection, mart)}')
    connection.execute(f"commit; checkpoint; use memory.main; detach {DRAFT}")
