"""Records of gateways as files, read by a format."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from ingestion.sources.llm_gateway.columnar import read
from ingestion.sources.llm_gateway.formats import Format
from ingestion.sources.llm_gateway.relations import Local


def read_records(kind: Format, records: list[Any], **accounts: str) -> list[dict[str, Any]]:
    """The rows that a format makes of records in one file; a text is a line as it stands."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.jsonl"
        lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
        path.write_text("\n".join(lines) + "\n")
        return list(read(kind, [Local(path, "records.jsonl")], accounts).rows.to_pylist())


def one(kind: Format, record: Any) -> dict[str, Any]:
    """The row of one record."""
    (row,) = read_records(kind, [record])
    return row
