"""The manifest of a load: its files with their sizes and SHA-256, and the slices that it delivered.

A load is safe against a loss of power in this order:

1. the manifest, named `<load id>.loading`, is on the disk before dlt copies the first file;
2. dlt copies the files, and records the load as complete;
3. files, folders and the record are on the disk, and the manifest becomes `<load id>.json`.

Whoever finds `.loading` beside a complete load reads all its files once before anybody counts them (`integrity`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ingestion.atomic_write import atomic_write, flush

FOLDER = "_manifests"
RECORDS = "_dlt_loads"
LOADING, CONFIRMED = ".loading", ".json"
CHUNK = 1 << 20


class BrokenManifest(Exception):
    """A manifest can't be read, or was changed; the message names the file."""


@dataclass(frozen=True)
class File:
    """One file of a load: bytes, and SHA-256 in hexadecimal; None while a purge rewrites it."""

    size: int
    sha256: str | None


@dataclass(frozen=True)
class Manifest:
    """What a load consists of.

    `files` by their path below the dataset's folder; `slices`: the billing period (YYYY-MM, or None) of each slice that the
    load delivered; `landing_sequence` is the highest of its delivery notes, 0 of earlier releases. `replaces`: the loads whose
    notes stand in it, of a compaction (`compaction`).
    """

    load_id: str
    files: Mapping[str, File]
    slices: Mapping[str, str | None] = field(default_factory=dict)
    landing_sequence: int = 0
    replaces: Sequence[str] = ()

    @property
    def loads(self) -> set[str]:
        """The loads whose rows it may hold, as delivery notes name them."""
        return {self.load_id, *self.replaces}

    def text(self) -> str:
        content = {
            "load_id": self.load_id,
            "files": {name: asdict(file) for name, file in sorted(self.files.items())},
            "slices": dict(sorted(self.slices.items())),
            "landing_sequence": self.landing_sequence,
            **({"replaces": list(self.replaces)} if self.replaces else {}),
        }
        return json.dumps({**content, "sha256": _digest_of(content)}, indent=1)


def _digest_of(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(CHUNK):
            found.update(part)
    return found.hexdigest()


def described(file: Path) -> File:
    """A file as a manifest lists it."""
    return File(file.stat().st_size, sha256_of(file))


def manifest_file(dataset: Path, load_id: str, is_confirmed: bool = True) -> Path:
    return dataset / FOLDER / f"{load_id}{CONFIRMED if is_confirmed else LOADING}"


def _is_of_a_table(name: str) -> bool:
    """Whether a manifest's file lies in a folder of its dataset: a manifest may come from a backup that somebody changed."""
    table, _, file = name.partition("/")
    return bool(re.fullmatch(r"\w+", table) and re.fullmatch(r"[\w-][\w.-]*", file))


def read_manifest(file: Path) -> Manifest:
    """Raises BrokenManifest."""
    try:
        content = json.loads(file.read_bytes())
        if content.pop("sha256") == _digest_of(content):
            files = {name: File(**found) for name, found in content["files"].items()}
            if not all(map(_is_of_a_table, files)) or not re.fullmatch(r"[\w.-]+", content["load_id"]):
                raise ValueError(file)
            return Manifest(
                content["load_id"],
                files,
                content["slices"],
                content["landing_sequence"],
                content.get("replaces", ()),
            )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass
    raise BrokenManifest(f"{file} can't be read as it was written")


def write_manifest(dataset: Path, manifest: Manifest, is_confirmed: bool) -> None:
    """Write a manifest to the disk, in one step."""
    target = manifest_file(dataset, manifest.load_id, is_confirmed)
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as draft:
        draft.write_text(manifest.text())


@contextmanager
def rewriting(dataset: Path, load_id: str, file: Path) -> Iterator[None]:
    """Change or remove a file of a load, and its entry in the manifest with it.

    Meanwhile the entry has no digest: a process that is killed leaves no file that seems damaged.
    """
    target = manifest_file(dataset, load_id)
    if not target.exists():
        yield  # of an earlier release: the next landing writes it
        return
    before, name = read_manifest(target), file.relative_to(dataset).as_posix()
    write_manifest(dataset, replace(before, files={**before.files, name: File(0, None)}), is_confirmed=True)
    yield
    files = {other: listed for other, listed in before.files.items() if other != name}
    if file.exists():
        files[name] = described(file)
    write_manifest(dataset, replace(before, files=files), is_confirmed=True)


def manifests(dataset: Path, suffix: str = CONFIRMED) -> Iterator[Path]:
    """The files of manifests that are confirmed (or LOADING), in the order of their loads."""
    yield from sorted((dataset / FOLDER).glob(f"*{suffix}"))


def record_of(dataset: Path, load_id: str) -> Path | None:
    """dlt's record that a load is complete (`<schema>__<load id>.jsonl`)."""
    return next((dataset / RECORDS).glob(f"*__{load_id}.jsonl"), None)


def write_record(dataset: Path, load_id: str) -> None:
    """Write dlt's record of a complete load, as dlt writes it, to the disk."""
    schema = dataset.name.removeprefix("raw_")
    content = {
        "load_id": load_id,
        "schema_name": schema,
        "status": 0,
        "inserted_at": datetime.now(UTC).isoformat(),
    }
    target = dataset / RECORDS / f"{schema}__{load_id}.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as draft:
        draft.write_text(json.dumps(content))


def confirm(dataset: Path, load_id: str, files: Iterable[str]) -> None:
    """Bring a complete load to the disk: its files, its record, their folders; then its manifest is confirmed."""
    found = [dataset / name for name in files]
    record = record_of(dataset, load_id)
    for file in [*found, *([record] if record else [])]:
        flush(file)
    for folder in {dataset.parent, dataset, *(file.parent for file in found), dataset / RECORDS}:
        flush(folder)
    loading = manifest_file(dataset, load_id, is_confirmed=False)
    loading.replace(manifest_file(dataset, load_id))
    flush(loading.parent)
