"""What a source needs of an object store, and a folder as one."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ingestion.atomic_write import atomic_write
from ingestion.errors import BadInput, TornDelivery
from ingestion.setting_table import CALL_SIZE


@dataclass(frozen=True)
class Object:
    """One object: its key below the store's root, the vendor's ETag, its size in bytes, and when it was stored.

    A folder has no such time: its files' times are those of whoever copied them.
    """

    key: str
    etag: str
    size: int
    modified: datetime | None = None


class ObjectStore(Protocol):
    """What the sources need of an object store. Keys are relative to the root and have no leading slash."""

    @property
    def root(self) -> str: ...

    def folders(self, prefix: str) -> list[str]:
        """The direct sub-folders of a prefix that ends in `/` (or is empty), each ending in `/`."""
        ...

    def list(self, prefix: str) -> Iterator[Object]:
        """All objects below a prefix, ordered by key."""
        ...

    def head(self, key: str) -> Object | None:
        """The object as it is now, or None where there is none."""
        ...

    def read(self, key: str) -> bytes:
        """The object as it is now. Raises BadInput where it is larger than what is held in memory."""
        ...

    def download(self, found: Object, target: Path) -> None:
        """Fetch exactly the version that `found` describes, whole or not at all.

        Raises TornDelivery where it was replaced meanwhile, BadInput where there is no room for it.
        """
        ...


class WritableStore(ObjectStore, Protocol):
    """A store that backups are written to. No source writes anything."""

    def write(self, key: str, file: Path) -> None:
        """Put a file there, whole or not at all."""
        ...

    def remove(self, key: str) -> None: ...


def check_room(found: Object, where: str, folder: Path) -> None:
    """Raise BadInput where an object is larger than the free space of a folder: before it is fetched."""
    free = shutil.disk_usage(folder).free
    if found.size > free:
        raise BadInput(
            f"{where}: has {found.size:,} bytes, and {folder} has room for {free:,}: make room there, or set TMPDIR to a "
            "folder that has it"
        )


@dataclass(frozen=True)
class Folder:
    """A folder on this machine, or a bucket mounted as one."""

    path: Path

    @property
    def root(self) -> str:
        return str(self.path)

    def folders(self, prefix: str) -> list[str]:
        base = self.path / prefix
        return (
            sorted(f"{prefix}{child.name}/" for child in base.iterdir() if child.is_dir()) if base.is_dir() else []
        )

    def list(self, prefix: str) -> Iterator[Object]:
        # A prefix may end within a name, as in S3.
        base = self.path / prefix if prefix.endswith("/") or not prefix else (self.path / prefix).parent
        if not base.is_dir():
            return
        for file in sorted(base.rglob("*")):
            key = file.relative_to(self.path).as_posix()
            if file.is_file() and key.startswith(prefix):
                yield self._describe(key, file)

    def _describe(self, key: str, file: Path) -> Object:
        # Like S3's, this ETag is the same for the same version; a stat is enough to distinguish versions.
        stat = file.stat()
        etag = hashlib.md5(f"{stat.st_mtime_ns}:{stat.st_size}".encode(), usedforsecurity=False).hexdigest()
        return Object(key, etag, stat.st_size)

    def _file(self, key: str) -> Path:
        """The file of a key. A key or a symbolic link that leads out of the folder is refused: vendors' manifests name keys."""
        file = self.path / key
        if not file.resolve().is_relative_to(self.path.resolve()):
            raise BadInput(f"{file}: leads out of the folder {self.path}; put the file itself there")
        if not file.is_file():
            raise BadInput(f"{file}: no such file")
        return file

    def head(self, key: str) -> Object | None:
        file = self.path / key
        return self._describe(key, file) if file.is_file() else None

    def read(self, key: str) -> bytes:
        file = self._file(key)
        if file.stat().st_size > CALL_SIZE.value():
            raise BadInput(
                f"{file}: has more than {CALL_SIZE.text() or CALL_SIZE.default} ({CALL_SIZE.name}); if it is right, raise it"
            )
        return file.read_bytes()

    def write(self, key: str, file: Path) -> None:
        target = self.path / key
        target.parent.mkdir(parents=True, exist_ok=True)
        # Others may write to a folder of backups: nobody can put a link where the draft will be.
        with atomic_write(target, suffix=f".{secrets.token_hex(8)}.part") as draft:
            shutil.copyfile(file, draft)

    def remove(self, key: str) -> None:
        self._file(key).unlink()

    def download(self, found: Object, target: Path) -> None:
        file = self._file(found.key)
        check_room(found, str(file), target.parent)
        with atomic_write(target, durable=False) as draft:
            shutil.copyfile(file, draft)
            if self._describe(found.key, file) != found:
                raise TornDelivery(f"{file} was replaced while it was being read")
