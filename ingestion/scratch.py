"""Folders for what is downloaded, read and removed again. It may hold prompts: nothing of it outlives its process for long."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "costowner-"
# The operating system takes this lock away with the process, also when that is killed.
LOCK = ".in-use"
# So new a folder may not be locked yet.
JUST_MADE = 60.0  # seconds


@contextmanager
def scratch(kind: str) -> Iterator[Path]:
    """A folder in TMPDIR of this user's alone, removed when the context ends; `kind` is part of its name."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{kind}-") as folder, (Path(folder) / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        inner = Path(folder) / "files"
        inner.mkdir()
        yield inner


def remove_abandoned() -> int:
    """Remove the folders of this user's processes that were killed; gives their number."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid() or not _is_abandoned(folder):
                continue
            shutil.rmtree(folder)
            removed += 1
    return removed


def _is_abandoned(folder: Path) -> bool:
    """Whether a folder was made by `scratch` for a process that is gone. Others may have names that begin alike."""
    if time.time() - folder.stat().st_mtime < JUST_MADE:
        return False
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return not any(folder.iterdir())
