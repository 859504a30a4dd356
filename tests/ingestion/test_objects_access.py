"""Access to S3 through boto3's own chain: roles and SSO through profiles, and the message where they give nothing."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.httpsession
import pytest
from moto.server import ThreadedMotoServer

from ingestion.access.stores import open_store
from ingestion.errors import SettingError
from ingestion.settings import PROJECT_ROOT
from tests.answering import answering
from tests.guide import guide_json, guide_text

SETTING = "sources.aws.export_url"
# A key id, a secret key and a token: no message has them.
SECRETS = ("AKIAKEYTHATISNEVERSHOWN", "secret-that-is-never-shown", "token-that-is-never-shown")


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes the AWS configuration that boto3 reads; there is no other."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for of in ("botocore.tokens.SSOTokenProvider", "botocore.credentials.SSOProvider"):
        monkeypatch.setattr(f"{of}._SSO_TOKEN_CACHE_DIR", str(tmp_path))

    def write(text: str) -> None:
        (tmp_path / "config").write_text(text)

    return write


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every request that botocore sends, signed."""
    requests: list[Any] = []
    send = botocore.httpsession.URLLib3Session.send

    def recorded(self: Any, request: Any) -> Any:
        requests.append(request)
        return send(self, request)

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", recorded)
    return requests


def signed_by(request: Any) -> str:
    """The access key id that signed a request."""
    authorization = request.headers["Authorization"]
    expected = authorization.decode() if isinstance(authorization, bytes) else authorization
    return str(expected.split("Credential=")[1].split("/")[0])


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """S3 and STS on loopback, with one object."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    s3 = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    s3.create_bucket(Bucket="bills")
    s3.put_object(Bucket="bills", Key="p/x", Body=b"x")
    yield url
    server.stop()


def test_profile_with_a_role_assumes_it_as_in_the_guide(
    profiles: Callable[[str], None], sent: list[Any], moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"account": "111111111111", "external_id": "costowner-7", "region": "eu-west-1"}
    profile = guide_text("Permission to assume it", "ini", **names)
    profiles(
        profile.replace("credential_source = Ec2InstanceMetadata", "source_profile = base")
        + "[profile base]\naws_access_key_id = base-key\naws_secret_access_key = base-secret\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto)
    store = open_store("s3://bills/p", profile="payer", endpoint_url=moto, setting=SETTING)
    assert store.read("x") == b"x" and store.head("x") is not None

    assume, *reads = sent
    body = str(assume.body)
    (allowed,) = guide_json("Permission to assume it", **names)["Statement"]
    assert allowed["Action"] == "sts:AssumeRole" and "Action=AssumeRole" in body
    assert allowed["Resource"].replace(":", "%3A").replace("/", "%2F") in body
    (trusted,) = guide_json("A reader in another account", **names)["Statement"]
    assert f"ExternalId={trusted['Condition']['StringEquals']['sts:ExternalId']}" in body
    assert signed_by(assume) == "base-key"
    # Assumed once, and then it is the role that reads.
    assert len(reads) == 2 and all(signed_by(read).startswith("ASIA") for read in reads)
    assert all(read.headers["X-Amz-Security-Token"] for read in reads)


def cache_token(folder: Path, expires: datetime) -> None:
    """What `aws sso login` leaves: the session's token."""
    name = hashlib.sha1(b"company", usedforsecurity=False).hexdigest()
    token = {"accessToken": SECRETS[2], "expiresAt": f"{expires:%Y-%m-%dT%H:%M:%SZ}", "region": "eu-west-1"}
    (folder / f"{name}.json").write_text(json.dumps(token))


