"""A FOCUS file, CSV or Parquet, as Parquet in the raw table's columns: one set-based statement of DuckDB a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from ingestion.access.lines import LONGEST_LINE
from ingestion.errors import BadInput
from ingestion.lake.contract import Total, VendorFile
from ingestion.lake.faults import broken_line, fault
from ingestion.lake.plausible import odd_value
from ingestion.lake.rejected import MOST, Money, Rejected
from ingestion.lake.tags import tags_sql, with_flat_tags, without_addresses_sql
from ingestion.lake.text_files import csv_header
from ingestion.lake.vendor_files import (
    MARK,
    csv_relation,
    decimal_of_text,
    distinct_columns,
    engine,
    literal,
    may_be_deep,
    parquet_columns,
)
from ingestion.lake.vendor_totals import Sums, check_sums, sums
from ingestion.sources.aws.shape import exact_decimal
from ingestion.sources.focus.dialects import EARLIER_NAMES, Dialect, dialect_of, letters
from ingestion.sources.focus.shape import (
    COST_AND_USAGE,
    COSTS,
    JSONS,
    NEVER_NULL,
    NUMBERS,
    REQUIRED,
    SERVICE_CATEGORIES,
    TIMES,
    focus_column,
    focus_header,
    focus_version,
)

PARQUET_MAGIC = b"PAR1"
# A month begins at midnight of the vendor's own zone, which in UTC is up to 14 hours before and 12 after the first.
EARLIEST_MIDNIGHT = "14 hours"
NUMERIC = {**COSTS, **NUMBERS}
TYPED = {*NUMERIC, *TIMES, *JSONS}
# Months first: the specification's own examples are spelled so (5/1/25).
TIME_FORMATS = "['%m/%d/%y', '%m/%d/%Y', '%m/%d/%y %H:%M', '%m/%d/%Y %H:%M', '%m/%d/%Y %H:%M:%S']"
GROUPED_NUMBER = r"^-?\$?-?\d{1,3}(,\d{3})+(\.\d+)?$"
DECIMAL_COMMA = r"^-?[^\d]?-?\d[\d. ]*,\d+$"
OTHER_DATE = r"^\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}"
# What tools that rewrite exports put where a number, a time or JSON is absent.
ABSENT = ("null", "none", "nan", "n/a")
PRICES = ("list_cost", "contracted_cost", "list_unit_price", "contracted_unit_price")
PROVIDERS = ("service_provider_name", "provider_name", "invoice_issuer_name")
TAGS = ("tags", "allocated_tags")
# Where people's addresses stand: LiteLLM's file has the user's in Tags.
PERSONAL = (*TAGS, "extra")
ACCOUNTS = ("billing_account_id", "sub_account_id")
# Without them it is not known what a row bills, and when: the total of a file with a row that lacks one is not known.
TRUSTED = ("billed_cost", "billing_currency", "billing_period_start")


class Check(NamedTuple):
    """A column, with the SQL condition that its value can't be taken, and why; without a reason, by what is stated."""

    column: str
    condition: str
    reason: str | None = None


Checks = list[Check]


@dataclass(frozen=True)
class Delivered:
    """What holds for every row of a delivery."""

    export: str
    is_compare_only: bool
    version: str | None = None


