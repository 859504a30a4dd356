"""What is wrong with an input, in words of our own.

DuckDB, Arrow and Python quote what they read: a line, a value, with a prompt or a secret in it. Their texts never go
into a message: an error is classified by its type and by the fixed words that it begins with.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from decimal import InvalidOperation
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa

# The reasons that our own SQL raises: `error('no record, it has no id')`.
_REASON = re.compile(r"\berror\('((?:[^']|'')*)'\)")
# How DuckDB's texts begin, after the name of the error's kind, and what that means.
_BEGINNINGS = (
    ("Could not convert string", "a value is not of its column's type"),
    ("Could not cast value", "a value does not fit its column"),
    ("Casting value", "a value does not fit its column"),
    ("invalid timestamp", "a value is not a time"),
    ("timestamp field value", "a value is not a time"),
    ("Timestamp", "a value is not a time"),
    ("invalid date", "a value is not a day"),
    ("Malformed JSON", "a value is not JSON"),
    ("Expected OBJECT", "a value is not a JSON object"),
    ("JSON transform error", "a field is of another kind"),
    ("Map keys", "a map names a key twice or not at all"),
    ("Type ", "a value is not of its column's type"),
    ("CSV Error", "a line is not as its header"),
    ("The CSV Parser", "a line is not as its header"),
)
# What follows the last "to" of a conversion that failed.
_TARGET = re.compile(r" to (?:(?P<number>DECIMAL|U?INT\d+|HUGEINT|BIGINT|DOUBLE|FLOAT)|(?P<flag>BOOL))[^'\"]*$")
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (duckdb.OutOfMemoryException, "DuckDB needs more memory: raise COSTOWNER_DUCKDB_MEMORY"),
    (duckdb.OutOfRangeException, "a number is too large"),
    (duckdb.ConversionException, "a value is not of its column's type"),
    (duckdb.BinderException, "a column is of another kind"),
    (duckdb.IOException, "the file can't be read, or there is no room to work on it"),
    (duckdb.Error, "garbled"),
    (pa.ArrowException, "cut off, or of another kind"),
    (UnicodeDecodeError, "not UTF-8"),
    (json.JSONDecodeError, "not JSON"),
    (gzip.BadGzipFile, "garbled: it can't be unpacked"),
    (zlib.error, "garbled: it can't be unpacked"),
    (EOFError, "cut off"),
    (RecursionError, "nested too deeply"),
    (KeyError, "a field is absent"),
    (TypeError, "a field is of another kind"),
    (AttributeError, "a field is of another kind"),
    (InvalidOperation, "a value is not a number"),
    (OverflowError, "a number is too large"),
    (ValueError, "a value is not of its field's kind"),
    (OSError, "the file can't be read"),
)


def fault(error: Exception, statement: str = "") -> str:
    """What is wrong, without a word of what was read.

    A reason passes that `statement`, our own SQL, raises itself.
    """
    if isinstance(error, duckdb.Error):
        reason = str(error).partition("Error: ")[2].split("\n")[0].strip()
        if reason in {found.replace("''", "'") for found in _REASON.findall(statement)}:
            return reason
        target = _TARGET.search(reason)
        if target and isinstance(error, duckdb.ConversionException):
            return "a value is not a number" if target["number"] else "a value is neither true nor false"
        for beginning, meaning in _BEGINNINGS:
            if reason.startswith(beginning):
                return meaning
    return next((meaning for kind, meaning in _KINDS if isinstance(error, kind)), type(error).__name__)


def broken_line(path: Path, fields: int, longest: int) -> str | None:
    """The first line of a CSV file, packed or not, that is not as its header, and how; None where all are.

    DuckDB counts records and not lines, and quotes the line.
    """
    before = csv.field_size_limit(longest)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with cast(IO[bytes], gzip.open(path)) if packed else path.open("rb") as file:
            return _broken(file, fields, longest)
    finally:
        csv.field_size_limit(before)


def _broken(file: IO[bytes], fields: int, longest: int) -> str | None:
    faults: list[str] = []

    def lines() -> Iterator[str]:
        for number, line in enumerate(iter(lambda: file.readline(longest + 1), b""), start=1):
            if len(line) > longest:
                faults.append(f"line {number}: longer than {longest >> 20} MB")
                return
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                faults.append(f"line {number}: not UTF-8")
                return

    reader = csv.reader(lines(), strict=True)
    begun = 1
    try:
        for row in reader:
            if row and len(row) != fields:
                count = "1 field" if len(row) == 1 else f"{len(row)} fields"
                faults.append(f"line {begun}: {count}, and the header has {fields}")
                break
            begun = reader.line_num + 1
    except csv.Error:
        faults.append(f"line {begun}: a quoted field that does not end, or goes on after its end")
    return faults[0] if faults else None
