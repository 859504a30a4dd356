"""Where AWS's exports lie: periods, manifests and keys of each layout, several exports, and what is looked at again."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.access.objects import Folder, Object, ObjectStore
from ingestion.access.s3 import Bucket
from ingestion.access.stores import open_store
from ingestion.errors import BadInput, SettingError
from ingestion.lake.contract import Remark, VendorFile
from ingestion.lake.notes import known_notes
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.aws import SOURCE
from ingestion.sources.aws.client import Export
from ingestion.sources.aws.source import AwsSettings
from ingestion.sources.focus import SOURCE as FOCUS
from ingestion.sources.focus.source import FocusSettings
from orchestration.partitions import open_window
from sample_company.aws.formats import FORMATS, write_delivery

NOW = datetime(2026, 10, 7, 6, tzinfo=UTC)
OCTOBER = Window(Month(2026, 10), Month(2026, 10))
LINE = {
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": datetime(2026, 10, 1),  # noqa: DTZ001 - CUR's timestamps carry no zone, and are UTC
    "line_item_unblended_cost": 1.5,
    "line_item_currency_code": "USD",
}
PARQUET, PARQUET_NEW = FORMATS[0], FORMATS[1]


def manifest(folder: Path, execution: str, files: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x-Manifest.json").write_text(json.dumps({"executionId": execution, "dataFiles": files}))
    (folder / "x-Metadata.json").write_text("{}")


def test_newest_execution_counts_where_only_executions_have_manifests(tmp_path: Path) -> None:
    period = tmp_path / "metadata" / "BILLING_PERIOD=2026-10"
    for execution in (
        "2026-10-02T22:56:48.277Z-aaaa",
        "2026-10-04T01:05:29.443Z-0000",
        "2026-10-03T18:45:52.538Z-ffff",
    ):
        manifest(
            period / execution, execution, [f"s3://b/p/x/data/BILLING_PERIOD=2026-10/{execution}/x-00001.csv.gz"]
        )
    export = Export(Folder(tmp_path))
    found = export.manifest("2026-10", export.periods()["2026-10"])
    assert found is not None and found.execution_id.startswith("2026-10-04")
    assert found.files == ("data/BILLING_PERIOD=2026-10/2026-10-04T01:05:29.443Z-0000/x-00001.csv.gz",)


def test_manifest_of_the_period_counts_before_its_copies(tmp_path: Path) -> None:
    period = tmp_path / "20261001-20261101"
    manifest(period / "bbbb", "old", ["/p/x/20261001-20261101/bbbb/x-1.csv.gz"])
    manifest(period, "new", ["/p/x/20261001-20261101/aaaa/x-1.csv.gz"])
    export = Export(Folder(tmp_path))
    found = export.manifest("2026-10", export.periods()["2026-10"])
    assert found is not None and (found.execution_id, found.files) == (
        "new",
        ("20261001-20261101/aaaa/x-1.csv.gz",),
    )


@pytest.mark.parametrize(
    ("root", "name", "key"),
    [
        (
            "s3://b/p/cur",
            "s3://b/p/cur/data/BILLING_PERIOD=2026-10/cur-1.csv.gz",
            "data/BILLING_PERIOD=2026-10/cur-1.csv.gz",
        ),
        ("s3://b/p/cur", "p/cur/20261001-20261101/a/cur-1.csv.gz", "20261001-20261101/a/cur-1.csv.gz"),
        (
            "s3://b/cur",
            "s3://b/cur/data/billing_period=2026-10/cur-1.csv.gz",
            "data/billing_period=2026-10/cur-1.csv.gz",
        ),
        ("s3://b//cur", "/cur/20261001-20261101/a/cur-1.csv.gz", "20261001-20261101/a/cur-1.csv.gz"),
        ("s3://b/p/cur", "p/cur/cur/year=2026/month=9/cur-1.parquet", "cur/year=2026/month=9/cur-1.parquet"),
        (
            "s3://copy/of",
            "s3://b/p/cur/data/BILLING_PERIOD=2026-10/x.parquet",
            "data/BILLING_PERIOD=2026-10/x.parquet",
        ),
        ("s3://copy/of", "p/cur/cur/year=2026/month=9/cur-1.parquet", "cur/year=2026/month=9/cur-1.parquet"),
    ],
)
def test_data_files_are_found_below_the_export(root: str, name: str, key: str) -> None:
    bucket, _, prefix = root.removeprefix("s3://").partition("/")
    store: ObjectStore = Bucket(bucket, prefix, client=None)  # type: ignore[arg-type]
    assert Export(store)._key(name) == key


def test_several_exports_land_side_by_side(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    first, second = tmp_path / "a" / "cur", tmp_path / "b" / "cur"
    for export in (first, second):
        write_delivery(PARQUET, [LINE, LINE], "2026-10", export, "1")
    land(home, SOURCE, AwsSettings(str(first)), OCTOBER, NOW)
    both = AwsSettings(f"{first}, payer-2={second}/")
    assert land(home, SOURCE, both, OCTOBER, NOW).states == {"unchanged": 1, "delivered": 1}
    assert set(known_notes(home, "raw_aws")) == {"cur|cur|2026-10", "cur|payer-2|2026-10"}


def test_exports_below_one_address_land_under_their_own_names(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for name in ("cur-a", "cur-b"):
        write_delivery(PARQUET, [LINE], "2026-10", tmp_path / "bills" / name, "1")
    (tmp_path / "bills" / "notes").mkdir()
    assert land(home, SOURCE, AwsSettings(f"all={tmp_path / 'bills'}"), OCTOBER, NOW).states == {"delivered": 2}
    assert set(known_notes(home, "raw_aws")) == {"cur|all/cur-a|2026-10", "cur|all/cur-b|2026-10"}


def test_export_that_has_not_delivered_yet_holds_up_no_other(tmp_path: Path) -> None:
    home, good, new = Home(tmp_path / "home"), tmp_path / "good", tmp_path / "new"
    write_delivery(PARQUET, [LINE], "2026-10", good, "1")
    new.mkdir()
    landing = land(home, SOURCE, AwsSettings(f"new={new}, good={good}"), OCTOBER, NOW)
    assert landing.states == {"no_data": 1, "delivered": 1} and not landing.refused
    assert f"nothing delivered yet: {new}: neither metadata" in str(landing)
    with pytest.raises(BadInput, match="neither metadata"):
        land(home, SOURCE, AwsSettings(str(new)), OCTOBER, NOW)


def test_two_exports_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match=r"sources\.aws\.export_url: two exports are called cur.*NAME=s3://b/q/cur"
    ):
        AwsSettings("s3://a/p/cur,s3://b/q/cur").exports()


def test_period_that_closed_two_weeks_ago_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS restates a period for about two weeks after it closed: the daily window has it until the next one closes."""
    monkeypatch.setenv("COSTOWNER_HISTORY_START", "2025-01")
    for days in range(366):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
        monkeypatch.setenv("COSTOWNER_NOW", now.isoformat())
        assert now - timedelta(days=28) in open_window() and now in open_window()


