"""A disk that forgets at a loss of power what was not synchronised, below one folder.

A file's content is durable once `os.fsync` was called on it, a name once it was called on its folder. Of everything else a
loss of power keeps what it likes: the name before or now, the content before, now, cut off or zeros.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingestion.lake.manifest import manifests, read_manifest
from ingestion.settings import Home

# The calls at which the power may go.
CALLS = ("fsync", "replace", "rename", "mkdir", "unlink")


# How a process ends that loses its power.
OFF = 77


def without_power(root: Path, at: int, seed: int, work: Callable[[], object]) -> bool:
    """Do some work below a folder in a process of its own, and cut its power at the call whose number is `at`.

    False where the work was done before: threads make a call more or less from one time to the next.
    """
    process = multiprocessing.get_context("fork").Process(target=_until_cut, args=(root, at, seed, work))
    process.start()
    process.join()
    assert process.exitcode in (OFF, 0), f"it ended with {process.exitcode}"
    return process.exitcode == OFF


def _until_cut(root: Path, at: int, seed: int, work: Callable[[], object]) -> None:
    Disk(root, pytest.MonkeyPatch(), at, random.Random(seed))
    work()


class Disk:
    """Counts the calls that change the folder; at the one whose number is `at` the power goes, and the process with it."""

    def __init__(
        self, root: Path, patch: pytest.MonkeyPatch, at: int | None = None, chance: random.Random | None = None
    ) -> None:
        self.root, self.at, self.calls, self.chance = root, at, 0, chance or random.Random(0)
        self._one_at_a_time = threading.RLock()
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        # An inode that is held open is not given to another file.
        self._held: dict[int, int] = {}
        for folder in (root, *root.rglob("*")):
            self._synchronise(folder)
        for name in CALLS:
            patch.setattr(os, name, self._counted(getattr(os, name), is_sync=name == "fsync"))

    def _counted(self, call: Callable[..., Any], is_sync: bool) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            with self._one_at_a_time:
                self.calls += 1
                if self.calls == self.at:
                    self.at = None
                    self.cut(self.chance)
                    os._exit(OFF)
                found = call(*arguments, **named)
                if is_sync:
                    self._synchronise(Path(f"/proc/self/fd/{arguments[0]}").readlink())
                return found

        return counted

    def _synchronise(self, path: Path) -> None:
        if path != self.root and self.root not in path.parents:
            return
        found = path.stat()
        if found.st_ino not in self._held:
            self._held[found.st_ino] = os.open(path, os.O_RDONLY)
        if stat.S_ISDIR(found.st_mode):
            self._names[found.st_ino] = {child.name: child.stat().st_ino for child in path.iterdir()}
        else:
            self._contents[found.st_ino] = path.read_bytes()

    def cut(self, chance: random.Random) -> None:
        """Leave in the folder what a machine finds after the power came back."""
        left = self.root.with_name(f"{self.root.name}-after")
        self._restore(self.root, left, chance)
        for descriptor in self._held.values():
            os.close(descriptor)
        shutil.rmtree(self.root)
        left.rename(self.root)

    def _restore(self, folder: Path, target: Path, chance: random.Random) -> None:
        target.mkdir()
        now = {child.name: child for child in folder.iterdir()}
        durable = self._names.get(folder.stat().st_ino, {})
        by_inode = {child.stat().st_ino: child for child in self.root.rglob("*")}
        for name in sorted({*now, *durable}):
            kept = chance.choice(["durable", "now"])
            child = now.get(name)
            inode = durable.get(name) if kept == "durable" else child.stat().st_ino if child else None
            if inode is None:
                continue
            found = by_inode.get(inode)
            if found is not None and found.is_dir():
                self._restore(found, target / name, chance)
            elif inode in self._contents or found is not None:
                (target / name).write_bytes(self._content(inode, found, chance))

    def _content(self, inode: int, found: Path | None, chance: random.Random) -> bytes:
        written = found.read_bytes() if found is not None else None
        durable = self._contents.get(inode)
        if durable is not None and (written is None or written == durable):
            return durable
        written = written or b""
        cut_off = written[: chance.randrange(len(written) + 1)]
        choices = [written, cut_off, cut_off.ljust(len(written), b"\0"), bytes(len(written))]
        return chance.choice([*choices, *([durable] if durable is not None else [b""])])


def tear(home: Home, since: float, chance: random.Random) -> list[Path]:
    """What a loss of power may do to the files that a process wrote since a moment (of `time.time`) and did not synchronise.

    Each of them stays, ends early, ends in zeros or is gone. Synchronised are the lake's files that a manifest confirms, and
    what is written in one step: the publication and the files of state. DuckDB and SQLite synchronise their files too: to tear
    those is worse than a loss of power. Gives the files that were torn.
    """
    confirmed = {
        dataset / name
        for dataset in home.lake.glob("raw_*")
        for manifest in manifests(dataset)
        for name in read_manifest(manifest).files
    }
    torn = []
    for folder in (home.dlt, home.dagster, home.lake, *home.root.glob("dbt_*"), home.warehouse):
        for file in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            is_notes = file.parent.name in ("_manifests", "_dlt_loads", "_contract")
            if not file.is_file() or file.stat().st_mtime < since or file in confirmed or is_notes:
                continue
            size = file.stat().st_size
            kept = chance.randrange(size + 1)
            match chance.randrange(4):
                case 0:
                    file.write_bytes(file.read_bytes()[:kept])
                case 1:
                    file.write_bytes(file.read_bytes()[:kept] + bytes(size - kept))
                case 2:
                    file.unlink()
                case _:
                    continue
            torn.append(file)
    return torn
