"""What a vendor may leave out, leaves empty or spells otherwise costs no money and stops nothing: one build of many variants.

Each variant is a row of a raw table in which one optional column has another value. All of them go through the whole dbt
project, with its tests, at once. Each has an amount of its own, by which it is found in the ledger.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.lake.columns import Column, Table
from ingestion.lake.contract import Rows, Slice, Source, Total, VendorFile
from ingestion.lake.pipeline import declare, land
from ingestion.settings import PROJECT_ROOT, Home, Month, Window
from ingestion.sources.atlas import SOURCE as ATLAS
from ingestion.sources.atlas.shape import LINE_ITEMS
from ingestion.sources.aws import SOURCE as AWS
from ingestion.sources.aws.shape import COST_AND_USAGE_REPORT
from ingestion.sources.catalog import LAKE
from ingestion.sources.focus import SOURCE as FOCUS
from ingestion.sources.focus.shape import COST_AND_USAGE, JSONS
from ingestion.sources.llm_gateway import SOURCE as LLM_GATEWAY
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS
from ingestion.sources.llm_providers import SOURCE as LLM_PROVIDERS
from ingestion.sources.llm_providers.anthropic.shape import ANTHROPIC_COSTS, ANTHROPIC_USAGE
from ingestion.sources.llm_providers.cost_files import PROVIDER_COSTS
from ingestion.sources.llm_providers.openai.shape import OPENAI_COSTS, OPENAI_USAGE
from ingestion.sources.llm_providers.openrouter import ACTIVITY
from ingestion.sources.prices import SOURCE as PRICES
from ingestion.sources.prices.source import PricesSettings
from ingestion.sources.registry import SOURCE as REGISTRY
from ingestion.sources.registry.source import RegistrySettings
from ingestion.sources.vercel import SOURCE as VERCEL
from ingestion.sources.vercel.shape import CHARGES
from orchestration.dbt.project_files import DBT_PROJECT
from orchestration.environment import prepare

MONTH = "2026-10"
DAY = datetime(2026, 10, 7, tzinfo=UTC)
WINDOW = Window(Month(2026, 10), Month(2026, 10))
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
MONTH_START, MONTH_END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
# A petabyte in bytes; byte-seconds come to more.
BEYOND_MEASURE = Decimal(10**15)
BUCKET = {"bucket_start": DAY, "bucket_end": DAY + timedelta(days=1)}


@dataclass(frozen=True)
class Fixture:
    """Rows as a vendor writes them in full, and what of them is never left out.

    `amount` is the column that the ledger bills. `kept` are the columns whose value is not a vendor's to choose, or
    without which ingestion takes no row; `documents` hold JSON, which is never an empty text.
    """

    source: Source
    table: Table
    slice_id: str
    amount: str
    kept: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    documents: tuple[str, ...] = ("tags", "extra")
    biller: str = ""

    @property
    def name(self) -> str:
        return self.biller or self.source.name


VERCEL_ROW = {
    "team_id": "team_x",
    "charge_date": date(2026, 10, 7),
    "charge_period_start": DAY + timedelta(hours=7),
    "charge_period_end": DAY + timedelta(hours=31),
    "effective_cost": Decimal("2.5"),
    "consumed_quantity": Decimal(5),
    "pricing_quantity": Decimal(5),
    "billing_currency": "USD",
    "pricing_currency": "USD",
    "charge_category": "Usage",
    "consumed_unit": "GB",
    "pricing_category": "Standard",
    "pricing_unit": "GB",
    "region_id": "iad1",
    "region_name": "Washington",
    "service_category": "Networking",
    "service_name": "Fast Data Transfer",
    "service_provider_name": "Vercel",
    "sku_id": "fast-data-transfer",
    "tags": '{"ProjectId": "prj_1", "ProjectName": "shop"}',
}
ATLAS_ROW = {
    "invoice_id": "inv",
    "org_id": "org",
    "invoice_status": "PENDING",
    "invoice_start": MONTH_START,
    "invoice_end": MONTH_END,
    "kind": "line_item",
    "sku": "ATLAS_AWS_INSTANCE_M10",
    "group_id": "g",
    "group_name": "group",
    "cluster_name": "cluster",
    "cloud_provider": "AWS",
    "start_date": DAY,
    "end_date": DAY + timedelta(days=1),
    "created": DAY,
    "quantity": Decimal(24),
    "unit": "server hours",
    "unit_price": Decimal("0.08"),
    "currency": "USD",
    "tags": "{}",
}
FOCUS_ROW = {
    "billing_account_id": "acc",
    "billing_account_name": "Account",
    "billing_account_type": "Billing Account",
    "billing_currency": "USD",
    "billing_period_start": MONTH_START,
    "billing_period_end": MONTH_END,
    "charge_category": "Usage",
    "charge_description": "a machine",
    "charge_frequency": "Usage-Based",
    "charge_period_start": DAY,
    "charge_period_end": DAY + timedelta(days=1),
    "consumed_quantity": Decimal(24),
    "consumed_unit": "Hours",
    "contracted_cost": Decimal(3),
    "contracted_unit_price": Decimal("0.125"),
    "effective_cost": Decimal(3),
    "invoice_issuer_name": "Vendor",
    "list_cost": Decimal(3),
    "list_unit_price": Decimal("0.125"),
    "pricing_category": "Standard",
    "pricing_currency": "USD",
    "pricing_quantity": Decimal(24),
    "pricing_unit": "Hours",
    "provider_name": "Vendor",
    "publisher_name": "Vendor",
    "service_provider_name": "Vendor",
    "region_id": "r1",
    "region_name": "Region",
    "resource_id": "vm-1",
    "resource_name": "vm",
    "resource_type": "Machine",
    "service_category": "Compute",
    "service_name": "Machines",
    "service_subcategory": "Virtual Machines",
    "sku_id": "sku",
    "sku_price_id": "price",
    "sub_account_id": "sub",
    "sub_account_name": "Sub",
    "sub_account_type": "Account",
    "tags": '{"team": "engineering"}',
    "extra": "{}",
    "focus_version": "1.2",
    "export_name": "vendor",
    "is_compare_only": False,
    "file_name": "part.parquet",
}
AWS_ROW = {
    "bill_bill_type": "Anniversary",
    "capacity_reservation_capacity_reservation_arn": "arn:aws:ec2:us-east-1:222222222222:capacity-reservation/cr-1",
    "capacity_reservation_capacity_reservation_status": "Used",
    "bill_billing_entity": "AWS",
    "line_item_legal_entity": "Amazon Web Services, Inc.",
    "bill_invoice_id": "1",
    "bill_payer_account_id": "111111111111",
    "bill_payer_account_name": "Payer",
    "bill_billing_period_start_date": MONTH_START.replace(tzinfo=None),
    "bill_billing_period_end_date": MONTH_END.replace(tzinfo=None),
    "identity_line_item_id": "l",
    "identity_time_interval": "2026-10-07T00:00:00Z/2026-10-08T00:00:00Z",
    "line_item_availability_zone": "us-east-1a",
    "line_item_currency_code": "USD",
    "line_item_line_item_description": "a machine",
    "line_item_line_item_type": "Usage",
    "line_item_operation": "RunInstances",
    "line_item_product_code": "AmazonEC2",
    "line_item_resource_id": "i-1",
    "line_item_usage_account_id": "222222222222",
    "line_item_usage_account_name": "Account",
    "line_item_usage_type": "BoxUsage:m5.large",
    "line_item_usage_amount": 24.0,
    "line_item_usage_start_date": DAY.replace(tzinfo=None),
    "line_item_usage_end_date": (DAY + timedelta(days=1)).replace(tzinfo=None),
    "pricing_public_on_demand_cost": 3.0,
    "pricing_public_on_demand_rate": "0.125",
    "pricing_rate_code": "rate",
    "pricing_rate_id": "1",
    "pricing_term": "OnDemand",
    "pricing_unit": "Hrs",
    "product_instance_type": "m5.large",
    "product_product_family": "Compute Instance",
    "product_region_code": "us-east-1",
    "product_servicecode": "AmazonEC2",
    "product_sku": "SKU",
    "resource_tags": [("user_team", "engineering")],
    "product": [
        ("product_name", "Amazon Elastic Compute Cloud"),
        ("operating_system", "Linux"),
        ("vcpu", "2"),
    ],
}
GATEWAY_ROW = {
    "source_system": "canonical",
    "call_id": "call",
    "trace_id": "trace",
    "started_at": DAY + timedelta(hours=10),
    "ended_at": DAY + timedelta(hours=10, seconds=2),
    "operation": "chat",
    "provider": "groq",
    "request_model": "llama-3.1-8b-instant",
    "response_model": "llama-3.1-8b-instant",
    "service_tier": "standard",
    "is_stream": False,
    "is_batch": False,
    "status": "success",
    "input_tokens": 1000,
    "input_uncached_tokens": 1000,
    "cache_read_tokens": 0,
    "cache_write_5m_tokens": 0,
    "cache_write_1h_tokens": 0,
    "output_tokens": 100,
    "total_tokens": 1100,
    "usage_source": "provider",
    "gateway_cache_hit": False,
    "key_hash": "k",
    "key_alias": "key",
    "user_id": "u",
    "team_id": "engineering",
    "service_name": "shop",
    "workflow": "answer",
    "tags": "[]",
}

FIXTURES = (
    Fixture(
        VERCEL,
        CHARGES,
        "team_x|2026-10-07",
        "billed_cost",
        (
            *("team_id", "charge_date", "charge_period_start", "charge_period_end", "effective_cost"),
            "billing_currency",
        ),
        (
            VERCEL_ROW,
            {**VERCEL_ROW, "charge_category": "Purchase", "consumed_quantity": None, "consumed_unit": None},
            {**VERCEL_ROW, "charge_category": "Tax", "tags": "{}"},
        ),
    ),
    Fixture(
        ATLAS,
        LINE_ITEMS,
        "inv",
        "total_price",
        ("invoice_id", "line_number", "kind", "currency"),
        (
            ATLAS_ROW,
            {
                "kind": "sales_tax",
                **{name: ATLAS_ROW[name] for name in ("invoice_id", "org_id", "currency", "tags")},
            },
        ),
    ),
    Fixture(
        FOCUS,
        COST_AND_USAGE,
        "vendor|2026-10",
        "billed_cost",
        (
            *("billing_currency", "billing_period_start", "charge_period_start", "effective_cost"),
            *("focus_version", "export_name", "is_compare_only", "file_name"),
        ),
        (
            FOCUS_ROW,
            {**FOCUS_ROW, "charge_category": "Purchase", "charge_frequency": "One-Time", "resource_id": None},
        ),
        documents=(*JSONS, "extra"),
    ),
    Fixture(
        AWS,
        COST_AND_USAGE_REPORT,
        "payer|2026-10",
        "line_item_unblended_cost",
        ("line_item_currency_code",),
        (
            AWS_ROW,
            {**AWS_ROW, "line_item_line_item_type": "Tax", "line_item_resource_id": None},
            {**AWS_ROW, "line_item_line_item_type": "Refund", "bill_bill_type": "Refund"},
            {**AWS_ROW, "line_item_line_item_type": "Fee"},
            {
                **AWS_ROW,
                "line_item_product_code": "AmazonBedrock",
                "product_servicecode": "AmazonBedrock",
                "line_item_usage_type": "USE1-Claude4Sonnet-input-tokens",
                "pricing_unit": "1K tokens",
            },
        ),
        documents=(),
    ),
    Fixture(
        LLM_PROVIDERS,
        OPENAI_COSTS,
        "openai|costs|2026-10-07",
        "amount",
        ("bucket_start", "bucket_end", "currency"),
        (
            {
                **BUCKET,
                "currency": "USD",
                "line_item": "gpt-4o-mini, input",
                "quantity": Decimal(1000),
                "project_id": "proj",
                "api_key_id": "key",
            },
        ),
        biller="openai",
    ),
    Fixture(
        LLM_PROVIDERS,
        ANTHROPIC_COSTS,
        "anthropic|costs|2026-10-07",
        "amount",
        ("bucket_start", "bucket_end", "currency"),
        (
            {
                **BUCKET,
                "currency": "USD",
                "cost_type": "tokens",
                "description": "Claude Haiku 4.5 Usage - Input Tokens",
                "model": "claude-haiku-4-5",
                "service_tier": "standard",
                "context_window": "0-200k",
                "inference_geo": "global",
                "token_type": "uncached_input_tokens",
                "workspace_id": "ws",
            },
        ),
        biller="anthropic",
    ),
    Fixture(
        LLM_PROVIDERS,
        ACTIVITY,
        "openrouter|activity|2026-10-07",
        "amount",
        ("bucket_start", "bucket_end", "currency"),
        (
            {
                **BUCKET,
                "currency": "USD",
                "model": "meta-llama/llama-3.1-8b-instruct",
                "model_permaslug": "meta-llama/llama-3.1-8b-instruct",
                "endpoint_id": "e",
                "provider_name": "Provider",
                "workspace_id": "w",
                "requests": 10,
                "prompt_tokens": 1000,
                "completion_tokens": 100,
                "byok_inference": Decimal(0),
            },
        ),
        biller="openrouter",
    ),
    Fixture(
        LLM_PROVIDERS,
        PROVIDER_COSTS,
        "llm_costs|2026-10",
        "amount",
        ("bucket_start", "bucket_end", "currency", "provider", "file"),
        (
            {
                **BUCKET,
                "currency": "USD",
                "provider": "mistral",
                "account": "a",
                "model": "mistral-small",
                "token_class": "input",
                "service_tier": "standard",
                "quantity": Decimal(1000),
                "unit": "Tokens",
                "description": "tokens",
                "key": "k",
                "file": "2026-10.csv",
            },
        ),
        biller="llm_costs",
    ),
)
# Reports of usage, and requests: they bill nothing, and must not disturb what does. (They are of another workspace than
# the costs, which would be shared out over their keys.)
USAGE = (
    Fixture(
        LLM_PROVIDERS,
        OPENAI_USAGE,
        "openai|usage|2026-10-07",
        "",
        ("bucket_start", "bucket_end"),
        (
            {
                **BUCKET,
                "model": "gpt-4o-mini",
                "project_id": "proj",
                "api_key_id": "key",
                "user_id": "u",
                "batch": False,
            }
            | {"service_tier": "default", "input_tokens": 10, "output_tokens": 5, "num_model_requests": 1},
        ),
    ),
    Fixture(
        LLM_PROVIDERS,
        ANTHROPIC_USAGE,
        "anthropic|usage|2026-10-07",
        "",
        ("bucket_start", "bucket_end"),
        (
            {**BUCKET, "model": "claude-haiku-4-5", "workspace_id": "another", "api_key_id": "key"}
            | {"service_tier": "standard", "uncached_input_tokens": 10, "output_tokens": 5},
        ),
    ),
)
REQUESTS = Fixture(
    LLM_GATEWAY,
    LLM_REQUESTS,
    "canonical|2026-10-07",
    "",
    ("source_system", "request_id", "started_at", "reported_cost"),
    (GATEWAY_ROW,),
    documents=("tags", "key_attributes", "actor_chain"),
)


def _variants(column: Column, value: Any, documents: Iterable[str]) -> Iterator[Any]:
    """Other values of a column: none, nothing between the quotes, the other case, a quantity beyond all measure."""
    if value is not None:
        yield None
    if any(word in column.name for word in ("quantity", "usage_amount", "unit_price")):
        yield float(BEYOND_MEASURE) if pa.types.is_floating(column.type) else BEYOND_MEASURE
    if column.name in documents or not pa.types.is_string(column.type):
        return
    yield ""
    for spelt in (str(value or "").upper(), str(value or "").lower()):
        if spelt not in ("", value):
            yield spelt


def variants(fixture: Fixture) -> Iterator[tuple[str, dict[str, Any]]]:
    """The fixture's rows as they are, then with one column at a time left out, empty, or in another case."""
    for position, row in enumerate(fixture.rows):
        yield f"{fixture.table.name} {position}", dict(row)
        for column in fixture.table.columns:
            if column.name in fixture.kept or column.name == fixture.amount:
                continue
            for value in _variants(column, row.get(column.name), fixture.documents):
                shown = "left out" if value is None else repr(value)
                yield f"{fixture.table.name} {position}: {column.name} {shown}", {**row, column.name: value}


