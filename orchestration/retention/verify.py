"""Verification: every file of the lake read back, and held against the SHA-256 of its manifest.

A file that differs is set aside. The next refresh requests what it held again; until it is back, nothing is published.
"""

from __future__ import annotations

from ingestion.lake.integrity import set_aside, settle, verify
from ingestion.settings import Home
from ingestion.sources.catalog import DATASETS
from orchestration.layout import writing


def damages_found(home: Home) -> list[str]:
    """Bring every dataset into order before a build reads it; a line for each file that does not hold.

    Looks at sizes, beginnings and ends only.
    """
    return [line for dataset in DATASETS for line in settle(home, dataset).findings]


def set_damaged_aside(home: Home) -> list[str]:
    """Read all of the lake back and set aside what differs; gives a line for each such file."""
    found = []
    with writing(home, "a verification of the lake"):
        for dataset in DATASETS:
            found += settle(home, dataset).findings
            for damage in verify(home, dataset):
                set_aside(home, damage)
                found.append(f"{damage}; it is set aside, and the next refresh requests what it held again")
    return found
