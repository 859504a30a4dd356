"""AWS exports: the manifest commits, files enter untouched, torn and broken deliveries are refused by name."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from ingestion.access.objects import Folder, Object
from ingestion.access.stores import open_store
from ingestion.errors import BadInput, SettingError, TornDelivery
from ingestion.lake.notes import known_notes
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.aws import SOURCE
from ingestion.sources.aws.client import Export
from ingestion.sources.aws.source import AwsSettings
from sample_company.aws.export import EXPORT, write_export
from sample_company.aws.formats import FORMATS, write_delivery
from sample_company.aws.lines import lines
from sample_company.world import World

NOW = datetime(2026, 10, 7, 6, tzinfo=UTC)
WINDOW = Window(Month(2026, 9), Month(2026, 10))
PERIOD = "BILLING_PERIOD=2026-10"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    write_export(World(7, date(2026, 10, 6)), date(2026, 10, 7), folder)
    return folder


@pytest.fixture
def exports(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "exports")) / EXPORT


def data_file(export: Path) -> Path:
    return next((export / "data" / PERIOD).glob("*.parquet"))


def manifest_file(export: Path) -> Path:
    return next((export / "metadata" / PERIOD).glob("*-Manifest.json"))


def test_periods_of_the_window_land_untouched_and_add_up(exports: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    landing = land(home, SOURCE, AwsSettings(str(exports)), WINDOW, NOW)
    assert landing.states == {"delivered": 2}
    landed = sorted(
        file.read_bytes() for file in (home.lake / "raw_aws" / "cost_and_usage_report").glob("*.parquet")
    )
    assert landed == sorted(
        next((exports / "data" / f"BILLING_PERIOD={period}").glob("*.parquet")).read_bytes()
        for period in ("2026-09", "2026-10")
    )
    rows = pq.read_table(
        data_file(exports), columns=["line_item_operation", "line_item_unblended_cost"]
    ).to_pylist()
    # Lines of pods repeat the cost of their node's line (split cost allocation): they are no further cost.
    costs = [row["line_item_unblended_cost"] for row in rows if row["line_item_operation"] != "EKSPod-EC2"]
    assert 0 < len(costs) < len(rows)
    (total,) = (
        row["amount"]
        for file in (home.lake / "raw_aws" / "delivery_totals").glob("*.parquet")
        for row in pq.read_table(file).to_pylist()
        if row["slice_id"].endswith("2026-10")
    )
    assert total == sum(round(Decimal(repr(cost)), 12) for cost in costs)


def test_delivery_that_did_not_change_is_not_read_again(exports: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    land(home, SOURCE, AwsSettings(str(exports)), WINDOW, NOW)
    data_file(exports).unlink()  # reading it again would fail
    assert land(home, SOURCE, AwsSettings(str(exports)), WINDOW, NOW).states == {"unchanged": 2}


def test_truncated_parquet_is_refused_by_name_and_the_last_delivery_stays(exports: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    land(home, SOURCE, AwsSettings(str(exports)), WINDOW, NOW)
    before = known_notes(home, "raw_aws")
    file = data_file(exports)
    file.write_bytes(file.read_bytes()[:-500])
    expected = json.loads(manifest_file(exports).read_text())
    manifest_file(exports).write_text(json.dumps({**expected, "executionId": "next"}))
    landing = land(home, SOURCE, AwsSettings(str(exports)), WINDOW, NOW)
    assert landing.states == {"refused": 1, "unchanged": 1}
    assert file.name in landing.refused[0][1] and "not a whole Parquet file" in landing.refused[0][1]
    assert known_notes(home, "raw_aws").keys() == before.keys()
    assert known_notes(home, "raw_aws")[landing.refused[0][0]] == before[landing.refused[0][0]]


def test_manifest_that_names_a_missing_file_is_refused_by_name(exports: Path, tmp_path: Path) -> None:
    data_file(exports).unlink()
    landing = land(Home(tmp_path / "home"), SOURCE, AwsSettings(str(exports)), WINDOW, NOW)
    assert landing.states == {"refused": 1, "delivered": 1}
    assert "the manifest names it, but it is not there" in landing.refused[0][1]


def test_data_without_a_manifest_is_a_delivery_under_way(exports: Path, tmp_path: Path) -> None:
    manifest_file(exports).unlink()
    landing = land(Home(tmp_path / "home"), SOURCE, AwsSettings(str(exports)), WINDOW, NOW)
    assert landing.states == {"delivered": 1}


def test_manifest_that_is_replaced_while_reading_is_a_torn_delivery(exports: Path, tmp_path: Path) -> None:
    export = Export(Folder(exports))
    manifest = export.manifest("2026-10", f"metadata/{PERIOD}/")
    assert manifest is not None
    files = export.download(manifest, tmp_path)
    next(files)
    manifest_file(exports).write_text(manifest_file(exports).read_text() + " ")
    with pytest.raises(TornDelivery, match="was replaced while its files were being read"):
        next(files)


class Dated(Folder):
    """A folder whose files' times are when they were stored, as in S3."""

    def _describe(self, key: str, file: Path) -> Object:
        stored = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        return replace(super()._describe(key, file), modified=stored)


