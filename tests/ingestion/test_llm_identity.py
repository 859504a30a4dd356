"""Signed identities: what an issuer's key has signed for this audience and time is accepted, and nothing else."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from ingestion.errors import SettingError
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_gateway import SOURCE
from ingestion.sources.llm_gateway.identity import RAW_TOKEN, Identities, identities, settle_actors
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS
from ingestion.sources.llm_gateway.source import GatewaySettings

ISSUER, AUDIENCE = "https://issuer.example", "llm-gateway"
AT = datetime(2026, 11, 19, 9, tzinfo=UTC)
EC = ECKey.generate_key("P-256", parameters={"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", parameters={"kid": "ed"})
RSA = RSAKey.generate_key(2048, parameters={"kid": "rsa"})
STRANGER = ECKey.generate_key("P-256", parameters={"kid": "ec"})
PUBLIC = {"keys": [key.as_dict(private=False) for key in (EC, ED, RSA)]}
KNOWN = Identities({ISSUER: KeySet.import_key_set(PUBLIC)}, AUDIENCE)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "Ada@Example.com",
    "jti": "one",
    "team": "search",
    "actor_type": "agent",
    "act": {"sub": "agent-2", "act": {"sub": "agent-1"}},
    "nbf": int(AT.timestamp()) - 600,
    "exp": int(AT.timestamp()) + 600,
}


def _decoded(part: str) -> str:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def signed(key: Any = EC, alg: str = "ES256", header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    claims_of_token = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    parts = {"alg": alg, "kid": key.kid, **(header or {})}
    parts = {name: value for name, value in parts.items() if value is not None}
    return jws.serialize_compact(parts, json.dumps(claims_of_token), key, algorithms=[alg])


def settled(*tokens: str | None, at: datetime = AT, known: Identities | None = KNOWN) -> list[dict[str, Any]]:
    columns: dict[str, Any] = {column.name: pa.nulls(len(tokens), column.type) for column in LLM_REQUESTS.columns}
    columns["started_at"] = pa.array([at] * len(tokens), pa.timestamp("us", "UTC"))
    rows = pa.table({**columns, RAW_TOKEN: pa.array(tokens, pa.string())})
    found = settle_actors(rows, known)
    assert found.schema.names == [column.name for column in LLM_REQUESTS.columns]
    return list(found.to_pylist())


def status(token: str, at: datetime = AT, known: Identities = KNOWN) -> str:
    (row,) = settled(token, at=at, known=known)
    if row["actor_status"] != "verified":
        assert not [name for name in row if name.startswith("actor_") and name != "actor_status" and row[name]]
    return str(row["actor_status"])


@pytest.mark.parametrize(("key", "alg"), [(EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519"), (RSA, "RS256")])
def test_what_the_issuer_signed_is_accepted(key: Any, alg: str) -> None:
    row, without = settled(signed(key, alg), None)
    assert without["actor_status"] is None
    assert row["actor_status"] == "verified" and row["actor_issuer"] == ISSUER
    assert row["actor_id"].startswith("sha256:") and "Ada" not in json.dumps(row, default=str)
    assert (row["actor_team"], row["actor_type"]) == ("search", "agent")
    assert json.loads(row["actor_chain"]) == ["agent-2", "agent-1"]
    assert row["actor_token_id"] not in (None, "one")


def hmac_of_the_public_key() -> str:
    """The old trick: the public key, which everybody has, taken for a secret."""
    message = f"{_encoded(json.dumps({'alg': 'HS256', 'kid': 'ec'}))}.{_encoded(json.dumps(CLAIMS))}"
    mark = hmac.new(EC.as_pem(private=False), message.encode(), "sha256").digest()
    return f"{message}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (signed(STRANGER), "bad_signature"),
        (jws.serialize_compact({"alg": "none"}, json.dumps(CLAIMS), None, algorithms=["none"]), "alg_refused"),
        (hmac_of_the_public_key(), "alg_refused"),
        (signed(RSA, "PS256"), "alg_refused"),
        (signed(header={"kid": "another"}), "unknown_key"),
        (signed(header={"kid": None}), "unknown_key"),
        (signed(header={"kid": "rsa"}), "unknown_key"),
        (signed(iss="https://other.example"), "unknown_issuer"),
        (signed(iss=None), "unknown_issuer"),
        (signed(iss=["a"]), "unknown_issuer"),
        (signed(aud="somebody-else"), "bad_audience"),
        (signed(aud=None), "bad_audience"),
        (signed(exp=None), "malformed"),
        (signed(exp="tomorrow"), "malformed"),
        (signed(exp=True), "malformed"),
        (signed(nbf="x"), "malformed"),
        (signed(sub=None), "malformed"),
        (signed(sub=7), "malformed"),
        (signed(sub="\ud800@x"), "malformed"),
        (signed(jti="\ud800"), "malformed"),
        (signed(team="\ud800"), "malformed"),
        (signed(act={"sub": "\ud800"}), "malformed"),
        ("", "malformed"),
        ("not a token", "malformed"),
        ("a.b.c", "malformed"),
        ("e30.e30.e30", "malformed"),
        (signed()[:-1] + ".", "malformed"),
        ("x" * 20_000, "malformed"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_wrong_is_refused_by_name_and_proves_nothing(token: str, expected: str) -> None:
    assert status(token) == expected


def test_header_that_asks_for_more_than_we_know_is_refused() -> None:
    head, body, signature = signed().split(".")
    claims_of_token = json.loads(_decoded(head)) | {"crit": ["exp"], "exp": 1}
    assert status(f"{_encoded(json.dumps(claims_of_token))}.{body}.{signature}") == "alg_refused"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-700, "not_yet_valid"), (-650, "verified"), (0, "verified"), (650, "verified"), (700, "expired")],
)
def test_the_request_s_time_decides_and_not_today_s(seconds: int, expected: str) -> None:
    assert status(signed(), at=AT + timedelta(seconds=seconds)) == expected


def test_one_audience_of_several_is_enough_and_none_is_asked_for_where_none_is_set() -> None:
    assert status(signed(aud=["a", AUDIENCE])) == "verified"
    assert status(signed(aud=None), known=Identities(KNOWN.issuers)) == "verified"


def test_key_without_a_name_is_taken_only_where_there_is_one() -> None:
    one = Identities({ISSUER: KeySet.import_key_set({"keys": [EC.as_dict(private=False)]})}, AUDIENCE)
    assert status(signed(header={"kid": None}), known=one) == "verified"


# Made once: a signature on a curve is another one each time.
GOOD = [signed(EC, "ES256"), signed(ED, "EdDSA"), signed(RSA, "RS256")]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_token_that_differs_anywhere_is_accepted(data: st.DataObject) -> None:
    token = data.draw(st.sampled_from(GOOD))
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_characters=token[place]))
    mutated = token[:place] + other + token[place + 1 :]
    # The last character of a part may hold bits that no byte takes: another spelling of the same bytes.
    same = [_bytes(part) for part in mutated.split(".")] == [_bytes(part) for part in token.split(".")]
    assert same or status(mutated) != "verified"


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return part.encode()


@pytest.mark.parametrize(
    ("pair", "content", "message"),
    [
        ("no-place", None, "issuer=place"),
        (f"{ISSUER}=http://keys.example/jwks", None, "https://"),
        (f"{ISSUER}=FILE", None, "can't be read"),
        (f"{ISSUER}=FILE", "{", "can't be read"),
        (f"{ISSUER}=FILE", '{"keys": [{"kty": "EC"}]}', "can't be read"),
        (f"{ISSUER}=FILE", json.dumps({"keys": [EC.as_dict(private=True)]}), "secret key"),
        (f"{ISSUER}=FILE", json.dumps({"keys": [OctKey.generate_key(256).as_dict()]}), "secret key"),
    ],
    # By name: a generated key would give the test another name in each worker.
    ids=["no-place", "http", "no-file", "no-json", "no-curve", "private-key", "symmetric-key"],
)
def test_key_set_that_can_t_be_had_is_a_setting(
    tmp_path: Path, pair: str, content: str | None, message: str
) -> None:
    file = tmp_path / "jwks.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingError, match=message) as caught:
        identities([pair.replace("FILE", str(file))], None)
    assert "sources.llm_gateway.actor_issuers" in str(caught.value)
    assert str(EC.as_dict(private=True)["d"]) not in str(caught.value)


def test_place_of_keys_may_have_a_query_and_another_key_makes_another_version(tmp_path: Path) -> None:
    file = tmp_path / "jwks=1.json"
    file.write_text(json.dumps({"keys": PUBLIC["keys"][:1]}))
    before = identities([f"{ISSUER}={file}"], AUDIENCE)
    file.write_text(json.dumps(PUBLIC))
    after = identities([f"{ISSUER}={file}"], AUDIENCE)
    assert before and after and list(after.issuers) == [ISSUER] and str(before) != str(after)


def test_tokens_are_verified_on_their_way_into_the_lake_and_do_not_get_there(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps(PUBLIC))
    tokens = {
        "good": signed(),
        "late": signed(exp=int(AT.timestamp()) - 3600),
        "forged": signed(STRANGER),
        "unsigned": None,
    }
    folder = tmp_path / "logs" / f"{AT:%Y-%m-%d}" / f"{AT:%H}"
    folder.mkdir(parents=True)
    with (folder / "batch_09-59-59_x.jsonl").open("w") as file:
        for name, token in tokens.items():
            record = {
                "id": name,
                "startTime": AT.timestamp() + 1,
                "endTime": AT.timestamp() + 2,
                "status": "success",
                "metadata": {"spend_logs_metadata": {"workflow": "w", "actor_token": token}},
            }
            file.write(json.dumps(record) + "\n")
    home = Home(tmp_path / "home")
    window, now = Window(Month(2026, 11), Month(2026, 11)), AT + timedelta(hours=2)
    unaware = GatewaySettings(litellm_url=str(tmp_path / "logs"))
    aware = GatewaySettings(
        litellm_url=str(tmp_path / "logs"),
        actor_issuers=(f"{ISSUER}={tmp_path / 'jwks.json'}",),
        actor_audience=AUDIENCE,
    )
    assert land(home, SOURCE, unaware, window, now).states == {"delivered": 1}
    # Who is named later is looked for once more.
    for states in ({"delivered": 1}, {"unchanged": 1}):
        assert land(home, SOURCE, aware, window, now).states == states
    newest = sorted((home.lake / "raw_llm_gateway" / "llm_requests").glob("*.parquet"))[-1]
    found = {
        row["request_id"]: row["actor_status"] for row in pq.read_table(newest, partitioning=None).to_pylist()
    }
    assert found == {"good": "verified", "late": "expired", "forged": "bad_signature", "unsigned": None}
    for file in tmp_path.joinpath("home").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            if file.suffix == ".parquet":
                content += repr(pq.read_table(file, partitioning=None).to_pylist()).encode()
            assert not [name for name, token in tokens.items() if token and token.encode() in content], file
