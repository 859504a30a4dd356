"""What sources of vendors' files share: DuckDB within its memory, a folder for a slice's files, texts for SQL.

What can't be read is named in `ingestion.lake.faults`.
"""

from __future__ import annotations

import csv
import gzip
import os
import shutil
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
# How files begin that are no text in UTF-8 (Unicode 16, section 23.8, for the marks; the formats' own documents).
OTHER_BEGINNINGS = (
    (b"\xff\xfe\x00\x00", "a text in UTF-32: write UTF-8"),
    (b"\xff\xfe", "a text in UTF-16: write UTF-8"),
    (b"\xfe\xff", "a text in UTF-16: write UTF-8"),
    (b"PK\x03\x04", "a ZIP archive or a workbook: write CSV, packed by gzip or not"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd: pack it by gzip"),
    (b"BZh", "packed by bzip2: pack it by gzip"),
    (b"ORC", "an ORC file: write Parquet or CSV"),
    (b"Obj\x01", "an Avro file: write Parquet or CSV"),
)
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
MARK = "\ufeff"


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


def csv_header(path: Path, where: str) -> list[str]:
    """The header of a whole CSV file, as it is spelled. Raises BadInput for a file of another kind, by what it is."""
    _without_padding(path)
    try:
        with cast(IO[bytes], gzip.open(path)) if _is_gzip(path) else path.open("rb") as file:
            beginning = file.read(64)
        other = next((meaning for begins, meaning in OTHER_BEGINNINGS if beginning.startswith(begins)), None)
        if other is None and b"\x00" in beginning:
            other = "no text in UTF-8, or one in UTF-16: write UTF-8"
        if other:
            raise BadInput(f"{where}: {other}")
        first = first_line(path)
    except TORN as error:
        raise BadInput(f"{where}: not a whole CSV file ({fault(error)})") from None
    headers = next(csv.reader([first]), [])
    separators = [name for sign, name in OTHER_SEPARATORS.items() if len(headers) == 1 and first.count(sign) > 1]
    if separators:
        raise BadInput(f"{where}: its columns are separated by {separators[0]}: write commas")
    return headers


def _without_padding(path: Path) -> None:
    """Unpack a gzip file that may have zeros after its end: DuckDB refuses them, and gzip and Python's reader allow them.

    A member ends with its length, whose last byte is zero where it is below 16 MB: whether more zeros follow it only
    unpacking shows.
    """
    if not _is_gzip(path):
        return
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\x00":
            return
    plain = path.with_name(f"{path.name}.unpacked")
    try:
        with gzip.open(path) as packed, plain.open("wb") as target:
            shutil.copyfileobj(packed, target)
    except TORN:
        plain.unlink()  # its reader names the fault
        return
    plain.replace(path)


def named_columns(headers: Sequence[str]) -> list[str]:
    """Columns' names without a byte order mark; one that has none is `column 1` …, by its place."""
    return [name.replace(MARK, "").strip() or f"column {number}" for number, name in enumerate(headers, start=1)]


def distinct_columns(headers: Sequence[str]) -> list[str]:
    """The same, and of names that differ in case only the later ones are `name (2)` …: each keeps its own value."""
    found: dict[str, str] = {}
    for name in named_columns(headers):
        unique, times = name, 1
        while unique.lower() in found:
            times += 1
            unique = f"{name} ({times})"
        found[unique.lower()] = unique
    return list(found.values())


def plain_kind(kind: pa.DataType) -> pa.DataType:
    """What a column's values are, however they are stored: dictionaries and views are their values, texts are `string`."""
    if pa.types.is_dictionary(kind):
        return plain_kind(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return plain_kind(kind.storage_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return pa.string()
    is_bytes = (
        pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind)
    )
    return pa.binary() if is_bytes and not pa.types.is_decimal(kind) else kind


def parquet_columns(path: Path, where: str) -> tuple[str, list[tuple[str, pa.DataType]]]:
    """SQL of a Parquet file's columns as c0, c1 … by place, and each one's name and what its values are.

    By place, because names may differ in case only, which SQL takes for one. Bytes are read as the UTF-8 text that tools
    without a type for text write.
    """
    schema = parquet_schema(path, where)
    kinds = [plain_kind(field.type) for field in schema]
    aliases = ", ".join(f"r{index}" for index in range(len(kinds)))
    texts = ", ".join(
        f"decode(r{index}) as c{index}"
        if pa.types.is_binary(kind)
        else f"cast(r{index} as varchar) as c{index}"
        if pa.types.is_string(kind)
        else f"r{index} as c{index}"
        for index, kind in enumerate(kinds)
    )
    found = [pa.string() if pa.types.is_binary(kind) else kind for kind in kinds]
    relation = f"(select {texts} from read_parquet({literal(str(path))}) as delivered({aliases}))"
    return relation, list(zip(schema.names, found, strict=True))


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


def decimal_of_text(text: str, is_strict: bool = False) -> str:
    """SQL: a number's text as DECIMAL(38,12), rounded half up; of a text that is no number NULL, or an error (`is_strict`).

    With a negative exponent it is read with 30 places first, because DuckDB casts the text 9E-14 to 0.000000000001. Text
    that fits 64 bits becomes a decimal a hundred times faster so.
    """
    plain = f"{'cast' if is_strict else 'try_cast'}({text} as decimal(38, 12))"
    fine = f"cast(try_cast({text} as decimal(38, 30)) as decimal(38, 12))"
    short = f"cast(try_cast({text} as decimal(18, 12)) as decimal(38, 12))"
    return f"case when contains(lower({text}), 'e-') then coalesce({fine}, {plain}) else coalesce({short}, {plain}) end"


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