@dataclass
class _Reader:
    """A file as DuckDB reads it: the SQL of its relation, its columns' names, and what their values are."""

    relation: str
    types: list[tuple[str, pa.DataType]]
    is_csv: bool
    columns: dict[str, int] = field(default_factory=dict)
    dialect: Dialect | None = None

    def __post_init__(self) -> None:
        self.dialect = dialect_of(header for header, _ in self.types)
        for named in (focus_column, lambda header: EARLIER_NAMES.get(letters(header))):
            for index, (header, _) in enumerate(self.types):
                column = named(header)
                if column and column not in self.columns and index not in self.columns.values():
                    self.columns[column] = index

    def rest(self) -> list[int]:
        """The columns that are not FOCUS."""
        taken = set(self.columns.values())
        return [index for index in range(len(self.types)) if index not in taken]

    def is_text(self, index: int) -> bool:
        return bool(pa.types.is_string(self.types[index][1]))

    @cached_property
    def rows(self) -> str:
        """SQL of the file's rows: columns as delivered (c0 …), their texts (`stated`), and values (`value`).

        One step is built on the other by name: expressions that contain each other take DuckDB minutes to plan.
        """
        stated = [f"{self._stated(index)} as s{index}" for index in range(len(self.types)) if self.is_text(index)]
        stated += [
            f"{self._stated(index, ABSENT)} as t{index}"
            for column, index in self.columns.items()
            if column in TYPED and self.is_text(index)
        ]
        values = [f"{self._value(column, index)} as v_{column}" for column, index in self.columns.items()]
        known = [
            f"case when not (v_{column} = 0 and v_effective_cost <> 0) then v_{column} end as k_{column}"
            for column in self.columns
            if self._is_zero_unknown(column)
        ]
        relation = self.relation
        for columns in (stated, values, known):
            if columns:
                relation = f"(select *, {', '.join(columns)} from {relation})"
        return relation

    def stated(self, index: int, *, is_typed: bool = False) -> str:
        """A column's value; a text that stands for an absent value is NULL, of a number more words do (`is_typed`)."""
        return f"{'t' if is_typed else 's'}{index}" if self.is_text(index) else f"c{index}"

    def _stated(self, index: int, absent: tuple[str, ...] = ("null",)) -> str:
        # Files that were joined have a mark before the first value of each.
        name = f"ltrim(c{index}, {literal(MARK)})" if self.is_csv and index == 0 else f"c{index}"
        words = ", ".join(literal(word) for word in ("", *absent))
        return f"case when lower(trim({name})) not in ({words}) then trim({name}) end"

    def value(self, column: str) -> str:
        """A FOCUS column in the raw table's type; NULL where it can't be read."""
        if column not in self.columns:
            return "null"
        return f"k_{column}" if self._is_zero_unknown(column) else f"v_{column}"

    def _is_zero_unknown(self, column: str) -> bool:
        """Whether a list or contracted price of 0 is none, because the dialect writes it for one that it does not know."""
        return bool(self.dialect and self.dialect.zero_is_unknown and column in PRICES)

    def _value(self, column: str, index: int) -> str:
        kind, is_text = self.types[index][1], self.is_text(index)
        stated = self.stated(index, is_typed=column in TYPED)
        if column in NUMERIC:
            return f"try({_number(stated, kind, is_text)})"
        if column in TIMES:
            return f"try({_time(stated, is_text)})"
        if column in JSONS:
            return _json(stated, is_text, is_tags=column in TAGS)
        return self._text(column, stated, kind)

    def _text(self, column: str, stated: str, kind: pa.DataType) -> str:
        if column == "service_category" and pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
            known = ", ".join(literal(category.lower()) for category in SERVICE_CATEGORIES)
            return f"list_filter({stated}, lambda name: lower(name) in ({known}))[1]"
        if pa.types.is_nested(kind):
            text = f"cast(to_json({stated}) as varchar)"
        elif pa.types.is_floating(kind):
            text = rf"regexp_replace(cast({stated} as varchar), '\.0$', '')"
        else:
            text = f"cast({stated} as varchar)"
        if self.dialect and self.dialect.unknown_texts:
            words = ", ".join(literal(word) for word in self.dialect.unknown_texts)
            text = f"case when {text} not in ({words}) then {text} end"
        if column == "billing_currency":
            return f"case when regexp_matches({text}, '^[A-Za-z]{{3}}$') then upper({text}) else {text} end"
        if column in ACCOUNTS and self._provider():
            # AWS's ids have 12 digits: what took one for a number lost its zeros.
            return (
                f"case when {self._is_aws()} "
                rf"and regexp_matches({text}, '^\d{{1,11}}$') then lpad({text}, 12, '0') else {text} end"
            )
        return text

    def _provider(self) -> str | None:
        named = [self.columns[column] for column in PROVIDERS if column in self.columns]
        return (
            f"coalesce({', '.join(f'cast({self.stated(index)} as varchar)' for index in named)})"
            if named
            else None
        )

    def _is_aws(self) -> str:
        return f"regexp_matches(lower({self._provider()}), '^(aws|amazon web services)')"

    def without_addresses(self, value: str) -> str:
        """SQL: a column's text with people's addresses hashed, but for AWS, whose tags are those that CUR has."""
        if value == "null":
            return value
        hashed = without_addresses_sql(f"({value})")
        is_aws = f"coalesce({self._is_aws()}, false)" if self._provider() else "false"
        return f"case when {is_aws} then {value} else {hashed} end"

    def sums(self, path: Path) -> Sums | None:
        """What the file's costs add up to by another reader; None where Arrow can't tell columns of one name apart."""
        amount, currency = self.columns["billed_cost"], self.columns["billing_currency"]
        names = [header for header, _ in self.types]
        if not self.is_csv and any(names.count(names[index]) > 1 for index in (amount, currency)):
            return None
        return sums(
            path,
            amount,
            currency,
            width=len(self.types) if self.is_csv else None,
            number=_plain_number,
            unit=_plain_currency,
        )


