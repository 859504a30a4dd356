"""The sample company's issuer of identities: one service signs its requests, and a few signatures are not what they seem.

Keys are made from fixed words, and Ed25519 signs the same text the same way: a world is the same whenever it is written.
Never use keys like these for anything else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sample_company.llm.requests import SHARED_KEY, SIGNING_SERVICE, LlmRequest, spike_days
from sample_company.world import World

ISSUER, AUDIENCE, KEY_NAME = "https://identity.sample.example", "llm-gateway", "2026-1"
# Of a hundred of its requests so many carry a token that is over, forged, without a signature, or none at all.
EXPIRED, FORGED, UNSIGNED, WITHOUT = 3, 2, 1, 4
# Of a hundred of the shared key's requests on the day of the theft so many carry the service's token.
STOLEN = 60


def _private(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"sample-issuer:{name}".encode()).digest())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _token(claims: dict[str, Any], key: Ed25519PrivateKey | None) -> str:
    header = {"alg": "EdDSA", "kid": KEY_NAME} if key else {"alg": "none"}
    signed = f"{_text(json.dumps(header).encode())}.{_text(json.dumps(claims).encode())}"
    return f"{signed}.{_text(key.sign(signed.encode())) if key else ''}"


def _claims(request: LlmRequest) -> dict[str, Any]:
    """A token of the service, good for the day."""
    day = datetime.combine(request.started_at.date(), time(), UTC)
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": SIGNING_SERVICE,
        "actor_type": "service",
        "jti": f"{SIGNING_SERVICE}-{day:%Y-%m-%d}",
        "nbf": int(day.timestamp()),
        "exp": int((day + timedelta(days=1)).timestamp()),
    }


def _place(request: LlmRequest) -> int:
    """A number from 0 to 99 that is the request's own."""
    return int(hashlib.sha256(request.id.encode()).hexdigest()[:8], 16) % 100


def standing(world: World, request: LlmRequest) -> str:
    """What is true of a request's signature: signed, expired, forged, unsigned, stolen, or none."""
    place = _place(request)
    if request.key_alias == SHARED_KEY:
        return "stolen" if request.started_at.date() == spike_days(world)[0] and place < STOLEN else "none"
    if request.workflow.service != SIGNING_SERVICE:
        return "none"
    for name, share in (("expired", EXPIRED), ("forged", FORGED), ("unsigned", UNSIGNED), ("none", WITHOUT)):
        if place < share:
            return name
        place -= share
    return "signed"


def token(world: World, request: LlmRequest) -> str | None:
    """The token that a request carries."""
    found = standing(world, request)
    if found == "none":
        return None
    claims = _claims(request)
    if found == "expired":
        claims |= {"exp": claims["nbf"] - 3600, "nbf": claims["nbf"] - 86_400, "jti": f"{claims['jti']}-old"}
    key = {"forged": _private("somebody else"), "unsigned": None}.get(found, _private(KEY_NAME))
    return _token(claims, key)


def write_key_set(folder: Path) -> None:
    """The issuer's public keys (JWKS)."""
    folder.mkdir(parents=True, exist_ok=True)
    public = _private(KEY_NAME).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = {"kty": "OKP", "crv": "Ed25519", "kid": KEY_NAME, "use": "sig", "x": _text(public)}
    (folder / "jwks.json").write_text(json.dumps({"keys": [key]}))


def settings(folder: Path) -> dict[str, str]:
    """The environment under which ingestion finds the key set."""
    return {
        "SOURCES__LLM_GATEWAY__ACTOR_ISSUERS": f"{ISSUER}={folder / 'jwks.json'}",
        "SOURCES__LLM_GATEWAY__ACTOR_AUDIENCE": AUDIENCE,
    }
