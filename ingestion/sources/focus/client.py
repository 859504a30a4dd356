"""Where a FOCUS export's files lie, and which belong to one billing period.

AWS Data Exports have manifests. All others are plain files, whose period is in their path (`BILLING_PERIOD=2026-10`,
`2026-10`, `202610`, or Azure's `20261001-20261031`) or else in their rows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.access.objects import Object, ObjectStore
from ingestion.errors import TornDelivery
from ingestion.sources.aws.client import Export, Manifest
from ingestion.sources.focus import azure

PERIOD_PART = re.compile(r"(?:[^=/]+=)?(\d{4})-?(0[1-9]|1[0-2])(?:-01)?$|(\d{4})(0[1-9]|1[0-2])\d\d-\d{8}$")


def period_of(key: str) -> str | None:
    """The billing period (YYYY-MM) that a folder of a file's path names; None where none does."""
    for part in reversed(key.split("/")[:-1]):
        match = PERIOD_PART.fullmatch(part)
        if match:
            year, month = (match.group(1), match.group(2)) if match.group(1) else (match.group(3), match.group(4))
            return f"{year}-{month}"
    return None


@dataclass(frozen=True)
class Fileset:
    """The files of one delivery, in the versions that were listed; `period` is None where only the rows have it.

    `fault` is why they can't be read as one delivery; `exports` has, by key, the export of Azure that a file is of.
    """

    period: str | None
    files: tuple[Object, ...]
    fault: str | None = None
    exports: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Digest of the files' keys, ETags and sizes: the same for the same content."""
        listed = "\n".join(f"{file.key}|{file.etag}|{file.size}" for file in self.files)
        return hashlib.sha256(listed.encode()).hexdigest()


def filesets(store: ObjectStore, apart: frozenset[str] = frozenset()) -> list[Fileset]:
    """The data files below a folder by the period that their path names, those that name none last.

    Not those in the direct sub-folders `apart`, which are exports of their own.

    Of Azure's runs only those that no newer run replaced (ingestion/sources/focus/azure.py).
    """
    listed = [file for file in store.list("") if file.key.partition("/")[0] not in apart]
    judged = azure.runs(store, listed)
    found: dict[str | None, list[Object]] = {}
    faults: dict[str | None, str] = {}
    exports: dict[str | None, dict[str, str]] = {}
    for file in listed:
        folder = file.key.rpartition("/")[0]
        hidden = any(part.startswith((".", "_")) for part in file.key.split("/"))
        if azure.DATA.search(file.key) and not hidden and judged.counts(file.key):
            period = period_of(file.key)
            found.setdefault(period, []).append(file)
            if folder in judged.exports:
                exports.setdefault(period, {})[file.key] = judged.exports[folder]
            if folder in judged.faults:
                faults.setdefault(period, judged.faults[folder])
    return [
        Fileset(period, tuple(files), faults.get(period), exports.get(period, {}))
        for period, files in sorted(found.items(), key=lambda item: (item[0] is None, item[0] or ""))
    ]


def download(store: ObjectStore, fileset: Fileset, folder: Path) -> Iterator[tuple[str, Path]]:
    """Fetch a delivery's files: each one's name and path. Raises TornDelivery where one is replaced meanwhile."""
    for index, file in enumerate(fileset.files):
        target = folder / f"{index:05d}"
        store.download(file, target)
        yield f"{store.root}/{file.key}", target
    for file in fileset.files:
        if store.head(file.key) != file:
            raise TornDelivery(f"{store.root}/{file.key} was replaced while its delivery was being read")


def download_delivery(export: Export, manifest: Manifest, folder: Path) -> Iterator[tuple[str, Path]]:
    """The same of an AWS Data Export."""
    names = [f"{export.store.root}/{key}" for key in manifest.files]
    yield from zip(names, export.download(manifest, folder), strict=True)