def test_workspace_holds_one_slice_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = tmp_path / "cur"
    for month in ("2026-08", "2026-09", "2026-10"):
        write_delivery(PARQUET_NEW, [LINE, LINE], month, export, "20261001T000000Z-1")
    spill = tmp_path / "tmp"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    window = Window(Month(2026, 8), Month(2026, 10))
    pieces = list(SOURCE.slices(AwsSettings(str(export)), window, {}, NOW))
    assert len(pieces) == 3
    for piece in pieces:
        files = list(piece.read())
        assert len(files) == 2 == len([*spill.glob("*/files/*")])


@pytest.mark.parametrize("source", ["aws", "focus"])
@pytest.mark.parametrize(
    "spellings",
    [
        ("s3://b/p/x/{key}", "s3://b/p/x/{key}"),
        ("s3://b/p/x/{key}", "p/x/{key}"),
        ("s3://b/p/x/{key}", "{key}"),
        ("/p/x/{key}", "{key}"),
    ],
)
def test_file_that_a_manifest_names_twice_is_read_once(
    tmp_path: Path, source: str, spellings: tuple[str, ...]
) -> None:
    key = "data/BILLING_PERIOD=2026-10/x-00001.csv"
    manifest(
        tmp_path / "metadata" / "BILLING_PERIOD=2026-10", "1", [spelling.format(key=key) for spelling in spellings]
    )
    (tmp_path / key).parent.mkdir(parents=True)
    columns = {
        "aws": "line_item_line_item_type,line_item_unblended_cost,line_item_usage_start_date",
        "focus": "ChargeCategory,BilledCost,ChargePeriodStart,ChargePeriodEnd,EffectiveCost,BillingCurrency,"
        "BillingAccountId,BillingPeriodStart",
    }
    values = {
        "aws": "Usage,1.5,2026-10-01T00:00:00Z",
        "focus": "Usage,1.5,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,1.5,USD,a,2026-10-01T00:00:00Z",
    }
    (tmp_path / key).write_text(f"{columns[source]}\n{values[source]}\n")
    if source == "aws":
        pieces = SOURCE.slices(AwsSettings(str(tmp_path)), OCTOBER, {}, NOW)
    else:
        pieces = FOCUS.slices(FocusSettings((f"x={tmp_path}",)), OCTOBER, {}, NOW)
    (piece,) = pieces
    assert [file.row_count for file in piece.read() if isinstance(file, VendorFile)] == [1]


