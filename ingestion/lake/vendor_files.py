"""What sources of vendors' files share: DuckDB within its memory, a folder for a slice's files, texts for SQL.

What can't be read is named in `ingestion.lake.faults`.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.errors import BadInput
from ingestion.lake.faults import fault
from ingestion.setting_table import DUCKDB_MEMORY

GZIP_MAGIC = b"\x1f\x8b"
# DuckDB's widest decimal.
WIDEST_DECIMAL = 38
LONGEST_LINE = 8 << 20
# What reading a text file that is cut off, or none, raises.
TORN = (EOFError, OSError, zlib.error, UnicodeDecodeError)


@contextmanager
def engine(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB within the memory that dbt has too; beyond it it spills into `spill`."""
    with duckdb.connect(
        config={
            "memory_limit": DUCKDB_MEMORY.value(),
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
    """Whether a file is packed, by its content, whatever its name."""
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


def parquet_schema(path: Path, where: str) -> pa.Schema:
    """The columns of a vendor's Parquet file, before DuckDB reads it.

    Raises BadInput where the file is cut off or none, and for a decimal that is wider than DuckDB's: it would read it as
    a double, and as another number (1.5 of 50 digits as 25165824).
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{where}: not a whole Parquet file ({fault(error)})") from None
    for column in schema:
        widest = max(_decimals(column.type), default=0)
        if widest > WIDEST_DECIMAL:
            raise BadInput(
                f"{where}: column {column.name} is a decimal of {widest} digits, and at most {WIDEST_DECIMAL} can be "
                f"read: write it as DECIMAL({WIDEST_DECIMAL},12)"
            )
    return schema


def _decimals(kind: pa.DataType) -> Iterator[int]:
    """The digits of a type's decimals, however deep they are in it."""
    if pa.types.is_decimal(kind):
        yield kind.precision
    if pa.types.is_dictionary(kind):
        yield from _decimals(kind.value_type)
    for number in range(kind.num_fields):
        yield from _decimals(kind.field(number).type)


def csv_relation(path: Path, names: Sequence[str]) -> str:
    """SQL that reads a CSV file as text, its columns by position under these names."""
    compression = "gzip" if _is_gzip(path) else "none"
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    return (
        f"read_csv({literal(str(path))}, columns = {{{columns}}}, auto_detect = false, header = true, delim = ',', "
        f"quote = '\"', escape = '\"', compression = '{compression}', max_line_size = {LONGEST_LINE})"
    )


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
