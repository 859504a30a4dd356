"""How a slice becomes a delivery: read, weighed against what is known, written with its note."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dlt.common.schema.typing import TColumnSchema, TSchemaContractDict, TTableSchemaColumns

from ingestion.errors import BadInput, IngestionError, TornDelivery, described, is_of_the_machine
from ingestion.lake.columns import SLICE_ID, Table
from ingestion.lake.contract import (
    DELIVERIES,
    DELIVERY_TOTALS,
    STATED_COST,
    Columns,
    Known,
    Landing,
    NoData,
    Note,
    Remark,
    Slice,
    Stated,
    Total,
    VendorFile,
)
from ingestion.lake.plausible import check_plausible, extremes_of_file, extremes_of_rows

# New tables and columns land without a code change; a column that changes its type stops the load,
# because dlt would otherwise set its values aside in a variant column that nobody reads.
SCHEMA_CONTRACT: TSchemaContractDict = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}

FLUSH_ROWS = 50_000
# The most rows that are handed to dlt, and copied in memory, at once.
MOST_ROWS = 100_000


def digest(tables: Iterable[pa.Table]) -> str:
    """SHA-256 of the content of a slice's tables, whatever the order in which the vendor listed the rows."""
    whole = hashlib.sha256()
    for table in tables:
        lines = sorted(json.dumps(row, default=str, sort_keys=True) for row in table.to_pylist())
        whole.update(f"{table.num_rows}:".encode())
        for line in lines:
            whole.update(hashlib.sha256(line.encode()).digest())
    return whole.hexdigest()


def control_totals(table: Table, rows: pa.Table) -> list[Total]:
    """The table's declared measures over some rows, by currency; exact."""
    totals = []
    for measure in table.measures:
        if measure.currency is None:
            amount = pc.sum(rows[measure.column]).as_py()
            if amount is not None:
                totals.append(Total(measure.name, None, Decimal(amount), rows.num_rows))
            continue
        grouped = rows.group_by(measure.currency).aggregate([(measure.column, "sum"), ([], "count_all")])
        for line in grouped.to_pylist():
            if line[f"{measure.column}_sum"] is not None:
                totals.append(
                    Total(measure.name, line[measure.currency], line[f"{measure.column}_sum"], line["count_all"])
                )
    return totals


@dataclass
class _Read:
    """A slice as read: its rows by table, or its files."""

    tables: dict[str, tuple[Table, pa.Table]]
    files: list[VendorFile]
    digest: str | None
    oldest: datetime | None
    newest: datetime | None
    row_count: int
    remark: str | None = None
    stated: list[Stated] = field(default_factory=list)


def _of_slice(table: Table, slice_id: str, rows: pa.Table) -> pa.Table:
    """Rows with the id of their slice in front, as the table is declared."""
    if SLICE_ID.name not in rows.column_names:
        rows = rows.add_column(0, SLICE_ID.name, pa.repeat(slice_id, rows.num_rows))
    return rows.select(table.schema.names).cast(table.schema)


def _read(piece: Slice, moment: datetime) -> _Read:
    records: dict[str, tuple[Table, list[dict[str, Any]]]] = {}
    columns: dict[str, tuple[Table, list[pa.Table]]] = {}
    files: list[VendorFile] = []
    stated: list[Stated] = []
    remarks: list[str] = []
    for part in piece.read():
        if isinstance(part, VendorFile):
            files.append(part)
        elif isinstance(part, Stated):
            stated.append(part)
        elif isinstance(part, Remark):
            remarks.append(part.text)
        elif isinstance(part, Columns):
            columns.setdefault(part.table.name, (part.table, []))[1].append(part.rows)
        else:
            records.setdefault(part.table.name, (part.table, []))[1].extend(part.records)
    for name, (table, found) in records.items():
        if found:
            columns.setdefault(name, (table, []))[1].append(table.rows(piece.id, found))
    tables = {
        name: (table, pa.concat_tables(_of_slice(table, piece.id, rows) for rows in parts))
        for name, (table, parts) in sorted(columns.items())
        if any(rows.num_rows for rows in parts)
    }
    starts: list[datetime | None] = []
    moments = [file.newest_charge_at for file in files]
    for name, (table, rows) in tables.items():
        extremes = extremes_of_rows(table, rows)
        check_plausible(table, extremes, moment, f"{name} of {piece.id}: ")
        if table.charge_end:
            oldest, newest = extremes[table.charge_end]
            starts.append(oldest)
            moments.append(newest)
    for file in files:
        check_plausible(
            file.table, extremes_of_file(file.table, file.path), moment, f"{file.table.name} of {piece.id}: "
        )
    proven = piece.version if piece.version_proves else None
    return _Read(
        tables=tables,
        files=files,
        digest=proven or digest(rows for _, rows in tables.values()),
        oldest=min((found for found in starts if found), default=None),
        newest=max((found for found in moments if found), default=None),
        row_count=sum(rows.num_rows for _, rows in tables.values()) + sum(file.row_count for file in files),
        remark="; ".join(dict.fromkeys([*remarks, *(file.remark for file in files if file.remark)])) or None,
        stated=stated,
    )