@pytest.mark.parametrize("nothing", [b"", gzip.compress(b"", mtime=0)], ids=["no bytes", "packed"])
def test_empty_file_of_a_manifest_is_skipped_with_a_remark(tmp_path: Path, nothing: bytes) -> None:
    data = tmp_path / "data" / "BILLING_PERIOD=2026-10"
    names = [f"data/BILLING_PERIOD=2026-10/x-{number}.csv.gz" for number in (1, 2)]
    manifest(tmp_path / "metadata" / "BILLING_PERIOD=2026-10", "1", names)
    data.mkdir(parents=True)
    (data / "x-1.csv.gz").write_bytes(nothing)
    rows = b"line_item_line_item_type,line_item_unblended_cost,line_item_usage_start_date\nUsage,5,2026-10-01T00:00:00Z\n"
    (data / "x-2.csv.gz").write_bytes(gzip.compress(rows))
    (piece,) = SOURCE.slices(AwsSettings(str(tmp_path)), OCTOBER, {}, NOW)
    parts = list(piece.read())
    assert [file.row_count for file in parts if isinstance(file, VendorFile)] == [1]
    expected = f"1 of 2 data files are empty and skipped: {data / 'x-1.csv.gz'}"
    assert [part.text for part in parts if isinstance(part, Remark)] == [expected]

    (data / "x-2.csv.gz").write_bytes(nothing)
    with pytest.raises(BadInput, match=r"x-1\.csv\.gz: an empty file, and the manifest names no file with rows"):
        list(piece.read())


def test_link_that_leads_out_of_an_export_is_refused_by_name(tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.mkdir()
    (tmp_path / "secret").write_text("key")
    (export / "link").symlink_to(tmp_path / "secret")
    (export / "real").write_text("rows")
    (export / "inside").symlink_to(export / "real")
    store = Folder(export)
    assert store.read("inside") == b"rows"
    for key in ("link", "../secret"):
        with pytest.raises(BadInput, match="leads out of the folder"):
            store.read(key)
        with pytest.raises(BadInput, match="leads out of the folder"):
            store.download(Object(key, "e", 3), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_file_in_place_of_a_folder_is_a_setting_error(tmp_path: Path) -> None:
    (tmp_path / "focus.csv").write_text("BilledCost\n")
    with pytest.raises(SettingError, match=r"sources\.focus\.exports: .*focus\.csv is a file; name the folder"):
        open_store(str(tmp_path / "focus.csv"), setting="sources.focus.exports")


@pytest.mark.parametrize("name", ["../x.csv.gz", "s3://b/p/x/../../secret.csv.gz", "data/A=1/../../../x.csv.gz"])
def test_manifest_whose_keys_leave_the_export_is_refused_by_name(tmp_path: Path, name: str) -> None:
    manifest(tmp_path / "metadata" / "BILLING_PERIOD=2026-10", "1", ["data/A=1/fine.csv.gz", name])
    export = Export(Folder(tmp_path))
    with pytest.raises(BadInput, match=r"x-Manifest\.json: data file 2 that it names leaves the export's folder"):
        export.manifest("2026-10", export.periods()["2026-10"])
