"""The signed identity of a request: the only place that sees its raw token, and the last one.

A token is a JWS in compact form (RFC 7515) whose claims (RFC 7519) name who makes the request. It is accepted only if one
of the issuers that the settings name has signed it, with a key of its key set (RFC 7517), for our audience, and if it
held when the request was made: the time of landing does not matter. What is refused is no evidence, and is counted.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ingestion.access.http import Client
from ingestion.access.session import without_query
from ingestion.errors import SettingError, VendorError
from ingestion.lake.people import hashed
from ingestion.setting_table import without_credentials

# The column in which a format hands a record's token over. It is no column of `llm_requests`.
RAW_TOKEN = "raw_actor_token"  # noqa: S105 - the name of a column
SETTING = "sources.llm_gateway.actor_issuers"
# Signatures that only the issuer's private key makes: no `none`, and no HMAC, which a public key could be taken for.
ALGORITHMS = {"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP", "Ed25519": "OKP"}
# An issuer is a URL itself, and the place of its keys may have a query.
PAIR = re.compile(r"(.+?)=((?:https?://|file://|[/.~]).+)")
# Clocks of gateways and issuers differ.
LEEWAY = timedelta(seconds=60)
LONGEST_TOKEN = 16_384
DEEPEST_CHAIN = 8
FOREVER = 2**52  # seconds

# EdDSA has the newer name Ed25519 (RFC 9864); issuers use both.
warnings.filterwarnings("ignore", message="EdDSA is deprecated")


@dataclass(frozen=True)
class Actor:
    """What a token proves. `status` is verified, or why it is refused; then nothing else is known.

    `not_before` and `expires` are seconds since 1970: whether the token held is a matter of the request's time.
    """

    status: str
    actor_type: str | None = None
    actor_id: str | None = None
    actor_issuer: str | None = None
    actor_team: str | None = None
    actor_chain: str | None = None
    actor_token_id: str | None = None
    not_before: int = 0
    expires: int = FOREVER


ACTOR_COLUMNS = tuple(field.name for field in fields(Actor) if field.name.startswith("actor_"))


def _person(value: Any) -> str | None:
    """An id, a person's address hashed; None where it is none."""
    return hashed(value) if isinstance(value, str) and value else None


def _chain(claims: Mapping[str, Any]) -> str | None:
    """Who acts for the subject (RFC 8693, section 4.1): the current actor first, then those before it."""
    found: list[str] = []
    act = claims.get("act")
    while isinstance(act, Mapping) and len(found) < DEEPEST_CHAIN:
        who = _person(act.get("sub"))
        if who is None:
            break
        found.append(who)
        act = act.get("act")
    return json.dumps(found) if found else None


def _seconds(value: Any) -> int | None:
    """A NumericDate; None where it is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FOREVER
    return int(value) if is_number else None


class _Refused(Exception):
    """A token is no evidence; the message is its status."""


@dataclass(frozen=True)
class Identities:
    """Whose signatures are accepted: issuers with their key sets, and the audience that tokens must be for."""

    issuers: Mapping[str, KeySet]
    audience: str | None = None

    def __str__(self) -> str:
        """Whose keys are accepted, and for whom: with another key, what was refused without it is read again."""
        keys = (f"{issuer}#{key.kid}" for issuer, found in self.issuers.items() for key in found.keys)
        return f"{','.join(sorted(keys))}:{self.audience or ''}"

    def verify(self, token: str) -> Actor:
        """What a token proves, whenever it is used. Never raises: whatever is wrong with it has a name."""
        try:
            header, claims = _parts(token)
            key = self._key(header, claims)
            try:
                jws.deserialize_compact(token, key, algorithms=[header["alg"]])
            except (JoseError, ValueError, TypeError):
                raise _Refused("bad_signature") from None
            return self._signed(claims)
        except _Refused as refused:
            return Actor(str(refused))

    def _key(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> Any:
        """The key that must have signed it."""
        if header["alg"] not in ALGORITHMS or "crit" in header or "b64" in header:
            raise _Refused("alg_refused")
        keys = self.issuers.get(claims["iss"]) if isinstance(claims.get("iss"), str) else None
        if keys is None:
            raise _Refused("unknown_issuer")
        key = _key(keys, header.get("kid"), ALGORITHMS[header["alg"]])
        if key is None:
            raise _Refused("unknown_key")
        return key

    def _signed(self, claims: Mapping[str, Any]) -> Actor:
        """The content of claims that are the issuer's."""
        audience = claims.get("aud")
        if self.audience and self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _Refused("bad_audience")
        expires, subject = _seconds(claims.get("exp")), _person(claims.get("sub"))
        not_before = _seconds(claims.get("nbf", 0))
        if expires is None or not_before is None or subject is None:
            raise _Refused("malformed")
        kind, team, token_id = claims.get("actor_type"), claims.get("team"), claims.get("jti")
        named = f"{claims['iss']}|{token_id}"
        return Actor(
            "verified",
            actor_type=kind if kind in ("human", "service", "agent") else None,
            actor_id=subject,
            actor_issuer=str(claims["iss"]),
            actor_team=team if isinstance(team, str) and team else None,
            actor_chain=_chain(claims),
            actor_token_id=hashlib.sha256(named.encode()).hexdigest()[:32] if isinstance(token_id, str) else None,
            not_before=not_before,
            expires=expires,
        )


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, not verified."""
    if len(token) > LONGEST_TOKEN:
        raise _Refused("malformed")
    try:
        token_parts = jws.extract_compact(token.encode())
        claims = json.loads(token_parts.payload)
        # A lone surrogate is JSON and no text.
        json.dumps(claims, ensure_ascii=False).encode()
    except (JoseError, ValueError, UnicodeError, RecursionError):
        raise _Refused("malformed") from None
    header = token_parts.headers()
    if not isinstance(claims, dict) or not isinstance(header.get("alg"), str):
        raise _Refused("malformed")
    return dict(header), claims


def _key(keys: KeySet, name: Any, kind: str) -> Any:
    """The issuer's key of a name and kind; without a name only where the set has a single one."""
    known = [key for key in keys.keys if key.key_type == kind and key.get("use") in (None, "sig")]
    if name is None:
        return known[0] if len(keys.keys) == 1 and known else None
    return next((key for key in known if key.kid == name), None)


