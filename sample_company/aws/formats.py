"""The sample company's AWS lines in every export format that AWS has: what `export.py` writes is one of them.

CUR 2.0 as Parquet or gzipped CSV, overwritten or in a new folder each time; legacy CUR as gzipped CSV, and as Parquet in
the layout that Athena reads. The files have the quirks of real ones: several spellings of times, numbers like 5e-06,
text with commas, quotes and line breaks, tags whose keys differ in case, URIs or bare keys in the manifest.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sample_company.aws.base import PAYER, Line
from sample_company.aws.columns import DOUBLE, MAPS, SCHEMA, TIME
from sample_company.world import first_of_month

CATEGORIES = {
    "bill": "bill",
    "identity": "identity",
    "line_item": "lineItem",
    "pricing": "pricing",
    "reservation": "reservation",
    "savings_plan": "savingsPlan",
    "split_line_item": "splitLineItem",
    "discount": "discount",
}
# Legacy CUR has no names of accounts, nor what came after it.
NOT_IN_LEGACY = re.compile(
    r"(bill_payer|line_item_usage)_account_name|line_item_(iam|user)_|capacity_reservation_|product_"
)
TIME_SPELLINGS = {
    "bill_billing_period_end_date": "%Y-%m-%d %H:%M:%S+00:00",
    "bill_billing_period_start_date": "%Y-%m-%d %H:%M:%S+00:00",
    "line_item_usage_end_date": "%Y-%m-%dT%H:%M:%S.000Z",
    "line_item_usage_start_date": "%Y-%m-%dT%H:%M:%SZ",
}


@dataclass(frozen=True)
class Format:
    """An export as its owner set it up. `is_new_each` makes a folder a delivery; `bucket` is None for bare keys."""

    name: str
    is_legacy: bool
    is_parquet: bool
    is_new_each: bool = False
    period_key: str = "BILLING_PERIOD"
    bucket: str | None = "sample-bucket/exports"


FORMATS = (
    Format("cur2-parquet", is_legacy=False, is_parquet=True),
    Format("cur2-parquet-new", is_legacy=False, is_parquet=True, is_new_each=True),
    Format("cur2-csv", is_legacy=False, is_parquet=False, period_key="billing_period", bucket=None),
    Format("cur2-csv-new", is_legacy=False, is_parquet=False, is_new_each=True),
    Format("legacy-csv", is_legacy=True, is_parquet=False, bucket=None),
    Format("legacy-csv-new", is_legacy=True, is_parquet=False, is_new_each=True, bucket=None),
    Format("legacy-athena", is_legacy=True, is_parquet=True, bucket=None),
)


def write_delivery(
    form: Format,
    content: Sequence[Line],
    month: str,
    export: Path,
    execution: str,
    extra: Sequence[str] = (),
    tags_seen: Sequence[str] = ("team", "service", "name"),
) -> None:
    """Write a billing period's lines to an export's folder, in two files, and then the manifest.

    `execution` is the delivery's id: where each has a folder of its own they sort by it. `extra` names columns of the
    lines that are in no documented table; `tags_seen` the tags that have a column in a legacy report.
    """
    first = date.fromisoformat(f"{month}-01")
    after = first_of_month(first, 1)
    span = f"{first:%Y%m%d}-{after:%Y%m%d}"
    name = export.name
    if form.is_legacy:
        metadata = span
        data = f"{name}/year={first.year}/month={first.month}" if form.is_parquet else span
        data += f"/{execution}" if form.is_new_each else ""
    else:
        metadata = f"metadata/{form.period_key}={month}"
        folder = f"/{execution}" if form.is_new_each else ""
        metadata, data = metadata + folder, f"data/{form.period_key}={month}{folder}"
    keys = []
    half = len(content) // 2
    for number, chunk in enumerate((content[:half], content[half:]), start=1):
        suffix = "snappy.parquet" if form.is_parquet else "csv.gz"
        keys.append(f"{data}/{name}-{number:05d}.{suffix}")
        target = export / keys[-1]
        target.parent.mkdir(parents=True, exist_ok=True)
        if form.is_parquet:
            pq.write_table(_athena(chunk, extra) if form.is_legacy else _cur2(chunk, extra), target)
        else:
            rows = _legacy_rows(chunk, extra, tags_seen) if form.is_legacy else _cur2_rows(chunk, extra)
            target.write_bytes(gzip.compress(_csv(rows), 1))
    start = f"s3://{form.bucket}/{name}" if form.bucket else f"exports/{name}"
    named = [f"{start}/{key}" for key in keys]
    document: dict[str, Any] = (
        {
            "assemblyId": execution,
            "account": PAYER,
            "reportName": name,
            "bucket": "sample-bucket",
            "reportKeys": named,
        }
        if form.is_legacy
        else {"executionId": execution, "account": PAYER, "dataFiles": named}
    )
    manifest = export / metadata / f"{name}-Manifest.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps(document))
    (manifest.parent / f"{name}-Metadata.json").write_text("{}")


def _csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    header = list(rows[0])
    writer.writerow(header)
    writer.writerows([row.get(column, "") for column in header] for row in rows)
    return text.getvalue().encode()


def _cell(column: str, value: Any) -> str:
    """A value as CSV has it."""
    if value is None:
        return ""
    if column in MAPS:
        return json.dumps(dict(value))
    if isinstance(value, datetime):
        return value.strftime(TIME_SPELLINGS[column])
    return repr(value) if isinstance(value, float) else str(value)


def _cur2(content: Sequence[Line], extra: Sequence[str]) -> pa.Table:
    columns = {field.name: pa.array([line.get(field.name) for line in content], field.type) for field in SCHEMA}
    for column in extra:
        columns[column] = pa.array([line.get(column) for line in content], pa.float64())
    return pa.table(columns)


def _cur2_rows(content: Sequence[Line], extra: Sequence[str]) -> list[dict[str, str]]:
    columns = [*SCHEMA.names, *extra]
    return [{column: _cell(column, line.get(column)) for column in columns} for line in content]


def legacy_header(column: str) -> str:
    """A column of CUR 2.0 as legacy CUR's header has it."""
    prefix = max((prefix for prefix in CATEGORIES if column.startswith(f"{prefix}_")), key=len)
    rest = re.sub(r"a_r_n$", "ARN", column.removeprefix(f"{prefix}_"))
    name = "".join(part if part.isupper() else part.capitalize() for part in rest.split("_"))
    return f"{CATEGORIES[prefix]}/{name[0].lower() + name[1:] if prefix == 'pricing' else name}"