def _amount(number: int) -> Decimal:
    """An amount that no other row has."""
    return Decimal(1000 + number) / 1000


@dataclass
class Delivered:
    """What was delivered: the name of each variant by the amount, or the id, that is its own."""

    billed: dict[str, dict[Decimal, str]]
    requests: dict[str, str]


def _with_amounts(fixture: Fixture, names: dict[Decimal, str]) -> list[dict[str, Any]]:
    rows = []
    for number, (name, row) in enumerate(variants(fixture), start=1):
        amount = _amount(number)
        names[amount] = name
        whole = {**row, fixture.amount: amount}
        if fixture.table is CHARGES or fixture.table is COST_AND_USAGE:
            whole["effective_cost"] = amount
        if fixture.table is LINE_ITEMS:
            whole["line_number"] = number
        if fixture.table is COST_AND_USAGE_REPORT:
            whole[fixture.amount] = float(amount)
        rows.append(whole)
    return rows


def _file(fixture: Fixture, rows: list[dict[str, Any]], folder: Path) -> VendorFile:
    """Rows as a vendor's own file, with its control totals."""
    path = folder / f"{fixture.source.name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, fixture.table.schema), path)
    total = sum((Decimal(str(row[fixture.amount])) for row in rows), Decimal(0))
    return VendorFile(fixture.table, path, len(rows), (Total("billed_cost", "USD", total, len(rows)),), MONTH_END)


