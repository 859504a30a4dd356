"""A message of a refusal has file, line or row, field and kind of fault, and never a word of what was read.

Every format's records are broken in every way, with a word planted in the broken value and in each other field.
"""

from __future__ import annotations

import copy
import csv
import gzip
import io
import json
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.access.objects import Folder
from ingestion.errors import BadInput
from ingestion.lake.contract import Part, Rows
from ingestion.lake.faults import fault
from ingestion.lake.rejected import REJECTED_RECORDS, Rejected
from ingestion.settings import Month
from ingestion.sources.atlas.invoices import line_rows
from ingestion.sources.atlas.shape import cluster_row, invoice_row, payment_rows, project_row
from ingestion.sources.aws.client import Export
from ingestion.sources.aws.convert import convert as convert_cur
from ingestion.sources.aws.source import inspect
from ingestion.sources.focus.convert import Delivered, convert, months
from ingestion.sources.llm_gateway.client import LiteLlmLogs
from ingestion.sources.llm_gateway.columnar import read
from ingestion.sources.llm_gateway.formats import BEDROCK, CANONICAL, LANGFUSE, LITELLM, OTEL, SPEND_LOGS, Format
from ingestion.sources.llm_gateway.relations import Local
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS
from ingestion.sources.llm_prompts.shape import moment
from ingestion.sources.llm_providers.anthropic.analytics import CLAUDE_CODE as CLAUDE_CODE_TABLE
from ingestion.sources.llm_providers.anthropic.analytics import (
    analytics_costs,
    analytics_usage,
    claude_code,
)
from ingestion.sources.llm_providers.anthropic.shape import (
    ANTHROPIC_COSTS,
    ANTHROPIC_USAGE,
    anthropic_cost,
    anthropic_usage,
)
from ingestion.sources.llm_providers.cost_files import cost_rows
from ingestion.sources.llm_providers.entities import ENTITIES, entity
from ingestion.sources.llm_providers.openai.shape import OPENAI_COSTS, OPENAI_USAGE, openai_cost, openai_usage
from ingestion.sources.llm_providers.openai.usage_endpoints import ENDPOINTS, OPENAI_OTHER_USAGE, other_usage
from ingestion.sources.llm_providers.openrouter import ACTIVITY, activity
from ingestion.sources.llm_providers.reports import Fetched, Report, shaped_rows
from ingestion.sources.vercel.shape import charge_row, team_row
from ingestion.sources.vercel.shape import project_row as vercel_project

WORD = "canary-7f3a"
SECRET = f"{WORD} sk-live 'quoted' \"twice\""
DAY = datetime(2026, 10, 3, tzinfo=UTC)
MOMENT = "2026-10-03T08:00:00Z"
# What stands in the place of a number, a time, a text or an object.
WRONG = (SECRET, {WORD: SECRET}, [SECRET], [{WORD: [SECRET]}])


def refusal(reading: Callable[[], object]) -> str | None:
    """The message of a refusal, None where there is none. All that a log would show of it holds no word of it."""
    try:
        reading()
    except BadInput as error:
        shown = "".join(traceback.format_exception(error, limit=0))
        assert WORD not in shown and WORD[:6] not in shown, shown
        return str(error)
    return None


def first_rejected(parts: Iterable[Part]) -> None:
    """Raise BadInput for the first record that is set aside."""
    for part in parts:
        if isinstance(part, Rows) and part.table is REJECTED_RECORDS:
            raise BadInput(f"{part.records[0]['place']}: {part.records[0]['reason']}")


def aside(reading: Callable[[Rejected], object]) -> None:
    """The same of what a reader sets aside."""
    rejected = Rejected()
    reading(rejected)
    first_rejected(rejected.parts())


# Gateways' logs

