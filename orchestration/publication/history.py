"""What a publication adds to the lake's history: the cost revisions that the lake does not have yet.

They are written before the marts are published. So a revision that somebody has read is in the lake, and one of a build that
failed its checks is not.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
import pyarrow as pa

from ingestion.lake.history import COST_REVISIONS, HISTORY, record
from ingestion.lake.notes import complete_loads, load_of
from ingestion.settings import Home
from orchestration.publication.warehouse import built_marts, opened

MART = "fact_cost_revision"
KEY = ("source", "billing_month", "revision_number")
COLUMNS = [column.name for column in COST_REVISIONS.columns]


def record_revisions(home: Home, build_id: str, now: datetime) -> int:
    """Write the revisions of a build that the lake does not have yet into it; gives the number of their rows."""
    (mart,) = [found for found in built_marts(home) if found.name == MART]
    with opened(home, [mart]) as connection:
        return record_from(home, connection, mart.relation, build_id, now)


def record_from(
    home: Home, connection: duckdb.DuckDBPyConnection, relation: str, build_id: str, now: datetime
) -> int:
    """The same from any relation of these columns, its times in UTC without a zone."""
    columns = ", ".join(f"{name} at time zone 'UTC' as {name}" if name == "known_at" else name for name in COLUMNS)
    keys = " and ".join(f"recorded.{name} = revisions.{name}" for name in KEY)
    rows: pa.Table = connection.execute(
        f"select {columns} from {relation} as revisions where not exists "
        f"(select 1 from {_recorded(home)} as recorded where {keys}) order by {', '.join(KEY)}, cost_revision_key"
    ).to_arrow_table()
    if rows.num_rows:
        record(home, build_id, rows, now)
    return int(rows.num_rows)


def _recorded(home: Home) -> str:
    """SQL of the keys of the revisions that the lake has."""
    dataset = home.lake / HISTORY.dataset
    complete = complete_loads(dataset)
    files = [
        file for file in sorted((dataset / COST_REVISIONS.name).glob("*.parquet")) if load_of(file) in complete
    ]
    if not files:
        return "(select null as source, null as billing_month, null as revision_number where false)"
    listed = ", ".join(f"'{file}'" for file in files)
    return f"read_parquet([{listed}], union_by_name = true)"
