"""FOCUS as a source: a slice is a billing period of an export; its files enter the lake in FOCUS's columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from ingestion.access.objects import Object, ObjectStore
from ingestion.access.stores import open_store
from ingestion.errors import BadInput, SettingError
from ingestion.lake.contract import Known, LedgerSource, Part, Slice, Source, VendorFile
from ingestion.lake.rejected import Rejected
from ingestion.lake.vendor_files import Workspace
from ingestion.setting_table import about
from ingestion.settings import Month, Window
from ingestion.sources.aws.client import Export, Undelivered, exports_below, undelivered
from ingestion.sources.focus.client import Fileset, download, download_delivery, filesets
from ingestion.sources.focus.convert import Delivered, accounts, convert, months, named_months
from ingestion.sources.focus.shape import CLAIM_KINDS, TABLES

NAMED_URL = re.compile(r"([\w.-]+)=(.+)")
MANY_FILES = 10_000


@dataclass(frozen=True)
class FocusSettings:
    """FOCUS exports of any vendor."""

    exports: tuple[str, ...] = field(
        metadata=about(
            "`NAME=URL` for each export; the URL is `s3://bucket/prefix` or a folder, and a name must never change"
        )
    )
    compare_only: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "names of exports that are only compared with the ledger, because another source delivers the same bill"
        ),
    )
    profile: str | None = field(
        default=None, metadata=about("a profile of the AWS configuration; else boto3's own chain")
    )
    endpoint_url: str | None = field(default=None, metadata=about("the URL of an S3-compatible store, if not AWS"))

    def urls(self) -> dict[str, str]:
        """The exports' URLs by name. Raises SettingError where a name is absent, given twice or not known."""
        found: dict[str, str] = {}
        for number, given in enumerate(self.exports, start=1):
            named = NAMED_URL.fullmatch(given)
            if named is None:
                raise SettingError(
                    f"sources.focus.exports: write NAME=URL, as in gcp=s3://bills/gcp; entry {number} is none"
                )
            if named.group(1) in found:
                raise SettingError(f"sources.focus.exports: two exports are called {named.group(1)}")
            found[named.group(1)] = named.group(2)
        for name in self.compare_only:
            if name not in found:
                raise SettingError(
                    f"sources.focus.compare_only: sources.focus.exports has no export called {name}"
                )
        return found


def _converted(
    files: Iterable[tuple[str, Path]],
    folder: Path,
    delivery: Delivered,
    rejected: Rejected,
    month: str | None = None,
    first: int = 0,
) -> list[VendorFile]:
    found = []
    for number, (where, path) in enumerate(files, start=first):
        found.append(convert(path, where, folder / f"{number:05d}.focus.parquet", delivery, month, rejected))
        path.unlink()
    return [file for file in found if file.row_count]


def _check_exports(store: ObjectStore, fileset: Fileset, files: list[VendorFile]) -> None:
    """Raise BadInput where two exports of Azure deliver charges of one sub account: they would count twice.

    The scopes of exports may lie within each other (a subscription, and the billing account that it is of).
    """
    if len(set(fileset.exports.values())) < 2:
        return
    exports = {f"{store.root}/{key}": export for key, export in fileset.exports.items()}
    first: dict[tuple[str | None, str], str] = {}
    for file in files:
        for name, billing_account, sub_account in accounts(file.path):
            if sub_account is None:
                continue  # of a whole account: what else it is of can't be seen
            other = first.setdefault((billing_account, sub_account), name)
            if exports.get(name, name) != exports.get(other, other):
                raise BadInput(
                    f"{name} and {other} are of two exports, and both have charges of one sub account, which would count "
                    "twice: keep one of the exports below the folder of sources.focus.exports"
                )


def _version(version: str, delivery: Delivered) -> str:
    """A delivery is another one when the export begins to make charges, or stops."""
    return f"{version}|compare_only" if delivery.is_compare_only else version


