"""A search of everything below a folder for a planted text, however it is kept there.

Looked into: plain bytes, packed files, the rows of Parquet, DuckDB and SQLite, and what is packed within them. A text is
found in any case, in base64, in hexadecimal digits and in UTF-16; its letters and digits stand in JSON and in URLs as they are.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

# What is packed and then written as base64 begins so: the state of dlt's pipelines.
PACKED_TEXT = re.compile(rb"eJ[\w+/]{30,}={0,2}")
PACKED = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")
SQLITE, DUCKDB, GZIP, PARQUET = b"SQLite format 3\x00", b"DUCK", b"\x1f\x8b", b"PAR1"


def shapes(text: str) -> list[bytes]:
    """The ways in which letters and digits may be written."""
    plain = text.encode()
    # A group of three bytes is four letters: the text may begin at any of the three.
    encoded = [base64.b64encode(b"\0" * before + plain)[4 if before else 0 : -4] for before in range(3)]
    return [plain, plain.hex().encode(), text.encode("utf-16-le"), *encoded]


def holds(content: bytes, texts: list[str]) -> list[str]:
    """The texts that stand in some bytes, with the number that follows one."""
    looked_at = [content, content.lower()]
    for packed in PACKED_TEXT.findall(content):
        with contextlib.suppress(binascii.Error, zlib.error, ValueError):
            looked_at.append(zlib.decompress(base64.b64decode(packed + b"=" * (-len(packed) % 4))))
    found = []
    for text in texts:
        if any(shape in one for one in looked_at for shape in shapes(text)):
            numbered = re.search(text.encode() + rb"\d*", b"\n".join(looked_at))
            found.append(numbered[0].decode() if numbered else text)
    return found


def contents(file: Path) -> Iterator[bytes]:
    """All that can be read of a file: its bytes, and its rows where it has some."""
    content = file.read_bytes()
    yield content
    if content.startswith(GZIP):
        with contextlib.suppress(EOFError, OSError, zlib.error):
            yield gzip.decompress(content)
    elif content.startswith(PARQUET):
        yield repr(pq.read_table(file, partitioning=None).to_pydict()).encode()
        yield repr(pq.read_metadata(file).metadata).encode()
    elif content.startswith(SQLITE):
        yield from _of_sqlite(file)
    elif content[8:12] == DUCKDB:
        yield from _of_duckdb(file)
    else:
        yield from _unpacked(content)


def _unpacked(content: bytes) -> Iterator[bytes]:
    if content.startswith(PACKED):
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(content)


def _of_sqlite(file: Path) -> Iterator[bytes]:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (name,) in tables:
            for row in connection.execute(f'select * from "{name}"'):
                for value in row:
                    if isinstance(value, bytes):
                        yield value
                        yield from _unpacked(value)
                    elif isinstance(value, str):
                        yield value.encode("utf-8", "surrogatepass")


def _of_duckdb(file: Path) -> Iterator[bytes]:
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, name in tables:
            reader = connection.execute(f'select cast(found as varchar) from "{schema}"."{name}" as found')
            while rows := reader.fetchmany(10_000):
                yield "\n".join(row for (row,) in rows).encode()
        for (sql,) in connection.execute("select sql from duckdb_views() where not internal").fetchall():
            yield str(sql).encode()


def found_below(folder: Path, texts: list[str]) -> set[tuple[str, str]]:
    """Each text that stands somewhere below a folder, with its file there; also one that stands in a file's name."""
    found = set()
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        found |= {(text, name) for text in holds(name.encode(), texts)}
        if file.is_file() and not file.is_symlink():
            found |= {(text, name) for content in contents(file) for text in holds(content, texts)}
    return found
