"""Files of a format as rows of `llm_requests`: one statement of DuckDB, whose result lies in a mapped file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.errors import BadInput
from ingestion.lake import text_files
from ingestion.lake.contract import Columns
from ingestion.lake.faults import fault
from ingestion.lake.plausible import check_plausible, extremes_of_rows
from ingestion.lake.rejected import Rejected
from ingestion.lake.vendor_files import engine
from ingestion.scratch import scratch
from ingestion.sources.llm_gateway.formats import Format
from ingestion.sources.llm_gateway.identity import Identities, settle_actors
from ingestion.sources.llm_gateway.odd_records import (
    OF_THE_MACHINE,
    check_extremes,
    explained,
    extremes_sql,
    readable,
)
from ingestion.sources.llm_gateway.relations import LINES, LONGEST_RECORD, Local, alike, relations
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS

SCHEMA = pa.schema([pa.field(column.name, column.type) for column in LLM_REQUESTS.columns])
BATCH_ROWS = 50_000


def read(
    kind: Format,
    files: Sequence[Local],
    accounts: Mapping[str, str],
    known: Identities | None = None,
    rejected: Rejected | None = None,
) -> Columns:
    """The requests in some files of one format.

    A record that can't be read goes into `rejected`. Without it, and where none of several in a file can be read, BadInput
    names file and line or row; a file of lines that is cut off always raises it.
    """
    with scratch("llm") as folder:
        target = folder / "requests.arrow"
        with engine(folder) as connection:
            connection.execute("set preserve_insertion_order = true")
            with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
                for group in alike(files):
                    for rows in _settled(connection, kind, group, accounts, known, rejected):
                        writer.write_table(rows)
        # The file goes with its folder; what is mapped stays until it is let go.
        return Columns(LLM_REQUESTS, pa.ipc.open_file(pa.memory_map(str(target))).read_all())


def read_together(
    kind: Format, slices: Sequence[Sequence[Local]], accounts: Mapping[str, str], known: Identities | None = None
) -> list[Columns | None]:
    """The requests of many small slices, slice by slice; None for one that needs more care, to be read by itself.

    The files are parsed once, and one statement is planned, which costs more than the rows of a slice: where it fails, it is
    executed for each half of the slices. The files' names are unlike, and in the order of the slices. Raises BadInput where
    the records of some file can't be parsed.
    """
    parts: list[list[pa.Table]] = [[] for _ in slices]
    broken: set[int] = set()
    numbers = [(str(file.path), number) for number, files in enumerate(slices) for file in files]
    with scratch("llm") as folder, engine(folder) as connection:
        names, of_slices = zip(*numbers, strict=True)
        connection.register("files", pa.table({"filename": names, "slice_number": of_slices}))
        for group in alike([file for files in slices for file in files]):
            relation = relations(kind, group, named=True)[0]
            try:
                connection.execute(
                    "create or replace temp table records as "
                    f"select parsed.*, slice_number from ({relation}) as parsed inner join files using (filename)"
                )
            except OF_THE_MACHINE:
                raise
            except duckdb.Error as error:
                raise BadInput(fault(error)) from None
            for number, rows in _by_slice(connection, kind, accounts, len(slices), broken):
                parts[number].append(settle_actors(rows, known).cast(SCHEMA))
    return [
        None
        if number in broken
        else Columns(LLM_REQUESTS, pa.concat_tables(found) if found else SCHEMA.empty_table())
        for number, found in enumerate(parts)
    ]


def _by_slice(
    connection: duckdb.DuckDBPyConnection, kind: Format, accounts: Mapping[str, str], count: int, broken: set[int]
) -> Iterator[tuple[int, pa.Table]]:
    """The rows of the table `records` by the number of their slice; one that can't be read is added to `broken`."""
    connection.execute("create or replace temp table wanted (first_number bigint, last_number bigint)")
    connection.execute("insert into wanted values (0, 0)")
    of_wanted = "slice_number between (select first_number from wanted) and (select last_number from wanted)"
    relation = f"select * exclude (filename) from records where {of_wanted}"
    connection.execute(
        f"prepare reading as {kind.select(relation, accounts, ', slice_number')} order by slice_number"
    )
    ranges = [(0, count - 1)]
    while ranges:
        first, last = ranges.pop()
        connection.execute(f"update wanted set first_number = {first}, last_number = {last}")
        try:
            rows = connection.execute("execute reading").to_arrow_table()
            check_plausible(LLM_REQUESTS, extremes_of_rows(LLM_REQUESTS, rows), datetime.now(UTC), "")
        except OF_THE_MACHINE:
            raise
        except (duckdb.Error, BadInput):
            middle = (first + last) // 2
            if first == last:
                broken.add(first)
            else:
                ranges += [(first, middle), (middle + 1, last)]
            continue
        start = 0
        for found in pc.value_counts(rows["slice_number"]).to_pylist():
            yield found["values"], rows.slice(start, found["counts"]).drop_columns(["slice_number"])
            start += found["counts"]


def _settled(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    files: list[Local],
    accounts: Mapping[str, str],
    known: Identities | None,
    rejected: Rejected | None,
) -> Iterator[pa.Table]:
    """The rows of files that are alike, without tokens."""
    for file in files:
        if file.path.name.endswith(".gz"):
            try:
                text_files.check_whole(file.path, file.where)
            except text_files.TORN as torn:
                raise BadInput(f"{file.where}: not a whole gzip file ({fault(torn)})") from None
    last: tuple[Exception, str] | None = None
    for relation in relations(kind, files):
        try:
            # Counted first, so that nothing has been handed on when a record can't be read.
            connection.execute(f"create or replace temp table rows as {kind.select(relation, accounts)}")
            (extremes,) = connection.execute(f"select {extremes_sql()} from rows").fetchall()
            check_extremes(extremes)
            break
        except duckdb.OutOfMemoryException as error:
            raise _too_large(files, error) from None
        except OF_THE_MACHINE:
            raise
        except (duckdb.Error, BadInput) as error:
            last = error, relation
    else:
        if last and rejected is None:
            raise explained(connection, kind, files, accounts, *last) from None
        if last and rejected is not None:
            given = readable(connection, kind, files, accounts, rejected, *last)
            connection.execute(f"create or replace temp table rows as {kind.select(given, accounts)}")
    reader = connection.execute("from rows").to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield settle_actors(pa.Table.from_batches([batch]), known).cast(SCHEMA)


def _too_large(files: Sequence[Local], error: duckdb.Error) -> BadInput:
    """Why DuckDB's memory does not do for some files: a line that is longer than any record, or what they are."""
    try:
        for file in files:
            if file.path.name.endswith((*LINES, ".json")):
                for _ in text_files.lines(file.path, file.where, LONGEST_RECORD):
                    pass
    except BadInput as reason:
        return reason
    return BadInput(f"{', '.join(file.where for file in files)}: {fault(error)}")
