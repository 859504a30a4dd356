"""Azure's cost exports: which runs of an export count, by the manifest that each run writes last.

An export that does not overwrite has a folder for every run, for good. A newer run replaces what an older one of the
same export has delivered of the same days, and nothing of another export: each scope (a subscription, a billing
account) has its own, and several may lie below one folder (FinOps toolkit, hubs, "About exports": `exportConfig` names
the export and its scope, `runInfo` the days and the time).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ingestion.access.http import exact_json
from ingestion.access.objects import Object, ObjectStore

DATA = re.compile(r"\.(csv|csv\.gz|gz|parquet)$", re.IGNORECASE)
MANIFEST = re.compile(r"(?:^|/)_?manifest\.json$", re.IGNORECASE)
DAYS_PART = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d{4})(\d\d)(\d\d)")
MONTH_PART = re.compile(r"(?:[^=/]+=)?(\d{4})-?(0[1-9]|1[0-2])(?:-01)?")
RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{12,14}", re.IGNORECASE)
STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?")
# Files that were copied have nearly one time: which was written first, only hours between them show.
APART = timedelta(hours=1)
NEVER = datetime.min.replace(tzinfo=UTC)
# What parts the scope from the export's name in `exportConfig.resourceId`.
OF_SCOPE = "/providers/microsoft.costmanagement/exports/"


@dataclass(frozen=True)
class Run:
    """A run of an export: its folder, and what its manifest has. `export` is None where it is not known."""

    folder: str
    manifest: str
    first_day: str
    last_day: str
    export: str | None = None
    scope: str | None = None
    submitted: datetime | None = None
    files: frozenset[str] = frozenset()
    is_empty: bool = False
    # Whether its time is only that at which its files were stored.
    is_stored: bool = False

    @property
    def place(self) -> str:
        """The folder that the runs of a range of days share."""
        return self.folder.rpartition("/")[0]

    def is_after(self, other: Run) -> bool:
        """Whether it is known to be newer."""
        if self.submitted is None or other.submitted is None:
            return False
        between = self.submitted - other.submitted
        return between >= (APART if self.is_stored or other.is_stored else timedelta(0))

    def meets(self, other: Run) -> bool:
        return self.first_day <= other.last_day and other.first_day <= self.last_day

    def covers(self, other: Run) -> bool:
        return self.first_day <= other.first_day and other.last_day <= self.last_day


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value.strip().strip("/").lower() or None if isinstance(value, str) else None


def _day(value: object) -> str | None:
    found = re.match(r"\d{4}-\d\d-\d\d", value) if isinstance(value, str) else None
    return found.group() if found else None


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _days_of(folder: str) -> tuple[str, str] | None:
    """The first and last day that a folder of a run's path names."""
    for part in reversed(folder.split("/")):
        days, month = DAYS_PART.fullmatch(part), MONTH_PART.fullmatch(part)
        if days:
            return "-".join(days.groups()[:3]), "-".join(days.groups()[3:])
        if month:
            return f"{month.group(1)}-{month.group(2)}-01", f"{month.group(1)}-{month.group(2)}-31"
    return None


def _run(store: ObjectStore, key: str) -> Run | None:
    """The run of a manifest; None where nothing names its days. Of a half-written manifest what there is of it counts."""
    try:
        found = _object(exact_json(store.read(key)))
    except ValueError:
        found = {}
    config, info = _object(found.get("exportConfig")), _object(found.get("runInfo"))
    folder = key.rpartition("/")[0]
    of_path = _days_of(folder)
    first = _day(info.get("startDate")) or (of_path[0] if of_path else None)
    last = _day(info.get("endDate")) or (of_path[1] if of_path else None)
    if not first or not last:
        return None
    resource = _text(config.get("resourceId"))
    scope, is_export, _ = (f"/{resource}" if resource else "").partition(OF_SCOPE)
    blobs = found.get("blobs")
    return Run(
        folder=folder,
        manifest=f"{store.root}/{key}",
        first_day=first,
        last_day=last,
        export=resource or _by_name(_text(config.get("exportName")), folder),
        scope=scope if is_export else None,
        submitted=_moment(info.get("submittedTime")),
        is_empty=blobs == [],
        files=frozenset(
            str(_object(blob)["blobName"]).rpartition("/")[2]
            for blob in (blobs if isinstance(blobs, list) else [])
            if _object(blob).get("blobName")
        ),
    )


def _folder(folder: str) -> str:
    """The folder of an export, whatever the days and the times of its runs."""
    parts = [part for part in folder.split("/") if not (_days_of(part) or RUN_ID.fullmatch(part))]
    return f"folder {'/'.join(parts)}"


def _by_name(name: str | None, folder: str) -> str | None:
    """An export by its name and folder: two scopes may have exports of one name."""
    return f"{name} in {_folder(folder)}" if name else None


def _named(runs: list[Run]) -> list[Run]:
    """The runs with their export: where a manifest does not name it, the only one in its place, or else the folder."""
    exports: dict[str, set[str]] = {}
    for run in runs:
        exports.setdefault(run.place, set()).update([run.export] if run.export else [])
    return [
        run
        if run.export or len(exports[run.place]) > 1
        else replace(run, export=next(iter(exports[run.place]), _folder(run.place)))
        for run in runs
    ]


