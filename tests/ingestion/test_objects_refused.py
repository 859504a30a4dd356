"""What S3 may answer, and what is made of it: whose slice it is, the way out, and never a key, token or signed query."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion.access.objects import Object, ObjectStore
from ingestion.access.stores import open_store
from ingestion.errors import BadInput, IngestionError, SettingError, TornDelivery, VendorError
from tests.answering import answering

SETTING = "sources.aws.export_url"
# A key id, a secret key and a token: no message has them.
SECRETS = ("AKIAKEYTHATISNEVERSHOWN", "secret-that-is-never-shown", "token-that-is-never-shown")


def refusal(
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    message: str = "",
    do: Callable[[ObjectStore], object] = lambda store: store.read("data/x.parquet"),
    headers: dict[str, str] | None = None,
) -> str:
    """The message and the class of an answer of S3's; the message holds nothing that the answer repeats."""
    monkeypatch.setattr("ingestion.access.s3_client.ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRETS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS[1])
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRETS[2])
    # S3 does repeat these (the signature's parts, the key id, a signed URL).
    body = (
        f"<Error><Code>{code}</Code><Message>{message} {' '.join(SECRETS)}</Message>"
        f"<AWSAccessKeyId>{SECRETS[0]}</AWSAccessKeyId><StringToSign>x-amz-security-token:{SECRETS[2]}</StringToSign>"
        f"<Resource>/bills/p/x?X-Amz-Signature={SECRETS[1]}</Resource></Error>"
    )
    with answering((status, body, headers or {})) as url:
        store = open_store("s3://bills/p", endpoint_url=url, setting=SETTING)
        with pytest.raises(IngestionError) as raised:
            do(store)
    expected = f"{type(raised.value).__name__}: {raised.value}"
    assert not any(secret in expected for secret in SECRETS), expected
    assert raised.value.__suppress_context__, "a traceback would show what botocore expected"
    return expected


@pytest.mark.parametrize(
    ("status", "code", "kind", "expected"),
    [
        (403, "InvalidAccessKeyId", SettingError, "sources.aws.profile"),
        (403, "SignatureDoesNotMatch", SettingError, "sources.aws.profile"),
        (400, "ExpiredToken", SettingError, "expired credentials"),
        (403, "RequestTimeTooSkewed", SettingError, "clock"),
        (404, "NoSuchBucket", SettingError, "no such bucket: check sources.aws.export_url"),
        (404, "NoSuchKey", BadInput, "no such object"),
        (403, "AccessDenied", BadInput, "needs s3:GetObject"),
        (403, "InvalidObjectState", BadInput, "restore it"),
        (412, "PreconditionFailed", TornDelivery, "replaced"),
        (503, "SlowDown", VendorError, "try again later"),
        (500, "InternalError", VendorError, "try again later"),
        (400, "SomethingNew", BadInput, "S3 answered SomethingNew"),
    ],
)
def test_refusals_name_object_code_and_way_out_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, kind: type, expected: str
) -> None:
    found = refusal(monkeypatch, status, code)
    assert found.startswith(f"{kind.__name__}: s3://bills/p/data/x.parquet: ")
    assert expected in found and code in found


def test_refused_listing_is_a_setting_where_a_refused_object_is_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    for do in (
        lambda store: store.folders("metadata/"),
        lambda store: list(store.list("metadata/")),
        lambda store: store.head("data/x"),
    ):
        found = refusal(monkeypatch, 403, "AccessDenied", do=do)
        assert found.startswith("SettingError") and "needs s3:ListBucket" in found


def test_refused_kms_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    denied = f"User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt on resource: {key}"
    found = refusal(monkeypatch, 403, "AccessDenied", denied)
    assert found.startswith("BadInput") and f"KMS key {key} that" in found and "allow kms:Decrypt on it" in found
    # The key of another region or account is not named by AWS.
    found = refusal(
        monkeypatch, 403, "AccessDenied", "not authorized to perform: kms:Decrypt on this resource because"
    )
    assert "a KMS key that" in found and "allow kms:Decrypt" in found
    assert "KMS.DisabledException" in refusal(monkeypatch, 400, "KMS.DisabledException")