GOOD: dict[str, tuple[Format, dict[str, Any]]] = {
    "litellm": (LITELLM, {"id": "r", "startTime": MOMENT, "messages": [SECRET], "metadata": {"user_api_key_alias": SECRET}}),
    "spend logs": (SPEND_LOGS, {"request_id": "r", "startTime": MOMENT, "messages": [SECRET], "model": SECRET}),
    "langfuse": (LANGFUSE, {"id": "r", "start_time": MOMENT, "type": "GENERATION", "input": SECRET, "name": SECRET}),
    "bedrock": (BEDROCK, {"requestId": "r", "timestamp": MOMENT, "modelId": SECRET, "input": {"inputBodyJson": SECRET}}),
    "canonical": (CANONICAL, {"request_id": "r", "started_at": MOMENT, "prompt": SECRET, "request_model": SECRET}),
    "otel": (
        OTEL,
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": SECRET}}]},
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": "t",
                                    "spanId": "s",
                                    "startTimeUnixNano": "1790000000000000000",
                                    "attributes": [
                                        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                                        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "1"}},
                                        {"key": "gen_ai.prompt", "value": {"stringValue": SECRET}},
                                    ],
                                }
                            ]
                        }
                    ],
                }
            ]
        },
    ),
}  # fmt: skip
PLACES = [
    (name, suffix)
    for name, (kind, _) in GOOD.items()
    for suffix in dict.fromkeys((*kind.suffixes, ".jsonl.gz"))
    if suffix != ".json.gz"
]


