"""The files of the dbt project, and digests that show when files changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ingestion.settings import SHIPPED

DBT_PROJECT = SHIPPED / "dbt_project"
WATCHED = ("**/*.sql", "**/*.yml", "**/*.csv", "**/*.md")


def stamps(folder: Path, patterns: Sequence[str]) -> bytes:
    """Names, sizes and times of a folder's files."""
    found = []
    for pattern in patterns:
        for file in sorted(folder.glob(pattern)):
            name = file.relative_to(folder)
            if "target" not in name.parts:
                status = file.stat()
                found.append(f"{name}:{status.st_size}:{status.st_mtime_ns}\n")
    return "".join(found).encode()


def project_digest() -> str:
    """The dbt project's place and files."""
    return hashlib.sha256(str(DBT_PROJECT).encode() + stamps(DBT_PROJECT, WATCHED)).hexdigest()
