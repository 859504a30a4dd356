"""What a vendor's file adds up to, by another reader than the one that makes its rows.

Rows are made by DuckDB. Here Arrow reads the amounts as text, and Python adds their digits: where one of the two misreads
a type or swallows a line, the sums differ, and the slice is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ingestion.errors import BadInput
from ingestion.lake.contract import Total

# Sums by currency, with the number of rows.
Sums = dict[str, tuple[Decimal, int]]
_WIDE = Context(prec=200)
_PLACES = Decimal("1e-12")
_BLOCK = 16 << 20


def rounded(text: str) -> Decimal:
    """A decimal text to 12 places, half away from zero, as DuckDB and Spark cast it. Raises ValueError for none."""
    try:
        found = _WIDE.create_decimal(text)
        if not found.is_finite():
            raise ValueError("not a number")
        return found.quantize(_PLACES, ROUND_HALF_UP, _WIDE)
    except InvalidOperation:
        raise ValueError("not a number") from None


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text: of a float its shortest decimal, of a decimal its digits."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _texts(pc.cast(column, kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _texts(pc.cast(column, kind.value_type))
    # DuckDB has no floats of 16 bits.
    return pc.cast(pc.cast(column, pa.float32()) if pa.types.is_float16(kind) else column, pa.string())


def _csv_tables(path: Path, width: int, places: list[int]) -> Iterator[pa.Table]:
    names = [f"c{index}" for index in range(width)]
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with pa.input_stream(str(path), compression="gzip" if packed else None) as stream:
        reader = pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(column_names=names, skip_rows_after_names=1, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=[names[place] for place in places]
            ),
        )
        for batch in reader:
            yield pa.table(batch.columns, names=["amount", "currency"])


def _parquet_tables(path: Path, places: list[int]) -> Iterator[pa.Table]:
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    for group in range(file.num_row_groups):
        found = file.read_row_group(group, columns=[names[place] for place in places])
        yield pa.table([_texts(found[names[place]]) for place in places], names=["amount", "currency"])


def sums(
    path: Path,
    amount: int,
    currency: int,
    *,
    width: int | None,
    number: Callable[[str], str],
    unit: Callable[[str], str],
) -> Sums:
    """The sums of a file's column `amount` by its column `currency`, both by place; `width` is that of a CSV file.

    `number` and `unit` read a text as the source does. Raises ValueError for an amount that is none, ArrowException for a
    file that Arrow can't read.
    """
    places = [amount, currency]
    found: Sums = {}
    for table in _csv_tables(path, width, places) if width else _parquet_tables(path, places):
        counted = table.group_by(["amount", "currency"]).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            name = unit(row["currency"] or "")
            before, rows = found.get(name, (Decimal(0), 0))
            worth = _WIDE.multiply(rounded(number(row["amount"] or "")), row["count_all"])
            found[name] = (_WIDE.add(before, worth), rows + row["count_all"])
    return found


def check_sums(totals: tuple[Total, ...], other: Sums, where: str) -> None:
    """Raise BadInput where rows add up to something else than the vendor's own text."""
    found = {total.currency or "": (total.amount, total.row_count) for total in totals}
    for currency in sorted(found.keys() | other.keys()):
        ours, theirs = found.get(currency), other.get(currency)
        if ours != theirs:
            what = "rows" if (ours or (0, 0))[1] != (theirs or (0, 0))[1] else "sum"
            raise BadInput(
                f"{where}: two readers find another {what} in {currency or 'no currency'}, so neither is trusted: have the "
                "file written again, as Parquet if it is CSV"
            )
