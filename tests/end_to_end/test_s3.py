"""AWS exports on a real S3 server: credentials and policies, torn deliveries, interrupted downloads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from ingestion.access.stores import open_store
from ingestion.errors import SettingError, TornDelivery, VendorError
from ingestion.lake.contract import Landing
from ingestion.lake.notes import known_notes
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.aws import SOURCE
from ingestion.sources.aws.source import AwsSettings
from sample_company.aws.export import EXPORT, write_export
from sample_company.world import World
from tests.guide import reader_policy
from tests.s3_server import ROOT, Break, Keys, Proxy, S3Server, needs_s3_server, proxy_before, s3_server

pytestmark = needs_s3_server

NOW = datetime(2026, 10, 7, 6, tzinfo=UTC)
WINDOW = Window(Month(2026, 9), Month(2026, 10))
BUCKET = "bills"
OCTOBER = f"cur|{EXPORT}|2026-10"
# Part of the request for the second data file of October.
SECOND_FILE = "2026-10/sample-cur2-00002"

Delivery = dict[str, bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as found:
        found.client().create_bucket(Bucket=BUCKET)
        yield found


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> list[Delivery]:
    """Two deliveries of the export on two days, with their objects in AWS's order: manifests last."""
    found = []
    for day in (6, 7):
        folder = tmp_path_factory.mktemp("exports")
        write_export(World(7, date(2026, 10, 6)), date(2026, 10, day), folder)
        found.append(_delivery(folder / EXPORT))
    return found


def _delivery(export: Path) -> Delivery:
    objects: Delivery = {}
    manifests: Delivery = {}
    for period in ("BILLING_PERIOD=2026-09", "BILLING_PERIOD=2026-10"):
        (written,) = (export / "data" / period).glob("*.parquet")
        table = pq.read_table(written)
        names = [f"data/{period}/{EXPORT}-0000{number}.snappy.parquet" for number in (1, 2)]
        half = table.num_rows // 2
        for name, part in zip(names, (table.slice(0, half), table.slice(half)), strict=True):
            pq.write_table(part, export / "part", compression="snappy")
            objects[name] = (export / "part").read_bytes()
        (manifest,) = (export / "metadata" / period).glob("*-Manifest.json")
        content = json.loads(manifest.read_bytes())
        content["dataFiles"] = [f"s3://{BUCKET}/exports/{EXPORT}/{name}" for name in names]
        manifests[f"metadata/{period}/{manifest.name}"] = json.dumps(content).encode()
    return {**objects, **manifests}


class Payer:
    """An export in a bucket, as AWS delivers it, and an installation that reads it."""

    def __init__(self, server: S3Server, prefix: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.home, self._environment = server, Home(home), monkeypatch
        self.export = f"{prefix}/{EXPORT}"
        self.url = f"s3://{BUCKET}/{self.export}"
        self.s3 = server.client()
        self.use(ROOT)

    def use(self, keys: Keys) -> None:
        self._environment.setenv("AWS_ACCESS_KEY_ID", keys.access_key_id)
        self._environment.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=f"{self.export}/{key}", Body=content)

    def deliver(self, delivery: Delivery, only: str = "") -> None:
        """Write the objects of a delivery whose key contains `only`."""
        for key, content in delivery.items():
            if only in key:
                self.put(key, content)

    def land(self, endpoint_url: str | None = None) -> Landing:
        settings = AwsSettings(self.url, endpoint_url=endpoint_url or self.server.url)
        return land(self.home, SOURCE, settings, WINDOW, NOW)

    @property
    def landed(self) -> list[bytes]:
        """The current delivery's files in the lake."""
        loads = {note.load_id for note in known_notes(self.home, "raw_aws").values()}
        files = (self.home.lake / "raw_aws" / "cost_and_usage_report").glob("*.parquet")
        return sorted(file.read_bytes() for file in files if any(file.name.startswith(load) for load in loads))


def data_of(delivery: Delivery) -> list[bytes]:
    return sorted(content for key, content in delivery.items() if key.startswith("data/"))