def _delivered(export: Export, window: Window, delivery: Delivered, workspace: Workspace) -> Iterator[Slice]:
    """The periods of an AWS Data Export: its manifests list the files that count."""
    for period, folder in sorted(export.periods().items()):
        month = Month.parse(period)
        if not window.first <= month <= window.last:
            continue
        try:
            manifest = export.manifest(period, folder)
        except BadInput as error:
            yield _refused(delivery, period, error)
            continue
        if manifest is None:
            continue  # data without a manifest is a delivery that is still being written

        def read(manifest: Any = manifest) -> Iterable[Part]:
            target, rejected = workspace.emptied(), Rejected()
            files = _converted(download_delivery(export, manifest, target), target, delivery, rejected)
            return [*files, *rejected.parts()]

        yield _slice(delivery, period, read, _version(manifest.version, delivery))


def _slice(delivery: Delivered, period: str, read: Any, version: str | None) -> Slice:
    month = Month.parse(period)
    return Slice(
        id=f"{delivery.export}|{period}",
        billing_period=period,
        start=month.start,
        end=month.end,
        read=read,
        version=version,
        version_proves=version is not None,
    )


def _refused(delivery: Delivered, period: str, error: BadInput) -> Slice:
    def read() -> Iterable[VendorFile]:
        raise error

    return _slice(delivery, period, read, None)


def _plain(
    store: ObjectStore,
    window: Window,
    known: Known,
    delivery: Delivered,
    workspace: Workspace,
    apart: frozenset[str] = frozenset(),
) -> Iterator[Slice]:
    """The periods of plain files, but for those in the folders `apart`.

    Those whose path names no period are read, whatever the window, when they change.
    """
    found = filesets(store, apart)
    if not found:
        raise Undelivered(
            f"{store.root}: no .csv, .csv.gz or .parquet file below it; sources.focus.exports names the folder"
        )
    loose = next((fileset for fileset in found if fileset.period is None), Fileset(None, ()))
    by_month = {fileset.period: fileset for fileset in found if fileset.period}
    of_rows: set[str] = set()
    if loose.fault:
        yield _refused(delivery, str(window.last), BadInput(loose.fault))
        return
    if loose.files:
        landed = {note.billing_period for note in known.values() if _is_of(note.slice_id, delivery)} - {None}
        of_rows = {
            str(period)
            for period in landed
            if period not in by_month or loose.version in _versions(known, delivery, str(period))
        }
        if not any(loose.version in _versions(known, delivery, period) for period in of_rows):
            folder = workspace.emptied()
            try:
                of_rows |= {
                    month for where, path in download(store, loose, folder) for month in months(path, where)
                }
            except BadInput as error:
                # Its months are unknown: it is refused in the newest month, where it is seen.
                yield _refused(delivery, str(window.last), error)
                return
    asked = {period for period in by_month if window.first <= Month.parse(period) <= window.last} | of_rows
    by_month, strays = _by_rows(store, by_month, asked, known, delivery, workspace)
    for period in sorted(asked | strays.keys()):
        placed = by_month.get(period, Fileset(period, ()))
        if placed.fault:
            yield _refused(delivery, period, BadInput(placed.fault))
            continue
        others = (loose, strays.get(period, Fileset(None, ())))
        parts = [part.version for part in (placed, *others) if part.files]
        if not parts and f"{delivery.export}|{period}" not in known:
            continue  # all that its folder has is of other months
        read = partial(_read, store, placed, others, delivery, period, workspace)
        yield _slice(delivery, period, read, _version("+".join(parts) or "no files", delivery))


