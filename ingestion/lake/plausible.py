"""What no vendor bills: dates, amounts and counts that would overflow what is worked out of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.errors import BadInput
from ingestion.lake.columns import Column, Table

# Between these a charge or request begins and ends: no vendor billed before, and no commitment is bought for longer. A date
# outside is a fault of the file, and would make the source look fresh for good.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
FURTHEST = timedelta(days=20 * 366)
# What no vendor bills in any currency, counts, or measures in any unit (byte-seconds come to 10^18): sums and products of
# what is smaller fit DECIMAL(38,12) on both engines.
LARGEST_AMOUNT, LARGEST_COUNT, LARGEST_QUANTITY = Decimal(10) ** 13, Decimal(10) ** 13, Decimal(10) ** 21

Extremes = dict[str, tuple[Any, Any]]


def extremes_of_rows(table: Table, rows: pa.Table) -> Extremes:
    """The least and the greatest value of each column that is a number or a time."""
    found = {}
    for column in table.columns:
        if is_measured(column.type):
            least_and_most = pc.min_max(rows[column.name]).as_py()
            found[column.name] = (least_and_most["min"], least_and_most["max"])
    return found


def extremes_of_file(table: Table, path: Path) -> Extremes:
    """The same of a Parquet file, from its statistics; a column without any is left out."""
    found: Extremes = {}
    for column, chunk in _measured_chunks(table, path):
        if _has_extremes(chunk):
            here = _stated(chunk.statistics, column.type)
            least, most = found.get(column.name, here)
            found[column.name] = (min(least, here[0]), max(most, here[1]))
    return found


def without_statistics(table: Table, path: Path) -> list[str]:
    """The columns of a Parquet file whose extremes its statistics leave out: of doubles with a NaN there are none."""
    found: dict[str, None] = {}
    for column, chunk in _measured_chunks(table, path):
        statistics = chunk.statistics
        is_empty = statistics and statistics.has_null_count and statistics.null_count == chunk.num_values
        if not _has_extremes(chunk) and not is_empty:
            found[column.name] = None
    return list(found)


def _measured_chunks(table: Table, path: Path) -> Iterator[tuple[Column, pq.ColumnChunkMetaData]]:
    """The parts of a Parquet file that hold a declared number or time, with their column."""
    metadata = pq.read_metadata(path)
    measured = {column.name: column for column in table.columns if is_measured(column.type)}
    for group in range(metadata.num_row_groups):
        for position in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(position)
            if chunk.path_in_schema in measured:
                yield measured[chunk.path_in_schema], chunk


def _has_extremes(chunk: pq.ColumnChunkMetaData) -> bool:
    return bool(chunk.statistics and chunk.statistics.has_min_max)


def _stated(statistics: pq.Statistics, kind: pa.DataType) -> tuple[Any, Any]:
    try:
        return statistics.min, statistics.max
    except (OverflowError, ValueError):
        # A time that Python can't hold is as implausible as the last that it can.
        last = datetime.max.replace(tzinfo=UTC if kind.tz else None)
        return last, last


def is_measured(kind: pa.DataType) -> bool:
    is_number = pa.types.is_decimal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(is_number or pa.types.is_timestamp(kind))


def check_plausible(table: Table, extremes: Extremes, moment: datetime, where: str) -> None:
    """Raise BadInput, with `where` and the column, for a value that no vendor bills: sums of it would overflow."""
    for name, values in extremes.items():
        for value in values:
            check_value(table, name, value, where, moment + FURTHEST)


def latest_time() -> datetime:
    """The last time that a vendor bills, as of today."""
    return datetime.now(UTC) + FURTHEST


def odd_value(table: Table, name: str, value: str) -> tuple[str, str]:
    """SQL (DuckDB): whether a column's value is a number or time that no vendor bills; and the reason, for people.

    NaN is no number, and NULL in the ledger.
    """
    kind = table.types[name]
    if pa.types.is_timestamp(kind):
        return f"{value} < '{EARLIEST}' or {value} > '{latest_time()}'", "of a year in which no vendor bills"
    limit = LARGEST_AMOUNT if name in table.amounts else LARGEST_QUANTITY
    is_number = f"not isnan({value}) and " if pa.types.is_floating(kind) else ""
    return f"{is_number}abs({value}) >= {limit:f}", f"10^{limit.adjusted()} or more, which no vendor bills"


def check_value(table: Table, name: str, value: Any, where: str, latest: datetime | None = None) -> None:
    """Raise BadInput, with `where` and the column, for a number or time that no vendor bills.

    `latest` is the last time that one does; without it, that of today.
    """
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        # Other times of a row may be a program's way to write that there is none (0001-01-01).
        is_of_charge = table.vendor_files or name == table.charge_end
        if is_of_charge and not EARLIEST <= moment <= (latest or latest_time()):
            raise BadInput(f"{where}{name} of the year {value.year:04d}, which no vendor bills")
    elif isinstance(value, int | float | Decimal):
        is_amount, is_count = name in table.amounts, isinstance(value, int)
        limit = LARGEST_AMOUNT if is_amount else LARGEST_COUNT if is_count else LARGEST_QUANTITY
        if not -limit < value < limit:
            raise BadInput(f"{where}{name} of 10^{limit.adjusted()} or more, which no vendor bills")
