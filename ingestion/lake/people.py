"""People in the lake: an address stands there as a hash, by one rule for all sources."""

from __future__ import annotations

import hashlib


def hashed(shown: str) -> str:
    """An id as it is; a person's address as a hash: the same person stays the same, and nobody can be written to.

    The same as `person` in SQL (`ingestion/sources/llm_gateway/formats/base.py`).
    """
    return f"sha256:{hashlib.sha256(shown.lower().encode()).hexdigest()[:32]}" if "@" in shown else shown