def file_hints(schema: pa.Schema) -> TTableSchemaColumns:
    """dlt column hints that equal a Parquet file's own schema, so that dlt copies the file as it is."""
    hints: TTableSchemaColumns = {}
    precision = {"s": 0, "ms": 3, "us": 6, "ns": 9}
    for column in schema:
        kind: TColumnSchema
        if pa.types.is_decimal(column.type):
            kind = {"data_type": "decimal", "precision": column.type.precision, "scale": column.type.scale}
        elif pa.types.is_timestamp(column.type):
            kind = {
                "data_type": "timestamp",
                "timezone": column.type.tz is not None,
                "precision": precision[column.type.unit],
            }
        elif pa.types.is_map(column.type) or pa.types.is_nested(column.type):
            kind = {"data_type": "json"}
        elif pa.types.is_floating(column.type):
            kind = {"data_type": "double"}
        elif pa.types.is_integer(column.type):
            kind = {"data_type": "bigint"}
        elif pa.types.is_boolean(column.type):
            kind = {"data_type": "bool"}
        elif pa.types.is_date(column.type):
            kind = {"data_type": "date"}
        else:
            kind = {"data_type": "text"}
        hints[column.name] = {**kind, "name": column.name, "nullable": column.nullable}
    return hints


@dataclass
class _Batch:
    """The slices of one dlt load: read once, whichever of the load's two resources asks first."""

    pieces: Iterable[Slice]
    known: Known
    moment: datetime
    landing: Landing
    files: list[VendorFile] = field(default_factory=list)
    totals: list[pa.Table] = field(default_factory=list)
    notes: list[pa.Table] = field(default_factory=list)
    load_id: str = ""

    def rows(self) -> Iterator[tuple[str, pa.Table]]:
        """Read every slice that is not read yet: gives its rows by table; files and notes are put aside."""
        if self.load_id:
            return
        self.load_id = str(dlt.current.load_package_state()["load_id"])
        self.landing.loads.append(self.load_id)
        for piece in self.pieces:
            note, read = _attempt(piece, self.known.get(piece.id), self.load_id, self.moment)
            note["landing_sequence"] = self.landing.sequence
            self.notes.append(DELIVERIES.rows(piece.id, [note]))
            self.landing.count(piece, note)
            if read is None:
                continue
            self.totals.append(DELIVERY_TOTALS.rows(piece.id, _total_rows(read, self.load_id)))
            self.files += read.files
            for name, (_, rows) in read.tables.items():
                self.landing.rows[name] = self.landing.rows.get(name, 0) + rows.num_rows
                yield name, rows


