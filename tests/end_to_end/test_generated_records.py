"""Records of every format, each with a field that has an odd value: none stops a refresh, and none is lost.

A bill's records have amounts of their own, which no odd value touches: what is published and what is set aside come to their
sum. Of a gateway's log every record is a request, or is set aside.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.sources.aws.shape import COLUMN_TYPES, MAPS
from ingestion.sources.focus.shape import COST_AND_USAGE, focus_header
from ingestion.sources.vercel.shape import FIELDS as VERCEL_FIELDS
from sample_company.server import Request, Response, Route, json_response, serving
from tests.end_to_end.installation import Installation
from tests.ingestion.test_messages import GOOD, paths, with_value

pytestmark = pytest.mark.slow

# Another seed gives other records: RECORDS_SEED=7 pytest …
SEED = int(os.environ.get("RECORDS_SEED", "20261001"))
MONTH, FIRST = "2026-10", datetime(2026, 10, 1, tzinfo=UTC)
# A slice with more records that can't be read is refused as a whole.
ODD_OF_A_SLICE, GOOD_OF_A_SLICE = 60, 5
TEXTS = (
    "",
    " ",
    "None",
    "null",
    "NaN",
    "soon",
    "-1",
    "1e27",
    "0001-01-01T00:00:00Z",
    "[1]",
    '{"a": 1}',
    '{"a": "\\ud800"}',
    "UPPER",
    "é\u202e",
)
VALUES = (*TEXTS, None, -1, 0, 10**40, 1.5e300, True, {"a": 1}, ["a"], [{"key": "a"}], "\ud800")

Record = dict[str, Any]


class Bill:
    """A vendor's records, each with one odd field and an amount of its own; and their sum.

    `base` is a record with all documented fields, `fields` those that may be odd, `amount` how the record has its amount.
    """

    def __init__(
        self,
        base: Record,
        fields: Sequence[str],
        amount: Any,
        values: Sequence[Any] = VALUES,
        count: int = ODD_OF_A_SLICE,
    ) -> None:
        chosen = random.Random(f"{SEED}{sorted(base)}")
        pairs = [(field, value) for field in fields for value in values]
        odd: list[tuple[str, Any] | None] = [
            *chosen.sample(pairs, min(count, len(pairs))),
            *[None] * GOOD_OF_A_SLICE,
        ]
        chosen.shuffle(odd)
        self.records: list[Record] = []
        self.total = Decimal(0)
        for number, pair in enumerate(odd, start=1):
            cost = Decimal(100 + number) / 100
            self.records.append({**base, **amount(cost), **dict([pair] if pair else [])})
            self.total += cost

    def as_csv(self) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.records)
        return text.getvalue()


def all_but(names: Iterator[str] | Sequence[str] | Mapping[str, Any], *kept: str) -> list[str]:
    return [name for name in names if name not in kept]


VERCEL = {
    "BillingCurrency": "USD", "ChargeCategory": "Usage", "ChargePeriodStart": "2026-10-05T07:00:00Z",
    "ChargePeriodEnd": "2026-10-06T07:00:00Z", "ConsumedQuantity": 3, "ConsumedUnit": "GB", "PricingCategory": "Standard",
    "PricingCurrency": "USD", "PricingQuantity": 3, "PricingUnit": "GB", "RegionId": "iad1", "RegionName": "Washington",
    "ServiceCategory": "Networking", "ServiceName": "Fast Data Transfer", "ServiceProviderName": "Vercel",
    "Tags": {"ProjectId": "prj_1", "ProjectName": "shop"},
}  # fmt: skip
# A page of each of Vercel's lists.
VERCEL_LISTS: dict[str, Any] = {
    "v10/projects": {
        "projects": [{"id": "prj_1", "name": "shop", "accountId": "team_x", "createdAt": 1704067200000}],
        "pagination": {"count": 1, "next": None, "prev": None},
    },
    "v3/teams/team_x/members": {
        "members": [{"uid": "u", "username": "n", "role": "OWNER", "projects": [{"id": "prj_1", "role": "ADMIN"}]}],
        "pagination": {"count": 1, "next": None, "hasNext": False},
    },
    "v1/access-groups": {
        "accessGroups": [{"accessGroupId": "ag", "name": "g", "projectsCount": 1, "membersCount": 1}],
        "pagination": {"count": 1, "next": None},
    },
    "v1/access-groups/ag/projects": {
        "projects": [{"projectId": "prj_1", "role": "ADMIN"}], "pagination": {"count": 1, "next": None},
    },
    "v1/billing/contract-commitments": [
        {
            "ContractId": "c", "ContractCommitmentId": "t", "ContractCommitmentCategory": "Usage",
            "ContractPeriodStart": "2026-01-01T08:00:00Z", "ContractPeriodEnd": "2029-01-01T08:00:00Z",
            "ContractCommitmentPeriodStart": "2026-01-01T08:00:00Z", "ContractCommitmentUnit": "MIUs",
            "ContractCommitmentPeriodEnd": "2027-01-01T08:00:00Z", "ContractCommitmentQuantity": 12.5,
            "ContractCommitmentCost": 20, "ContractCommitmentType": "Enterprise", "BillingCurrency": "USD",
        }
    ],
}  # fmt: skip
ATLAS = {
    "sku": "ATLAS_AWS_INSTANCE_M10", "groupId": "g", "groupName": "group", "clusterName": "cluster", "quantity": 24,
    "unit": "server hours", "unitPriceDollars": 0.08, "startDate": "2026-10-05T00:00:00Z",
    "endDate": "2026-10-06T00:00:00Z", "created": "2026-10-05T00:00:00Z", "tags": {"team": ["search"]},
    "discountCents": 0, "percentDiscount": 0, "note": "n", "cloudProvider": "AWS",
}  # fmt: skip
ATLAS_LISTS: dict[str, Any] = {
    "orgs/org/groups": {"id": "g", "name": "group", "orgId": "org", "created": "2024-01-01T00:00:00Z", "tags": []},
    "orgs/org/teams": {"id": "t", "name": "team"},
    "groups/g/teams": {"teamId": "t", "roleNames": ["GROUP_OWNER"]},
    "groups/g/clusters": {"id": "c", "name": "cluster", "tags": [{"key": "team", "value": "search"}]},
}
OPENAI = {"line_item": "gpt-4o, input", "quantity": 5, "project_id": "proj_1", "api_key_id": "key_1"}
ANTHROPIC = {
    "currency": "USD", "description": "Claude Sonnet 4 Usage - Input Tokens", "workspace_id": "wrkspc_1",
    "cost_type": "tokens", "model": "claude-sonnet-4-20250514", "service_tier": "standard", "context_window": "0-200k",
    "token_type": "uncached_input_tokens", "inference_geo": "global",
}  # fmt: skip
# Of the last thirty days.
OPENROUTER = {
    "date": "2026-10-25", "model": "openai/gpt-4o", "model_permaslug": "openai/gpt-4o", "provider_name": "OpenAI",
    "endpoint_id": "e", "requests": 2, "prompt_tokens": 5, "completion_tokens": 5, "reasoning_tokens": 0,
    "byok_usage_inference": 0,
}  # fmt: skip
COSTS = {
    "day": "2026-10-05", "provider": "xai", "currency": "USD", "description": "d", "model": "grok-4",
    "api_key_alias": "k", "project": "p", "quantity": "5", "unit": "tokens",
}  # fmt: skip
FOCUS = {
    "BillingCurrency": "USD", "BillingAccountId": "b", "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z", "ChargeCategory": "Usage", "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z", "ProviderName": "Warehouse", "ServiceName": "Storage",
    "ServiceCategory": "Storage", "SubAccountId": "s", "ConsumedQuantity": "1", "ConsumedUnit": "GB", "PricingQuantity": "1",
    "PricingUnit": "GB", "SkuId": "k", "SkuPriceId": "p", "Tags": '{"team": "search"}',
}  # fmt: skip
AWS = {
    "line_item_line_item_type": "Usage", "line_item_usage_start_date": "2026-10-05T00:00:00Z",
    "line_item_usage_end_date": "2026-10-06T00:00:00Z", "line_item_currency_code": "USD",
    "line_item_usage_account_id": "001234567890", "bill_payer_account_id": "001234567890", "line_item_usage_amount": "1",
    "line_item_product_code": "AmazonS3", "resource_tags": '{"user_team": "search"}', "line_item_resource_id": "bucket",
}  # fmt: skip
FOCUS_COLUMNS = [focus_header(column.name) for column in COST_AND_USAGE.columns]
IN_CENTS = Decimal(100)

BILLS = {
    "vercel": Bill(
        VERCEL, all_but([*VERCEL_FIELDS.values(), "Tags"], "BilledCost", "BillingCurrency"),
        lambda cost: {"BilledCost": float(cost), "EffectiveCost": float(cost)},
    ),
    "atlas": Bill(ATLAS, list(ATLAS), lambda cost: {"totalPriceCents": int(cost * IN_CENTS)}),
    "openai": Bill(OPENAI, list(OPENAI), lambda cost: {"amount": {"value": float(cost), "currency": "usd"}}),
    "anthropic": Bill(
        ANTHROPIC, all_but(ANTHROPIC, "currency"), lambda cost: {"amount": str(cost * IN_CENTS)}
    ),
    "openrouter": Bill(OPENROUTER, all_but(OPENROUTER, "date"), lambda cost: {"usage": float(cost)}),
    "llm_costs": Bill(COSTS, all_but(COSTS, "currency", "provider"), lambda cost: {"amount": str(cost)}, TEXTS),
    "focus": Bill(
        {**dict.fromkeys(FOCUS_COLUMNS, ""), **FOCUS},
        all_but(FOCUS_COLUMNS, "BilledCost", "BillingCurrency", "BillingPeriodStart"),
        lambda cost: {"BilledCost": str(cost), "EffectiveCost": str(cost)}, TEXTS, 90,
    ),
    "aws": Bill(
        {**dict.fromkeys([*COLUMN_TYPES, *MAPS], ""), **AWS},
        all_but([*COLUMN_TYPES, *MAPS], "line_item_unblended_cost", "line_item_currency_code"),
        lambda cost: {"line_item_unblended_cost": str(cost)}, TEXTS, 90,
    ),
}  # fmt: skip

# Below each, its files lie in a folder of a day. What makes a record a request at all is not odd.
LOGS = {
    "litellm": ("SOURCES__LLM_GATEWAY__LITELLM_URL", "id", ()),
    "spend logs": ("SOURCES__LLM_GATEWAY__LITELLM_SPEND_LOGS_URL", "request_id", ()),
    "langfuse": ("SOURCES__LLM_GATEWAY__LANGFUSE_URL", "id", ("type",)),
    "bedrock": ("SOURCES__LLM_GATEWAY__BEDROCK_LOG_URL", "requestId", ()),
    "canonical": ("SOURCES__LLM_GATEWAY__CANONICAL_URL", "request_id", ("source_system",)),
    "otel": ("SOURCES__LLM_GATEWAY__OTEL_URL", "spanId", ()),
}
# A span's attributes, each of which may be odd. The operation, which makes a span a request, stays as it is.
SPAN_ATTRIBUTES = (
    "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model", "gen_ai.response.id", "gen_ai.conversation.id",
    "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.response.time_to_first_chunk", "gen_ai.usage.cost", "openai.response.service_tier", "error.type", "user.id",
    "gen_ai.request.stream", "costowner.team", "costowner.workflow", "costowner.actor_token", "litellm.api_key.hash",
)  # fmt: skip
OCTOBER_NANOSECONDS = str(int(datetime(2026, 10, 5, tzinfo=UTC).timestamp()) * 10**9)
SPAN: tuple[Any, ...] = ("resourceSpans", 0, "scopeSpans", 0, "spans", 0)
# What of a request of OTLP's may be odd: fields of the span, values of attributes, and the kinds of a value.
SPAN_PATHS: list[tuple[Any, ...]] = [
    *(
        (*SPAN, name)
        for name in ("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano")
    ),
    *((*SPAN, name) for name in ("status", "kind", "events", "links")),
    (*SPAN, "status", "code"),
    *(
        (*SPAN, "attributes", 1 + place, *rest)
        for rest in (("value", "stringValue"), ("value", "intValue"), ("value",), ("key",), ())
        for place in range(len(SPAN_ATTRIBUTES))
    ),
    *(
        ("resourceSpans", 0, "resource", *rest)
        for rest in ((), ("attributes",), ("attributes", 0), ("schemaUrl",))
    ),
]


def log_records(name: str, kept: Sequence[str]) -> list[list[str]]:
    """The lines of a log's days: each record with one odd field, and some that are as they should be."""
    kind, _ = GOOD[name]
    chosen = random.Random(f"{SEED}{name}")
    fields = (path for path in paths(kind.fields) if path[0] not in kept)
    pairs = [
        (path, value) for path in (SPAN_PATHS if name == "otel" else fields) for value in chosen.sample(VALUES, 4)
    ]
    chosen.shuffle(pairs)
    days: list[list[str]] = []
    for start in range(0, len(pairs), ODD_OF_A_SLICE):
        day = []
        for number, (path, value) in enumerate(pairs[start : start + ODD_OF_A_SLICE], start=start):
            # Two records of one id are one request.
            is_id = str(path[-1]).lower().endswith("id") and value not in (None, "", " ")
            own = f"{value}-{name}-{number}" if is_id else value
            day.append(json.dumps(with_value(identified(name, f"{name}-odd-{number}"), path, own)))
        day += [json.dumps(identified(name, f"{name}-good-{start + number}")) for number in range(GOOD_OF_A_SLICE)]
        days.append(day)
    return days


