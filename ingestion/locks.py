"""Locks between the processes of one installation: who takes one has a thing to itself, the next one waits.

A lock is one of the operating system's (flock): it goes with its process, also when that is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from ingestion.errors import SettingError
from ingestion.setting_table import WAIT_MINUTES
from ingestion.settings import Home

# A refresh from landing to publication, and whatever else changes an installation: one at a time.
RUN = "run"
BETWEEN_TRIES = 0.1  # seconds; the system has no wait for a lock that ends


@dataclass
class _Lock:
    """A lock as this process has it: one thread at a time, which may take it again within."""

    thread: threading.RLock = field(default_factory=threading.RLock)
    depth: int = 0


_of_this_process: defaultdict[Path, _Lock] = defaultdict(_Lock)


@contextmanager
def exclusive_lock(
    home: Home, name: str, holder: str = "", on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold a lock of an installation while the context lasts. Who holds it may take it again.

    `holder` is who takes it, for the message of those that wait; `on_wait` gets that of the one that is waited for, once.
    Raises SettingError where the other one has it for longer than COSTOWNER_WAIT_MINUTES.
    """
    home.dlt.mkdir(parents=True, exist_ok=True)
    path = home.dlt / f"{name}.lock"
    lock = _of_this_process[path]
    with lock.thread:
        if lock.depth:
            lock.depth += 1
            try:
                yield
            finally:
                lock.depth -= 1
            return
        # Not truncated: until the lock is held it names who holds it.
        with path.open("a+") as file:
            _take(file, on_wait)
            file.seek(0)
            file.truncate()
            json.dump({"holder": holder, "process": os.getpid()}, file)
            file.flush()
            lock.depth = 1
            try:
                yield
            finally:
                lock.depth = 0


def holder_of(home: Home, name: str) -> tuple[str, datetime] | None:
    """Who holds a lock of an installation, and since when (UTC); None where it is free."""
    path = home.dlt / f"{name}.lock"
    if not path.exists():
        return None
    with path.open() as file:
        try:
            # Shared, and released at once: another look does not mistake it for a holder.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(file), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return None


def _take(file: TextIO, on_wait: Callable[[str], None] | None) -> None:
    if _is_taken(file):
        return
    if on_wait:
        on_wait(_holder(file))
    minutes = WAIT_MINUTES.value()
    deadline = time.monotonic() + 60 * minutes
    while not _is_taken(file):
        if time.monotonic() >= deadline:
            raise SettingError(
                f"waited {minutes} minutes for {_holder(file)}, and gave up: end that process if it hangs, or raise "
                f"{WAIT_MINUTES.name}"
            )
        time.sleep(BETWEEN_TRIES)


def _is_taken(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: TextIO) -> str:
    file.seek(0)
    try:
        found = json.loads(file.read())
        return f"{found['holder'] or 'another process'} (process {found['process']})"
    except (ValueError, LookupError, TypeError):
        return "another process"  # it has taken the lock just now