def _by_rows(
    store: ObjectStore,
    by_month: Mapping[str, Fileset],
    asked: set[str],
    known: Known,
    delivery: Delivered,
    workspace: Workspace,
) -> tuple[dict[str, Fileset], dict[str, Fileset]]:
    """The files that are of their folder's month alone, and by month those that have rows of another one.

    `BillingPeriodStart` decides the month, because a folder's name may be that of the run (FinOps toolkit, issue 584).
    What was landed as its folder names it is not looked at again.
    """
    found, others = dict(by_month), dict[str, dict[Object, str | None]]()
    left = sorted(asked & by_month.keys())
    for period in left:
        placed = by_month[period]
        if placed.fault or placed.version in _versions(known, delivery, period):
            continue
        kept = []
        by_file = zip(placed.files, download(store, placed, workspace.emptied()), strict=True)
        for file, (where, path) in by_file:
            named = named_months(path, where)
            path.unlink()
            if named <= {period}:
                kept.append(file)
                continue
            for month in named:
                others.setdefault(month, {})[file] = placed.exports.get(file.key)
            left += [month for month in sorted(named) if month in by_month and month not in left]
        found[period] = replace(placed, files=tuple(kept))
    strays = {
        month: Fileset(
            None, tuple(files), exports={file.key: export for file, export in files.items() if export is not None}
        )
        for month, files in others.items()
    }
    return found, strays


def _emptied(known: Known, delivery: Delivered) -> Iterator[Slice]:
    """The slices of an export that has no files any more: without rows."""
    for note in known.values():
        if note.billing_period and _is_of(note.slice_id, delivery):
            month = Month.parse(note.billing_period)
            yield Slice(note.slice_id, note.billing_period, month.start, month.end, list)


def _is_of(slice_id: str, delivery: Delivered) -> bool:
    return slice_id.startswith(f"{delivery.export}|")


def _versions(known: Known, delivery: Delivered, period: str) -> str:
    """The version in which a period was landed last."""
    note = known.get(f"{delivery.export}|{period}")
    return (note.vendor_version if note else None) or ""


def _read(
    store: ObjectStore,
    placed: Fileset,
    others: Iterable[Fileset],
    delivery: Delivered,
    period: str,
    workspace: Workspace,
) -> list[Part]:
    """A period's files: whole where their path names it and no row another one, else the rows that are of it."""
    folder, rejected = workspace.emptied(), Rejected()
    files = _converted(download(store, placed, folder), folder, delivery, rejected)
    exports = dict(placed.exports)
    for number, other in enumerate(others, start=1):
        files += _converted(
            download(store, other, folder), folder, delivery, rejected, period, first=number * MANY_FILES
        )
        exports |= other.exports
    _check_exports(store, replace(placed, exports=exports), files)
    return [*files, *rejected.parts()]


def slices(settings: FocusSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The billing periods of every export, oldest first."""
    workspace = Workspace("focus")
    open_at = partial(
        open_store, profile=settings.profile, endpoint_url=settings.endpoint_url, setting="sources.focus.exports"
    )
    for name, url in settings.urls().items():
        is_compare_only = name in settings.compare_only
        found = exports_below(open_at, url, of_data=True)
        for below, export in found.items():
            delivery = Delivered(f"{name}/{below}" if below else name, is_compare_only)
            yield from _delivered(export, window, delivery, workspace)
        if "" in found:
            continue
        try:
            yield from _plain(
                open_at(url), window, known, Delivered(name, is_compare_only), workspace, frozenset(found)
            )
        except Undelivered as nothing:
            if found:
                # What was read as plain files before is now read below by its manifests.
                yield from _emptied(known, Delivered(name, is_compare_only))
                continue
            if len(settings.urls()) == 1:
                raise
            # Another export may have delivered: one that has not yet holds up nobody.
            yield undelivered(f"{name}|{window.last}", window, nothing)


SOURCE = Source(
    name="focus",
    title="FOCUS",
    description="Cost and usage files in the FOCUS format (1.0 to 1.4) of any vendor.",
    settings=FocusSettings,
    tables=TABLES,
    slices=slices,
    ledger_sources=(LedgerSource("focus", freshness_sla_hours=72),),
    claim_kinds=CLAIM_KINDS,
    load_per_slice=True,
    kinds=("focus",),
)
