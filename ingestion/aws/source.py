"""AWS as a source: a slice is a billing period of an export; its files enter the lake as AWS wrote them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.aws.client import Export, Manifest
from ingestion.aws.shape import COST_AND_USAGE_REPORT, REQUIRED, SPLIT_COST_OPERATIONS, TABLES, exact_decimal
from ingestion.errors import BadInput
from ingestion.lake import Known, Slice, Source, Total, VendorFile
from ingestion.objects import open_store
from ingestion.settings import Month, Window


@dataclass(frozen=True)
class AwsSettings:
    """`export_url`: `s3://bucket/prefix/export-name`, or a folder that holds the export's `data` and `metadata`.

    Credentials come through boto3's own chain; `profile` picks one, `endpoint_url` another S3.
    """

    export_url: str
    profile: str | None = None
    endpoint_url: str | None = None


def inspect(path: Path, where: str) -> VendorFile:
    """A CUR file as it is: its rows, control totals and newest charge, without reading it row by row.

    Costs are doubles in CUR: each is rounded once, to 12 places, by the same rule as in staging. Raises BadInput
    where the file is cut off, or is no CUR.
    """
    try:
        metadata = pq.read_metadata(path)
        names = set(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"{where}: not a whole Parquet file ({str(error).splitlines()[0]})") from error
    absent = [name for name in REQUIRED if name not in names]
    if absent:
        raise BadInput(f"{where}: no CUR 2.0 file, it has no column {', '.join(absent)}")
    currency = "line_item_currency_code" if "line_item_currency_code" in names else "'USD'"
    cost = exact_decimal("line_item_unblended_cost")
    if "line_item_operation" in names:
        cost = f"case when line_item_operation in {SPLIT_COST_OPERATIONS} then 0 else {cost} end"
    with duckdb.connect() as connection:
        try:
            rows = connection.execute(
                f"select {currency}, sum({cost}), count(*), "
                f"max(line_item_usage_start_date) from read_parquet(?) group by 1 order by 1",
                [str(path)],
            ).fetchall()
        except duckdb.Error as error:
            raise BadInput(f"{where}: can't be read ({str(error).splitlines()[0]})") from error
    totals = tuple(
        Total("billed_cost", name, Decimal(amount), count) for name, amount, count, _ in rows if amount is not None
    )
    newest = max((moment for *_, moment in rows if moment is not None), default=None)
    return VendorFile(
        COST_AND_USAGE_REPORT, path, metadata.num_rows, totals, newest.replace(tzinfo=UTC) if newest else None
    )


def slices(settings: AwsSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The window's billing periods that have a committed delivery, oldest first."""
    export = Export(open_store(settings.export_url, profile=settings.profile, endpoint_url=settings.endpoint_url))
    name = settings.export_url.rstrip("/").rsplit("/", 1)[-1]
    # Downloads must outlive the reading: dlt copies the files when it loads. The folder goes with this object.
    staging = tempfile.TemporaryDirectory(prefix="costowner-aws-")
    periods = export.periods()
    if not periods:
        raise BadInput(
            f"{settings.export_url}: no metadata/BILLING_PERIOD=… below it; "
            "sources.aws.export_url is the folder that is named like the export"
        )
    for period, folder in sorted(periods.items()):
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
        ) -> Iterable[VendorFile]:
            if manifest is None:
                raise unreadable or BadInput(f"{period}: no manifest")
            target = Path(staging.name) / period
            target.mkdir(exist_ok=True)
            paths = list(export.download(manifest, target))
            return [
                inspect(path, f"{settings.export_url}/{key}")
                for path, key in zip(paths, manifest.files, strict=True)
            ]

        yield Slice(
            id=f"cur|{name}|{period}",
            billing_period=period,
            start=month.start,
            end=month.end,
            read=read,
            version=manifest.version if manifest else None,
            version_proves=manifest is not None,
        )


@dlt.source(name="aws")
def aws(delivery: list[Any]) -> list[Any]:
    """Cost and Usage Report 2.0, as delivered."""
    return delivery


SOURCE = Source(
    name="aws",
    title="AWS",
    description="AWS Cost and Usage Report 2.0 (Data Exports): every line item of the payer account.",
    settings=AwsSettings,
    tables=TABLES,
    slices=slices,
    dlt_source=aws,
    promise_hours=48,
    load_per_slice=True,
    kinds=("aws",),
)