@dataclass(frozen=True)
class Runs:
    """Which folders of runs don't count, and by folder why it is not known whether a run counts."""

    superseded: frozenset[str]
    faults: Mapping[str, str]
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)

    def counts(self, key: str) -> bool:
        """Whether a data file counts: none of a run that is superseded, nor one that its run's manifest does not name.

        An export that overwrites leaves the parts that an earlier, larger run had. Of a run with a fault all count: they
        carry the fault to their period, which is refused.
        """
        folder, _, name = key.rpartition("/")
        named = self.named.get(folder)
        return folder not in self.superseded and (not named or name in named or folder in self.faults)


def runs(store: ObjectStore, listed: Iterable[Object]) -> Runs:
    """Judge the runs below a folder by their manifests."""
    listed = list(listed)
    names = {file.key for file in listed}
    found = [_run(store, key) for key in sorted(names) if MANIFEST.search(key)]
    # A run that delivered no file, not even one with a header, replaces none that did.
    committed = _named([run for run in found if run and not run.is_empty])
    under_way = _under_way(names, committed)
    apart = under_way | {run.folder for run in found if run}
    committed += _without_manifest(store, [file for file in listed if _folder_of(file) not in apart], committed)
    counting = _newest(committed)
    superseded = {run.folder for run in committed} - {run.folder for run in counting}
    faults = {}
    for run in counting:
        absent = [name for name in run.files if f"{run.folder}/{name}" not in names]
        if absent:
            faults[run.folder] = (
                f"{run.manifest}: it names {len(absent)} files that are not there; is the copy still going on?"
            )
        for other in counting:
            why = _why_not_both(run, other) if run is not other and run.meets(other) else None
            if why:
                faults[run.folder] = f"{run.manifest} and {other.manifest} are runs of the same days, {why}"
    return Runs(
        frozenset(superseded | under_way),
        faults,
        named={run.folder: run.files for run in counting},
        exports={run.folder: run.export for run in counting if run.export},
    )


def _folder_of(file: Object) -> str:
    return file.key.rpartition("/")[0]


def _without_manifest(store: ObjectStore, listed: Iterable[Object], committed: Iterable[Run]) -> list[Run]:
    """The runs of older exports, which wrote no manifest: folders of days, or folders of runs below them.

    Their export is that of the runs with manifests in the folder, or else the folder itself.
    """
    exports: dict[str, set[str]] = {}
    for run in committed:
        exports.setdefault(_folder(run.folder), set()).update([run.export] if run.export else [])
    folders: dict[str, list[Object]] = {}
    for file in listed:
        if DATA.search(file.key):
            folders.setdefault(_folder_of(file), []).append(file)
    found = []
    for folder, files in folders.items():
        days = next((match for match in map(DAYS_PART.fullmatch, reversed(folder.split("/"))) if match), None)
        if days is None:
            continue
        try:
            first, last = date(*map(int, days.groups()[:3])), date(*map(int, days.groups()[3:]))
        except ValueError:
            continue
        if last.day == 1 and first < last:
            last -= timedelta(days=1)  # of others than Azure the end is exclusive
        named = exports.get(_folder(folder), set())
        found.append(
            Run(
                folder=folder,
                manifest=f"{store.root}/{folder}",
                first_day=first.isoformat(),
                last_day=last.isoformat(),
                export=next(iter(named)) if len(named) == 1 else _folder(folder),
                submitted=_stamped(folder)
                or max((file.modified for file in files if file.modified), default=None),
                is_stored=_stamped(folder) is None,
            )
        )
    return found


def _stamped(folder: str) -> datetime | None:
    """The time that the name of a run's folder is."""
    match = STAMP.fullmatch(folder.rpartition("/")[2])
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _newest(committed: Iterable[Run]) -> list[Run]:
    """The runs that no newer run of the same export covers."""
    by_export: dict[str | None, list[Run]] = {}
    for run in committed:
        by_export.setdefault(run.export, []).append(run)
    counting: list[Run] = []
    for export, of_export in by_export.items():
        kept: list[Run] = []
        for run in sorted(of_export, key=lambda run: (run.submitted or NEVER, run.folder), reverse=True):
            if export is None or not any(newer.covers(run) and newer.is_after(run) for newer in kept):
                kept.append(run)
        counting += kept
    return counting


def _under_way(names: Iterable[str], committed: Iterable[Run]) -> set[str]:
    """Folders of runs without a manifest beside runs that have one: they are still being written."""
    folders = {run.folder for run in committed}
    places = {run.place for run in committed if _days_of(run.place)}
    found = {name.rpartition("/")[0] for name in names} - folders
    return {
        folder
        for folder in found
        if folder.rpartition("/")[0] in places and RUN_ID.fullmatch(folder.rpartition("/")[2])
    }


def _why_not_both(run: Run, other: Run) -> str | None:
    """Why it can't be that two runs of the same days both count; None where they can."""
    if run.export is None or other.export is None:
        is_near = run.place == other.place
        return "and one does not name its export: have it written again, or remove its run" if is_near else None
    if run.export == other.export:
        if run.is_after(other) or other.is_after(run):
            return "and the newer one leaves some out: export them again in one run"
        return "and one has no runInfo.submittedTime: have it written again, or remove its run"
    if run.scope is not None and run.scope == other.scope:
        return (
            "by two exports of one scope, and would count twice: keep one of them below the folder of "
            "sources.focus.exports"
        )
    return None