def _plain_number(text: str) -> str:
    """A number's text as the rows' reader takes it."""
    found = text.strip(f" {MARK}")
    if re.fullmatch(GROUPED_NUMBER, found):
        found = found.replace(",", "")
    return found.replace("$", "").replace("_", "")


def _plain_currency(text: str) -> str:
    found = text.strip(f" {MARK}")
    return found.upper() if re.fullmatch("[A-Za-z]{3}", found) else found


def _number(stated: str, kind: pa.DataType, is_text: bool) -> str:
    if pa.types.is_float64(kind):
        return exact_decimal(stated)
    if pa.types.is_floating(kind):
        # By its own shortest text: as a double 0.1 is 0.100000001490.
        return decimal_of_text(f"cast({stated} as varchar)")
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return f"cast({stated} as decimal(38, 12))"
    if not is_text:
        return "cast(null as decimal(38, 12))"
    plain = (
        f"case when regexp_matches({stated}, '{GROUPED_NUMBER}') then replace(replace({stated}, ',', ''), '$', '') "
        f"else replace({stated}, '$', '') end"
    )
    return decimal_of_text(f"({plain})")


def _time(stated: str, is_text: bool) -> str:
    if not is_text:
        return f"cast({stated} as timestamptz)"
    # Only what begins with a year is cast: DuckDB would take 10/5/26 for the year 10.
    iso = rf"regexp_replace({stated}, '([T ]\d\d:\d\d)(Z| UTC)$', '\1:00\2')"
    return (
        rf"case when regexp_matches({stated}, '^\d{{4}}-') then try_cast({iso} as timestamptz) "
        f"else try_cast(try_strptime({stated}, {TIME_FORMATS}) as timestamptz) end"
    )


def _json(stated: str, is_text: bool, is_tags: bool) -> str:
    """A JSON object as text. Azure writes tags without the braces around them."""
    text = stated if is_text else f"cast(to_json({stated}) as varchar)"
    if is_tags:
        return tags_sql(text)
    if not is_text:
        return text
    return (
        f"case when {may_be_deep(stated)} then null when json_valid({stated}) then {stated} "
        f"when json_valid('{{' || {stated} || '}}') then '{{' || {stated} || '}}' end"
    )


def _csv(path: Path, where: str) -> _Reader:
    """A CSV file as text, its columns by position."""
    headers = csv_header(path, where)
    relation = csv_relation(path, [f"c{index}" for index in range(len(headers))])
    return _Reader(relation, [(header.replace(MARK, ""), pa.string()) for header in headers], is_csv=True)


def _parquet(path: Path, where: str) -> _Reader:
    relation, columns = parquet_columns(path, where)
    return _Reader(relation, columns, is_csv=False)


def reader(path: Path, where: str) -> _Reader:
    """A file of either kind. Raises BadInput where it is cut off, or lacks a column without which no row is a charge."""
    with path.open("rb") as file:
        is_parquet = file.read(4) == PARQUET_MAGIC
    found = _parquet(path, where) if is_parquet else _csv(path, where)
    absent = [focus_header(column) for column in REQUIRED if column not in found.columns]
    if absent:
        raise BadInput(f"{where}: no FOCUS cost and usage file, it has no column {', '.join(absent)}")
    return found


