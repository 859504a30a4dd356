"""Vercel, Atlas, OpenAI and Anthropic against the sample company's servers: paging, exactness, broken answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingestion.access.http import exact_json
from ingestion.errors import BadInput, SettingError
from ingestion.lake.contract import Landing
from ingestion.lake.pipeline import land
from ingestion.lake.rejected import Rejected
from ingestion.settings import Home, Month, Window
from ingestion.sources.atlas import SOURCE as ATLAS
from ingestion.sources.atlas.invoices import line_rows
from ingestion.sources.atlas.source import AtlasSettings
from ingestion.sources.llm_providers import SOURCE as PROVIDERS
from ingestion.sources.llm_providers.anthropic.shape import anthropic_cost
from ingestion.sources.llm_providers.openai.shape import openai_cost
from ingestion.sources.llm_providers.source import ProviderSettings
from ingestion.sources.vercel import SOURCE as VERCEL
from ingestion.sources.vercel.source import VercelSettings, billing_day, midnight
from sample_company import atlas, vercel
from sample_company.llm import provider_apis
from sample_company.server import Request, Response, Route, json_response, serving
from sample_company.world import State, World

WORLD = World(7, date(2026, 11, 9))
NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
WINDOW = Window(Month(2026, 10), Month(2026, 11))
DAY = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    state = State(WORLD, date(2026, 11, 10))
    routes = [*vercel.routes(state), *atlas.routes(state), *provider_apis.routes(state)]
    with serving(routes) as url:
        yield url


def table(home: Home, dataset: str, name: str) -> list[dict[str, object]]:
    files = (home.lake / dataset / name).glob("*.parquet")
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def test_vercel_days_are_los_angeles_days() -> None:
    assert midnight(date(2026, 7, 1)) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert midnight(date(2026, 12, 1)) == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert billing_day(datetime(2026, 12, 1, 7, 59, tzinfo=UTC)) == date(2026, 11, 30)


def test_vercel_lands_what_the_vendor_served_exactly(home: Home, base: str) -> None:
    settings = VercelSettings(vercel.TOKEN, (vercel.TEAM_ID,), f"{base}/vercel")
    land(home, VERCEL, settings, WINDOW, NOW)
    days = [day for day in WORLD.days() if day >= date(2026, 10, 1)]
    served = sum(
        (
            Decimal(str(row["EffectiveCost"]))
            for day in days
            for row, _ in vercel.charges(WORLD, day, date(2026, 11, 10))
        ),
        Decimal(0),
    )
    rows = table(home, "raw_vercel", "charges")
    assert sum((Decimal(str(row["effective_cost"])) for row in rows), Decimal(0)) == served
    assert {row["project_id"] for row in table(home, "raw_vercel", "projects")} < {p.id for p in vercel.PROJECTS}


def lists() -> list[Route]:
    """What Vercel lists of a team that has nothing."""
    empty = {"projects": [], "members": [], "accessGroups": [], "pagination": {"count": 0, "next": None}}
    return [
        Route("GET", "/v2/teams/team_x", lambda request: json_response({"id": "team_x", "name": "X"})),
        Route("GET", "/v1/billing/contract-commitments", lambda request: Response(200, b"")),
        Route("GET", "/v.*", lambda request: json_response(empty)),
    ]


def vercel_saying(response: Response) -> Callable[[Home], object]:
    def run(home: Home) -> object:
        with serving([Route("GET", "/v1/billing/charges", lambda request: response), *lists()]) as url:
            return land(home, VERCEL, VercelSettings("t", ("team_x",), url), WINDOW, NOW)

    return run


def test_vercel_line_that_is_cut_refuses_its_days_with_the_line(home: Home) -> None:
    good = b'{"BilledCost":1.5,"EffectiveCost":1.5,"BillingCurrency":"USD","ChargePeriodStart":"2026-10-05T07:00:00Z",'
    good += b'"ChargePeriodEnd":"2026-10-06T07:00:00Z","Shiny":"new"}\n'
    landing = vercel_saying(Response(200, good + good[:40]))(home)
    assert "line 2: not JSON" in str(landing.refused[0][1])  # type: ignore[attr-defined]
    assert not table(home, "raw_vercel", "charges")


def charge(cost: str, start: str, **fields: object) -> dict[str, object]:
    return {
        **{"BilledCost": cost, "EffectiveCost": cost, "BillingCurrency": "USD"},
        **{"ChargePeriodStart": start, "ChargePeriodEnd": "2026-11-01T07:00:00Z", **fields},
    }


def vercel_months(home: Home, answers: dict[int, list[dict[str, object]]]) -> Landing:
    """Land October and November of 2026, where Vercel answers a month with these rows."""

    def charges(request: Request) -> Response:
        lines = [json.dumps(row) for row in answers[datetime.fromisoformat(request.one("from")).month]]
        return Response(200, "\n".join(lines).encode())

    with serving([Route("GET", "/v1/billing/charges", charges), *lists()]) as url:
        return land(home, VERCEL, VercelSettings("t", ("team_x",), url), WINDOW, NOW)


def vercel_billed(home: Home) -> list[tuple[str, Decimal]]:
    rows = table(home, "raw_vercel", "charges")
    return sorted((str(row["charge_date"]), Decimal(str(row["billed_cost"]))) for row in rows)


@pytest.mark.parametrize("start", ["2026-10-01T00:00:00.000Z", "2026-09-02T00:00:00Z", "2025-01-01T00:00:00"])
def test_vercel_row_of_a_day_that_was_not_asked_for_refuses_its_month_with_number_and_day(
    home: Home, start: str
) -> None:
    good, outside = charge("1.25", "2026-10-03T07:00:00Z"), charge("20", start)
    landing = vercel_months(home, {10: [good, outside], 11: [charge("2", "2026-11-02T08:00:00Z")]})
    assert {name[-10:-3] for name, _ in landing.refused} == {"2026-10"} and len(landing.refused) == 31
    day = billing_day(datetime.fromisoformat(start).replace(tzinfo=UTC))
    assert all(
        f"record 2: its start is of {day}, which was not asked for" in message for _, message in landing.refused
    )
    assert vercel_billed(home) == [("2026-11-02", Decimal(2))]


def test_vercel_row_that_two_months_answers_hold_counts_once(home: Home) -> None:
    late, early = charge("20", "2026-11-01T00:00:00Z"), charge("3", "2026-11-03T00:00:00Z")
    answers = {10: [late, late, charge("1", "2026-10-02T07:00:00Z"), early], 11: [late, early, late]}
    landing = vercel_months(home, answers)
    assert not landing.refused
    expected = [("2026-10-02", 1), ("2026-10-31", 20), ("2026-10-31", 20), ("2026-11-02", 3)]
    assert vercel_billed(home) == [(day, Decimal(cost)) for day, cost in expected]


def test_vercel_row_that_its_own_month_has_less_often_refuses_the_other_month(home: Home) -> None:
    late = charge("20", "2026-11-01T00:00:00Z")
    landing = vercel_months(home, {10: [late], 11: [charge("2", "2026-11-02T08:00:00Z"), late, late]})
    assert {name[-10:-3] for name, _ in landing.refused} == {"2026-11"}
    assert all("record 3: its start is of 2026-10-31" in message for _, message in landing.refused)
    assert vercel_billed(home) == [("2026-10-31", Decimal(20))]


def test_vercel_unknown_field_is_kept(home: Home) -> None:
    line = b'{"BilledCost":1.5,"EffectiveCost":1.5,"BillingCurrency":"USD","ChargePeriodStart":"2026-10-05T07:00:00Z",'
    line += b'"ChargePeriodEnd":"2026-10-06T07:00:00Z","Shiny":"new"}\n'
    vercel_saying(Response(200, line))(home)
    assert {row["extra"] for row in table(home, "raw_vercel", "charges")} == {'{"Shiny": "new"}'}


def test_vercel_without_costs_is_no_data(home: Home) -> None:
    landing = vercel_saying(json_response({"error": {"code": "costs_not_found"}}, 404))(home)
    assert landing.states["no_data"] == 40 and not landing.refused  # type: ignore[attr-defined]


def test_wrong_tokens_name_their_settings(home: Home, base: str) -> None:
    with pytest.raises(Exception, match=r"sources\.vercel\.token"):
        land(home, VERCEL, VercelSettings("wrong", (vercel.TEAM_ID,), f"{base}/vercel"), WINDOW, NOW)
    with pytest.raises(SettingError, match=r"sources\.atlas\.client_secret"):
        land(
            home, ATLAS, AtlasSettings(atlas.ORG, atlas.CLIENT_ID, "wrong", base_url=f"{base}/atlas"), WINDOW, NOW
        )
    with pytest.raises(Exception, match=r"sources\.llm_providers\.openai_admin_key"):
        land(home, PROVIDERS, ProviderSettings("wrong", openai_base_url=f"{base}/openai"), WINDOW, NOW)


def test_atlas_bills_the_invoice_through_busy_answers(home: Home, base: str) -> None:
    settings = AtlasSettings(atlas.ORG, atlas.CLIENT_ID, atlas.CLIENT_SECRET, base_url=f"{base}/atlas")
    land(home, ATLAS, settings, WINDOW, NOW)
    for invoice in table(home, "raw_atlas", "invoices"):
        lines = [
            row
            for row in table(home, "raw_atlas", "invoice_line_items")
            if row["invoice_id"] == invoice["invoice_id"]
        ]
        assert sum((Decimal(str(row["total_price"])) for row in lines), Decimal(0)) == invoice["amount_billed"]


def test_atlas_invoice_with_an_unknown_field_keeps_it() -> None:
    invoice = exact_json(
        '{"id":"i","orgId":"o","statusName":"PAID","lineItems":[{"sku":"S","totalPriceCents":7,"surprise":{"a":1}}]}'
    )
    (row,) = line_rows(invoice)
    assert row["total_price"] == Decimal("0.07") and row["extra"] == '{"surprise": {"a": 1}}'
    rejected = Rejected()
    assert len(line_rows({"id": "i", "lineItems": [{"sku": "S"}, {"totalPriceCents": 7}]}, rejected=rejected)) == 1
    assert rejected.records == [{"place": "Atlas invoice, line item 1", "reason": "no totalPriceCents"}]


def test_providers_land_every_page_of_closed_days_only(home: Home, base: str) -> None:
    settings = ProviderSettings(
        provider_apis.OPENAI_KEY, provider_apis.ANTHROPIC_KEY, f"{base}/openai", f"{base}/anthropic"
    )
    land(home, PROVIDERS, settings, WINDOW, NOW)
    for name in ("openai_costs", "openai_usage_completions", "anthropic_cost_report", "anthropic_usage_messages"):
        days = {row["bucket_start"] for row in table(home, "raw_llm_providers", name)}
        assert len(days) == 31 + 9 and max(days) == datetime(2026, 11, 9, tzinfo=UTC)  # type: ignore[type-var]


def test_amounts_of_the_providers_are_exact() -> None:
    openai = exact_json('{"amount":{"value":0.06,"currency":"usd"},"line_item":"gpt-5, input"}')
    assert openai_cost(openai, DAY)["amount"] == Decimal("0.06")
    assert anthropic_cost({"amount": "123.456789", "currency": "USD"}, DAY)["amount"] == Decimal("1.23456789")
    with pytest.raises(BadInput, match="amount"):
        anthropic_cost({"amount": "much"}, DAY)


def test_bucket_that_was_not_asked_for_is_an_error(home: Home) -> None:
    def shifted(request: Request) -> Response:
        bucket = {"start_time": int(NOW.timestamp()), "results": []}
        return json_response({"data": [bucket], "has_more": False})

    with serving([Route("GET", "/.*", shifted)]) as url:
        with pytest.raises(Exception, match="which was not asked for"):
            land(home, PROVIDERS, ProviderSettings("k", openai_base_url=url), WINDOW, NOW)


@pytest.mark.parametrize(
    ("items", "credits", "billed", "expected"),
    [
        ((10000, -3000), 3000, 7700, [("sales_tax", 7)]),
        ((10000,), 3000, 7700, [("credit", -30), ("sales_tax", 7)]),
        ((10000, -3000), 3000, 4700, [("credit", -30), ("sales_tax", 7)]),
        ((10000, -3000), 1000, 6700, [("credit", -10), ("sales_tax", 7)]),
        ((10000, -3000), 3000, None, [("credit", -30), ("sales_tax", 7)]),
    ],
    ids=["both the same", "credit only", "both count", "another amount", "no total"],
)
def test_atlas_credit_that_the_items_hold_already_counts_once(
    items: tuple[int, ...], credits: int, billed: int | None, expected: list[tuple[str, int]]
) -> None:
    invoice = {
        **{"id": "i", "creditsCents": credits, "salesTaxCents": 700, "amountBilledCents": billed},
        "lineItems": [{"sku": "S", "totalPriceCents": cents} for cents in items],
    }
    rows = line_rows(invoice)
    assert [(row["kind"], row["total_price"]) for row in rows if row["kind"] != "line_item"] == expected
    if billed is not None:
        assert sum(row["total_price"] for row in rows) * 100 == billed
