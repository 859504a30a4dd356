"""A decimal that is wider than DuckDB's is refused by column: it would be read as another number, and its total too."""

from __future__ import annotations

from decimal import Context, Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import BadInput
from ingestion.lake.vendor_files import literal, parquet_schema
from ingestion.sources.aws.convert import convert as converted_cur
from ingestion.sources.aws.source import inspect
from ingestion.sources.focus.convert import Delivered, convert
from ingestion.sources.llm_gateway.columnar import read
from ingestion.sources.llm_gateway.dropped_files import count
from ingestion.sources.llm_gateway.formats import CANONICAL
from ingestion.sources.llm_gateway.relations import Local

WIDE = [(precision, scale) for precision in (39, 50, 76) for scale in (0, 12, precision)]
NESTED = {
    "plain": lambda kind: kind,
    "struct": lambda kind: pa.struct([("a", kind)]),
    "list": pa.list_,
    "map": lambda kind: pa.map_(pa.string(), kind),
    "deep": lambda kind: pa.list_(pa.struct([("a", pa.map_(pa.string(), pa.list_(kind)))])),
}


def written(folder: Path, kind: pa.DataType, value: object = None, name: str = "BilledCost") -> Path:
    file = folder / f"{abs(hash((str(kind), str(value))))}.parquet"
    pq.write_table(pa.table({name: pa.array([value], kind)}), file)
    return file


@pytest.mark.parametrize("wrap", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize(("precision", "scale"), WIDE)
def test_decimal_wider_than_38_digits_is_refused_by_file_and_column(
    precision: int, scale: int, wrap: object, tmp_path: Path
) -> None:
    file = written(tmp_path, wrap(pa.decimal256(precision, scale)))  # type: ignore[operator]
    with pytest.raises(BadInput) as refused:
        parquet_schema(file, "bills/a.parquet")
    assert str(refused.value).startswith(f"bills/a.parquet: column BilledCost is a decimal of {precision} digits")


@pytest.mark.parametrize("kind", [pa.decimal128, pa.decimal256], ids=["decimal128", "decimal256"])
def test_decimal_of_up_to_38_digits_is_read_exactly(kind: object, tmp_path: Path) -> None:
    for precision in range(1, 39):
        for scale in {0, precision // 2, precision}:
            digits = ("123456789" * 5)[:precision]
            for value in (Decimal(digits), Decimal(f"-{digits}")):
                exact = value.scaleb(-scale, Context(prec=80))
                file = written(tmp_path, kind(precision, scale), exact)  # type: ignore[operator]
                parquet_schema(file, "a.parquet")
                relation = f"read_parquet({literal(str(file))})"
                assert duckdb.sql(f"select * from {relation}").fetchone() == (exact,)


@pytest.mark.parametrize(
    "reading",
    [
        lambda file: convert(file, "a.parquet", file.with_suffix(".out"), Delivered("a", False)),
        lambda file: converted_cur(file, "a.parquet"),
        lambda file: inspect(file, "a.parquet"),
        lambda file: read(CANONICAL, [Local(file, "a.parquet")], {}),
        lambda file: count([("canonical", None, [Local(file, "a.parquet")])]),  # type: ignore[list-item]
    ],
    ids=["focus", "aws", "aws as it is", "llm gateway", "dropped fields"],
)
def test_every_reader_of_parquet_refuses_it(reading: object, tmp_path: Path) -> None:
    file = written(tmp_path, pa.decimal256(50, 12), Decimal("1.5"))
    with pytest.raises(BadInput, match=r"a\.parquet: column BilledCost is a decimal of 50 digits"):
        reading(file)  # type: ignore[operator]
