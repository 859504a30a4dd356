"""AWS as a source: a slice is a billing period of an export; its files enter the lake in CUR 2.0's columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingestion.access.stores import open_store
from ingestion.errors import BadInput, SettingError
from ingestion.lake.contract import Known, LedgerSource, Part, Remark, Slice, Source, Total, VendorFile
from ingestion.lake.faults import fault
from ingestion.lake.rejected import Rejected
from ingestion.lake.vendor_files import Workspace, engine, parquet_schema
from ingestion.setting_table import about, without_credentials
from ingestion.settings import Month, Window
from ingestion.sources.aws.client import Export, Manifest, Undelivered, exports_below, undelivered
from ingestion.sources.aws.convert import convert, is_empty
from ingestion.sources.aws.shape import (
    CLAIM_KINDS,
    COST_AND_USAGE_REPORT,
    REQUIRED,
    SPLIT_COST_OPERATIONS,
    TABLES,
    exact_decimal,
)

# Between two exports' URLs; a name may stand before each: `s3://a/p/cur, other=s3://b/p/cur`.
BETWEEN_URLS = re.compile(r",\s*(?=(?:[\w.-]+=)?(?:s3://|file://|/))")
NAMED_URL = re.compile(r"([\w.-]+)=((?:s3://|file://|/).*)")


@dataclass(frozen=True)
class AwsSettings:
    """The billing exports of one or more payers."""

    export_url: str = field(
        metadata=about(
            "`s3://bucket/prefix/export`, or the export's folder; separate several by commas, each with its own name "
            "(`NAME=URL`)"
        )
    )
    profile: str | None = field(
        default=None, metadata=about("a profile of the AWS configuration; else boto3's own chain")
    )
    endpoint_url: str | None = field(default=None, metadata=about("the URL of an S3-compatible store, if not AWS"))

    def exports(self) -> dict[str, str]:
        """The exports' URLs by name: the one given (`name=URL`), or the last part of the URL.

        Raises SettingError where two have one name: their slices would replace each other.
        """
        found: dict[str, str] = {}
        for given in BETWEEN_URLS.split(self.export_url):
            named = NAMED_URL.fullmatch(given.strip())
            url = named.group(2) if named else given.strip()
            # A message shows both: without a signed query, which the URL must not have, and is refused for.
            shown = without_credentials(url)
            name = named.group(1) if named else shown.rstrip("/").rsplit("/", 1)[-1]
            if name in found:
                raise SettingError(
                    f"sources.aws.export_url: two exports are called {name}; "
                    f"keep the name of the one that is loaded already, and give the other one its own: NAME={shown}"
                )
            found[name] = url
        return found


def inspect(path: Path, where: str) -> VendorFile:
    """A file in CUR 2.0's columns: its rows, control totals and newest charge, without reading it row by row.

    Costs are doubles in CUR: each is rounded once, to 12 places, by the same rule as in staging. Raises BadInput
    where the file is cut off, or is no CUR.
    """
    names = set(parquet_schema(path, where).names)
    absent = [name for name in REQUIRED if name not in names]
    if absent:
        raise BadInput(f"{where}: no cost and usage report, it has no column {', '.join(absent)}")
    # As in the ledger: a line without a currency is in dollars.
    known = "coalesce(nullif(line_item_currency_code, ''), 'USD')"
    currency = known if "line_item_currency_code" in names else "'USD'"
    cost = exact_decimal("line_item_unblended_cost")
    if "line_item_operation" in names:
        cost = f"case when line_item_operation in {SPLIT_COST_OPERATIONS} then 0 else {cost} end"
    with engine(path.parent) as connection:
        try:
            rows = connection.execute(
                f"select {currency}, sum({cost}), count(*), "
                f"max(line_item_usage_start_date) from read_parquet(?) group by 1 order by 1",
                [str(path)],
            ).fetchall()
        except duckdb.Error as error:
            raise BadInput(f"{where}: can't be read ({fault(error)})") from None
    totals = tuple(
        Total("billed_cost", name, Decimal(amount), count) for name, amount, count, _ in rows if amount is not None
    )
    newest = max((moment for *_, moment in rows if moment is not None), default=None)
    return VendorFile(
        COST_AND_USAGE_REPORT,
        path,
        pq.read_metadata(path).num_rows,
        totals,
        newest.replace(tzinfo=UTC) if newest else None,
    )


def _parts(export: Export, manifest: Manifest, folder: Path) -> list[Part]:
    """A delivery's files, each converted before the next is fetched, all with the same columns; and the rows set aside.

    AWS's manifests do name files of no bytes, beside the files with the rows: they are skipped, with a remark.
    """
    rejected = Rejected()
    paths: list[Path] = []
    names: list[str] = []
    empty: list[str] = []
    for path, key in zip(export.download(manifest, folder), manifest.files, strict=True):
        name = f"{export.store.root}/{key}"
        if is_empty(path, name):
            empty.append(name)
            continue
        paths.append(convert(path, name, rejected))
        names.append(name)
    if not paths:
        raise BadInput(f"{empty[0]}: an empty file, and the manifest names no file with rows or a header")
    if len({pq.read_schema(path).remove_metadata().to_string() for path in paths}) > 1:
        paths = [convert(path, name, rejected, always=True) for path, name in zip(paths, names, strict=True)]
    skipped = (
        [Remark(f"{len(empty)} of {len(manifest.files)} data files are empty and skipped: {empty[0]}")]
        if empty
        else []
    )
    return [*(inspect(path, name) for path, name in zip(paths, names, strict=True)), *rejected.parts(), *skipped]


def _export_slices(name: str, export: Export, window: Window, workspace: Workspace) -> Iterator[Slice]:
    for period, folder in sorted(export.periods().items()):
        month = Month.parse(period)
        if not window.first <= month <= window.last:
            continue
        manifest: Manifest | None = None
        unreadable: BadInput | None = None
        try:
            manifest = export.manifest(period, folder)
        except BadInput as error:
            unreadable = error
        if manifest is None and unreadable is None:
            continue  # data without a manifest is a delivery that is still being written

        def read(
            manifest: Manifest | None = manifest, unreadable: BadInput | None = unreadable, period: str = period
        ) -> Iterable[Part]:
            if manifest is None:
                raise unreadable or BadInput(f"{period}: no manifest")
            return _parts(export, manifest, workspace.emptied())

        yield Slice(
            id=f"cur|{name}|{period}",
            billing_period=period,
            start=month.start,
            end=month.end,
            read=read,
            version=manifest.version if manifest else None,
            version_proves=manifest is not None,
        )


def slices(settings: AwsSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The window's billing periods that have a committed delivery, export by export, oldest first."""
    workspace = Workspace("aws")
    open_at = partial(
        open_store, profile=settings.profile, endpoint_url=settings.endpoint_url, setting="sources.aws.export_url"
    )
    for name, url in settings.exports().items():
        found = exports_below(open_at, url)
        for below, export in found.items():
            yield from _export_slices(f"{name}/{below}" if below else name, export, window, workspace)
        if not found:
            nothing = Undelivered(
                f"{without_credentials(url)}: neither metadata/BILLING_PERIOD=… nor a legacy report's yyyymmdd-yyyymmdd "
                "below it; sources.aws.export_url is the folder that is named like the export"
            )
            if len(settings.exports()) == 1:
                raise nothing
            # Another export may have delivered: one that has not yet holds up nobody.
            yield undelivered(f"cur|{name}|{window.last}", window, nothing)


SOURCE = Source(
    name="aws",
    title="AWS",
    description="AWS cost and usage reports (CUR 2.0, or legacy CUR): every line item of the payer account.",
    settings=AwsSettings,
    tables=TABLES,
    slices=slices,
    ledger_sources=(LedgerSource("aws", freshness_sla_hours=48, bills_llm_usage=True),),
    claim_kinds=CLAIM_KINDS,
    load_per_slice=True,
    kinds=("aws",),
)