def _landed(home: Home, fixtures: Iterable[tuple[Fixture, list[dict[str, Any]]]], folder: Path) -> None:
    """Deliver rows of one source, a slice a table."""
    pieces = []
    for fixture, rows in fixtures:
        part: Rows | VendorFile = Rows(fixture.table, rows)
        if fixture.table.vendor_files:
            part = _file(fixture, rows, folder)
        pieces.append(
            Slice(fixture.slice_id, MONTH, MONTH_START, MONTH_END, lambda part=part: iter((part,)))  # type: ignore[misc]
        )
    source = replace(fixture.source, slices=lambda *_: iter(pieces))
    landing = land(home, source, None, WINDOW, NOW)
    assert not landing.refused, landing.refused


@dataclass(frozen=True)
class Built:
    """The ledger that a build made of the variants."""

    home: Home
    delivered: Delivered
    code: int
    output: str

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home.warehouse), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("variants")
    before, umask = dict(os.environ), os.umask(0o077)  # which `prepare` sets
    home = Home(folder / "home")
    os.environ["COSTOWNER_HOME"] = str(home.root)
    prepare(home)
    try:
        for source in LAKE:
            declare(home, source)
        land(home, REGISTRY, RegistrySettings(str(PROJECT_ROOT / "registry")), WINDOW, NOW)
        delivered = Delivered({}, {})
        by_source: dict[str, list[tuple[Fixture, list[dict[str, Any]]]]] = {}
        for fixture in FIXTURES:
            names = delivered.billed.setdefault(fixture.name, {})
            by_source.setdefault(fixture.source.name, []).append((fixture, _with_amounts(fixture, names)))
        for fixture in USAGE:
            rows = [row for _, row in variants(fixture)]
            by_source[fixture.source.name].append((fixture, rows))
        requests = []
        for number, (name, row) in enumerate(variants(REQUESTS), start=1):
            delivered.requests[f"r{number}"] = name
            requests.append({**row, "request_id": f"r{number}"})
        by_source[LLM_GATEWAY.name] = [(REQUESTS, requests)]
        for fixtures in by_source.values():
            _landed(home, fixtures, folder)
        land(home, PRICES, PricesSettings(registry=str(PROJECT_ROOT / "registry")), WINDOW, NOW)
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("dbt")), "build", "--exclude", "resource_type:unit_test"),
                *("--target-path", str(folder / "target")),
            ],
            cwd=DBT_PROJECT,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        yield Built(home, delivered, done.returncode, done.stdout)
    finally:
        os.umask(umask)
        os.environ.clear()
        os.environ.update(before)


