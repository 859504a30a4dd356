"""What any other provider bills, from files that follow this project's contract: CSV with a header, or JSON lines.

A file is `YYYY-MM….csv` or `.jsonl`, of that month's charges; its fields are those of `PROVIDER_COSTS`. See the README.
"""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from ingestion.access.http import exact_json
from ingestion.access.objects import Object, ObjectStore
from ingestion.errors import BadInput
from ingestion.lake.columns import Measure, Table, money, number, rest, text
from ingestion.lake.contract import Rows, Slice
from ingestion.lake.records import exact, typed
from ingestion.provider_names import provider_of
from ingestion.settings import Month, Window
from ingestion.sources.llm_providers.records import BUCKET, EXTRA, bucket, quantity

PROVIDER_COSTS = Table(
    "llm_provider_costs",
    "One row a charge of a UTC day that another provider makes, from files that follow the contract.",
    (
        *BUCKET,
        text("provider", "who bills it"),
        text("provider_id", "the same by the one name that requests have for a provider"),
        text("account", "project, workspace or account"),
        text("model", "model"),
        text("token_class", "input, cached_input, cache_write_5m, cache_write_1h or output; NULL: not of tokens"),
        text("service_tier", "standard, batch, flex, priority …"),
        number("quantity", "what was used, in its unit"),
        text("unit", "Tokens, Requests, Images …"),
        money("amount", "cost in currency"),
        text("currency", "ISO 4217, upper case"),
        text("description", "what was charged"),
        text("key", "id of the key that was used, never the key"),
        text("file", "the file that holds the charge"),
        EXTRA,
    ),
    measures=(Measure("billed_cost", "amount", "currency"),),
    charge_end="bucket_end",
)

_TEXTS = ("provider", "account", "model", "token_class", "service_tier", "unit", "description", "key")
_REQUIRED = ("day", "provider", "amount", "currency")
_TOKEN_CLASSES = ("cache_write_1h", "cache_write_5m", "cached_input", "input", "output")
_log = logging.getLogger(__name__)
SUFFIXES = (".csv", ".jsonl", ".ndjson")
_NAME = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))(?:\D|$)")


def month_of(name: str) -> Month:
    """The month that a file's name begins with. Raises BadInput where it does not."""
    found = _NAME.match(name.rsplit("/", 1)[-1])
    if not found:
        raise BadInput(f"{name}: the name does not begin with a month; call it YYYY-MM….csv or YYYY-MM….jsonl")
    return Month.parse(found.group(1))


def _records(name: str, content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records with their line numbers."""
    try:
        lines = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{name}, line {number}: not UTF-8; write it again in UTF-8") from None
    if name.endswith(".csv"):
        reader = csv.DictReader(io.StringIO(lines, newline=""), strict=True)
        try:
            for record in reader:
                if None in record or None in record.values():
                    raise BadInput(f"{name}, line {reader.line_num}: not as many fields as the header has")
                yield reader.line_num, {key: value for key, value in record.items() if value != ""}
        except csv.Error:
            raise BadInput(
                f"{name}, line {reader.line_num + 1}: a quoted field that does not end, or goes on after its end"
            ) from None
        return
    for position, line in enumerate(lines.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = exact_json(line)
        except ValueError:
            raise BadInput(f"{name}, line {position}: not JSON; the line is cut off or garbled") from None
        if not isinstance(record, dict):
            raise BadInput(f"{name}, line {position}: not an object")
        yield position, record


def _row(record: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    missing = [field for field in _REQUIRED if record.get(field) in (None, "")]
    if missing:
        raise BadInput(f"{where}: no {', '.join(missing)}")
    try:
        day = datetime.strptime(str(record["day"]), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadInput(f"{where}: day is not YYYY-MM-DD") from None
    currency = str(record["currency"]).upper()
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise BadInput(f"{where}: currency is not of ISO 4217")
    token_class = record.get("token_class")
    if token_class is not None and token_class not in _TOKEN_CLASSES:
        raise BadInput(f"{where}: token_class is none of {', '.join(_TOKEN_CLASSES)}")
    row = {
        **bucket(day),
        **{field: record.get(field) for field in _TEXTS},
        "provider_id": provider_of(str(record["provider"])),
        "quantity": quantity(record.get("quantity"), f"{where}, quantity"),
        "amount": exact(record["amount"], f"{where}, amount"),
        "currency": currency,
        "file": name,
        "extra": rest(record, {"day", "quantity", "amount", "currency", *_TEXTS}, (None,)),
    }
    return typed(PROVIDER_COSTS, row, where)


def cost_rows(name: str, content: bytes, month: Month) -> list[dict[str, Any]]:
    """The charges of a file. Raises BadInput, with file and line, also for a day outside the file's month."""
    rows = []
    for line, record in _records(name, content):
        row = _row(record, name, f"{name}, line {line}")
        if not month.start <= row["bucket_start"] < month.end:
            raise BadInput(
                f"{name}, line {line}: day is not of {month}, the month in the file's name; "
                "move the row to that month's file"
            )
        rows.append(row)
    return rows


def cost_file_slices(store: ObjectStore, window: Window) -> Iterator[Slice]:
    """The contract's files of the window's months; one whose name holds no month is refused."""
    for item in store.list(""):
        if not item.key.endswith(SUFFIXES):
            _log.warning("%s/%s is neither CSV nor JSON lines: left out", store.root, item.key)
            continue
        month: Month | None
        try:
            month = month_of(item.key)
        except BadInput:
            month = None
        if month and month not in window.months:
            continue

        def read(item: Object = item) -> Iterable[Rows]:
            where = f"{store.root}/{item.key}"
            rows = cost_rows(item.key, store.read(item.key), month_of(item.key))
            if not rows:
                _log.warning("%s holds no charges", where)
            return [Rows(PROVIDER_COSTS, rows)]

        yield Slice(
            f"llm_costs|{item.key}",
            str(month) if month else None,
            month.start if month else window.start,
            month.end if month else window.end,
            read,
            version=item.etag,
        )