def identities(pairs: Iterable[str], audience: str | None) -> Identities | None:
    """From `issuer=file-or-https-URL of its JWKS`; None where no issuer is named.

    Raises SettingError where a key set can't be had: without it a forgery could not be recognized.
    """
    issuers = {}
    for pair in pairs:
        matched = PAIR.fullmatch(pair.strip())
        if matched is None:
            raise SettingError(
                f"{SETTING}: write issuer=place of its JWKS (https://… or a path from /), by commas"
            )
        issuers[matched.group(1)] = _key_set(matched.group(1), matched.group(2))
    return Identities(issuers, audience) if issuers else None


def _key_set(issuer: str, place: str) -> KeySet:
    # Either may have a user's password or a signed query.
    issuer, shown = without_credentials(issuer), without_query(place) if "://" in place else place
    where = f"{SETTING}: the key set of {issuer} at {shown}"
    try:
        if place.startswith("https://"):
            document: Any = Client(f"JWKS of {issuer}", place, credentials=SETTING).json("")
        elif "://" in place and not place.startswith("file://"):
            raise SettingError(f"{where}: a file or an https:// address; over http anyone could hand out keys")
        else:
            document = json.loads(Path(place.removeprefix("file://")).read_text())
        keys = KeySet.import_key_set(document)
    except (OSError, ValueError, KeyError, RecursionError, TypeError, JoseError, VendorError) as error:
        raise SettingError(f"{where} can't be read ({type(error).__name__})") from None
    if any(key.is_private for key in keys.keys if key.key_type != "oct") or any(
        key.key_type == "oct" for key in keys.keys
    ):
        raise SettingError(f"{where} holds a secret key; publish the public ones only, and make new keys")
    return keys


def settle_actors(rows: pa.Table, known: Identities | None = None) -> pa.Table:
    """The rows with what their tokens prove in the actor_ columns, and without the tokens.

    Each token is verified once, however many requests carry it. Until an issuer is set none is verified: it proves nothing.
    """
    tokens = rows[RAW_TOKEN]
    rows = rows.drop_columns([RAW_TOKEN])
    if known is None or tokens.null_count == len(tokens):
        return rows
    encoded = pc.dictionary_encode(tokens).combine_chunks()
    actors = [known.verify(token) for token in encoded.dictionary.to_pylist()]
    proved = pa.table({field.name: [getattr(actor, field.name) for actor in actors] for field in fields(Actor)})
    each = proved.take(encoded.indices)
    asked = pc.divide(
        pc.cast(rows["started_at"].combine_chunks().cast(pa.timestamp("us", "UTC")), pa.int64()), 1_000_000
    )
    leeway = int(LEEWAY.total_seconds())
    held = pc.equal(each["status"], "verified")
    is_early = pc.and_(held, pc.less(asked, pc.subtract(each["not_before"], leeway)))
    is_late = pc.and_(held, pc.greater(asked, pc.add(each["expires"], leeway)))
    status = pc.if_else(is_early, "not_yet_valid", pc.if_else(is_late, "expired", each["status"]))
    holds = pc.equal(status, "verified")
    for name in ACTOR_COLUMNS:
        value = pc.if_else(holds, pc.cast(each[name], pa.string()), pa.scalar(None, pa.string()))
        rows = rows.set_column(rows.column_names.index(name), name, value)
    return rows.set_column(rows.column_names.index("actor_status"), "actor_status", status)
