"""Whether the lake holds what its delivery notes promise, read from the files' footers alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.lake.contract import Source
from ingestion.lake.notes import delivered_rows, known_notes, load_of
from ingestion.settings import Home


def damaged_loads(home: Home, source: Source) -> Iterator[str]:
    """The loads of current deliveries whose files are unreadable, or hold other rows than their notes promise."""
    current = {note.load_id for note in known_notes(home, source.dataset).values() if note.row_count}
    promised = delivered_rows(home, source.dataset)
    found: dict[str, int] = defaultdict(int)
    unreadable: dict[str, list[str]] = defaultdict(list)
    for table in source.tables:
        for file in sorted((home.lake / source.dataset / table.name).glob("*.parquet")):
            load = load_of(file)
            if load in current:
                try:
                    found[load] += _rows(file)
                except (pa.ArrowInvalid, OSError) as error:
                    unreadable[load].append(f"{table.name}/{file.name} can't be read: {type(error).__name__}")
    for load in sorted(current):
        if unreadable[load]:
            yield f"{source.dataset}, load {load}: {'; '.join(unreadable[load])}"
        elif found[load] != promised.get(load, 0):
            yield (
                f"{source.dataset}, load {load}: its files hold {found[load]} rows, its delivery notes promise "
                f"{promised.get(load, 0)}"
            )


def _rows(file: Path) -> int:
    return int(pq.read_metadata(file).num_rows)
