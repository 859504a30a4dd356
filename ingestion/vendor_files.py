"""What sources of vendors' files share: DuckDB within its memory, a folder for a slice's files, texts for SQL and people."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import duckdb

GZIP_MAGIC = b"\x1f\x8b"
# What reading a text file that is cut off, or none, raises.
TORN = (EOFError, OSError, zlib.error, UnicodeDecodeError)


@contextmanager
def engine(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB within the memory that dbt has too; beyond it it spills into `spill`."""
    with duckdb.connect(
        config={
            "memory_limit": os.environ.get("COSTOWNER_DUCKDB_MEMORY") or "4GB",
            "preserve_insertion_order": False,
            "temp_directory": str(spill),
        }
    ) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


class Workspace:
    """A folder for the files of one slice at a time.

    They must outlive the reading, because dlt copies them when it loads; it has done so when the next slice is read
    (`Source.load_per_slice`).
    """

    def __init__(self, source: str) -> None:
        self._prefix = f"costowner-{source}-"
        self.root = tempfile.TemporaryDirectory(prefix=self._prefix)

    def emptied(self) -> Path:
        self.root.cleanup()
        self.root = tempfile.TemporaryDirectory(prefix=self._prefix)
        return Path(self.root.name)


def _is_gzip(path: Path) -> bool:
    """Whether a file is packed, by its content: names say it or not."""
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def first_line(path: Path) -> str:
    """The first line of a text file, packed or not. Raises one of TORN where the file is cut off or no text.

    All of it is unpacked once, because DuckDB takes a gzip file that is cut off for a whole one.
    """
    with cast(IO[bytes], gzip.open(path)) if _is_gzip(path) else path.open("rb") as file:
        first = file.readline().decode("utf-8-sig")
        while file.read(1 << 20):
            pass
    return first


def csv_relation(path: Path, names: Sequence[str]) -> str:
    """SQL that reads a CSV file as text, its columns by position under these names."""
    compression = "gzip" if _is_gzip(path) else "none"
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    return (
        f"read_csv({literal(str(path))}, columns = {{{columns}}}, auto_detect = false, header = true, delim = ',', "
        f"quote = '\"', escape = '\"', compression = '{compression}', max_line_size = 8388608)"
    )


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def one_line(error: Exception) -> str:
    """What DuckDB says of an error, in one line and without its advice."""
    return " ".join(str(error).split("Possible fixes")[0].split())[:300]