def test_file_that_is_newer_than_its_manifest_is_of_a_delivery_under_way(exports: Path, tmp_path: Path) -> None:
    """In overwrite mode the next delivery's files come one by one, and the manifest that stands is the last one's."""
    export = Export(Dated(exports))
    manifest = export.manifest("2026-10", f"metadata/{PERIOD}/")
    assert manifest is not None and manifest.modified is not None
    for minutes, torn in ((-5, False), (5, False), (180, True)):
        written = (manifest.modified + timedelta(minutes=minutes)).timestamp()
        os.utime(data_file(exports), (written, written))
        if torn:
            with pytest.raises(TornDelivery, match=r"00001\.snappy\.parquet is newer than its manifest"):
                list(export.download(manifest, tmp_path))
        else:
            assert len(list(export.download(manifest, tmp_path))) == 1


def test_wrong_folder_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"sources\.aws\.export_url"):
        land(Home(tmp_path / "home"), SOURCE, AwsSettings(str(tmp_path)), WINDOW, NOW)


@pytest.mark.parametrize(
    ("content", "expected"),
    [("{", "not JSON"), ("{}", "names no data files")],
)
def test_unusable_manifest_is_refused_by_name(exports: Path, tmp_path: Path, content: str, expected: str) -> None:
    manifest_file(exports).write_text(content)
    landing = land(Home(tmp_path / "home"), SOURCE, AwsSettings(str(exports)), WINDOW, NOW)
    assert landing.states["refused"] == 1 and expected in landing.refused[0][1]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 server on loopback."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_export_lands_from_s3(exports: Path, tmp_path: Path, s3: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=s3)
    client.create_bucket(Bucket="bills")
    for file in sorted(exports.rglob("*")):
        if file.is_file():
            client.upload_file(str(file), "bills", f"exports/{EXPORT}/{file.relative_to(exports)}")
    settings = AwsSettings(f"s3://bills/exports/{EXPORT}", endpoint_url=s3)
    home = Home(tmp_path / "home")
    assert land(home, SOURCE, settings, WINDOW, NOW).states == {"delivered": 2}
    assert land(home, SOURCE, settings, WINDOW, NOW).states == {"unchanged": 2}


@pytest.mark.parametrize("prefix", ["exports/", "", "/"])
def test_legacy_report_lands_from_s3_whatever_its_prefix(prefix: str, tmp_path: Path, s3: str) -> None:
    """Without a prefix a legacy report's keys begin with its name, or with a slash."""
    import boto3

    content = [line for line, _, _ in lines(World(7, date(2026, 10, 6)), "2026-10", date(2026, 10, 2))]
    legacy = next(form for form in FORMATS if form.name == "legacy-csv-new")
    write_delivery(legacy, content, "2026-10", tmp_path / "cur", "20261002T053621Z")
    client = boto3.client("s3", endpoint_url=s3)
    client.create_bucket(Bucket="bills")
    for file in (tmp_path / "cur").rglob("*.*"):
        client.upload_file(str(file), "bills", f"{prefix}cur/{file.relative_to(tmp_path / 'cur')}")
    home = Home(tmp_path / "home")
    landing = land(home, SOURCE, AwsSettings(f"s3://bills/{prefix}cur", endpoint_url=s3), WINDOW, NOW)
    assert landing.states == {"delivered": 1} and landing.rows["cost_and_usage_report"] == len(content)


def test_object_that_was_replaced_is_a_torn_delivery_in_s3(tmp_path: Path, s3: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=s3)
    client.create_bucket(Bucket="bills")
    client.put_object(Bucket="bills", Key="p/x", Body=b"one")
    store = open_store("s3://bills/p", endpoint_url=s3)
    found = store.head("x")
    assert found is not None and store.head("y") is None
    client.put_object(Bucket="bills", Key="p/x", Body=b"two")
    with pytest.raises(TornDelivery):
        store.download(found, tmp_path / "x")
    with pytest.raises(BadInput, match="no such object"):
        store.read("y")


def test_store_of_an_unknown_kind_is_refused_with_what_to_write() -> None:
    with pytest.raises(SettingError, match="write s3://bucket/prefix or a folder"):
        open_store("gs://bucket/x")
