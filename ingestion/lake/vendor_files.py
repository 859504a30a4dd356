"""What sources of vendors' files share: DuckDB within its memory, a folder for a slice's files, texts for SQL.

What can't be read is named in `ingestion.lake.faults`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.access.lines import LONGEST_LINE
from ingestion.errors import BadInput
from ingestion.lake.faults import fault
from ingestion.lake.text_files import check_columns, check_unpacked, is_gzip
from ingestion.scratch import scratch
from ingestion.setting_table import DUCKDB_MEMORY

# DuckDB's widest decimal.
WIDEST_DECIMAL = 38
MARK = "\ufeff"
# Characters of a JSON text that is looked at for its depth, and opening brackets beyond which it may be nested so deeply that
# DuckDB's own recursion would end the process (at some ten thousands).
LONG_JSON, MOST_BRACKETS = 20_000, 10_000


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
        self._source = source
        self._opened = ExitStack()

    def emptied(self) -> Path:
        self._opened.close()
        return self._opened.enter_context(scratch(self._source))


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

    Raises BadInput where the file is cut off or none, unpacks to more than COSTOWNER_FILE_SIZE or has too many columns, and
    for a decimal that is wider than DuckDB's: it would read it as
    a double, and as another number (1.5 of 50 digits as 25165824).
    """
    try:
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{where}: not a whole Parquet file ({fault(error)})") from None
    check_columns(len(schema), where)
    check_unpacked(sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups)), where)
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
    compression = "gzip" if is_gzip(path) else "none"
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


def may_be_deep(text: str) -> str:
    """SQL: whether a JSON text may be nested more deeply than DuckDB bears, by the number of its brackets."""
    brackets = f"length({text}) - length(replace(replace({text}, '[', ''), '{{', ''))"
    return f"(length({text}) > {LONG_JSON} and {brackets} > {MOST_BRACKETS})"


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