@pytest.mark.parametrize(
    "code", [f"Token {SECRETS[2]} refused\nsecond line of a prompt", SECRETS[0], "A" * 65, "KMS.\u202e", "a b", ""]
)
def test_code_and_region_of_another_shape_are_not_repeated(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    for status in (400, 403, 301):
        found = refusal(monkeypatch, status, code, headers={"x-amz-bucket-region": f"eu-{SECRETS[1]}"})
        assert "prompt" not in found and "AAAA" not in found and "\u202e" not in found and "\n" not in found
    found = refusal(monkeypatch, 400, f"KMS.{SECRETS[2]}", f"arn:aws:kms:eu-west-1:111111111111:key/{SECRETS[1]}")
    assert found.startswith("BadInput")


@pytest.mark.usefixtures("anybody")
def test_redirect_without_a_place_is_a_wrong_endpoint() -> None:
    """As a proxy sends http to https. botocore would ask for the bucket's region, be redirected, and ask again."""
    with answering((301, "<html><br>Moved</html>", {"Location": "https://s3.example.com/"})) as url:
        store = open_store("s3://bills/p", endpoint_url=url, setting=SETTING)
        for ask in (store.head, store.read):
            with pytest.raises(SettingError, match=r"sources\.aws\.endpoint_url must be .* https where http"):
                ask("x")


def test_bucket_in_another_region_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = refusal(monkeypatch, 301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-central-1"})
    assert (
        found.startswith("SettingError")
        and "the bucket is in eu-central-1" in found
        and "AWS_DEFAULT_REGION" in found
    )
    assert "sources.aws.endpoint_url must be that region's" in found
    found = refusal(monkeypatch, 400, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong")
    assert "the bucket is in another region, or the access key id is none" in found


@pytest.fixture
def anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some credentials, and no pause between attempts."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setattr("ingestion.access.s3.PAUSES", (0.0, 0.0))


@pytest.mark.usefixtures("anybody")
def test_body_whose_checksum_is_wrong_is_never_taken_and_is_read_again() -> None:
    wrong = (200, "garbled", {"ETag": '"e"', "x-amz-checksum-crc32": "AAAAAA=="})
    # 206, as if the rest had been asked for: what was garbled must be gone.
    with answering(wrong, (206, "whole", {"ETag": '"e"'})) as url:
        assert open_store("s3://bills/p", endpoint_url=url).read("x") == b"whole"
    with answering(wrong) as url:
        with pytest.raises(TornDelivery, match=r"broke off 3 times \(FlexibleChecksumError\)"):
            open_store("s3://bills/p", endpoint_url=url).read("x")


@pytest.mark.usefixtures("anybody")
def test_server_without_ranges_is_read_from_the_start_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.access.s3.CHUNK", 2)
    short = (200, "who", {"ETag": '"e"', "Content-Length": "5", "Connection": "close"})
    with answering(short, (200, "whole", {"ETag": '"e"'})) as url:
        assert open_store("s3://bills/p", endpoint_url=url).read("x") == b"whole"


@pytest.mark.usefixtures("anybody")
def test_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """Its size is the listed one; what stood there before stays when the download fails."""
    (tmp_path / "x").write_bytes(b"before")
    with answering((200, "shorter", {"ETag": '"e"'})) as url:
        with pytest.raises(TornDelivery, match="got 7 of 8 bytes"):
            open_store("s3://bills/p", endpoint_url=url).download(Object("x", "e", 8), tmp_path / "x")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"before"]


@pytest.mark.usefixtures("anybody")
def test_server_that_gives_if_match_no_heed_is_found_out(tmp_path: Path) -> None:
    with answering((200, "another", {"ETag": '"f"'})) as url:
        with pytest.raises(TornDelivery, match="replaced"):
            open_store("s3://bills/p", endpoint_url=url).download(Object("x", "e", 7), tmp_path / "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("anybody")
def test_web_page_in_place_of_s3_is_refused_by_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port of a store's console is easily taken for the store's."""
    monkeypatch.setattr("ingestion.access.s3_client.ATTEMPTS", 1)
    with answering((200, "<html><br>Welcome</html>", {})) as url:
        with pytest.raises(VendorError, match=r"check sources\.aws\.endpoint_url"):
            open_store("s3://bills/p", endpoint_url=url, setting=SETTING).folders("")
