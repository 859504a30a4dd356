"""Files of an installation that the disk damaged, beside the lake: found by name, set aside, and made again by the refresh.

The warehouse is built from the lake. Dagster's storage is a record of runs: the ledger does without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb

from ingestion.settings import Home

SET_ASIDE = ".damaged"
SQLITE = b"SQLite format 3\0"
# What belongs to a database file beside it.
LOGS = ("-wal", "-shm", "-journal", ".wal")
# How DuckDB names blocks that are not as it wrote them.
CORRUPT = ("corrupt", "checksum")


def set_aside(file: Path) -> str:
    """Move a database file, with its logs, to where nobody reads it. Gives the line about it."""
    target = file.with_name(f"{file.name}{SET_ASIDE}")
    file.replace(target)
    for log in LOGS:
        file.with_name(f"{file.name}{log}").unlink(missing_ok=True)
    return f"{file} is damaged: it is now {target.name}, and is made again"


def repair_warehouse(home: Home) -> list[str]:
    """Set DuckDB's warehouse aside where it can't be opened; a line where it was."""
    if not home.warehouse.is_file():
        return []
    try:
        with duckdb.connect(str(home.warehouse), read_only=True) as connection:
            connection.execute("select count(*) from duckdb_tables()")
    except duckdb.ConnectionException:
        return []  # this process has it open
    except duckdb.Error as error:
        # Another process has it open: nothing is wrong with it.
        if "lock" not in str(error).lower():
            return [set_aside(home.warehouse)]
    return []


def repair_after(home: Home, message: str) -> list[str]:
    """The same after a build that failed with a message of DuckDB's that names a damaged block."""
    if home.warehouse.is_file() and any(word in message.lower() for word in CORRUPT):
        return [set_aside(home.warehouse)]
    return repair_warehouse(home)


def _databases(home: Home) -> Iterator[Path]:
    yield from sorted(home.dagster.glob("*/*.db"))
    yield from sorted(home.dagster.glob("history/runs/index.db"))


def repair_dagster(home: Home, wholly: bool = False) -> list[str]:
    """Set databases of Dagster's storage aside that are none any longer; a line for each. `wholly`: reads all of each."""
    found = []
    for file in _databases(home):
        with file.open("rb") as opened:
            begins = opened.read(len(SQLITE))
        if begins not in (b"", SQLITE) or (wholly and begins and not _is_whole(file)):
            found.append(set_aside(file))
    return found


def _is_whole(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file)) as connection:
            return bool(connection.execute("pragma quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        return True  # somebody has it open
    except sqlite3.DatabaseError:
        return False
