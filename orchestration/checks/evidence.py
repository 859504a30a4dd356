"""What a failed check shows: the rows that fail, the SQL that gives all of them, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import dagster as dg

# Of the failing rows, so many are shown; the SQL gives the rest.
MOST_ROWS = 20
# A line for each subject that a check warns of (a source, a rule): somebody is alerted of each once.
WARNED = "warned of"
ROWS, SQL, WAY_OUT = "failing rows", "SQL of all failing rows", "what to do"
# Columns whose text is the ledger's own: of other texts nobody knows what a vendor wrote in them.
PLACES = frozenset(
    {
        *("source", "dataset", "stage", "slice_id", "load_id", "billing_month", "billing_currency", "currency"),
        *(
            "message",
            "finding",
            "example_charge_key",
            "charge_key",
            "owner_key",
            "owner_id",
            "rule_id",
            "table_name",
            "measure",
            "llm_request_key",
        ),
    }
)

Row = Mapping[str, object]


def places(row: Row) -> dict[str, str]:
    """The columns of a row that say where to look, and its numbers: no vendor's text. Decimals keep their digits."""
    return {
        name: format(value, "f") if isinstance(value, Decimal) else str(value)
        for name, value in row.items()
        if value is not None and (name in PLACES or not isinstance(value, str))
    }


def warned(lines: Mapping[str, str]) -> dict[str, dg.MetadataValue]:
    """Metadata of a check that warns: a line by subject."""
    return {WARNED: dg.JsonMetadataValue(dict(lines))} if lines else {}


def evidence(rows: Iterable[Row], sql: str, way_out: str) -> dict[str, dg.MetadataValue]:
    """Metadata of a check that failed: the first rows by their places, `sql` for the rest, and the way out."""
    shown = [found for row in list(rows)[:MOST_ROWS] if (found := places(row))]
    columns = list(dict.fromkeys(name for row in shown for name in row))
    metadata: dict[str, dg.MetadataValue] = {
        SQL: dg.MetadataValue.md(f"```sql\n{sql.strip()}\n```"),
        WAY_OUT: dg.MetadataValue.text(way_out),
    }
    if shown:
        metadata[ROWS] = dg.TableMetadataValue(
            records=[dg.TableRecord({name: row.get(name, "") for name in columns}) for row in shown],
            schema=dg.TableSchema([dg.TableColumn(name) for name in columns]),
        )
    return metadata