@pytest.fixture
def payer(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Payer:
    return Payer(server, str(request.function.__name__), tmp_path / "home", monkeypatch)


@pytest.fixture
def proxy(server: S3Server) -> Iterator[Proxy]:
    with proxy_before(server) as found:
        yield found


def test_guides_policy_is_enough_to_land_and_allows_nothing_else(
    payer: Payer, deliveries: list[Delivery], tmp_path: Path
) -> None:
    payer.deliver(deliveries[0])
    payer.s3.put_object(Bucket=BUCKET, Key="another/data/x", Body=b"not ours")
    payer.use(keys := payer.server.user(reader_policy(BUCKET, payer.export)))
    assert payer.land().states == {"delivered": 2}
    assert payer.land().states == {"unchanged": 2}
    assert payer.landed == data_of(deliveries[0])
    # A missing file is distinguished from a refused one, although listing is allowed only below the export.
    store = open_store(payer.url, endpoint_url=payer.server.url)
    assert store.head("data/no-such-file") is None

    reader: Any = payer.server.client(keys)
    data = f"{payer.export}/{next(iter(deliveries[0]))}"
    for call in (
        lambda: reader.put_object(Bucket=BUCKET, Key=data, Body=b""),
        lambda: reader.delete_object(Bucket=BUCKET, Key=data),
        lambda: reader.get_object(Bucket=BUCKET, Key="another/data/x"),
        lambda: reader.list_objects_v2(Bucket=BUCKET, Prefix="another/"),
        lambda: reader.list_objects_v2(Bucket=BUCKET),
        lambda: reader.list_objects_v2(Bucket="ready"),
        lambda: reader.get_bucket_policy(Bucket=BUCKET),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (Keys(ROOT.access_key_id, "a-secret-that-is-wrong"), "SignatureDoesNotMatch"),
        (Keys("a-key-that-is-not-known", "a-secret-that-is-wrong"), "InvalidAccessKeyId"),
    ],
)
def test_wrong_credentials_are_refused_by_setting_and_never_shown(payer: Payer, keys: Keys, code: str) -> None:
    payer.use(keys)
    with pytest.raises(SettingError, match=code) as refused:
        payer.land()
    message = str(refused.value)
    assert "sources.aws.profile" in message
    assert keys.access_key_id not in message and keys.secret_access_key not in message


def test_credentials_without_any_right_are_refused_by_setting(payer: Payer) -> None:
    payer.use(payer.server.user(reader_policy("another-bucket", payer.export)))
    with pytest.raises(SettingError, match=r"sources\.aws\.profile.* needs s3:ListBucket .*docs/aws\.md"):
        payer.land()


def test_one_refused_file_refuses_its_period_only(payer: Payer, deliveries: list[Delivery]) -> None:
    payer.deliver(deliveries[0])
    file = f"{payer.export}/data/BILLING_PERIOD=2026-10/{EXPORT}-00002.snappy.parquet"
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/{file}",
    }
    policy = {"Version": "2012-10-17", "Statement": [denied]}
    payer.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    payer.use(payer.server.user(reader_policy(BUCKET, payer.export)))
    landing = payer.land()
    assert landing.states == {"delivered": 1, "refused": 1}
    ((refused, why),) = landing.refused
    assert refused == OCTOBER and f"{BUCKET}/{file}" in why and "needs s3:GetObject" in why


def renamed(delivery: Delivery, execution: str) -> Delivery:
    """A delivery's manifests with another execution id, as if AWS had written the same delivery again."""
    return {
        key: json.dumps({**json.loads(content), "executionId": execution}).encode()
        for key, content in delivery.items()
        if key.startswith("metadata/")
    }


def test_delivery_replaced_while_it_is_read_is_torn_and_the_next_landing_reads_the_new(
    payer: Payer, proxy: Proxy, deliveries: list[Delivery]
) -> None:
    payer.deliver(deliveries[0])
    payer.land()
    before = payer.landed
    # One delivery is being read when the next one replaces it, data and manifest.
    payer.deliver(renamed(deliveries[0], "again"), only="2026-10")
    proxy.on(SECOND_FILE, lambda: payer.deliver(deliveries[1], only="2026-10"))
    landing = payer.land(proxy.url)
    assert landing.states == {"unchanged": 1, "refused": 1}
    assert landing.refused[0][0] == OCTOBER and "was replaced while it was being read" in landing.refused[0][1]
    assert payer.landed == before
    assert payer.land().states == {"unchanged": 1, "delivered": 1}
    assert payer.landed == data_of(deliveries[1])


def test_manifest_replaced_after_its_last_file_was_listed_is_torn(
    payer: Payer, proxy: Proxy, deliveries: list[Delivery]
) -> None:
    payer.deliver(deliveries[0])
    proxy.on(SECOND_FILE, lambda: payer.deliver(renamed(deliveries[0], "again"), only="2026-10"))
    landing = payer.land(proxy.url)
    assert landing.states == {"delivered": 1, "refused": 1}
    assert "was replaced while its files were being read" in landing.refused[0][1]
    assert payer.land().states == {"unchanged": 1, "delivered": 1}