def test_profile_with_sso_reads_with_the_sessions_credentials(
    profiles: Callable[[str], None], sent: list[Any], moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles(guide_text("SSO", "ini", account="111111111111", region="eu-west-1", company="acme"))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    cache_token(tmp_path, tomorrow)
    given = {"accessKeyId": "sso-key", "secretAccessKey": "s", "sessionToken": "t"}
    given |= {"expiration": int(tomorrow.timestamp() * 1000)}  # type: ignore[dict-item]
    with answering((200, json.dumps({"roleCredentials": given}), {})) as portal:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", portal)
        store = open_store("s3://bills/p", profile="payer-sso", endpoint_url=moto, setting=SETTING)
        assert store.read("x") == b"x"
    assert signed_by(sent[-1]) == "sso-key"


@pytest.mark.parametrize("days", [None, -1], ids=["never logged in", "expired"])
def test_sso_session_that_is_over_is_refused_with_how_to_log_in(
    profiles: Callable[[str], None], moto: str, tmp_path: Path, days: int | None
) -> None:
    profiles(guide_text("SSO", "ini", account="111111111111", region="eu-west-1", company="acme"))
    if days:
        cache_token(tmp_path, datetime.now(UTC) + timedelta(days=days))
    store = open_store("s3://bills/p", profile="payer-sso", endpoint_url=moto, setting=SETTING)
    with pytest.raises(
        SettingError, match=r"sources\.aws\.profile.*run `aws sso login --profile payer-sso`"
    ) as refused:
        store.folders("")
    assert SECRETS[2] not in str(refused.value)


def test_sso_portal_that_refuses_is_kept_apart(
    profiles: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles(guide_text("SSO", "ini", account="111111111111", region="eu-west-1", company="acme"))
    cache_token(tmp_path, datetime.now(UTC) + timedelta(days=1))
    for status, kind, expected in (
        (401, "UnauthorizedException", "aws sso login --profile payer-sso"),
        (403, "ForbiddenException", "is not assigned"),
    ):
        with answering((status, json.dumps({"message": SECRETS[2]}), {"x-amzn-ErrorType": kind})) as portal:
            monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", portal)
            store = open_store("s3://bills/p", profile="payer-sso", endpoint_url=portal, setting=SETTING)
            with pytest.raises(SettingError, match=expected) as refused:
                store.folders("")
            assert SECRETS[2] not in str(refused.value)


def test_role_that_may_not_be_assumed_is_refused_with_who_must_trust_whom(
    profiles: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles(
        f"[profile payer]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nregion = us-east-1\n"
        f"[profile base]\naws_access_key_id = {SECRETS[0]}\naws_secret_access_key = {SECRETS[1]}\n"
    )
    body = (
        f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{SECRETS[0]}</Message></Error></ErrorResponse>"
    )
    with answering((403, body, {})) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
        store = open_store("s3://bills/p", profile="payer", endpoint_url=sts, setting=SETTING)
        with pytest.raises(
            SettingError, match=r"role of the AWS profile 'payer' .*can't be assumed.*trust policy"
        ) as it:
            store.folders("")
    assert not any(secret in str(it.value) for secret in SECRETS)


def test_web_page_in_place_of_a_service_is_named(
    profiles: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles(
        "[profile payer]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nregion = us-east-1\n"
        "[profile base]\naws_access_key_id = k\naws_secret_access_key = s\n"
    )
    with answering((200, "<html><br>Welcome</html>", {})) as page:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", page)
        with pytest.raises(SettingError, match=r"is no AWS service: check .* AWS_ENDPOINT_URL"):
            open_store("s3://bills/p", profile="payer", setting=SETTING).folders("")


def test_profile_that_is_not_there_is_named(
    profiles: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles("[profile other]\nregion = eu-west-1\n")
    with pytest.raises(SettingError, match=r"profile 'payer' \(sources\.aws\.profile\)"):
        open_store("s3://bills/p", profile="payer", setting=SETTING)
    monkeypatch.setenv("AWS_PROFILE", "mine")
    with pytest.raises(SettingError, match=r"profile 'mine' \(AWS_PROFILE\)"):
        open_store("s3://bills/p", setting=SETTING)


def test_profile_that_asks_for_an_mfa_code_is_no_profile_for_a_refresh(
    profiles: Callable[[str], None], moto: str, tmp_path: Path
) -> None:
    profiles(
        "[profile payer]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nregion = us-east-1\n"
        "mfa_serial = arn:aws:iam::111111111111:mfa/me\n"
        "[profile base]\naws_access_key_id = k\naws_secret_access_key = s\n"
    )
    asks = (
        "from ingestion.access.stores import open_store\n"
        f"open_store('s3://bills/p', profile='payer', endpoint_url={moto!r}, setting={SETTING!r}).folders('')"
    )
    # A process without a terminal, as a scheduler starts one.
    done = subprocess.run(
        [sys.executable, "-c", asks],
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert "SettingError" in done.stderr.splitlines()[-1] and "wants an MFA code" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "[profile payer]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = nobody\n",
        "[profile payer]\ncredential_process = false\n",
        "[profile payer]\naws_access_key_id = half\n",
        "[profile payer\n",
    ],
    ids=["no source profile", "process fails", "half a pair of keys", "no configuration"],
)
def test_configuration_that_gives_no_credentials_names_profile_and_setting(
    profiles: Callable[[str], None], moto: str, text: str
) -> None:
    profiles(text)
    with pytest.raises(SettingError, match=r"sources\.aws\.profile"):
        open_store("s3://bills/p", profile="payer", endpoint_url=moto, setting=SETTING).folders("")


def test_no_credentials_at_all_are_refused_with_what_to_set(profiles: Callable[[str], None], moto: str) -> None:
    with pytest.raises(
        SettingError, match=r"no AWS credentials were found: set sources\.aws\.profile, or AWS_ACCESS"
    ):
        open_store("s3://bills/p", endpoint_url=moto, setting=SETTING).folders("")


@pytest.mark.parametrize(
    "url",
    [
        f"https://bills.s3.amazonaws.com/p?X-Amz-Signature={SECRETS[1]}",
        f"s3://{SECRETS[0]}:{SECRETS[1]}@bills/p",
        f"s3://bills/p?X-Amz-Security-Token={SECRETS[2]}",
        "s3:///p",
    ],
)
def test_url_that_is_none_of_ours_is_not_repeated_with_its_secrets(url: str) -> None:
    for setting in (SETTING, None):
        with pytest.raises(SettingError, match="write s3://bucket/prefix") as refused:
            open_store(url, setting=setting)
        assert not any(secret in str(refused.value) for secret in SECRETS)


def test_endpoint_that_is_no_url_and_bucket_that_is_no_name_are_settings(profiles: Callable[[str], None]) -> None:
    with pytest.raises(SettingError, match=r"sources\.aws\.endpoint_url: not a URL"):
        open_store("s3://bills/p", endpoint_url="minio:9000", setting=SETTING)
    profiles("[default]\naws_access_key_id = k\naws_secret_access_key = s\n")
    with pytest.raises(SettingError, match=r"no valid bucket or key: check sources\.aws\.export_url"):
        open_store("s3://not a bucket/p", setting=SETTING).folders("")
