"""Backup and restore: what no build can bring back, in a folder or a bucket of S3.

A backup is a list of files by their SHA-256, `backups/<time>.json`; the files are `files/<SHA-256>`, each once. The list is
written last, so a backup is whole or it is not there, and the next one adds only what is new.

It needs no lock: the files of a load never change once its manifest is confirmed, and the notes that a prune compacts are in
a confirmed load before it removes them. The warehouse and the publication are
left out, because a refresh builds them again; so are secrets, and prompts, which must not outlive their date.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from dlt.destinations.impl.filesystem.filesystem import INIT_FILE_NAME

from ingestion.access.objects import WritableStore
from ingestion.atomic_write import atomic_write
from ingestion.errors import BadInput, SettingError
from ingestion.lake.contract import HOLDS
from ingestion.lake.integrity import STATE_FOLDERS, settle
from ingestion.lake.manifest import (
    BrokenManifest,
    manifests,
    read_manifest,
    record_of,
    sha256_of,
)
from ingestion.locks import RUN, exclusive_lock
from ingestion.scratch import scratch
from ingestion.setting_report import secrets_in
from ingestion.setting_table import REGISTRY as REGISTRY_SETTING
from ingestion.settings import MARKER, Home, utc_now
from ingestion.sources.catalog import DATASETS
from ingestion.sources.llm_prompts import SOURCE as PROMPTS
from orchestration.layout import FILE as LAYOUT_FILE
from orchestration.layout import LAYOUT, RESTORING, begun_restore, layout_of, unfinished_restore

LISTS, FILES = "backups", "files"
BACKED_UP = tuple(dataset for dataset in DATASETS if dataset != PROMPTS.dataset)
LAKE, REGISTRY, SETTINGS = "lake", "registry", ".dlt/config.toml"
# Of a dataset, what belongs to no load.
OF_NO_LOAD = (
    INIT_FILE_NAME,
    "_contract/*.*",
    f"{HOLDS.name}/*.parquet",
    *(f"{name}/*.jsonl" for name in STATE_FOLDERS),
)
TIME = "%Y-%m-%dT%H%M%SZ"


@dataclass(frozen=True)
class Backup:
    """What a backup holds. `files`: path of the installation to SHA-256; `problems`: what it could not hold, a line each."""

    name: str
    files: dict[str, str]
    size: int
    written: int
    problems: list[str]

    def __str__(self) -> str:
        return f"{self.name}: {len(self.files)} files, {self.size / 1e6:,.1f} MB, {self.written} of them new"


def back_up(home: Home, store: WritableStore, now: datetime, keep: int | None = None) -> Backup:
    """Back an installation up, also while a refresh runs. `keep`: how many backups stay; None keeps all."""
    if unfinished := unfinished_restore(home):
        raise SettingError(f"{home.root}: {unfinished}")
    name = now.astimezone(UTC).strftime(TIME)
    # A file of another size is no copy: it was cut off, and is written again.
    there = {(PurePosixPath(found.key).name, found.size) for found in store.list(f"{FILES}/")}
    files: dict[str, str] = {}
    problems: list[str] = []
    size = written = 0
    with scratch("backup") as folder:
        for path, source, expected in _wanted(home, problems):
            copy = folder / "copy"
            try:
                # Copied before it is read: a file that is replaced meanwhile is one or the other.
                shutil.copyfile(source, copy)
            except FileNotFoundError:
                continue  # a prune removed it
            found = sha256_of(copy)
            if expected is not None and found != expected:
                problems.append(f"{path}: its content differs from its manifest (SHA-256); it is left out")
                continue
            bytes_of_file = copy.stat().st_size
            if (found, bytes_of_file) not in there:
                store.write(f"{FILES}/{found}", copy)
                there.add((found, bytes_of_file))
                written += 1
            files[path] = found
            size += bytes_of_file
        content = {"layout": layout_of(home), "taken_at": now.astimezone(UTC).isoformat(), "files": files}
        listed = folder / "list"
        listed.write_text(json.dumps(content, indent=1, sort_keys=True))
        store.write(f"{LISTS}/{name}.json", listed)
    names = backups(store)
    problems += [
        f"{store.root}: backup {later} is dated later than now: a clock was wrong; it is never removed, and only restored by name"
        for later in names
        if later > name
    ]
    if keep is not None:
        _forget(store, names, keep, name)
    return Backup(name, files, size, written, problems)


def _wanted(home: Home, problems: list[str]) -> Iterator[tuple[str, Path, str | None]]:
    """Each file by its path in the backup, where it is, and the SHA-256 that it must have, where that is known."""
    for dataset in BACKED_UP:
        yield from _of_dataset(home, dataset, problems)
    for file in sorted(home.registry.rglob("*")):
        if file.is_file():
            yield f"{REGISTRY}/{file.relative_to(home.registry).as_posix()}", file, None
    for name in (SETTINGS, MARKER, LAYOUT_FILE):
        file = home.root / name
        secrets = sorted(secrets_in(file)) if name == SETTINGS and file.is_file() else []
        if secrets:
            problems.append(
                f"{name}: {', '.join(secrets)} is secret: move it to secrets.toml; the file is left out"
            )
        elif file.is_file():
            yield name, file, None


def _of_dataset(home: Home, dataset: str, problems: list[str]) -> Iterator[tuple[str, Path, str | None]]:
    folder = home.lake / dataset
    taken: set[Path] = set()
    # A prune may compact meanwhile: what it removed stands in loads that are new, and they are confirmed before it removes.
    while found := [file for file in manifests(folder) if file not in taken]:
        is_first = not taken
        taken |= set(found)
        for file in found:
            try:
                manifest = read_manifest(file)
            except BrokenManifest as broken:
                if file.exists():
                    problems.append(str(broken))
                continue
            if not (is_first or manifest.replaces):
                continue
            record = record_of(folder, manifest.load_id)
            if record is None:
                # A prune removes the manifest before the record.
                if file.exists():
                    problems.append(f"{dataset}: load {manifest.load_id} has no record that it is complete")
                continue
            for name, listed in manifest.files.items():
                yield f"{LAKE}/{dataset}/{name}", folder / name, listed.sha256
            for own in (file, record):
                yield f"{LAKE}/{dataset}/{own.relative_to(folder).as_posix()}", own, None
    for pattern in OF_NO_LOAD:
        for file in sorted(folder.glob(pattern)):
            yield f"{LAKE}/{dataset}/{file.relative_to(folder).as_posix()}", file, None


def backups(store: WritableStore) -> list[str]:
    """The names of the backups in a place, the newest last."""
    return sorted(
        PurePosixPath(found.key).stem for found in store.list(f"{LISTS}/") if found.key.endswith(".json")
    )


def _listed(store: WritableStore, name: str) -> dict[str, str]:
    """The files of a backup: path of the installation to SHA-256. Raises BadInput where its list can't be read."""
    key = f"{LISTS}/{name}.json"
    try:
        content = json.loads(store.read(key))
        layout, files = (
            int(content["layout"]),
            {str(path): str(digest) for path, digest in content["files"].items()},
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise BadInput(
            f"{store.root}/{key}: can't be read as it was written: remove it, or name another backup (--backup)"
        ) from None
    if layout > LAYOUT:
        raise SettingError(
            f"{store.root}: backup {name} was taken by a newer release (layout {layout}, and this one knows {LAYOUT}): "
            "install that release"
        )
    return files


def _forget(store: WritableStore, names: list[str], keep: int, newest: str) -> None:
    """Remove all backups of `names` but the newest ones up to `newest`, and the files that no backup lists any longer.

    Where a list can't be read nothing is removed: it is not known what it needs.
    """
    listed = {name: _listed(store, name) for name in names}
    old = [name for name in names if name <= newest]
    gone = set(old[: max(len(old) - keep, 0)])
    for name in gone:
        store.remove(f"{LISTS}/{name}.json")
    needed = {digest for name in names if name not in gone for digest in listed[name].values()}
    for found in list(store.list(f"{FILES}/")):
        if PurePosixPath(found.key).name not in needed:
            store.remove(found.key)


def verify_backups(store: WritableStore) -> list[str]:
    """Read every file of a place's backups back: a line for each list or file that does not hold or is missing."""
    problems: list[str] = []
    needed: dict[str, list[str]] = {}
    for name in backups(store):
        try:
            listed = _listed(store, name)
        except BadInput as error:
            problems.append(str(error))
            continue
        for digest in set(listed.values()):
            needed.setdefault(digest, []).append(name)
    found = {PurePosixPath(item.key).name: item for item in store.list(f"{FILES}/")}
    with scratch("backup") as folder:
        for digest, names in sorted(needed.items()):
            place = f"{store.root}/{FILES}/{digest}"
            if digest not in found:
                problems.append(f"{place}: missing, and in {len(names)} backups, the newest of them {names[-1]}")
                continue
            copy = folder / "copy"
            store.download(found[digest], copy)
            if sha256_of(copy) != digest:
                problems.append(
                    f"{place}: its content is another, and it is in {len(names)} backups, the newest of them {names[-1]}: "
                    "remove it; the next backup writes it again where the installation still has it"
                )
    if not needed and not problems:
        raise SettingError(f"{store.root}: no backup")
    return problems


def restore(home: Home, store: WritableStore, name: str | None = None, now: datetime | None = None) -> Backup:
    """Bring a backup (by name, or the newest that is not dated later than now) into an installation that has no lake yet.

    Each file is held against its SHA-256. A restore that was killed is gone on with by the same command, and nothing else
    changes the installation before. Raises SettingError where there is no such backup, or a lake already; BadInput for
    a file of the backup that does not hold.
    """
    names = backups(store)
    if not names or (name is not None and name not in names):
        wanted = f"backup {name}" if name else "backup"
        raise SettingError(f"{store.root}: no {wanted}; there are: {', '.join(names) or 'none'}")
    today = (now or utc_now()).astimezone(UTC).strftime(TIME)
    chosen = name or ([one for one in names if one <= today] or names)[-1]
    files = _listed(store, chosen)
    targets = {path: _target(home, path) for path in files}
    with exclusive_lock(home, RUN, "a restore"):
        marker = home.root / RESTORING
        begun = begun_restore(home)
        if begun is None and any(home.lake.glob("raw_*")):
            raise SettingError(
                f"{home.lake} holds data: restore into an empty installation, or move this folder away first"
            )
        if begun not in (None, chosen):
            raise SettingError(
                f"{home.root}: a restore of backup {begun} was not finished: restore that one (--backup)"
            )
        home.root.mkdir(parents=True, exist_ok=True)
        with atomic_write(marker) as draft:
            draft.write_text(chosen)
        size = 0
        # The layout comes last: an earlier release, which knows no marker, takes half an installation for none.
        for path, digest in sorted(files.items(), key=lambda item: (item[0] == LAYOUT_FILE, item[0])):
            target = targets[path]
            if path in (SETTINGS, MARKER) and target.exists():
                continue  # the installation's own stays
            target.parent.mkdir(parents=True, exist_ok=True)
            found = store.head(f"{FILES}/{digest}")
            if found is None:
                raise BadInput(
                    f"{store.root}: backup {chosen} lists {path}, and its file {FILES}/{digest} is missing"
                )
            with atomic_write(target, suffix=".restoring") as draft:
                store.download(found, draft)
                if sha256_of(draft) != digest:
                    raise BadInput(
                        f"{store.root}/{FILES}/{digest}: its content is another ({path} of backup {chosen})"
                    )
                size += draft.stat().st_size
        for dataset in DATASETS:
            settle(home, dataset)
        marker.unlink()
    return Backup(chosen, files, size, len(files), [])


def _target(home: Home, path: str) -> Path:
    """Where a path of a backup belongs. What no backup has is refused: it would be somebody else's list."""
    first, _, rest = path.partition("/")
    # Never the templates of a checkout.
    registry = Path(REGISTRY_SETTING.given() or home.root / REGISTRY)
    if path in (SETTINGS, MARKER, LAYOUT_FILE):
        root, rest = home.root, path
    elif first == REGISTRY:
        root = registry
    elif first == LAKE and rest.partition("/")[0] in BACKED_UP:
        root, rest = home.lake / rest.partition("/")[0], rest.partition("/")[2]
    else:
        raise BadInput(f"the backup lists {path!r}, which no backup has: it was changed by somebody")
    target = root / rest
    if not rest or not target.resolve().is_relative_to(root.resolve()):
        raise BadInput(f"the backup lists {path!r}, which leads out of the installation")
    return target
