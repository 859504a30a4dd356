"""Which records of some files can't be read, and why: looked for only when the statement that reads them has failed.

The records lie in a table of DuckDB's, `given`, so that files of any size are looked through in bounded memory.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.access.lines import LONGEST_LINE
from ingestion.errors import BadInput
from ingestion.lake.columns import Column
from ingestion.lake.faults import broken_line, fault
from ingestion.lake.plausible import check_plausible, is_measured
from ingestion.lake.rejected import SHAPES, Rejected
from ingestion.lake.text_files import TORN, csv_header, lines
from ingestion.setting_table import CALL_SIZE
from ingestion.sources.llm_gateway.formats import Format
from ingestion.sources.llm_gateway.formats.usage import SETTLED
from ingestion.sources.llm_gateway.identity import RAW_TOKEN
from ingestion.sources.llm_gateway.relations import LINES, LONGEST_RECORD, Local, unpacked
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS

# A full disk or memory is no fault of a record.
OF_THE_MACHINE = (duckdb.IOException, duckdb.OutOfMemoryException)
# A JSON object of one record: its number, and its place. `parts` is how many records its line has.
GIVEN = pa.schema(
    [
        *((name, pa.int64()) for name in ("n", "file", "line", "part", "parts")),
        ("record", pa.string()),
    ]
)
# Bytes of records that Python holds at a time.
BATCH = 32 << 20
DECODER = json.JSONDecoder(parse_int=len)
NOT_JSON = "not JSON; the line is cut off or garbled"
MEASURED = [column for column in LLM_REQUESTS.columns if is_measured(column.type)]
# SQL of the declared fields of the given records for which a condition on their number `n` holds.
Records = Callable[[str], str]


def explained(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    files: Sequence[Local],
    accounts: Mapping[str, str],
    error: Exception,
    relation: str,
) -> BadInput:
    """What was wrong, with the first file and line that is no JSON object, or else the first record that can't be read."""
    rejected = Rejected()
    try:
        readable(connection, kind, files, accounts, rejected, error, relation, most=1)
    except BadInput as reason:
        return reason
    for record in rejected.records:
        return BadInput(f"{record['place']}: {record['reason']}")
    return BadInput(f"{', '.join(file.where for file in files)}: {fault(error, kind.select(relation, accounts))}")


def readable(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    files: Sequence[Local],
    accounts: Mapping[str, str],
    rejected: Rejected,
    error: Exception,
    relation: str,
    most: int | None = None,
) -> str:
    """SQL of the declared fields of the records that can be read; the others, or the first `most`, are rejected.

    Raises BadInput where a file is cut off, or where none of several records in one can be read.
    """
    aside = _Aside(files, rejected, most)
    if files[0].path.name.endswith((*LINES, ".json")):
        place, records = _give_objects(connection, kind, files, aside)
    else:
        place, records = _give_rows(connection, files[0], error, relation)
    bad = []
    if not aside.is_full():
        for number, reason in _Search(connection, kind, records, accounts).bad():
            aside.add(*place(number), reason)
            bad.append(number)
            if aside.is_full():
                break
    if bad:
        connection.execute(f"delete from given where n in ({', '.join(map(str, bad))})")
    if most is None:
        left = {number for (number,) in connection.execute("select distinct file from given").fetchall()}
        aside.check(left)
    return records("true")


@dataclass
class _Aside:
    """Records of some files that are set aside, with the first of each file."""

    files: Sequence[Local]
    rejected: Rejected
    most: int | None
    counts: Counter[int] = field(default_factory=Counter)
    firsts: dict[int, str] = field(default_factory=dict)

    def is_full(self) -> bool:
        """Whether no more of them are looked for."""
        return self.most is not None and len(self.rejected.records) >= self.most

    def add(self, file: int, place: str, reason: str) -> None:
        where = f"{self.files[file].where}, {place}"
        self.rejected.add(where, reason)
        self.counts[file] += 1
        self.firsts.setdefault(file, f"{where}: {reason}")

    def check(self, left: set[int]) -> None:
        """Raise BadInput for a file of several records that has none left."""
        for file, count in self.counts.items():
            if count > 1 and file not in left:
                raise BadInput(f"{self.firsts[file]}; no record of the file can be read")


# The number of a record's file, and its place there.
Place = Callable[[int], tuple[int, str]]