def test_file_replaced_between_its_listing_and_its_download_is_torn(
    payer: Payer, proxy: Proxy, deliveries: list[Delivery]
) -> None:
    payer.deliver(deliveries[0])
    proxy.on(SECOND_FILE, lambda: payer.deliver(deliveries[1], only=f"data/BILLING_PERIOD={SECOND_FILE}"))
    landing = payer.land(proxy.url)
    assert landing.states == {"delivered": 1, "refused": 1}
    assert SECOND_FILE in landing.refused[0][1] and "was replaced while it was being read" in landing.refused[0][1]
    assert OCTOBER not in known_notes(payer.home, "raw_aws")
    payer.deliver(deliveries[1])
    assert payer.land().states == {"unchanged": 1, "delivered": 1}
    assert payer.landed == data_of(deliveries[1])


def test_interrupted_download_continues_where_it_stopped(
    payer: Payer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.access.s3.PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr("ingestion.access.s3.CHUNK", 1 << 12)
    monkeypatch.setattr("ingestion.access.s3_client.READ_TIMEOUT", 1)
    content = bytes(range(256)) * 2000
    payer.put("x", content)
    store = open_store(payer.url, endpoint_url=proxy.url)
    found = store.head("x")
    assert found is not None
    proxy.on("/x", lambda: Break(200_000))
    proxy.on("/x", lambda: Break(100_000, stalls=True))
    target = payer.home.root.parent / "x"
    store.download(found, target)
    assert target.read_bytes() == content and len(proxy.asked) == 3
    # Also without an earlier listing, and if the interruption comes before the first byte of the body.
    proxy.on("/x", lambda: Break(0))
    assert store.read("x") == content


def test_file_replaced_after_an_interrupted_download_is_torn(
    payer: Payer, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt requests the rest of the same version, so halves of two versions never become one file."""
    monkeypatch.setattr("ingestion.access.s3.CHUNK", 1 << 12)
    payer.put("x", b"1" * 500_000)
    store = open_store(payer.url, endpoint_url=proxy.url)
    found = store.head("x")
    assert found is not None
    proxy.on("/x", lambda: Break(200_000))
    proxy.on("/x", lambda: payer.put("x", b"2" * 500_000))
    with pytest.raises(TornDelivery, match="replaced"):
        store.download(found, tmp_path / "x")
    assert not list(tmp_path.glob("x*"))


def test_download_that_is_interrupted_too_often_is_refused_and_the_next_landing_has_it(
    payer: Payer, proxy: Proxy, deliveries: list[Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.access.s3.PAUSES", (0.0,))
    payer.deliver(deliveries[0])
    for _ in range(2):
        proxy.on(SECOND_FILE, lambda: Break(5_000))
    landing = payer.land(proxy.url)
    assert landing.states == {"delivered": 1, "refused": 1}
    assert SECOND_FILE in landing.refused[0][1] and "broke off 2 times" in landing.refused[0][1]
    assert payer.land().states == {"unchanged": 1, "delivered": 1}
    assert payer.landed == data_of(deliveries[0])


def test_any_key_is_read_and_a_long_listing_to_its_end(payer: Payer, tmp_path: Path) -> None:
    odd = "a b/ü+&=%2F~'ß.json"
    payer.put(odd, b"odd")
    store = open_store(payer.url, endpoint_url=payer.server.url)
    (found,) = store.list("a b/")
    assert found.key == odd and store.head(odd) == found and store.folders("") == ["a b/"]
    assert store.head("a b") is None and store.head(odd[:-1]) is None
    store.download(found, tmp_path / "odd")
    assert (tmp_path / "odd").read_bytes() == store.read(odd) == b"odd"

    keys = [f"many/{number:04d}/x" for number in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: payer.put(key, b"1"), keys))
    assert [item.key for item in store.list("many/")] == keys
    assert store.folders("many/") == [key.removesuffix("x") for key in keys]


def test_missing_bucket_and_unreachable_server_have_different_errors(
    payer: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingError, match=r"no such bucket: check sources\.aws\.export_url"):
        land(payer.home, SOURCE, AwsSettings("s3://nowhere/x", endpoint_url=payer.server.url), WINDOW, NOW)
    monkeypatch.setattr("ingestion.access.s3_client.ATTEMPTS", 1)
    with pytest.raises(VendorError, match=r"can't be reached .*sources\.aws\.endpoint_url"):
        payer.land("http://127.0.0.1:9")