def _legacy_columns() -> list[str]:
    return [name for name in SCHEMA.names if name not in MAPS and not NOT_IN_LEGACY.match(name)]


def _legacy_product(line: Line) -> dict[str, str]:
    """The product's attributes under legacy CUR's names."""
    product = dict(line.get("product") or [])
    found = {
        "ProductName": product.pop("product_name", None),
        "instanceFamily": line.get("product_instance_family"),
        "instanceType": line.get("product_instance_type"),
        "operatingSystem": product.pop("operating_system", None),
        "productFamily": line.get("product_product_family"),
        "region": line.get("product_region_code"),
        "servicecode": line.get("product_servicecode"),
        "sku": line.get("product_sku"),
        **product,
    }
    return {name: value or "" for name, value in found.items()}


def _legacy_rows(content: Sequence[Line], extra: Sequence[str], tags_seen: Sequence[str]) -> list[dict[str, str]]:
    columns = [*_legacy_columns(), *extra]
    rows = []
    for line in content:
        tags, categories = dict(line.get("resource_tags") or []), dict(line.get("cost_category") or [])
        row = {
            column if column in extra else legacy_header(column): _cell(column, line.get(column))
            for column in columns
        }
        row |= {f"product/{name}": value for name, value in _legacy_product(line).items()}
        for tag in tags_seen:
            row[f"resourceTags/user:{tag.capitalize()}"] = tags.get(f"user_{tag}", "")
        # A key that somebody spelled in lower case has a column of its own.
        row["resourceTags/user:team"] = ""
        row["costCategory/environment"] = categories.get("environment", "")
        rows.append(row)
    return rows


def _athena(content: Sequence[Line], extra: Sequence[str]) -> pa.Table:
    """Legacy CUR's Parquet: names in snake case, a column a tag."""
    types = {**dict.fromkeys(DOUBLE, pa.float64()), **dict.fromkeys(TIME, pa.timestamp("ms", tz="UTC"))}
    columns = {
        name: pa.array([line.get(name) for line in content], types.get(name, pa.string()))
        for name in _legacy_columns()
    }
    instance = ("product_instance_family", "product_instance_type")
    for name in (*instance, "product_product_family", "product_servicecode", "product_sku"):
        columns[name] = pa.array([line.get(name) for line in content], pa.string())
    columns["product_region"] = pa.array([line.get("product_region_code") for line in content], pa.string())
    maps = [
        ("product_product_name", "product", "product_name"),
        ("product_operating_system", "product", "operating_system"),
        ("product_vcpu", "product", "vcpu"),
        ("product_memory", "product", "memory"),
        ("cost_category_environment", "cost_category", "environment"),
        ("resource_tags_user_team", "resource_tags", "user_team"),
        ("resource_tags_user_service", "resource_tags", "user_service"),
        ("resource_tags_user_name", "resource_tags", "user_name"),
    ]
    for name, column, key in maps:
        columns[name] = pa.array([dict(line.get(column) or []).get(key) for line in content], pa.string())
    for column in extra:
        columns[column] = pa.array([line.get(column) for line in content], pa.float64())
    return pa.table(columns)
