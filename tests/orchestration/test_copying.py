"""A copy is whole whatever the kernel and the file system can, and a full disk is told."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import copying
from orchestration.copying import BLOCK, PIECE, copy_file


def refuse(*_: object, **__: object) -> None:
    raise OSError(22, "Invalid argument")


def share(source: Path, target: Path) -> None:
    """What a file system that shares blocks does."""
    target.write_bytes(source.read_bytes())


def nothing_special(_: pytest.MonkeyPatch) -> None:
    pass


def shared_blocks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(copying, "_share", share)
    patch.setattr(copying, "_write_past_the_cache", pytest.fail)


def no_direct_writing(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(os, "O_DIRECT")


def refused_in_the_middle(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "truncate", refuse)


@pytest.mark.parametrize("kernel", [nothing_special, shared_blocks, no_direct_writing, refused_in_the_middle])
@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, PIECE, 2 * PIECE + 3 * BLOCK, 2 * PIECE + 7])
def test_a_file_is_copied_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: Callable[[pytest.MonkeyPatch], None], size: int
) -> None:
    kernel(monkeypatch)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(size))
    target.write_bytes(b"what stood there before, and was longer" * 999)
    copy_file(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(4 * BLOCK))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * BLOCK, before[1]))
    try:
        with pytest.raises(OSError):
            copy_file(source, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