BILLERS = [fixture.name for fixture in FIXTURES]


def test_no_variant_stops_the_build(built: Built) -> None:
    assert built.code == 0, built.output[-6000:]


@pytest.mark.parametrize("biller", BILLERS)
def test_every_variant_is_billed_in_the_ledger_at_its_own_amount(built: Built, biller: str) -> None:
    names = built.delivered.billed[biller]
    found = Counter(
        amount
        for (amount,) in built.rows(
            f"select sum(billed_cost) from main.fact_cost where source = '{biller}' group by origin_charge_key"
        )
        if amount
    )
    whole = built.rows(f"select sum(billed_cost) from main.fact_cost where source = '{biller}'")[0][0]
    lost = [name for amount, name in names.items() if not found[amount]]
    again = [names.get(amount, "no variant") for amount, count in found.items() if count > 1]
    assert not lost and not again, f"lost: {lost}; more than once: {again}"
    assert whole == sum(names)


@pytest.mark.parametrize("biller", BILLERS)
def test_every_charge_has_a_key_of_its_own_and_a_day(built: Built, biller: str) -> None:
    (counts,) = built.rows(
        "select count(*), count(charge_key), count(distinct charge_key), count(vendor_charge_id), "
        "count(charge_period_start), count(charge_period_end), count(charge_category), count(service_name), "
        f"count(charge_description) from intermediate.int_charges__unified where source = '{biller}'"
    )
    assert len(set(counts)) == 1 and counts[0] > 0, counts


def test_every_request_is_there_once_and_priced_or_listed(built: Built) -> None:
    found = {
        request_id: (count, status, billed)
        for request_id, count, status, billed in built.rows(
            "select request_id, count(*), max(pricing_status), max(is_billed) from main.fact_llm_request group by 1"
        )
    }
    unsaid = [
        (name, found.get(request_id))
        for request_id, name in built.delivered.requests.items()
        if request_id not in found or found[request_id][0] != 1 or None in found[request_id]
    ]
    assert not unsaid, unsaid


def test_priced_requests_without_a_bill_are_estimated(built: Built) -> None:
    (requested,) = built.rows(
        "select sum(computed_list_cost) from main.fact_llm_request where pricing_status = 'priced'"
    )[0]
    (estimated,) = built.rows("select sum(billed_cost) from main.fact_cost where is_estimated")[0]
    assert requested == estimated and requested > 0
