"""What credentials look like: patterns of the issuers' own formats, and of what people write around secrets.

A pattern has no left border on purpose: a key that is glued to a word is still a key. To take too much is harmless
here, to leave one is not.
"""

from __future__ import annotations

import re

# Issuers' formats as documented by them (prefix, alphabet, least length), 2026-11.
ISSUED = {
    "PRIVATE_KEY": r"-----BEGIN[A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----[\s\S]*?(?:-----END[A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\Z)",
    "JWT": r"eyJ[\w-]{5,512}(?:\.[\w-]*){1,4}",
    "LLM_KEY": r"sk-[\w-]{12,}",  # OpenAI, Anthropic, OpenRouter, DeepSeek, LiteLLM's virtual keys
    "LLM_KEY_OTHER": r"(?:gsk_|xai-|hf_|r8_|pplx-|fw_|nvapi-|vck_|ABSK|bedrock-api-key-)[\w+/=-]{16,}",
    "AWS_KEY_ID": r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}",
    "GITHUB_TOKEN": r"(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,})",
    "GITLAB_TOKEN": r"gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[\w.-]{12,}",
    "SLACK_TOKEN": r"(?:xox[a-z](?:\.xox[a-z])?-[\w.-]{8,}|xapp-[\w-]{8,})",
    "SLACK_WEBHOOK": r"hooks\.slack\.com/\w+/[\w/-]+",
    "GOOGLE_KEY": r"(?:AIza[\w-]{20,}|ya29\.[\w.-]{8,}|GOCSPX-[\w-]{12,}|1//0[\w-]{20,})",
    "STRIPE_KEY": r"(?:[spr]k|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}",
    "VENDOR_TOKEN": r"(?:npm_|pypi-|dop_v1_|SG\.|shpat_|dapi|lin_api_|ntn_|mdb_sa_sk_|vcp_|vercel_)[\w.-]{16,}",
    "AGE_KEY": r"AGE-SECRET-KEY-1[A-Z0-9]{16,}",
}
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\\"[^"\\]*(?:\\")?|[^\s,;&"'<>]+)"""
_NAME = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[ _-]?key|access[ _-]?key|account[ _-]?key|private[ _-]?key"
    r"|auth[ _-]?key|signing[ _-]?key|credentials?|sig|signature)"
)
WRITTEN = {
    # RFC 3986 `userinfo`; a password may hold an @ or a slash, so the last @ of the word ends it.
    "CONNECTION_STRING": r"(?i:[a-z][a-z0-9+.-]{0,30}://[^\s/?#@:]{0,256}:[^\s]{0,1024}@[^\s\"'<>]*)",
    "AUTHORIZATION": r"(?i:(?:bearer|basic|digest|negotiate|apikey)\s+[\w.~+/=:-]{6,})",
    "AUTHORIZATION_HEADER": (
        r"(?i:(?:authorization|x-[a-z-]{0,20}(?:key|token))[\"'\\]*\s*[:=][\"'\\\s]*\S+(?:[ ]+[^\s\"']{6,})?)"
    ),
    "COOKIE": r"(?i:cookie[\"'\\]*\s*[:=]\s*[^\r\n]+)",
    "SECRET": rf"(?i:{_NAME}[\w.-]{{0,64}}[\"'\\]*\s*(?:=>|:=|==|[:=]|\bis\b|\bwas\b)\s*{_VALUE})",
}
# Secrets without a telling name: long words of a key's alphabet. Forty characters is an AWS secret key; a shorter one
# needs a digit among its letters, as keys and hashes have.
UNNAMED = {
    "LONG_TOKEN": r"[A-Za-z0-9+/_=-]{40,}",
    "MIXED_TOKEN": r"(?=[A-Za-z0-9+/_=-]{0,60}[0-9])(?=[A-Za-z0-9+/_=-]{0,60}[A-Za-z])[A-Za-z0-9+/_=-]{28,}",
}
PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in {**ISSUED, **WRITTEN, **UNNAMED}.items())


def secret_spans(text: str) -> list[tuple[int, int, str]]:
    """Where credentials stand in a text: (start, end, kind)."""
    return [(found.start(), found.end(), kind) for kind, pattern in PATTERNS for found in pattern.finditer(text)]
