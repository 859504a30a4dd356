"""The few errors that ingestion raises. Each message names what is wrong, where, and what to do."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PACKAGES = tuple(PROJECT_ROOT / name for name in ("ingestion", "orchestration", "tests"))


class IngestionError(Exception):
    """Base of all errors that ingestion raises on purpose; its text is fit to show and holds no secret."""


class SettingError(IngestionError):
    """A setting is missing or wrong. The message names it and how to set it."""


class VendorError(IngestionError):
    """The vendor did not answer as documented, after retries. The message names the URL, without secrets."""


class BadInput(IngestionError):
    """A file or record can't be read as what it claims to be.

    The slice it belongs to is refused: its last good delivery stays current, and nothing of it is lost.
    The message names the file, and the line or row.
    """


class TornDelivery(IngestionError):
    """The vendor replaced a delivery while it was being read; reading it again later will do."""


# The machine is at its end: a full disk or quota, no memory, no more files, a broken or read-only disk.
_OF_THE_MACHINE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM),
        *(errno.EMFILE, errno.ENFILE, errno.EIO, errno.EROFS),
    }
)


_FULL = "free disk space and run it again; nothing is lost"
_CLOSED = "run it as the user of the installation (COSTOWNER_HOME), on a disk that this user may write"
# What to do about an error of the operating system, by its number.
_WAYS_OUT = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _CLOSED,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files (ulimit -n)",
    errno.EIO: "look at the disk (dmesg), and run `costowner verify`",
    errno.ENOMEM: "leave it more memory",
}


def of_the_system(error: OSError) -> str | None:
    """An error of the operating system in one line: the file, the system's words, the way out; None where no way is known."""
    way_out = _WAYS_OUT.get(error.errno or 0)
    if way_out is None:
        return None
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror}: {way_out}"


# This module does without DuckDB.
_OF_DUCKDB_AND_THE_MACHINE = frozenset({"IOException", "OutOfMemoryException"})


def interruption_of(error: BaseException) -> BaseException | None:
    """The interruption (KeyboardInterrupt, Dagster's own) that an error was raised from; None where there is none.

    DuckDB ends a query that a signal interrupts with an error like any other, raised from what the signal's handler raised.
    """
    link: BaseException | None = error
    while isinstance(link, Exception):
        link = link.__cause__
    return link


def is_of_the_machine(error: BaseException) -> bool:
    """Whether an error is the machine's (disk, memory, open files) or a signal's, and no other input would fare better.

    Everything else that reading a vendor's answer or file raises is due to that answer or file.
    """
    if interruption_of(error) is not None:
        return True
    if isinstance(error, OSError):
        return error.errno in _OF_THE_MACHINE
    # DuckDB's error for the memory that is set for it is none of these: another source's files may need less.
    return isinstance(error, MemoryError)


def described(error: BaseException) -> str:
    """An error that no code raised on purpose, by kind and place in the code.

    Never by its text: a library's message quotes what it could not read, and that may be a prompt or a key. Of an error of
    the operating system the system's own words are fit to show, and of DuckDB's about a file or memory its first line.
    """
    kind = type(error).__name__
    # DuckDB's, by its name: this module does without DuckDB.
    if kind == "OutOfMemoryException":
        kind = "DuckDB needs more memory: raise COSTOWNER_DUCKDB_MEMORY"
    if isinstance(error, OSError) and error.strerror:
        kind = f"{kind}: {error.strerror}"
    elif kind in _OF_DUCKDB_AND_THE_MACHINE and type(error).__module__ in ("duckdb", "_duckdb"):
        kind = f"{kind}: {str(error).splitlines()[0]}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if any(Path(frame.filename).is_relative_to(package) for package in PACKAGES)]
    if not own:
        return kind
    return f"{kind} in {Path(own[-1].filename).relative_to(PROJECT_ROOT)}, line {own[-1].lineno}"


def near_misses(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x' or 'y'?`, or nothing where no name comes near."""
    found = get_close_matches(name, sorted(set(names)), n=3, cutoff=0.7)
    return f"; did you mean {' or '.join(repr(close) for close in found)}?" if found else ""