def paths(declared: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The fields of a format, those of objects and lists in it too."""
    if isinstance(declared, Mapping):
        for name, inner in declared.items():
            yield (*above, name)
            yield from paths(inner, (*above, name))
    elif isinstance(declared, list):
        yield from paths(declared[0], (*above, 0))


def with_value(record: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    found: Any = copy.deepcopy(record)
    whole = found
    for step, following in pairwise(path):
        if isinstance(step, int):
            while len(found) <= step:
                found.append({})
        elif not isinstance(found.get(step), dict | list):
            found[step] = [] if isinstance(following, int) else {}
        found = found[step]
    found[path[-1]] = value
    return whole  # type: ignore[no-any-return]


def as_text(value: Any) -> str | None:
    return value if isinstance(value, str) or value is None else json.dumps(value)


def csv_text(records: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for record in records for name in record))
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([as_text(record.get(name)) for name in names] for record in records)
    return lines.getvalue()


def stored(folder: Path, suffix: str, records: list[dict[str, Any]]) -> Path:
    """Records as a file of a kind."""
    file = folder / f"records{suffix}"
    if suffix == ".parquet":
        names = list(dict.fromkeys(name for record in records for name in record))
        pq.write_table(pa.table({name: [as_text(record.get(name)) for record in records] for name in names}), file)
        return file
    text = csv_text(records) if ".csv" in suffix else "\n".join(json.dumps(record) for record in records)
    content = text.encode()
    file.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    return file


def reading(kind: Format, file: Path) -> Callable[[], object]:
    return lambda: read(kind, [Local(file, f"logs/{file.name}")], {})


# Fields of which the format makes a number or a time.
TYPED = {
    "litellm": ("startTime", "endTime", "prompt_tokens", "response_cost"),
    "spend logs": ("startTime", "completion_tokens", "spend"),
    "langfuse": ("start_time", "end_time", "total_cost"),
    "bedrock": ("timestamp",),
    "canonical": ("started_at", "input_tokens", "reported_cost"),
    "otel": (),
}


@pytest.mark.parametrize(("name", "suffix"), PLACES)
def test_gateways_value_of_another_kind_is_named_by_place_and_column(
    name: str, suffix: str, tmp_path: Path
) -> None:
    kind, good = GOOD[name]
    assert refusal(reading(kind, stored(tmp_path, suffix, [good, good]))) is None
    place = "row 2" if suffix.startswith((".csv", ".parquet")) else "line 2"
    for field in TYPED[name]:
        bad = {**good, field: SECRET}
        message = refusal(reading(kind, stored(tmp_path, suffix, [good, bad, good])))
        assert message is not None and message.startswith(f"logs/records{suffix}, {place}: "), (field, message)
        column, _, why = message.removeprefix(f"logs/records{suffix}, {place}: ").partition(": ")
        assert column in LLM_REQUESTS.names and why.startswith("a value is not"), message


@pytest.mark.parametrize("name", GOOD)
def test_no_field_of_a_gateways_record_gets_into_a_message(name: str, tmp_path: Path) -> None:
    kind, good = GOOD[name]
    for path in paths(kind.fields):
        bad = with_value(good, path, SECRET)
        message = refusal(reading(kind, stored(tmp_path, ".jsonl", [good, bad])))
        assert message is None or message.startswith("logs/records.jsonl, line 2: "), (path, message)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".json"])
@pytest.mark.parametrize(
    "broken",
    [
        lambda line: line[: len(line) // 2],
        lambda line: line.replace(b"canary", b"canary\xff\xfe"),
        lambda line: b'["' + WORD.encode() + b'"]',
        lambda line: b"{" + line,
        lambda line: WORD.encode(),
        lambda line: line.replace(b'": ', b'" ', 1),
    ],
    ids=["torn", "not UTF-8", "a list", "twice begun", "no JSON", "no colon"],
)
def test_gateways_line_that_is_none_is_named_by_line_without_content(
    name: str, suffix: str, broken: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    kind, good = GOOD[name]
    line = json.dumps(good).encode()
    file = tmp_path / f"records{suffix}"
    content = b"\n".join((line, broken(line), line))
    file.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    message = refusal(reading(kind, file))
    assert message is not None and message.startswith(f"logs/records{suffix}, line 2: "), message


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".csv.gz"])
def test_gateways_packed_file_that_is_cut_off_is_named(suffix: str, tmp_path: Path) -> None:
    kind, good = GOOD["spend logs"]
    file = stored(tmp_path, suffix, [good] * 50)
    for kept in (12, -9, -4):
        file.write_bytes(gzip.compress(gzip.decompress(stored(tmp_path, suffix, [good] * 50).read_bytes()))[:kept])
        message = refusal(reading(kind, file))
        assert message is not None and message.startswith(f"logs/records{suffix}: not a whole gzip file"), message


def test_reason_of_a_format_reaches_the_message(tmp_path: Path) -> None:
    kind, good = GOOD["litellm"]
    file = stored(tmp_path, ".jsonl", [good, {**good, "id": None, "startTime": None}])
    assert (
        refusal(reading(kind, file)) == "logs/records.jsonl, line 2: request_id: no LiteLLM record, it has no id"
    )


# Files of costs

COSTS = {
    "BilledCost": "1.5", "EffectiveCost": "1.5", "BillingCurrency": "USD", "BillingAccountId": SECRET,
    "BillingPeriodStart": "2026-10-01T00:00:00Z", "ChargeCategory": "Usage", "ChargePeriodStart": MOMENT,
    "ChargePeriodEnd": MOMENT, "ListCost": "1", "ChargeDescription": SECRET, "Tags": json.dumps({WORD: SECRET}),
}  # fmt: skip
CUR = {
    "line_item_line_item_type": "Usage", "line_item_unblended_cost": "1.5", "line_item_usage_start_date": MOMENT,
    "line_item_usage_end_date": MOMENT, "line_item_usage_amount": "1", "line_item_resource_id": SECRET,
    "resource_tags": json.dumps({WORD: SECRET}), "bill_payer_account_id": WORD,
}  # fmt: skip


def read_focus(file: Path, where: str) -> None:
    aside(lambda rejected: convert(file, where, file.with_suffix(".out"), Delivered("dwh", False), None, rejected))


def read_months(file: Path, where: str) -> None:
    months(file, where)


def read_cur(file: Path, where: str) -> None:
    aside(lambda rejected: convert_cur(file, where, rejected, always=True))


BILLS: dict[str, tuple[Callable[[Path, str], None], dict[str, str], tuple[str, ...]]] = {
    "focus": (
        read_focus,
        COSTS,
        ("BilledCost", "ListCost", "BillingPeriodStart", "ChargePeriodStart", "ChargePeriodEnd"),
    ),
    "focus months": (read_months, COSTS, ("BillingPeriodStart",)),
    "cur": (
        read_cur,
        CUR,
        ("line_item_unblended_cost", "line_item_usage_start_date", "line_item_usage_amount"),
    ),
}
FILES = [(name, suffix) for name in BILLS for suffix in (".csv", ".csv.gz", ".parquet")]


@pytest.mark.parametrize(("name", "suffix"), FILES)
def test_bills_value_of_another_kind_is_named_by_row_and_column(name: str, suffix: str, tmp_path: Path) -> None:
    reader, good, typed = BILLS[name]
    assert refusal(lambda: reader(stored(tmp_path, suffix, [good, good]), f"bills/a{suffix}")) is None
    for column in typed:
        for value in (SECRET, f"1{WORD}", f"2026-10-{WORD}"):
            file = stored(tmp_path, suffix, [good, {**good, column: value}, good])
            message = refusal(lambda file=file: reader(file, f"bills/a{suffix}"))  # type: ignore[misc]
            assert message is not None, (column, value)
            place, wrong = f"bills/a{suffix}: row 2", f"column {column}: not a "
            assert message.startswith((f"{place}, {wrong}", f"{place}: {wrong}")), message


def test_message_of_a_column_names_it_in_parquet_of_another_type(tmp_path: Path) -> None:
    for name, column in (
        ("focus", "BilledCost"),
        ("focus", "ChargePeriodStart"),
        ("cur", "line_item_unblended_cost"),
    ):
        reader, good, _ = BILLS[name]
        file = tmp_path / "a.parquet"
        values = {field: pa.array([value]) for field, value in good.items()}
        for kind in (pa.list_(pa.string()), pa.struct([(WORD, pa.string())]), pa.binary()):
            wrong = {"list": [SECRET], "struct": {WORD: SECRET}}.get(str(kind).split("<")[0], SECRET.encode())
            pq.write_table(pa.table({**values, column: pa.array([wrong], kind)}), file)
            message = refusal(lambda: reader(file, "bills/a.parquet"))  # noqa: B023
            assert message is not None and message.startswith("bills/a.parquet: "), message
            assert f"column {column}: " in message, message


@pytest.mark.parametrize("name", ["focus", "cur", "spend logs"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda line: f"{line},{WORD}".encode(), "fields, and the header has"),
        (lambda line: line.rsplit(",", 1)[0].encode(), "fields, and the header has"),
        (lambda line: WORD.encode(), "1 field, and the header has"),
        (lambda line: f'"{WORD},{line}'.encode(), "a quoted field that does not end"),
        (lambda line: f'"{WORD}"{WORD},{line}'.encode(), "a quoted field that does not end"),
        (lambda line: line.encode().replace(b"canary", b"canary\xff\xfe"), "not UTF-8"),
    ],
    ids=["too many", "too few", "one", "open quote", "after a quote", "not UTF-8"],
)
def test_line_of_a_csv_file_is_named_by_its_number(
    name: str, suffix: str, broken: Callable[[str], bytes], why: str, tmp_path: Path
) -> None:
    good = GOOD[name][1] if name in GOOD else BILLS[name][1]
    # A field of several lines before it: lines are counted, and not records.
    header, first, *_ = csv_text([{**good, "note": "two\nlines"}]).split("\n", 1)
    _, plain = csv_text([{**good, "note": "x"}]).rstrip("\n").split("\n")
    content = f"{header}\n{first}".encode() + broken(plain) + f"\n{plain}\n".encode()
    file = tmp_path / f"a{suffix}"
    file.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    if name in GOOD:
        message = refusal(reading(GOOD[name][0], file))
        place = f"logs/a{suffix}, line 4: "
    else:
        message = refusal(lambda: BILLS[name][0](file, f"bills/a{suffix}"))
        place = f"bills/a{suffix}: line 4: "
    assert message is not None and message.startswith(place) and why in message, message


@pytest.mark.parametrize(("name", "suffix"), FILES)
def test_bill_that_is_cut_off_or_garbled_is_named(name: str, suffix: str, tmp_path: Path) -> None:
    reader, good, _ = BILLS[name]
    whole = stored(tmp_path, suffix, [good] * 2000).read_bytes()
    broken = [
        whole[: len(whole) // 2],
        whole[: len(whole) // 3] + WORD.encode() * 20 + whole[len(whole) // 3 + 220 :],
    ]
    for number, content in enumerate(broken if suffix != ".csv" else broken[:1]):
        file = tmp_path / f"broken{suffix}"
        file.write_bytes(content)
        message = refusal(lambda: reader(file, f"bills/a{suffix}"))  # noqa: B023
        assert message is None or message.startswith(f"bills/a{suffix}: "), message
        assert message is not None or number == 1


def test_own_parquet_that_is_garbled_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    moments = pa.array([datetime(2026, 10, 1)] * 500, pa.timestamp("ms"))  # noqa: DTZ001 - CUR's carry no zone
    table = {"line_item_line_item_type": ["Usage"] * 500, "line_item_unblended_cost": [1.5] * 500}
    pq.write_table(pa.table({**table, "line_item_usage_start_date": moments}), file)
    whole = file.read_bytes()
    for content in (WORD.encode(), b"PAR1" + WORD.encode() + b"PAR1", b"PAR1" + b"\xff" * 300 + whole[304:]):
        file.write_bytes(content)
        message = refusal(lambda: inspect(file, "bills/a.parquet"))
        assert message is not None and message.startswith("bills/a.parquet: "), message


CONTRACT = {
    "day": "2026-10-03", "provider": WORD, "amount": 1, "currency": "USD", "quantity": 1, "description": SECRET,
    "model": SECRET, "token_class": None, "account": SECRET,
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_cost_files_of_the_contract_are_refused_by_line_and_field(suffix: str) -> None:
    def content(*records: dict[str, Any]) -> bytes:
        lines = (
            csv_text(list(records)) if suffix == ".csv" else "\n".join(json.dumps(record) for record in records)
        )
        return lines.encode()

    def refused(data: bytes) -> str | None:
        return refusal(
            lambda: aside(lambda rejected: cost_rows(f"2026-10{suffix}", data, Month(2026, 10), rejected))
        )

    line = 3 if suffix == ".csv" else 2
    assert refused(content(CONTRACT, CONTRACT)) is None
    for field in CONTRACT:
        for value in (*WRONG, f"2026-11-0{WORD}", "2026-12-01"):
            message = refused(content(CONTRACT, {**CONTRACT, field: value}))
            must = field in ("day", "amount", "currency", "quantity", "token_class")
            assert message is not None or not must, (field, value)
            assert message is None or (message.startswith(f"2026-10{suffix}, line {line}") and field in message)
    whole = content(CONTRACT, CONTRACT)
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for broken in (whole[last:][:20], whole[last:].replace(b"canary", b"canary\xff", 1), b'"' + WORD.encode()):
        message = refused(whole[:last] + broken)
        assert message is not None and message.startswith(f"2026-10{suffix}, line {line}"), message


# Records of APIs

CHARGE = {
    "BilledCost": 1, "EffectiveCost": 1, "BillingCurrency": "USD", "ChargePeriodStart": MOMENT, "ChargePeriodEnd": MOMENT,
    "ConsumedQuantity": 1, "PricingQuantity": 1, "ServiceName": SECRET, "SkuId": SECRET, "Tags": {"ProjectName": SECRET},
}  # fmt: skip
INVOICE = {
    "id": "i", "orgId": SECRET, "statusName": SECRET, "startDate": MOMENT, "endDate": MOMENT, "created": MOMENT,
    "updated": MOMENT, "subtotalCents": 1, "creditsCents": 1, "salesTaxCents": 1, "amountBilledCents": 1,
    "amountPaidCents": 1, "lineItems": [], "refunds": [],
}  # fmt: skip
ITEM = {
    "totalPriceCents": 1, "discountCents": 1, "quantity": 1, "unitPriceDollars": 1, "percentDiscount": 1, "sku": SECRET,
    "clusterName": SECRET, "note": SECRET, "startDate": MOMENT, "endDate": MOMENT, "created": MOMENT, "tags": {WORD: [SECRET]},
}  # fmt: skip
LISTED = {
    "id": "i",
    "name": SECRET,
    "slug": SECRET,
    "accountId": SECRET,
    "orgId": SECRET,
    "createdAt": 1790000000000,
}
TOKENS = {"project_id": SECRET, "model": SECRET, "input_tokens": 1, "output_tokens": 1, "num_model_requests": 1}
CREATION = {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 1}


def reported(table: Any, row: Any, *others: dict[str, Any]) -> Callable[[Any], object]:
    return lambda record: first_rejected(
        Report(table, Fetched("Vendor", lambda *_: iter([(DAY, [record])]), [DAY]), row).parts(DAY)
    )


def lines(invoice: dict[str, Any]) -> None:
    aside(lambda rejected: line_rows(invoice, "Atlas invoice i", rejected=rejected))


Api = tuple[dict[str, Any], Callable[[Any], object], str, tuple[str, ...]]
APIS: dict[str, Api] = {
    "vercel charge": (
        CHARGE,
        lambda record: charge_row(record, "t", date(2026, 10, 3), "Vercel, record 2"),
        "Vercel, record 2",
        ("BilledCost", "EffectiveCost", "ChargePeriodStart", "ChargePeriodEnd", "ConsumedQuantity", "PricingQuantity"),
    ),
    "vercel team": (LISTED, lambda record: team_row(record, "Vercel, record 2"), "Vercel, record 2", ()),
    "vercel project": (LISTED, lambda record: vercel_project(record, "Vercel, record 2"), "Vercel, record 2", ()),
    "atlas invoice": (
        INVOICE,
        lambda record: (invoice_row(record, "Atlas invoice i"), lines(record)),
        "Atlas invoice i",
        ("startDate", "endDate", "created", "updated", "subtotalCents", "creditsCents", "salesTaxCents", "amountBilledCents"),
    ),
    "atlas item": (
        ITEM,
        lambda record: lines({**INVOICE, "lineItems": [ITEM, record]}),
        "Atlas invoice i, line item 2",
        ("totalPriceCents", "discountCents", "quantity", "unitPriceDollars", "percentDiscount", "startDate", "created"),
    ),
    "atlas refund": (
        {"amountCents": 1, "note": SECRET},
        lambda record: lines({**INVOICE, "refunds": [record]}),
        "Atlas invoice i, refund 1",
        ("amountCents",),
    ),
    "atlas payment": (
        {"amountBilledCents": 1, "unitPrice": "1.1", "currency": "EUR", "note": SECRET},
        lambda record: aside(lambda found: payment_rows({**INVOICE, "payments": [record]}, "Atlas invoice i", found)),
        "Atlas invoice i, payment 1",
        ("amountBilledCents", "unitPrice"),
    ),
    "atlas linked invoice": (
        {**INVOICE, "id": "l", "lineItems": [ITEM]},
        lambda record: lines({**INVOICE, "linkedInvoices": [record]}),
        "Atlas invoice i, linked invoice 1",
        ("startDate", "creditsCents", "salesTaxCents"),
    ),
    "atlas project": (
        {**LISTED, "created": MOMENT}, lambda record: project_row(record, "Atlas, record 2"), "Atlas, record 2", ()
    ),
    "atlas cluster": (
        {**LISTED, "createDate": MOMENT},
        lambda record: cluster_row(record, "p", "Atlas, record 2"),
        "Atlas, record 2",
        (),
    ),
    "openai costs": (
        {"amount": {"value": 1, "currency": "usd"}, "quantity": 1, "line_item": SECRET, "project_id": SECRET},
        reported(OPENAI_COSTS, openai_cost),
        "",
        ("amount", "quantity"),
    ),
    "openai usage": (
        {**TOKENS, "batch": True}, reported(OPENAI_USAGE, openai_usage), "Vendor openai_usage", ("input_tokens", "batch")
    ),
    "openai images": (
        {"images": 1, "size": SECRET, "num_model_requests": 1},
        reported(OPENAI_OTHER_USAGE, lambda record, day: other_usage(ENDPOINTS[2], record, day)),
        "",
        ("images", "num_model_requests"),
    ),
    "anthropic costs": (
        {"amount": "1.5", "currency": "USD", "description": SECRET, "model": SECRET},
        reported(ANTHROPIC_COSTS, anthropic_cost),
        "",
        ("amount",),
    ),
    "anthropic usage": (
        {"model": SECRET, "output_tokens": 1, "cache_creation": CREATION, "server_tool_use": {"web_search_requests": 1}},
        reported(ANTHROPIC_USAGE, anthropic_usage),
        "",
        ("output_tokens",),
    ),
    "anthropic analytics costs": (
        {"amount": "1.5", "list_amount": "2", "currency": "USD", "requests": 1, "product": SECRET},
        lambda record: aside(lambda rejected: analytics_costs([record], [], DAY, rejected)),
        "",
        ("amount", "list_amount", "requests"),
    ),
    "anthropic analytics usage": (
        {"requests": 1, "output_tokens": 1, "product": SECRET, "cache_creation": CREATION},
        lambda record: aside(lambda rejected: analytics_usage([record], [], DAY, rejected)),
        "",
        ("requests", "output_tokens"),
    ),
    "claude code": (
        {"actor": {"type": SECRET}, "core_metrics": {"num_sessions": 1}, "terminal_type": SECRET, "tool_actions": {WORD: 1}},
        reported(CLAUDE_CODE_TABLE, claude_code),
        "",
        (),
    ),
    "openrouter": (
        {"usage": 1, "byok_usage_inference": 1, "model": SECRET, "requests": 1, "prompt_tokens": 1},
        reported(ACTIVITY, activity),
        "",
        ("usage", "byok_usage_inference", "requests", "prompt_tokens"),
    ),
    "entities": (
        {"id": "i", "name": SECRET, "status": SECRET, "owner": {"type": "user", "user": {"id": SECRET}}},
        lambda record: first_rejected(
            shaped_rows("Vendor", ENTITIES, DAY, [record], lambda found: entity("openai", "api_key", found))
        ),
        "",
        (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", APIS)
def test_field_of_an_apis_record_is_refused_by_place_and_name(name: str) -> None:
    good, reader, place, typed = APIS[name]
    assert refusal(lambda: reader(good)) is None
    for field in good:
        for value in (*WRONG, 10**40, True):
            message = refusal(lambda field=field, value=value: reader({**good, field: value}))  # type: ignore[misc]
            if field in typed and value is not True:
                assert message is not None, (field, value)
            assert message is None or message.startswith(place), message
    for record in (WORD, [SECRET], None, 5):
        if name not in (
            "atlas invoice",
            "vercel charge",
            "vercel team",
            "vercel project",
            "atlas project",
            "atlas cluster",
        ):
            message = refusal(lambda record=record: reader(record))  # type: ignore[misc]
            assert message is not None, record


@pytest.mark.parametrize(
    ("reader", "field", "column"),
    [
        (team_row, "createdAt", "created_at"),
        (vercel_project, "createdAt", "created_at"),
        (project_row, "created", "created"),
        (lambda record, where: cluster_row(record, "p", where), "createDate", "created"),
    ],
    ids=["vercel team", "vercel project", "atlas project", "atlas cluster"],
)
def test_time_that_nothing_depends_on_costs_its_record_nothing(
    reader: Callable[[dict[str, Any], str], dict[str, Any]], field: str, column: str
) -> None:
    assert reader({"id": "i", "name": "n", field: 1790000000000 if field == "createdAt" else MOMENT}, "")[column]
    for value in (*WRONG, 10**40, True, None):
        assert reader({"id": "i", "name": "n", field: value}, "")[column] is None


@pytest.mark.parametrize(
    "bucket", [{}, {"results": [SECRET]}, {"start_time": SECRET, "results": []}, [SECRET], SECRET, None]
)
def test_bucket_of_another_shape_is_refused_without_content(bucket: Any) -> None:
    from ingestion.sources.llm_providers import admin_api
    from ingestion.sources.llm_providers.openai.client import OpenAi

    openai = OpenAi("key", "https://vendor.invalid")
    openai.http.json = lambda *_, **__: None  # type: ignore[method-assign]

    def answered(*_: Any, **__: Any) -> tuple[int, Any]:
        return 200, {"data": [bucket], "has_more": False}

    patched = pytest.MonkeyPatch()
    patched.setattr(admin_api, "get", answered)
    try:
        report = Report(OPENAI_COSTS, Fetched("OpenAI", openai.costs, [DAY]), openai_cost)
        message = refusal(lambda: first_rejected(report.parts(DAY)))
    finally:
        patched.undo()
    assert message is not None and message.startswith("OpenAI "), message


# Prompts, manifests, and errors of libraries


def test_prompts_records_are_refused_by_line_without_content(tmp_path: Path) -> None:
    file = tmp_path / "2026-10-03" / "10" / "batch_1.jsonl"
    file.parent.mkdir(parents=True)
    logs = LiteLlmLogs(Folder(tmp_path))
    for broken in (f'{{"messages": "{WORD}', f'["{WORD}"]', WORD):
        file.write_text(f'{{"id": "{WORD}"}}\n{broken}\n')
        ((item,),) = logs.hours(DAY, datetime(2026, 10, 4, tzinfo=UTC)).values()
        message = refusal(lambda item=item: list(logs.records(item)))  # type: ignore[misc]
        assert message is not None and message.startswith(f"{file}, line 2: not "), message
    for value in (*WRONG, 10**40, float("inf")):
        assert (
            refusal(lambda value=value: moment(value, "a, line 2, startTime"))
            == "a, line 2, startTime: not a time"
        )  # type: ignore[misc]


@pytest.mark.parametrize(
    "content", [f'{{"dataFiles": ["{WORD}', WORD, f'{{"{WORD}": 1}}', f'["{WORD}"]', f'{{"dataFiles": "{WORD}"}}']
)
def test_manifest_is_refused_by_name_without_content(content: str, tmp_path: Path) -> None:
    folder = tmp_path / "metadata" / "BILLING_PERIOD=2026-10"
    folder.mkdir(parents=True)
    (folder / "x-Manifest.json").write_text(content)
    message = refusal(lambda: Export(Folder(tmp_path)).manifest("2026-10", "metadata/BILLING_PERIOD=2026-10/"))
    assert message is not None and message.startswith(f"{folder}/x-Manifest.json: "), message


KINDS = (
    *(
        "bigint",
        "decimal(38, 12)",
        "double",
        "boolean",
        "timestamptz",
        "date",
        "json",
        "varchar[]",
        "uuid",
        "time",
    ),
    *("interval", "map(varchar, varchar)", "hugeint", "timestamp", "struct(a varchar)"),
)


@pytest.mark.parametrize(
    "statement",
    [
        f"select cast('{WORD}' as {kind})"
for kind in KINDS
    ]
    + [
        f"select error('{WORD} ' || 'x')",
        f"select cast(cast('[\"{WORD}\"]' as json) as map(varchar, varchar))",
        f"select strptime('{WORD}', '%Y')",
        f"select \"{WORD}\"",
        f"select from \"{WORD}\"",
        f"select json_transform('{WORD}', '{{}}')",
        f"select map_from_entries([{{'k': '{WORD}', 'v': 1}}, {{'k': '{WORD}', 'v': 1}}])",
        f"select regexp_matches('a', '({WORD}')",
        f"select cast(struct_pack(a := '{WORD}').a as int) + 1",
        f"select * from read_parquet('/{WORD}.parquet')",
        f"select * from read_csv('/{WORD}.csv')",
    ],
)  # fmt: skip
def test_no_error_of_duckdb_passes_on_what_it_quotes(statement: str) -> None:
    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as raised:
        connection.execute(statement).fetchall()
    assert WORD not in fault(raised.value, statement) and fault(raised.value, statement)


def test_only_the_reasons_of_the_statement_itself_pass() -> None:
    statement = "select case when a then error('it has no id') end, error('it''s none') from t"
    for reason, expected in (
        ("it has no id", True),
        ("it's none", True),
        (f"it has no id {WORD}", False),
        (WORD, False),
    ):
        error = duckdb.InvalidInputException(f"Invalid Input Error: {reason}\n\nLINE 1: {WORD}")
        assert (fault(error, statement) == reason) is expected and WORD not in fault(error, statement)