def identified(name: str, identifier: str) -> Record:
    """A good record of a log, with an id of its own."""
    if name != "otel":
        return {**GOOD[name][1], LOGS[name][1]: identifier}
    operation = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
    # Two records of one answer are one request.
    values = {**dict.fromkeys(SPAN_ATTRIBUTES, "1"), "gen_ai.response.id": f"answer-{identifier}"}
    attributes = [operation, *({"key": key, "value": {"stringValue": value}} for key, value in values.items())]
    span = {
        "traceId": "t",
        "spanId": identifier,
        "startTimeUnixNano": OCTOBER_NANOSECONDS,
        "attributes": attributes,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}


@pytest.fixture(scope="module")
def logs() -> dict[str, list[list[str]]]:
    return {name: log_records(name, kept) for name, (_, _, kept) in LOGS.items()}


def routes() -> list[Route]:
    def charges(request: Request) -> Response:
        first, until = (
            datetime.fromisoformat(request.one(name).replace("Z", "+00:00")) for name in ("from", "to")
        )
        wanted = first <= datetime(2026, 10, 5, 7, tzinfo=UTC) < until
        lines = [json.dumps(record) for record in BILLS["vercel"].records] if wanted else []
        return Response(200, "".join(f"{line}\n" for line in lines).encode())

    invoice = {"id": "i", "orgId": "org", "statusName": "PENDING", "startDate": "2026-10-01T00:00:00Z",
               "endDate": "2026-11-01T00:00:00Z"}  # fmt: skip
    day = int(datetime(2026, 10, 5, tzinfo=UTC).timestamp())

    def openai(request: Request) -> Response:
        wanted = int(request.one("start_time")) <= day < int(request.one("end_time"))
        bucket = {"start_time": day, "end_time": day + 86_400, "results": BILLS["openai"].records}
        return json_response({"data": [bucket] if wanted else [], "has_more": False})

    def anthropic(request: Request) -> Response:
        bucket = {
            "starting_at": "2026-10-05T00:00:00Z",
            "ending_at": "2026-10-06T00:00:00Z",
            "results": BILLS["anthropic"].records,
        }
        return json_response({"data": [bucket], "has_more": False})

    def openrouter(request: Request) -> Response:
        return json_response({"data": BILLS["openrouter"].records if request.one("date") == "2026-10-25" else []})

    nothing = {"data": [], "has_more": False}
    return [
        Route("GET", "/vercel/v1/billing/charges", charges),
        Route("GET", "/vercel/v2/teams/team_x", lambda request: json_response({"id": "team_x", "slug": "x", "name": "X"})),
        *(
            Route("GET", f"/vercel/{path}", lambda request, answer=answer: json_response(answer))
            for path, answer in VERCEL_LISTS.items()
        ),
        Route("POST", "/atlas/api/oauth/token", lambda request: json_response({"access_token": "t", "expires_in": 3600})),
        Route("GET", "/atlas/.*/invoices", lambda request: json_response({"results": [invoice], "totalCount": 1})),
        Route("GET", "/atlas/.*/invoices/i", lambda request: json_response({**invoice, "lineItems": BILLS["atlas"].records})),
        *(
            Route("GET", f"/atlas/api/atlas/v2/{path}", lambda request, found=found: json_response({"results": [found]}))
            for path, found in ATLAS_LISTS.items()
        ),
        Route("GET", "/openai/organization/costs", openai),
        Route("GET", "/openai/.*", lambda request: json_response(nothing)),
        Route("GET", "/anthropic/v1/organizations/cost_report", anthropic),
        Route("GET", "/anthropic/.*", lambda request: json_response(nothing)),
        Route("GET", "/openrouter/activity", openrouter),
        Route("GET", "/openrouter/.*", lambda request: json_response({"data": [], "total_count": 0})),
    ]  # fmt: skip


