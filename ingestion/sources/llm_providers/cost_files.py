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
from ingestion.lake.contract import Part, Rows, Slice
from ingestion.lake.records import exact, record, typed
from ingestion.lake.rejected import Money, Rejected
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


def _records(name: str, content: bytes) -> Iterator[tuple[int, Any]]:
    """The records with their line numbers; of a line that is none, the BadInput."""
    try:
        lines = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{name}, line {number}: not UTF-8; write it again in UTF-8") from None
    if name.endswith(".csv"):
        reader = csv.DictReader(io.StringIO(lines, newline=""), strict=True)
        try:
            for fields in reader:
                if None in fields or None in fields.values():
                    raise BadInput(f"{name}, line {reader.line_num}: not as many fields as the header has")
                yield reader.line_num, {key: value for key, value in fields.items() if value != ""}
        except csv.Error:
            raise BadInput(
                f"{name}, line {reader.line_num + 1}: a quoted field that does not end, or goes on after its end"
            ) from None
        return
    numbered = [(number, line) for number, line in enumerate(lines.split("\n"), start=1) if line.strip()]
    for number, line in numbered:
        try:
            yield number, exact_json(line)
        except ValueError:
            if number == numbered[-1][0]:
                raise BadInput(
                    f"{name}, line {number}: not JSON; the file is cut off or its last line garbled"
                ) from None
            yield number, BadInput("not JSON")


def _row(charge: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    missing = [field for field in _REQUIRED if charge.get(field) in (None, "")]
    if missing:
        raise BadInput(f"{where}: no {', '.join(missing)}")
    try:
        day = datetime.strptime(str(charge["day"]), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadInput(f"{where}: day is not YYYY-MM-DD") from None
    currency = str(charge["currency"]).upper()
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise BadInput(f"{where}: currency is not of ISO 4217")
    token_class = charge.get("token_class")
    if token_class is not None and token_class not in _TOKEN_CLASSES:
        raise BadInput(f"{where}: token_class is none of {', '.join(_TOKEN_CLASSES)}")
    row = {
        **bucket(day),
        **{field: charge.get(field) for field in _TEXTS},
        "provider_id": provider_of(str(charge["provider"])),
        "quantity": quantity(charge.get("quantity"), f"{where}, quantity"),
        "amount": exact(charge["amount"], f"{where}, amount"),
        "currency": currency,
        "file": name,
        "extra": rest(charge, {"day", "quantity", "amount", "currency", *_TEXTS}, (None,)),
    }
    return typed(PROVIDER_COSTS, row, where)


def cost_rows(name: str, content: bytes, month: Month, rejected: Rejected) -> list[dict[str, Any]]:
    """The charges of a file. A line that is none, or of a day outside the file's month, is set aside in `rejected`.

    Raises BadInput where the file as a whole can't be read.
    """
    rows = []
    for line, found in _records(name, content):
        where = f"{name}, line {line}"
        with rejected.aside(where, lambda found=found: _billed(found)):  # type: ignore[misc]
            if isinstance(found, BadInput):
                raise found
            row = _row(record(found, where), name, where)
            if not month.start <= row["bucket_start"] < month.end:
                raise BadInput(
                    f"{where}: day is not of {month}, the month in the file's name; move the row to that month's file"
                )
            rows.append(row)
    rejected.check(len(rows))
    return rows


def _billed(found: Any) -> Money:
    return exact(found["amount"], "amount"), str(found["currency"]).upper()


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

        def read(item: Object = item) -> Iterable[Part]:
            where = f"{store.root}/{item.key}"
            rejected = Rejected()
            rows = cost_rows(item.key, store.read(item.key), month_of(item.key), rejected)
            if not rows:
                _log.warning("%s holds no charges", where)
            return [Rows(PROVIDER_COSTS, rows), *rejected.parts()]

        yield Slice(
            f"llm_costs|{item.key}",
            str(month) if month else None,
            month.start if month else window.start,
            month.end if month else window.end,
            read,
            version=item.etag,
        )
