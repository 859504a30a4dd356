"""People in the lake: an address stands there as a hash, by one rule for all sources."""

from __future__ import annotations

import hashlib
import re

# An address in a longer text. A digest (`image@sha256:…`) or a version (`package@1.2.3`) is none.
ADDRESS = re.compile(r"[\w.+%-]+@(?:[\w-]+\.)+[A-Za-z]{2,}")


def hashed(shown: str) -> str:
    """An id as it is; a person's address as a hash: the same person stays the same, and nobody can be written to.

    The same as `person` in SQL (`ingestion/sources/llm_gateway/formats/base.py`).
    """
    return f"sha256:{hashlib.sha256(shown.lower().encode()).hexdigest()[:32]}" if "@" in shown else shown


def without_addresses(text: str | None) -> str | None:
    """A text, JSON too, with each address in it hashed by the same rule; the rest stays as it is."""
    return None if text is None else ADDRESS.sub(lambda found: hashed(found.group()), text)