def _give_objects(
    connection: duckdb.DuckDBPyConnection, kind: Format, files: Sequence[Local], aside: _Aside
) -> tuple[Place, Records]:
    """The files' JSON objects of one record each, as the table `given`."""
    connection.register("objects", GIVEN.empty_table())
    connection.execute("create or replace temp table given as from objects")
    count = held = 0
    batch: list[dict[str, Any]] = []

    def give() -> None:
        connection.register("objects", pa.Table.from_pylist(batch, GIVEN))
        connection.execute("insert into given from objects")
        batch.clear()

    for file, local in enumerate(files):
        for line, content in _objects(local, file, aside):
            parts = _parts(kind, content)
            for part, record in enumerate(parts, start=1):
                text = record.decode("utf-8", "replace")
                batch.append(
                    {"n": count, "file": file, "line": line, "part": part, "parts": len(parts), "record": text}
                )
                count += 1
                held += len(record) + 100
            if held >= BATCH:
                give()
                held = 0
        if aside.is_full():
            break
    give()

    def place(number: int) -> tuple[int, str]:
        ((file, line, part, parts),) = connection.execute(
            f"select file, line, part, parts from given where n = {number}"
        ).fetchall()
        return file, f"line {line}" + (f", {kind.part} {part}" if parts > 1 else "")

    return place, partial(_of_objects, kind)


def _of_objects(kind: Format, condition: str) -> str:
    return unpacked(f"select cast(record as json) as record from given where {condition}", kind)


def _objects(local: Local, file: int, aside: _Aside) -> Iterator[tuple[int, bytes]]:
    """A file's JSON objects, with their lines; what is none is set aside. Raises BadInput where the file is not whole."""
    is_object_file = local.path.name.endswith(".json")
    # Only the last line of several shows that the file is not whole.
    unread: int | None = None
    number = count = 0
    try:
        for number, line in _lines(local):
            count += 1
            if unread is not None:
                aside.add(file, f"line {unread}", NOT_JSON)
                unread = None
            if aside.is_full():
                return
            try:
                record = _value(line)
            except ValueError:
                unread = number
                continue
            if isinstance(record, dict):
                yield number, line
            elif isinstance(record, list) and len(record) > 1 and is_object_file:
                raise BadInput(f"{local.where}, line {number}: a list, not a JSON object")
            else:
                aside.add(file, f"line {number}", "not a JSON object")
    except TORN as torn:
        raise BadInput(f"{local.where}: not a whole file ({fault(torn)})") from None
    if unread is None:
        return
    if is_object_file and count == 1:
        aside.add(file, f"line {unread}", NOT_JSON)
        return
    raise BadInput(f"{local.where}, line {number}: {NOT_JSON}")


def _value(line: bytes) -> Any:
    """A JSON value, of which only the kind matters: its numbers may have any length. Raises ValueError for none."""
    try:
        return json.loads(line, parse_int=len)
    except RecursionError:
        # DuckDB reads what is nested this deep.
        return {} if line.lstrip().startswith(b"{") else None


def _parts(kind: Format, line: bytes) -> list[bytes]:
    """The JSON objects of one record each that a line is made of."""
    try:
        return kind.split(line) if kind.split else [line]
    except SHAPES:
        return [line]


def _give_rows(
    connection: duckdb.DuckDBPyConnection, local: Local, error: Exception, relation: str
) -> tuple[Place, Records]:
    """A table's rows, as the table `given`. Raises BadInput where it is no table."""
    if not local.path.name.endswith(".parquet"):
        line = broken_line(local.path, len(csv_header(local.path, local.where)), LONGEST_LINE)
        if line:
            raise BadInput(f"{local.where}, {line}")
    try:
        connection.execute(
            f"create or replace temp table given as select row_number() over () as n, 0 as file, * from ({relation})"
        )
    except duckdb.Error as other:
        raise BadInput(f"{local.where}: {fault(other, relation)}") from None
    return lambda number: (0, f"row {number}"), _of_rows


def _of_rows(condition: str) -> str:
    return f"select * exclude (n, file) from given where {condition}"


def _lines(local: Local) -> Iterator[tuple[int, bytes]]:
    if not local.path.name.endswith(".json"):
        found = lines(local.path, local.where, LONGEST_RECORD)
        yield from ((number, line) for number, line in found if line.strip())
        return
    if local.path.stat().st_size > CALL_SIZE.value():
        raise BadInput(
            f"{local.where}: has more than {CALL_SIZE.text() or CALL_SIZE.default} ({CALL_SIZE.name}), and a record of it "
            "can't be read; if it is right, raise it"
        )
    yield from _json_values(local.path.read_bytes())