def deliver(
    pieces: Iterable[Slice], known: Known, *, now: datetime | None = None, landing: Landing | None = None
) -> list[Any]:
    """The dlt resources that every source returns: they read slices, yield their rows, and their notes last.

    Rows are gathered across slices into batches, so that many small slices make few Parquet row groups.
    The vendor's files of one load belong to one table (`Source.load_per_slice`).
    """
    batch = _Batch(pieces, known, now or datetime.now(UTC), landing or Landing(""))
    waiting: dict[str, list[pa.Table]] = {}
    counts: dict[str, int] = {}

    def gather(name: str, rows: pa.Table) -> None:
        waiting.setdefault(name, []).append(rows)
        counts[name] = counts.get(name, 0) + rows.num_rows

    def gathered(enough: int) -> Iterator[Any]:
        for name in [name for name, count in counts.items() if count >= enough]:
            del counts[name]
            rows = pa.concat_tables(waiting.pop(name))
            for start in range(0, rows.num_rows, MOST_ROWS):
                yield dlt.mark.with_table_name(rows.slice(start, MOST_ROWS).combine_chunks(), name)

    # A resource of its own, because the hints that make dlt copy a file as it is stay on the resource.
    @dlt.resource(name="vendor_files", write_disposition="append", schema_contract=SCHEMA_CONTRACT)
    def vendor_files() -> Iterator[Any]:
        for name, rows in batch.rows():
            gather(name, rows)
        for file in batch.files:
            batch.landing.rows[file.table.name] = batch.landing.rows.get(file.table.name, 0) + file.row_count
            hints = dlt.mark.make_hints(table_name=file.table.name, columns=file_hints(pq.read_schema(file.path)))
            yield dlt.mark.with_file_import(str(file.path), "parquet", file.row_count, hints=hints)

    @dlt.resource(name="deliveries", write_disposition="append", schema_contract=SCHEMA_CONTRACT)
    def deliveries() -> Iterator[Any]:
        for name, rows in batch.rows():
            gather(name, rows)
            yield from gathered(FLUSH_ROWS)
        yield from gathered(0)
        for table, parts in ((DELIVERY_TOTALS, batch.totals), (DELIVERIES, batch.notes)):
            if parts:
                yield dlt.mark.with_table_name(pa.concat_tables(parts).combine_chunks(), table.name)

    # Slices of rows are streamed by the second resource; those of files must be read before their note.
    return [vendor_files, deliveries] if landing is not None and landing.has_files else [deliveries]


def _blank_note(piece: Slice, moment: datetime) -> dict[str, Any]:
    return {
        "billing_period": piece.billing_period,
        "vendor_version": piece.version,
        "extracted_at": moment,
        "window_start": piece.start,
        "window_end": piece.end,
        "row_count": None,
        "content_digest": None,
        "oldest_charge_at": None,
        "newest_charge_at": None,
        "load_id": None,
        "message": None,
    }


def _unchanged(piece: Slice, known: Note, moment: datetime) -> dict[str, Any]:
    return {
        **_blank_note(piece, moment),
        "state": "unchanged",
        "load_id": known.load_id,
        "row_count": known.row_count,
        "content_digest": known.content_digest,
        "oldest_charge_at": known.oldest_charge_at,
        "newest_charge_at": known.newest_charge_at,
        # What a reader should know of the delivery is so as long as it is current.
        "message": known.message,
    }


def _attempt(
    piece: Slice, known: Note | None, load_id: str, moment: datetime
) -> tuple[dict[str, Any], _Read | None]:
    """The slice's note, and what was read where it has to be written.

    Whatever else its answer or file makes Python raise refuses the slice too; only a vendor that does not answer, a wrong
    setting and the machine itself end the landing.
    """
    blank = _blank_note(piece, moment)
    if known and piece.version_proves and piece.version and piece.version == known.vendor_version:
        return _unchanged(piece, known, moment), None
    try:
        read = _read(piece, moment)
    except NoData as reason:
        return {**blank, "state": "no_data", "message": str(reason)}, None
    except (BadInput, TornDelivery) as reason:
        return {**blank, "state": "refused", "message": str(reason)}, None
    except IngestionError:
        raise
    except Exception as error:
        if is_of_the_machine(error):
            raise
        return {**blank, "state": "refused", "message": f"{piece.id}: can't be read ({described(error)})"}, None
    if known and known.content_digest == read.digest:
        return _unchanged(piece, known, moment), None
    note = {
        **blank,
        "state": "delivered" if read.row_count else "empty",
        "load_id": load_id,
        "row_count": read.row_count,
        "content_digest": read.digest,
        "oldest_charge_at": read.oldest,
        "newest_charge_at": read.newest,
        "message": read.remark,
    }
    return note, read


def _total_rows(read: _Read, load_id: str) -> list[dict[str, Any]]:
    found = [(table.name, total) for table, rows in read.tables.values() for total in control_totals(table, rows)]
    found += [(file.table.name, total) for file in read.files for total in file.totals]
    found += [(part.table.name, Total(STATED_COST, part.currency, part.amount, 0)) for part in read.stated]
    return [
        {
            "load_id": load_id,
            "table_name": name,
            "measure": total.measure,
            "currency": total.currency,
            "amount": total.amount,
            "row_count": total.row_count,
        }
        for name, total in found
    ]
