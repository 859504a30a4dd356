"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(target: Path, suffix: str = ".part", durable: bool = True) -> Iterator[Path]:
    """A draft beside `target`, named with `suffix`, which replaces it in one step when the context ends well.

    Where the context fails, the draft is removed and `target` stays as it is. A process that is killed may leave the draft,
    and never half a target. `durable`: the draft reaches the disk before it replaces the target, and the replacement before
    the context ends, so that a loss of power leaves one of the two whole; a file of a temporary folder does without.
    """
    draft = target.with_name(target.name + suffix)
    try:
        yield draft
        if durable:
            flush(draft)
        draft.replace(target)
        if durable:
            flush(target.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def flush(path: Path) -> None:
    """Bring a file's content, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