@contextmanager
def _connected(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine(path.parent) as connection:
        with_flat_tags(connection)
        yield connection


def _checked_sums(path: Path, where: str, found: _Reader, totals: tuple[Total, ...]) -> None:
    try:
        other = found.sums(path)
    except (ValueError, pa.ArrowException):
        raise BadInput(
            f"{where}: its costs can be read by one of two readers only, so their sum is not trusted: have it written "
            "again, as Parquet if it is CSV"
        ) from None
    if other is not None:
        check_sums(totals, other, where)


def _unreadable(path: Path, where: str, found: _Reader, error: duckdb.Error) -> BadInput:
    """What is wrong with a file that DuckDB gave up on: the line of a CSV file, or the column."""
    line = broken_line(path, len(found.types), LONGEST_LINE) if found.is_csv else None
    if line:
        return BadInput(f"{where}: {line}")
    with _connected(path) as connection:
        for column in found.columns:
            try:
                connection.execute(f"select count({found.value(column)}) from {found.rows}").fetchall()
            except duckdb.Error as alone:
                return BadInput(f"{where}: column {focus_header(column)}: {fault(alone)}")
    return BadInput(f"{where}: {fault(error)}")


def _month(start: str) -> str:
    """SQL: the month that the start of a billing period names in the vendor's zone."""
    return f"strftime({start} + interval '{EARLIEST_MIDNIGHT}', '%Y-%m')"


def named_months(path: Path, where: str) -> set[str]:
    """The billing periods (YYYY-MM) that a file's rows name; none of one that can't be read: its reader names the fault."""
    try:
        found = reader(path, where)
        with _connected(path) as connection:
            rows = connection.execute(
                f"select distinct {_month(found.value('billing_period_start'))} from {found.rows}"
            ).fetchall()
    except (BadInput, duckdb.Error):
        return set()
    return {month for (month,) in rows if month}


def months(path: Path, where: str) -> list[str]:
    """The billing periods (YYYY-MM) that a file's rows are of.

    Its sum is compared here, over all of them. Raises BadInput as `convert` does.
    """
    found = reader(path, where)
    with _connected(path) as connection:
        try:
            _check_trusted(connection, path, where, found)
            rows = connection.execute(
                f"select {_month(found.value('billing_period_start'))}, {found.value('billing_currency')}, "
                f"sum({found.value('billed_cost')}), count(*) from {found.rows} group by 1, 2 order by 1, 2"
            ).fetchall()
        except duckdb.Error as error:
            raise _unreadable(path, where, found, error) from None
    by_currency: dict[str, Total] = {}
    for _, currency, amount, count in rows:
        before = by_currency.get(currency, Total("billed_cost", currency, Decimal(0), 0))
        by_currency[currency] = Total(
            "billed_cost", currency, before.amount + Decimal(amount), before.row_count + count
        )
    _checked_sums(path, where, found, tuple(by_currency.values()))
    return sorted({month for month, *_ in rows})


def convert(
    path: Path,
    where: str,
    target: Path,
    delivery: Delivered,
    month: str | None = None,
    rejected: Rejected | None = None,
) -> VendorFile:
    """Write a file's rows, all or those of one billing month, to `target`; with their totals and newest charge.

    A row that can't be read is set aside in `rejected`, with what it bills. Raises BadInput, with row and column, where
    the row's amount, currency or billing period can't be read, or the file is written in another way than FOCUS's.
    """
    rejected = Rejected() if rejected is None else rejected
    found = reader(path, where)
    version = delivery.version or focus_version(frozenset(found.columns))
    constants = {
        "focus_version": literal(version),
        "export_name": literal(delivery.export),
        "is_compare_only": str(delivery.is_compare_only).lower(),
        "file_name": literal(where),
        "extra": _extra(found),
    }
    values = {
        column.name: constants.get(column.name) or found.value(column.name) for column in COST_AND_USAGE.columns
    }
    for name in PERSONAL:
        values[name] = found.without_addresses(values[name])
    selected = ", ".join(
        f"cast({values[column.name]} as {_sql_type(column.type)}) as {column.name}"
        for column in COST_AND_USAGE.columns
    )
    wanted = f"where {_month('billing_period_start')} = '{month}'" if month else ""
    with _connected(path) as connection:
        try:
            rows, aside = _readable_rows(connection, path, where, found, delivery, month, rejected)
            connection.execute(
                f"copy (select * from (select {selected} from {rows}) {wanted}) "
                f"to {literal(str(target))} (format parquet, compression zstd)"
            )
            totals = connection.execute(
                f"select billing_currency, sum(billed_cost), count(*), max(charge_period_start) "
                f"from read_parquet({literal(str(target))}) group by 1 order by 1"
            ).fetchall()
        except duckdb.Error as error:
            raise _unreadable(path, where, found, error) from None
    # What is only compared is not delivered to the ledger: its total goes by another name.
    measure = "compared_billed_cost" if delivery.is_compare_only else "billed_cost"
    newest = max((moment for *_, moment in totals), default=None)
    stated = tuple(Total(measure, currency, Decimal(amount), count) for currency, amount, count, _ in totals)
    if month is None:
        _checked_sums(path, where, found, _with_rejected(stated, aside))
    return VendorFile(
        COST_AND_USAGE,
        target,
        sum(count for _, _, count, _ in totals),
        stated,
        newest.astimezone(UTC) if newest else None,
        remark=f"read as {found.dialect.title}" if found.dialect else None,
    )


def _with_rejected(totals: tuple[Total, ...], aside: Iterable[Money]) -> tuple[Total, ...]:
    """The totals of a file's rows together with what its rows bill that are set aside, by currency."""
    found = {total.currency: (total.amount, total.row_count) for total in totals}
    for amount, currency in aside:
        before, count = found.get(currency, (Decimal(0), 0))
        found[currency] = (before + amount, count + 1)
    return tuple(Total("billed_cost", currency, *sums) for currency, sums in found.items())


def accounts(path: Path) -> list[tuple[str, str | None, str | None]]:
    """The billing accounts and sub accounts that a converted file has charges of, each with the file's name in front."""
    with engine(path.parent) as connection:
        return connection.execute(
            f"select distinct file_name, billing_account_id, sub_account_id from read_parquet({literal(str(path))})"
        ).fetchall()


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return "decimal(38, 12)"
    if pa.types.is_timestamp(kind):
        return "timestamptz"
    return "boolean" if pa.types.is_boolean(kind) else "varchar"


def _extra(found: _Reader) -> str:
    """The columns that are not FOCUS, without those that are NULL, and what of a FOCUS column its own one can't hold."""
    names = distinct_columns([header for header, _ in found.types])
    fields = [(index, found.stated(index)) for index in found.rest()]
    for column in (*JSONS, *PRICES, "service_category"):
        index = found.columns.get(column)
        if index is None:
            continue
        stated, value = found.stated(index), found.value(column)
        if column in JSONS:
            # A list of tags may say more of each than its key and value.
            text = stated if found.is_text(index) else f"cast(to_json({stated}) as varchar)"
            is_list = f"json_valid({text}) and json_type({text}) = 'ARRAY' and json_array_length({text}) > 0"
            fields.append((index, f"case when {value} is null or ({is_list}) then {stated} end"))
        elif column in PRICES and found.dialect and found.dialect.zero_is_unknown:
            fields.append((index, f"case when {value} is null then {stated} end"))
        elif column == "service_category" and pa.types.is_list(found.types[index][1]):
            fields.append((index, stated))
    if not fields:
        return "null"
    pairs = ", ".join(f"{literal(names[index])}, {sql}" for index, sql in fields)
    return f"nullif(cast(json_merge_patch('{{}}', json_object({pairs})) as varchar), '{{}}')"


def _checked(found: _Reader) -> Checks:
    """Each column that can hold a value that is not of its type, with the condition that it does."""
    checks = []
    for column in (*NUMERIC, *TIMES, *NEVER_NULL):
        index = found.columns.get(column)
        if index is not None:
            stated = found.stated(index, is_typed=column in TYPED)
            nothing = "true" if column in NEVER_NULL else f"{stated} is not null"
            # As delivered: a dialect's word for an unknown price is no fault.
            wrong = f"{nothing} and v_{column} is null"
            if column == "billing_period_start" and found.is_text(index):
                # Read with the month first, 01/09/2026 is the ninth of January, on which no period begins.
                wrong = (
                    f"({wrong}) or (regexp_matches({stated}, '{OTHER_DATE}') and day({found.value(column)}) <> 1)"
                )
            checks.append(Check(column, wrong))
    return list({check.column: check for check in checks}.values())


def _failed(connection: duckdb.DuckDBPyConnection, found: _Reader, *groups: Checks) -> list[bool]:
    """Whether a row of the file fails one of the checks of each group: all groups in one pass."""
    row = connection.execute(
        f"select {', '.join(f'bool_or({_any(group)})' for group in groups)} from {found.rows}"
    ).fetchone()
    return [bool(value) for value in row or ()]


def _refusing(found: _Reader) -> Checks:
    """What makes a file one that can't be trusted.

    A row whose amount, currency or billing period can't be read; or a value that shows that the file writes numbers or
    dates in another way, so that its other rows may be misread.
    """
    return [
        check
        if check.column in TRUSTED
        else Check(check.column, f"({check.condition}) and {_has_sign(found, check.column)}")
        for check in _checked(found)
    ]


def _check_trusted(connection: duckdb.DuckDBPyConnection, path: Path, where: str, found: _Reader) -> None:
    """Raise BadInput for the first row that makes the file one that can't be trusted."""
    if any(_failed(connection, found, _refusing(found))):
        raise _first(path, where, found)


def _first(path: Path, where: str, found: _Reader) -> BadInput:
    odd = next(_faults(path, found, _refusing(found), None, 1))
    return BadInput(f"{where}: row {odd.row}, {odd.reason}")


def _any(checks: Checks) -> str:
    """SQL: whether a row fails one of the checks."""
    return " or ".join(["false", *(f"coalesce({condition}, false)" for _, condition, _ in checks)])


def _readable_rows(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    where: str,
    found: _Reader,
    delivery: Delivered,
    month: str | None,
    rejected: Rejected,
) -> tuple[str, list[Money]]:
    """SQL of the file's rows, or a month's, that can be read; the others are set aside. Gives what these bill, too.

    Raises BadInput where the file can't be trusted, where no row of it can be read, or too many can't.
    """
    checks = [check for check in (*_checked(found), *_implausible(found)) if check.column not in TRUSTED]
    is_not_trusted, has_odd_rows = _failed(connection, found, _refusing(found), checks)
    if is_not_trusted:
        raise _first(path, where, found)
    if not has_odd_rows:
        return found.rows, []
    aside: list[Money] = []
    for odd in _faults(path, found, checks, month, MOST + 1):
        # What is only compared is in the ledger by another source.
        known = None if delivery.is_compare_only else lambda odd=odd: odd.money
        rejected.add(f"{where}: row {odd.row}", odd.reason, known)
        aside.append(odd.money)
    readable = f"(select * from {found.rows} where not ({_any(checks)}))"
    wanted = f"where {_month(found.value('billing_period_start'))} = '{month}'" if month else ""
    (count,) = connection.execute(f"select count(*) from {readable} {wanted}").fetchone() or (0,)
    rejected.check(int(count), since=len(rejected.records) - len(aside))
    return readable, aside


def _implausible(found: _Reader) -> Checks:
    """Each column that can hold a time, number or amount that no vendor bills, with the condition that it does."""
    measured = [column for column in found.columns if column in TIMES or column in NUMERIC]
    return [Check(column, *odd_value(COST_AND_USAGE, column, found.value(column))) for column in measured]


@dataclass(frozen=True)
class _Fault:
    """A row that can't be read: its number, why, and what it bills where that is known."""

    row: int
    reason: str
    money: Money


def _faults(path: Path, found: _Reader, checks: Checks, month: str | None, most: int) -> Iterator[_Fault]:
    """The first rows, of a file or of a month in it, that fail a check: each with the first one that it fails."""
    wanted = f"and {_month(found.value('billing_period_start'))} = '{month}'" if month else ""

    def first_of(values: Iterable[str]) -> str:
        cases = " ".join(
            f"when coalesce({condition}, false) then {value}"
            for (_, condition, _), value in zip(checks, values, strict=True)
        )
        return f"case {cases} end"

    with _connected(path) as connection:
        connection.execute("set threads = 1")
        connection.execute("set preserve_insertion_order = true")
        rows = connection.execute(
            f"select n, {first_of(str(number) for number in range(len(checks)))}, "
            f"{first_of(_is_empty(found, check.column) for check in checks)}, "
            f"{first_of(_has_sign(found, check.column) for check in checks)}, "
            f"{found.value('billed_cost')}, {found.value('billing_currency')} "
            f"from (select *, row_number() over () as n from {found.rows}) "
            f"where ({_any(checks)}) {wanted} order by n limit {most}"
        ).fetchall()
    for number, place, is_empty, has_sign, amount, currency in rows:
        check = checks[place]
        reason = check.reason or _wrong(check.column, is_empty=is_empty, has_sign=has_sign)
        yield _Fault(int(number), f"column {focus_header(check.column)}: {reason}", (amount, currency))


def _is_empty(found: _Reader, column: str) -> str:
    return f"{found.stated(found.columns[column], is_typed=column in TYPED)} is null"


def _has_sign(found: _Reader, column: str) -> str:
    """SQL: whether a value is written as other countries write numbers and dates."""
    index = found.columns[column]
    if not found.is_text(index) or column not in TYPED:
        return "false"
    sign = DECIMAL_COMMA if column in NUMERIC else OTHER_DATE
    return f"coalesce(regexp_matches({found.stated(index, is_typed=True)}, {literal(sign)}), false)"


def _wrong(column: str, *, is_empty: bool, has_sign: bool) -> str:
    if is_empty:
        return "must not be empty"
    if column in NUMERIC:
        return "not a number, it has a decimal comma: write a point" if has_sign else "not a number"
    return "not a time, its day stands first: write YYYY-MM-DD" if has_sign else "not a time"