def deliver(root: Path, logs: Mapping[str, list[list[str]]]) -> dict[str, str]:
    """Write the files of all formats; gives the settings that name them."""
    (root / "costs" / f"{MONTH}-xai.csv").write_text(BILLS["llm_costs"].as_csv())
    (root / "focus" / MONTH).mkdir()
    (root / "focus" / MONTH / "bill.csv").write_text(BILLS["focus"].as_csv())
    period = root / "aws" / "report" / "20261001-20261101"
    (period / "run").mkdir(parents=True)
    (period / "run" / "report-1.csv.gz").write_bytes(gzip.compress(BILLS["aws"].as_csv().encode()))
    key = "report/20261001-20261101/run/report-1.csv.gz"
    (period / "report-Manifest.json").write_text(json.dumps({"assemblyId": "run", "reportKeys": [key]}))
    settings = {"SOURCES__AWS__EXPORT_URL": str(root / "aws" / "report")}
    for name, days in logs.items():
        setting, *_ = LOGS[name]
        settings[setting] = str(root / "logs" / name)
        for number, lines in enumerate(days):
            folder = root / "logs" / name / f"{FIRST + timedelta(days=number):%Y-%m-%d}"
            if name != "litellm":
                folder = folder.with_name(f"dt={folder.name}")
            folder.mkdir(parents=True)
            if name == "litellm":
                # An object a record, as its callback writes them.
                for nth, line in enumerate(lines):
                    (folder / f"time-10-00-00-{nth:06d}_chatcmpl-{nth}.json").write_text(line)
            else:
                (folder / "records.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return settings


@pytest.fixture(scope="module")
def refreshed(
    tmp_path_factory: pytest.TempPathFactory, logs: dict[str, list[list[str]]]
) -> Iterator[Installation]:
    root = tmp_path_factory.mktemp("generated")
    installation = Installation(root)
    settings = deliver(root, logs)
    with serving(routes()) as url, pytest.MonkeyPatch.context() as patched:
        for name, value in {
            **settings,
            "COSTOWNER_NOW": "2026-11-20T06:00:00+00:00",
            "SOURCES__VERCEL__TOKEN": "t",
            "SOURCES__VERCEL__TEAM_ID": "team_x",
            "SOURCES__VERCEL__BASE_URL": f"{url}/vercel",
            "SOURCES__ATLAS__CLIENT_ID": "i",
            "SOURCES__ATLAS__CLIENT_SECRET": "s",
            "SOURCES__ATLAS__ORG_ID": "org",
            "SOURCES__ATLAS__BASE_URL": f"{url}/atlas",
            "SOURCES__LLM_PROVIDERS__OPENAI_ADMIN_KEY": "k",
            "SOURCES__LLM_PROVIDERS__OPENAI_BASE_URL": f"{url}/openai",
            "SOURCES__LLM_PROVIDERS__ANTHROPIC_ADMIN_KEY": "k",
            "SOURCES__LLM_PROVIDERS__ANTHROPIC_BASE_URL": f"{url}/anthropic",
            "SOURCES__LLM_PROVIDERS__OPENROUTER_MANAGEMENT_KEY": "k",
            "SOURCES__LLM_PROVIDERS__OPENROUTER_BASE_URL": f"{url}/openrouter",
        }.items():
            patched.setitem(os.environ, name, value)
        done = installation.refresh(MONTH, MONTH)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    yield installation


@pytest.mark.parametrize("source", BILLS)
def test_what_is_published_and_what_is_set_aside_come_to_the_bill(refreshed: Installation, source: str) -> None:
    ((published,),) = refreshed.query(
        f"select sum(billed_cost) from fact_cost where source = '{source}' and not is_estimated"
    )
    aside = refreshed.query(f"select billed_cost from rejected_record where source = '{source}'")
    assert published + sum((amount for (amount,) in aside), Decimal(0)) == BILLS[source].total
    assert len(aside) < len(BILLS[source].records)


@pytest.mark.parametrize("name", LOGS)
def test_every_record_of_a_log_is_a_request_or_set_aside(
    refreshed: Installation, logs: dict[str, list[list[str]]], name: str
) -> None:
    ((aside,),) = refreshed.query(f"select count(*) from rejected_record where place like '%/logs/{name}/%'")
    system = {"spend logs": "litellm_spend_logs"}.get(name, name)
    ((requests,),) = refreshed.query(f"select count(*) from fact_llm_request where source_system = '{system}'")
    assert requests + aside == sum(map(len, logs[name]))
    assert 0 < aside < requests