def _json_values(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The values of a `.json` file, with their lines: one or several; lines where one is garbled; else the whole file."""
    # What is not UTF-8 stays as it is: its record is the one that can't be read.
    content = content.removeprefix(codecs.BOM_UTF8)
    text = content.decode("utf-8", "surrogateescape")
    values: list[tuple[int, bytes]] = []
    place, line = 0, 1
    while found := re.compile(r"\S").search(text, place):
        line += text.count("\n", place, found.start())
        try:
            _, place = DECODER.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            lines = content.splitlines()
            # A value a line; or an object of its own that is not whole.
            yield from _numbered(lines) if values or any(map(_is_object, lines)) else [(1, content)]
            return
        values.append((line, text[found.start() : place].encode("utf-8", "surrogateescape")))
        line += text.count("\n", found.start(), place)
    yield from values


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(_value(line), dict)
    except ValueError:
        return False


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line


class _Search:
    """The given records that can't be read, found by halving: a probe reads some of them, and is planned once."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, kind: Format, records: Records, accounts: Mapping[str, str]
    ) -> None:
        self.connection, self.kind, self.records, self.accounts = connection, kind, records, accounts
        # The probes by the columns that they make: each one's SQL. A statement with parameters would be planned each time.
        self.probes: dict[tuple[str, ...], str] = {}
        connection.execute(
            "create or replace temp table wanted as select 0::bigint as first_n, 0::bigint as last_n"
        )

    def bad(self) -> Iterator[tuple[int, str]]:
        """The number of each record that can't be read, and what is wrong with it, in their order."""
        ((first, last),) = self.connection.execute("select min(n), max(n) from given").fetchall()
        every = tuple(self.kind.columns)
        # The last part is looked at first: so the first records are found first.
        parts = [] if first is None else [(first, last)]
        while parts:
            first, last = parts.pop()
            reason = self._wrong(first, last, every)
            if reason is None:
                continue
            if first < last:
                middle = (first + last) // 2
                parts += [(middle + 1, last), (first, middle)]
                continue
            column = self._column_at_fault(first)
            named = self._wrong(first, first, (column,))
            if named:
                reason = named if named.startswith(column) else f"{column}: {named}"
            yield first, reason

    def _column_at_fault(self, number: int) -> str:
        """The first column that can't be made of a record, found by halving too."""
        columns = tuple(self.kind.columns)
        while len(columns) > 1:
            first = columns[: len(columns) // 2]
            columns = first if self._wrong(number, number, first) else columns[len(first) :]
        return columns[0]

    def _wrong(self, first: int, last: int, columns: tuple[str, ...]) -> str | None:
        """What is wrong with some columns of the records from one number to another; None where nothing is."""
        name = self._probe(columns)
        try:
            self.connection.execute(f"update wanted set first_n = {first}, last_n = {last}")
            (found,) = self.connection.execute(f"execute {name}").fetchall()
            check_extremes(found)
        except OF_THE_MACHINE:
            raise
        except duckdb.Error as error:
            return fault(error, self.probes[columns])
        except BadInput as implausible:
            return str(implausible)
        return None

    def _probe(self, columns: tuple[str, ...]) -> str:
        """The name of the prepared statement that makes some columns of the wanted records."""
        if columns not in self.probes:
            some = replace(
                self.kind,
                columns={"provider": "null", **{name: self.kind.columns[name] for name in columns}},
                token=self.kind.token if columns == tuple(self.kind.columns) else "null",
                usage=self.kind.usage if SETTLED.keys() & set(columns) else None,
            )
            statement = some.select(
                self.records("n between (select first_n from wanted) and (select last_n from wanted)"),
                self.accounts,
            )
            others = [column.name for column in LLM_REQUESTS.columns if column not in MEASURED]
            # Every column is made, also those of which only the number is asked.
            counts = ", ".join(f"count({name})" for name in (*others, RAW_TOKEN))
            self.connection.execute(
                f"prepare probe{len(self.probes)} as select {extremes_sql()}, {counts} from ({statement})"
            )
            self.probes[columns] = statement
        return f"probe{list(self.probes).index(columns)}"


def extremes_sql() -> str:
    """SQL: the least and the greatest value of each column that is a number or a time, for `check_extremes`."""
    return ", ".join(f"{_held('min', column)}, {_held('max', column)}" for column in MEASURED)


def check_extremes(found: Sequence[Any]) -> None:
    """Raise BadInput, with the column, where a value of some rows is one that no vendor bills."""
    pairs = zip(found[: 2 * len(MEASURED) : 2], found[1 : 2 * len(MEASURED) : 2], strict=True)
    extremes = {column.name: pair for column, pair in zip(MEASURED, pairs, strict=True)}
    check_plausible(LLM_REQUESTS, extremes, datetime.now(UTC), "")


def _held(extreme: str, column: Column) -> str:
    """SQL: an extreme value of a column; a time that Python can't hold is one that it can, and just as implausible."""
    value = f"{extreme}({column.name})"
    if not pa.types.is_timestamp(column.type):
        return value
    # DuckDB's greatest and least pass over NULL.
    return (
        f"case when {value} is not null "
        f"then greatest(least({value}, timestamptz '9999-12-30'), timestamptz '0001-01-02') end"
    )
