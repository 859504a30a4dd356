"""An address in a setting may have a password or a signed query in it: no message and no page shows either."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from ingestion.access.session import without_query
from ingestion.errors import SettingError, described
from ingestion.lake.contract import Source
from ingestion.setting_report import setting_states
from ingestion.setting_table import SPARK_EXPORT, SPARK_LAKE, without_credentials
from ingestion.settings import Month, Window, environment_name, resolve
from ingestion.sources.catalog import SOURCES

WORD = "canary7f3a"
WINDOW, NOW = Window(Month(2026, 10), Month(2026, 10)), datetime(2026, 10, 3, 6, tzinfo=UTC)
ADDRESSES = [
    (source, declared.name, kind)
    for source in SOURCES
    for declared in fields(source.settings)
    if declared.name.endswith(("url", "uri")) or declared.name in ("exports", "actor_issuers")
    for kind in ("https", "s3", "file")
    # A server is asked over HTTP only.
    if kind == "https" or not declared.name.endswith(("base_url", "api_url", "endpoint_url", "uri"))
]
# Where nobody answers, in every way in which a credential may stand in an address.
WRITTEN = (
    "{kind}://user:WORD@127.0.0.1:1/place",
    "{kind}://WORD@127.0.0.1:1/place",
    "{kind}://user:pass/WORD@127.0.0.1:1/place",
    "{kind}://127.0.0.1:1/place?X-Amz-Signature=WORD",
    "{kind}://user:WORD@127.0.0.1:1/place?token=WORD#WORD",
)
# A setting that is needed beside an address, so that the address is used.
BESIDE: dict[str, dict[str, Any]] = {
    "base_url": {"token": "t", "team_id": "t", "client_id": "c", "client_secret": "s", "org_id": "o"},
    "openai_base_url": {"openai_admin_key": "k"},
    "anthropic_base_url": {"anthropic_admin_key": "k"},
    "openrouter_base_url": {"openrouter_management_key": "k"},
    "litellm_api_url": {"litellm_api_key": "k"},
    "costs_endpoint_url": {"costs_url": "s3://bucket/costs"},
    "endpoint_url": {
        "export_url": "s3://bucket/a",
        "exports": "a=s3://bucket/a",
        "litellm_url": "s3://bucket/a",
    },
    "actor_issuers": {"canonical_url": "{logs}"},
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers, and another attempt is made at once."""
    monkeypatch.setattr("ingestion.access.http.random.uniform", lambda *span: 0.0)
    monkeypatch.setattr("ingestion.access.session.LimitedSession.send", refused)
    monkeypatch.setattr("ingestion.access.s3_client.ATTEMPTS", 1)


def refused(session: requests.Session, request: requests.PreparedRequest, **_: Any) -> None:
    """requests quotes the address in its errors."""
    raise requests.ConnectionError(f"no connection to {request.url}")


def entry(name: str, address: str) -> str:
    if name == "mongo_uri":
        joined = "&" if "?" in address else "/?"
        return f"{address.replace('https:', 'mongodb:')}{joined}serverSelectionTimeoutMS=10&connectTimeoutMS=10"
    return {"exports": "bills={}", "actor_issuers": "https://issuer.example={}"}.get(name, "{}").format(address)


def messages(source: Source) -> Iterator[str]:
    """All that is reported of a source whose slices are listed and read."""
    try:
        settings = resolve(source.settings, source.name)
        for piece in list(source.slices(settings, WINDOW, {}, NOW))[:3]:
            try:
                list(piece.read())
            except Exception as error:
                yield f"{piece.id}: {error if isinstance(error, SettingError) else described(error)}; {error}"
    except Exception as error:
        yield f"{error}; {described(error)}"


@pytest.mark.parametrize(("source", "name", "kind"), ADDRESSES, ids=lambda value: getattr(value, "name", value))
def test_credential_in_an_address_is_in_no_message(
    source: Source,
    name: str,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "dt=2026-10-01").mkdir()
    (tmp_path / "dt=2026-10-01" / "requests.jsonl").write_text('{"request_id": "r", "started_at": 1790812800}\n')
    declared = {one.name for one in fields(source.settings)}
    for other, value in BESIDE.get(name, {}).items():
        if other in declared:
            monkeypatch.setenv(environment_name(f"sources.{source.name}.{other}"), value.format(logs=tmp_path))
    for written in WRITTEN:
        address = written.format(kind=kind).replace("WORD", WORD)
        monkeypatch.setenv(environment_name(f"sources.{source.name}.{name}"), entry(name, address))
        found = [*messages(source), caplog.text, json.dumps([state.__dict__ for state in setting_states()])]
        assert len(found) > 2, f"nothing was reported of {address}"
        assert [text for text in found if WORD in text] == [], address


def test_two_exports_of_one_name_are_named_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = next(source for source in SOURCES if source.name == "aws")
    for one, other in (("s3://b/a", f"s3://user:{WORD}@b/a"), (f"s3://b/a?{WORD}", f"s3://c/a?{WORD}")):
        monkeypatch.setenv("SOURCES__AWS__EXPORT_URL", f"{one},{other}")
        (message, *_) = messages(aws)
        assert "two exports are called a" in message and WORD not in message


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("kind", ["https", "mongodb+srv"])
def test_address_that_is_shown_keeps_its_place_and_loses_its_credentials(written: str, kind: str) -> None:
    address = written.format(kind=kind).replace("WORD", WORD)
    shown = without_credentials(f"name={address}")
    assert WORD not in shown and shown.startswith(f"name={kind}://127.0.0.1:1/place")
    assert WORD not in without_query(address)


def test_address_without_credentials_is_shown_as_it_is() -> None:
    for address in ("https://host:8080/a/b", "s3://bucket/a/b", "a=/folder/b@c, b=s3://bucket/x"):
        assert without_credentials(address) == address


@pytest.mark.parametrize("setting", [SPARK_LAKE, SPARK_EXPORT], ids=lambda setting: str(setting.name))
@pytest.mark.parametrize("address", [f"s3a://key:{WORD}@bucket/lake", f"s3a://bucket/lake?{WORD}"])
def test_address_on_a_cluster_has_no_key_in_it(setting: Any, address: str) -> None:
    """It stands in the compiled SQL, below the installation."""
    with pytest.raises(
        SettingError, match=re.escape("write an address without a user, a password or a query")
    ) as refusal:
        setting.parse(address)
    assert WORD not in str(refusal.value)
    assert setting.parse("s3a://bucket/lake@2") == "s3a://bucket/lake@2"
