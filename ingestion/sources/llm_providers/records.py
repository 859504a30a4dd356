"""What all providers' records need: exact amounts, UTC days, and people's addresses as hashes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake import people
from ingestion.lake.columns import json, timestamp
from ingestion.lake.records import exact

BUCKET = (
    timestamp("bucket_start", "start of the UTC day"),
    timestamp("bucket_end", "end of the UTC day, exclusive"),
)
EXTRA = json("extra", "fields that are not known by name")


def quantity(value: Any, where: str) -> Decimal | None:
    """An exact quantity; an absent one stays NULL."""
    return None if value is None else exact(value, where)


def cents(value: Any, where: str) -> Decimal:
    """Fractional cents, as text, in the currency's unit: `"123.45"` is 1.2345."""
    if value is None:
        raise BadInput(f"no {where}")
    return exact(value, where, -2)


def currency(value: Any, where: str) -> str:
    """A currency's code in capitals, `USD` where none is named."""
    if not isinstance(value or "", str):
        raise BadInput(f"{where}: not a currency")
    return (value or "USD").upper()


def bucket(day: datetime) -> dict[str, Any]:
    return {"bucket_start": day, "bucket_end": day + timedelta(days=1)}


def hashed(value: Any) -> str | None:
    """A person's address as a hash, the one that the gateway's requests carry; other texts stay."""
    return None if value is None else people.hashed(str(value))


def without_addresses(value: Any) -> Any:
    """The same structure with every address in it hashed, however deep."""
    if isinstance(value, dict):
        return {key: without_addresses(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_addresses(item) for item in value]
    return hashed(value) if isinstance(value, str) else value


Row = Callable[[dict[str, Any], datetime], dict[str, Any]]
