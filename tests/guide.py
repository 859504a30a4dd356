"""The policies and profiles of docs/aws.md, with names filled in."""

from __future__ import annotations

import json
import re
from typing import Any

from ingestion.settings import PROJECT_ROOT

GUIDE = PROJECT_ROOT / "docs" / "aws.md"


def guide_text(title: str, language: str, **names: str) -> str:
    """The first block in a language under the heading `title`; each of `names` replaces its word in capitals."""
    section = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^##|\Z)", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"docs/aws.md has no heading {title!r}"
    block = re.search(rf"```{language}\n(.*?)```", section.group(1), re.DOTALL)
    assert block, f"docs/aws.md: no {language} under {title!r}"
    text = block.group(1)
    for name, value in names.items():
        text = re.sub(rf"\b{name.upper()}\b", value, text)
    return text


def guide_json(title: str, **names: str) -> Any:
    """The first block of JSON under the heading `title`, parsed."""
    return json.loads(guide_text(title, "json", **names))


def reader_policy(bucket: str, export: str) -> Any:
    """The least-privilege policy for reading an export that lies under `export` (prefix and name)."""
    prefix, _, name = export.rpartition("/")
    return guide_json("The reader's policy", bucket=bucket, prefix=prefix, export=name)
