"""The labels: the true owner of every charge and the cause of every spike.

Written beside the world for tests to score against. Nothing in ingestion or dbt may read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sample_company.world import Label, Spike

SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("vendor_charge_id", pa.string()),
        ("owner_id", pa.string()),
        ("amount", pa.decimal128(38, 12)),
        ("enough_evidence", pa.bool_()),
    ]
)


def write_labels(labels: Iterable[Label], spikes: Iterable[Spike], folder: Path) -> None:
    """`owners.parquet`, one row a charge and true owner, and `spikes.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(labels)
    table = pa.table(
        {name: [getattr(row, name) for row in rows] for name in SCHEMA.names},
        schema=SCHEMA,
    )
    pq.write_table(table, folder / "owners.parquet")

    def plain(value: object) -> object:
        return value.isoformat() if isinstance(value, date) else value

    text = json.dumps([{key: plain(value) for key, value in vars(spike).items()} for spike in spikes], indent=2)
    (folder / "spikes.json").write_text(text + "\n")
