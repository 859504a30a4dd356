"""AWS cost exports in an object store: where manifests and data files are, and what a manifest holds.

Data Exports: `metadata/BILLING_PERIOD=2026-11/…-Manifest.json` beside `data/…`; legacy reports:
`20261101-20261201/…-Manifest.json`. The manifest is written only after all data files of a delivery: it is the commit
marker (AWS Data Exports user guide, "Export delivery"). File names stay the same in overwrite mode, so they prove nothing
about what is new; where each delivery has a folder of its own, only the newest counts.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingestion.access.http import exact_json
from ingestion.access.objects import Object, ObjectStore
from ingestion.errors import BadInput, TornDelivery
from ingestion.lake.contract import NoData, Part, Slice
from ingestion.settings import Window

# FOCUS exports were seen in lower case: match without it.
PERIOD = re.compile(r"billing_period=(\d{4}-\d{2})/?$", re.IGNORECASE)
LEGACY_PERIOD = re.compile(r"(?:^|/)(\d{4})(\d{2})\d{2}-\d{8}/?$")
MANIFEST = "-Manifest.json"
# What a data file's key looks like below the export: of Data Exports, of a legacy report, of one made for Athena.
BELOW_EXPORT = re.compile(
    r"(?:^|/)(data/[^/]+=.*|\d{8}-\d{8}/.*|[^/]+/year=\d{4}/month=\d{1,2}/.*)$", re.IGNORECASE
)
# Between the last file of a delivery and its manifest there are minutes at most, also in a copy of the bucket; between
# two deliveries there are hours.
ONE_DELIVERY = timedelta(hours=1)


def exports_below(open_at: Callable[[str], ObjectStore], url: str, *, of_data: bool = False) -> dict[str, Export]:
    """The export at an address, or those in its direct sub-folders by their names; `of_data`: Data Exports only."""

    def is_export(export: Export) -> bool:
        return bool(export.periods()) and (not of_data or bool(export.store.folders("metadata/")))

    own = Export(open_at(url))
    if is_export(own):
        return {"": own}
    found = {
        folder.rstrip("/"): Export(open_at(f"{url.rstrip('/')}/{folder.rstrip('/')}"))
        for folder in own.store.folders("")
    }
    return {name: export for name, export in found.items() if is_export(export)}


class Undelivered(BadInput):
    """An export's folder has nothing that an export delivers: it is new, or the setting names another folder."""


def undelivered(slice_id: str, window: Window, nothing: Undelivered) -> Slice:
    """The slice in whose note it stands that an export has delivered nothing."""

    def read() -> Iterable[Part]:
        raise NoData(str(nothing))

    return Slice(slice_id, None, window.start, window.end, read)


@dataclass(frozen=True)
class Manifest:
    """A committed delivery of a billing period. `version` changes whenever the delivery does."""

    key: str
    etag: str
    period: str
    execution_id: str
    files: tuple[str, ...]
    modified: datetime | None = None

    @property
    def version(self) -> str:
        return f"{self.execution_id}|{self.etag}"


class Export:
    """One export: the folder `<prefix>/<export name>` of a bucket."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def periods(self) -> dict[str, str]:
        """The billing periods (YYYY-MM) that have metadata, with their folders."""
        found = {}
        for folder in self.store.folders("metadata/"):
            match = PERIOD.search(folder)
            if match:
                found[match.group(1)] = folder
        if found:
            return found
        for folder in self.store.folders(""):
            match = LEGACY_PERIOD.search(folder)
            if match:
                found[f"{match.group(1)}-{match.group(2)}"] = folder
        return found

    def _manifest_object(self, folder: str) -> Object | None:
        """The manifest in the period's folder, or else in the folder of its newest execution (they begin with a time)."""
        found = [found for found in self.store.list(folder) if found.key.endswith(MANIFEST)]
        direct = [manifest for manifest in found if "/" not in manifest.key[len(folder) :]]
        return direct[0] if direct else max(found, key=lambda manifest: manifest.key, default=None)

    def manifest(self, period: str, folder: str) -> Manifest | None:
        """The manifest of a period; None where none is committed. Raises BadInput where it can't be read."""
        found = self._manifest_object(folder)
        if found is None:
            return None
        where = f"{self.store.root}/{found.key}"
        content = self.store.read(found.key)
        try:
            document: Any = exact_json(content)
        except ValueError:
            raise BadInput(f"{where}: not JSON; it is cut off or garbled") from None
        names = document.get("dataFiles") or document.get("reportKeys") if isinstance(document, dict) else None
        if not isinstance(names, list) or not names:
            raise BadInput(f"{where}: names no data files")
        outside = [number for number, name in enumerate(names, start=1) if ".." in str(name).split("/")]
        if outside:
            raise BadInput(f"{where}: data file {outside[0]} that it names leaves the export's folder (..)")
        execution = (
            document.get("executionId")
            or document.get("assemblyId")
            or document.get("reportId")
            or hashlib.sha256(content).hexdigest()
        )
        return Manifest(
            found.key,
            found.etag,
            period,
            str(execution),
            # A file that is named twice, also in two spellings of its key, is one file.
            tuple(dict.fromkeys(self._key(str(name)) for name in names)),
            found.modified,
        )

    def _key(self, name: str) -> str:
        """A data file's key below the export, from `s3://bucket/prefix/export/data/…` or a bare key.

        A copy of an export lies under another prefix than its manifest names.
        """
        key = urlsplit(name).path.lstrip("/") if name.startswith("s3://") else name.lstrip("/")
        prefix = urlsplit(self.store.root).path.strip("/")
        if self.store.root.startswith("s3://") and key.startswith(f"{prefix}/"):
            return key[len(prefix) + 1 :]
        below = BELOW_EXPORT.search(key)
        return below.group(1) if below else key

    def download(self, manifest: Manifest, folder: Path) -> Iterator[Path]:
        """Fetch the delivery's files, each in the version that is listed at the start.

        They are listed, because S3 answers "access denied" to who asks for a missing key and may list a prefix only.

        Raises BadInput for a file that is missing, and TornDelivery where AWS put a new delivery in place meanwhile.
        """
        prefix = os.path.commonprefix(manifest.files)  # noqa: RUF071 - a prefix of keys may end within a name
        listed = {found.key: found for found in self.store.list(prefix)}
        for index, key in enumerate(manifest.files):
            where = f"{self.store.root}/{key}"
            found = listed.get(key)
            if found is None:
                raise BadInput(
                    f"{where}: the manifest names it, but it is not there; is the delivery still going on?"
                )
            if found.modified and manifest.modified and found.modified - manifest.modified > ONE_DELIVERY:
                # Overwrite mode: the new delivery's files are in place one by one, the old manifest still stands.
                raise TornDelivery(
                    f"{where} is newer than its manifest: a new delivery is being written, and the next refresh reads it "
                    "(if the file was only copied since, copy the manifest after it)"
                )
            target = folder / f"{index:05d}"
            self.store.download(found, target)
            yield target
        now = {found.key: found.etag for found in self.store.list(manifest.key)}
        if now.get(manifest.key) != manifest.etag:
            raise TornDelivery(f"{self.store.root}/{manifest.key} was replaced while its files were being read")
