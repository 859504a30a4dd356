"""Text files of vendors, packed by gzip or not: whole ones only, unpacked to a limit, and read line by line."""

from __future__ import annotations

import csv
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from ingestion.access.lines import LONGEST_LINE, numbered_lines, size_named
from ingestion.errors import BadInput
from ingestion.lake.faults import fault
from ingestion.setting_table import FILE_SIZE

GZIP_MAGIC = b"\x1f\x8b"
# More than any export has (AWS allows 500 tag keys); the time to plan a statement grows with their square.
MOST_COLUMNS = 2_000
# Bytes that are unpacked at a time.
CHUNK = 1 << 20
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


def is_gzip(path: Path) -> bool:
    """Whether a file is packed, by its content, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def opened(path: Path) -> IO[bytes]:
    """A file's text as bytes, unpacked."""
    return cast(IO[bytes], gzip.open(path)) if is_gzip(path) else path.open("rb")


def lines(path: Path, where: str, longest: int = LONGEST_LINE) -> Iterator[tuple[int, bytes]]:
    """The numbered lines of a file. Raises BadInput for one that is too long, one of TORN where the file is cut off."""
    with opened(path) as file:
        yield from numbered_lines(iter(lambda: file.read(CHUNK), b""), where, longest)


def first_line(path: Path, where: str) -> str:
    """The first line of a text file, packed or not, as `lines` reads it."""
    return next((line for _, line in lines(path, where)), b"").decode("utf-8-sig")


def check_unpacked(size: int, where: str) -> None:
    """Raise BadInput for a file that unpacks to more than COSTOWNER_FILE_SIZE bytes."""
    if size > FILE_SIZE.value():
        raise BadInput(
            f"{where}: unpacks to more than {FILE_SIZE.text() or FILE_SIZE.default} ({FILE_SIZE.name}); if it is right, "
            "raise it"
        )


def check_columns(count: int, where: str) -> None:
    """Raise BadInput for a table of more columns than any export has."""
    if count > MOST_COLUMNS:
        raise BadInput(f"{where}: {count} columns, and at most {MOST_COLUMNS} are read: export fewer of them")


def check_whole(path: Path, where: str) -> None:
    """Unpack a gzip file once, and keep nothing of it: DuckDB takes one that is cut off for a whole one.

    Zeros after its end, which gzip allows and DuckDB refuses, are cut off. Raises one of TORN where the file is cut off
    or garbled, BadInput where it unpacks to more than COSTOWNER_FILE_SIZE.
    """
    if not is_gzip(path):
        return
    size = end = 0
    member = None
    with path.open("rb") as file:
        while packed := file.read(CHUNK):
            while packed:
                if member is None:
                    packed = packed.lstrip(b"\x00")
                    member = zlib.decompressobj(zlib.MAX_WBITS | 16) if packed else None
                    continue
                size += len(member.decompress(packed, CHUNK))
                check_unpacked(size, where)
                packed = member.unconsumed_tail
                if member.eof:
                    packed, member = member.unused_data, None
                    end = file.tell() - len(packed)
    if member is not None:
        raise EOFError("the last member does not end")
    if end < path.stat().st_size:
        os.truncate(path, end)


def _check_lines(path: Path, where: str) -> None:
    """Raise BadInput, with the number, for a line that is too long: DuckDB drops one at the end of a file in silence."""
    number, size = 1, 0
    with opened(path) as file:
        while chunk := file.read(CHUNK):
            first = chunk.find(b"\n")
            size += len(chunk) if first < 0 else first
            if size > LONGEST_LINE:
                raise BadInput(f"{where}: line {number}: longer than {size_named(LONGEST_LINE)}")
            if first >= 0:
                number += chunk.count(b"\n")
                # What lies between two ends in one chunk is shorter than the chunk.
                size = len(chunk) - chunk.rfind(b"\n") - 1


def csv_header(path: Path, where: str) -> list[str]:
    """The header of a whole CSV file, as it is spelled. Raises BadInput for a file of another kind, by what it is."""
    try:
        check_whole(path, where)
        with opened(path) as file:
            beginning = file.read(64)
        other = next((meaning for begins, meaning in OTHER_BEGINNINGS if beginning.startswith(begins)), None)
        if other is None and b"\x00" in beginning:
            other = "no text in UTF-8, or one in UTF-16: write UTF-8"
        if other:
            raise BadInput(f"{where}: {other}")
        first = first_line(path, where)
        _check_lines(path, where)
        headers = next(csv.reader([first]), [])
    except TORN as error:
        raise BadInput(f"{where}: not a whole CSV file ({fault(error)})") from None
    except csv.Error:
        raise BadInput(f"{where}, line 1: a header that can't be read") from None
    check_columns(len(headers), where)
    separators = [name for sign, name in OTHER_SEPARATORS.items() if len(headers) == 1 and first.count(sign) > 1]
    if separators:
        raise BadInput(f"{where}: its columns are separated by {separators[0]}: write commas")
    return headers
