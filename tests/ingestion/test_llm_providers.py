"""LLM providers: exact money, every endpoint, groups that are not known, what is out of reach, no person in the lake."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.access.http import exact_json
from ingestion.errors import BadInput
from ingestion.lake.contract import Landing, Note
from ingestion.lake.pipeline import land
from ingestion.lake.rejected import Rejected
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_providers import SOURCE
from ingestion.sources.llm_providers.anthropic.analytics import ANALYTICS_GROUPS, analytics_costs
from ingestion.sources.llm_providers.anthropic.shape import anthropic_cost, anthropic_usage
from ingestion.sources.llm_providers.cost_files import cost_rows, month_of
from ingestion.sources.llm_providers.entities import entity
from ingestion.sources.llm_providers.openai.shape import openai_cost, openai_usage
from ingestion.sources.llm_providers.openai.usage_endpoints import ENDPOINTS, other_usage
from ingestion.sources.llm_providers.openrouter import activity, is_within_reach
from ingestion.sources.llm_providers.records import cents
from ingestion.sources.llm_providers.reports import is_due
from ingestion.sources.llm_providers.source import ProviderSettings
from sample_company.llm import admin_apis, other_products, provider_apis
from sample_company.llm.models import CLASSES
from sample_company.llm.requests import provider_usage
from sample_company.server import Request, Response, Route, json_response, serving
from sample_company.world import State, World

WORLD = World(7, date(2026, 11, 9))
NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
WINDOW = Window(Month(2026, 10), Month(2026, 11))
DAY = datetime(2026, 11, 3, tzinfo=UTC)
STATE = State(WORLD, date(2026, 11, 10))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving(provider_apis.routes(STATE)) as url:
        yield url


def all_settings(base: str) -> ProviderSettings:
    return ProviderSettings(
        provider_apis.OPENAI_KEY,
        provider_apis.ANTHROPIC_KEY,
        f"{base}/openai",
        f"{base}/anthropic",
        admin_apis.OPENROUTER_KEY,
        f"{base}/openrouter",
    )


def table(home: Home, name: str) -> list[dict[str, object]]:
    files = (home.lake / "raw_llm_providers" / name).glob("*.parquet")
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def total(rows: list[dict[str, object]], column: str) -> Decimal:
    return sum((Decimal(str(row[column])) for row in rows), Decimal(0))


@pytest.fixture(scope="module")
def landed(base: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Landing]:
    home = Home(tmp_path_factory.mktemp("providers"))
    return home, land(home, SOURCE, all_settings(base), WINDOW, NOW)


# Money


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12))
def test_cents_as_text_are_a_hundredth_to_the_last_digit(amount: Decimal) -> None:
    assert cents(format(amount, "f"), "test") * 100 == amount


def test_cents_are_not_dollars_and_no_amount_is_none() -> None:
    assert anthropic_cost({"amount": "123.45"}, DAY)["amount"] == Decimal("1.2345")
    for wrong in (None, "NaN", "Infinity", "1,5"):
        with pytest.raises(BadInput, match="amount"):
            anthropic_cost({"amount": wrong}, DAY)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=0, max_value=10**9))
def test_dollars_as_a_json_number_keep_their_digits(amount: Decimal) -> None:
    record = exact_json('{{"amount":{{"value":{},"currency":"usd"}}}}'.format(format(amount, "f")))
    assert openai_cost(record, DAY)["amount"] == amount


def test_usage_of_every_kind_keeps_what_counts_and_what_is_new() -> None:
    assert {endpoint.name for endpoint in ENDPOINTS} > {
        "embeddings",
        "images",
        "audio_speeches",
        "web_search_calls",
    }
    for endpoint in ENDPOINTS:
        row = other_usage(endpoint, {"object": "o", endpoint.counted: 7, "project_id": "p", "novel": 1}, DAY)
        assert (row["quantity"], row["unit"], row["extra"]) == (7, endpoint.unit, '{"novel": 1}')
        assert other_usage(endpoint, {"project_id": "p"}, DAY)["quantity"] is None, "unknown is not 0"


def test_modalities_tiers_and_people_are_columns() -> None:
    row = openai_usage({"input_audio_tokens": 5, "output_image_tokens": 0, "user_id": "u", "shiny": 1}, DAY)
    assert (row["input_audio_tokens"], row["output_image_tokens"], row["input_text_tokens"]) == (5, 0, None)
    assert row["extra"] == '{"shiny": 1}'
    used = anthropic_usage(
        {
            "service_tier": "priority",
            "speed": "fast",
            "service_account_id": "svac_1",
            "server_tool_use": {"web_search_requests": 4, "other": 1},
        },
        DAY,
    )
    assert (used["speed"], used["service_account_id"], used["web_search_requests"]) == ("fast", "svac_1", 4)
    assert used["api_key_id"] is None and used["extra"] == '{"server_tool_use": {"other": 1}}'


# The analytics endpoints report only the hundred largest groups


@given(st.lists(st.decimals(places=6, min_value=0, max_value=10**6), min_size=1, max_size=130))
def test_groups_and_their_remainder_are_the_total_exactly(amounts: list[Decimal]) -> None:
    reported_groups = [
        {"amount": format(a, "f"), "list_amount": format(a * 2, "f"), "model": str(i)}
        for i, a in enumerate(amounts)
    ]
    whole = sum(amounts, Decimal(0))
    totals = [{"amount": format(whole, "f"), "list_amount": format(whole * 2, "f")}]
    rows = analytics_costs(reported_groups[:100], totals, DAY, Rejected())
    assert sum(row["amount"] for row in rows) * 100 == whole
    assert sum(row["list_amount"] for row in rows) * 100 == whole * 2
    assert [row.get("is_remainder") for row in rows].count(True) == (1 if any(amounts[100:]) else 0)


def test_overlapping_groups_are_never_asked_for() -> None:
    assert "rbac_group_id" not in ANALYTICS_GROUPS


def test_remainder_of_a_currency_is_its_own() -> None:
    totals = [{"amount": "5", "currency": "USD"}, {"amount": "9", "currency": "EUR"}]
    groups = [{"amount": "5", "currency": "USD"}, {"amount": "4", "currency": "EUR"}]
    rows = analytics_costs(groups, totals, DAY, Rejected())
    assert [(row["currency"], row["amount"]) for row in rows if row["is_remainder"]] == [("EUR", Decimal("0.05"))]


def test_group_that_is_set_aside_is_in_the_remainder() -> None:
    rejected = Rejected()
    groups = [{"amount": "5"}, {"amount": "3", "requests": "many"}]
    rows = analytics_costs(groups, [{"amount": "8"}], DAY, rejected)
    assert [(row["is_remainder"], row["amount"]) for row in rows] == [
        (False, Decimal("0.05")),
        (True, Decimal("0.03")),
    ]
    assert "billed_cost" not in rejected.records[0], "it is in the remainder"


# What lands


def test_all_that_is_billed_lands_exactly(landed: tuple[Home, Landing]) -> None:
    home, landing = landed
    assert not landing.refused
    days = [day for day in WORLD.days() if day >= date(2026, 10, 1)]
    assert total(table(home, "anthropic_cost_report"), "amount") == sum(
        (
            usage.model.cost(name, tokens, usage.tier)
            for day in days
            for usage in provider_usage(WORLD, day, "anthropic")
            for name, tokens in zip(CLASSES, usage.tokens, strict=True)
        ),
        Decimal(0),
    ) + sum(other_products.CODE_EXECUTION_PRICE * other_products.code_hours(WORLD, day) for day in days)
    assert {row["endpoint"] for row in table(home, "openai_usage")} == {"embeddings", "web_search_calls"}
    costs = table(home, "anthropic_analytics_cost")
    assert any(row["is_remainder"] for row in costs)
    bill = sum(
        (
            Decimal(str(row["amount"]))
            for row in table(home, "anthropic_cost_report")
            if row["cost_type"] == "tokens"
        ),
        Decimal(0),
    )
    assert total(costs, "amount") == bill


def test_openrouter_names_the_days_out_of_reach(landed: tuple[Home, Landing]) -> None:
    home, _landing = landed
    rows = table(home, "openrouter_activity")
    assert {row["bucket_start"] for row in rows} == {
        datetime(2026, 11, 10, tzinfo=UTC) - timedelta(days=back) for back in range(1, 31)
    }
    days = [day for day in WORLD.days() if day >= date(2026, 10, 11)]
    assert total(rows, "amount") == sum(
        row[1] for day in days for row in other_products.openrouter_rows(WORLD, day)
    )
    expected = [row for row in table(home, "deliveries") if row["state"] == "no_data"]
    assert {str(row["slice_id"]) for row in expected} == {
        f"openrouter|activity|2026-10-{day:02d}" for day in range(1, 11)
    }
    assert all("last 30 completed UTC days" in str(row["message"]) for row in expected)


def test_own_key_at_openrouter_costs_its_fee_only() -> None:
    row = activity(exact_json('{"usage": 0.05, "byok_usage_inference": 1.0, "model": "m"}'), DAY)
    assert (row["amount"], row["byok_inference"]) == (Decimal("0.05"), Decimal("1.0"))
    with pytest.raises(BadInput, match="no usage"):
        activity({"model": "m"}, DAY)
    assert not is_within_reach(datetime(2026, 11, 10, tzinfo=UTC), NOW), "today is live"


def test_day_that_was_had_stays_when_it_is_out_of_reach(home: Home, base: str) -> None:
    land(home, SOURCE, all_settings(base), WINDOW, NOW)
    with serving(provider_apis.routes(State(WORLD, date(2026, 11, 12)))) as url:
        later = land(home, SOURCE, all_settings(url), WINDOW, NOW + timedelta(days=2))
    assert not later.refused
    assert "openrouter|activity|2026-10-11" not in {
        row["slice_id"] for row in table(home, "deliveries") if row["state"] == "no_data"
    }


def test_second_landing_writes_nothing_again(home: Home, base: str) -> None:
    land(home, SOURCE, all_settings(base), WINDOW, NOW)
    assert land(home, SOURCE, all_settings(base), WINDOW, NOW).changed == 0


def test_no_person_and_no_part_of_a_key_is_in_the_lake(landed: tuple[Home, Landing]) -> None:
    home, _ = landed
    rows = [
        *table(home, "entities"),
        *table(home, "anthropic_claude_code"),
        *table(home, "anthropic_claude_code_models"),
    ]
    text = str(rows)
    assert "ada@" not in text and "'Ada'" not in text and "...abcd" not in text and "...wxyz" not in text
    hashes = {row["email_hash"] for row in table(home, "entities") if row["kind"] == "user"}
    assert hashes == {row["actor"] for row in table(home, "anthropic_claude_code")}, "the same person, by one hash"


def test_key_has_its_holder_and_a_workspace_its_tags() -> None:
    for record in (
        {"id": "k", "owner": {"type": "service_account", "service_account": {"id": "svc_1"}}, "last_used_at": 1},
        {"id": "k", "principal": {"type": "ServiceAccount", "id": "svc_1"}},
    ):
        row = entity("openai", "api_key", record, "proj")
        assert (row["owner_kind"], row["owner_id"], row["extra"]) == ("service_account", "svc_1", None)
    nested = entity("openai", "user", {"id": "u", "invited": {"by": "Bob@example.com"}, "email": "a@example.com"})
    assert "Bob" not in str(nested) and str(nested["email_hash"]).startswith("sha256:")
    assert entity("anthropic", "workspace", {"id": "w", "tags": {"team": "a"}})["tags"] == '{"team": "a"}'


# What vendors answer


def openai_saying(answer: Callable[[Request], Response], home: Home) -> Landing:
    with serving([Route("GET", "/.*", answer)]) as url:
        return land(home, SOURCE, ProviderSettings("k", openai_base_url=url), WINDOW, NOW)


def empty(request: Request) -> Response:
    return json_response({"data": [], "has_more": False})


def test_unknown_group_is_left_out_with_a_warning(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    asked: list[list[str]] = []

    def answer(request: Request) -> Response:
        groups = request.query.get("group_by[]", [])
        if request.path.endswith("/usage/completions"):
            asked.append(groups)
            if "user_id" in groups:
                return json_response({"error": {"message": "Invalid group_by"}}, 400)
        return empty(request)

    with caplog.at_level(logging.WARNING):
        landing = openai_saying(answer, home)
    assert not landing.refused and "user_id" in asked[0] and "user_id" not in asked[1]
    assert any("does not take the groups" in message and "user_id" in message for message in caplog.messages)


def test_report_whose_last_grouping_is_refused_is_an_error(home: Home) -> None:
    with pytest.raises(Exception, match="answered status 400"):
        openai_saying(lambda request: json_response({}, 400), home)


def test_young_endpoint_that_is_not_there_is_no_failure(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    def answer(request: Request) -> Response:
        return json_response({}, 404) if request.path.endswith("/decisions") else empty(request)

    with caplog.at_level(logging.INFO):
        assert not openai_saying(answer, home).refused
    assert any("/organization/usage/decisions answered 404" in message for message in caplog.messages)
    with pytest.raises(Exception, match="answered status 404"):
        openai_saying(lambda asked: json_response({}, 404), home)


def test_nothing_at_all_asks_whether_the_organization_is_right(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        openai_saying(empty, home)
    assert any("sees its own organization only" in message for message in caplog.messages)


def test_analytics_that_an_organization_lacks_is_no_data(home: Home) -> None:
    def answer(request: Request) -> Response:
        return (
            json_response({}, 403)
            if "analytics" in request.path or "claude_code" in request.path
            else empty(request)
        )

    with serving([Route("GET", "/.*", answer)]) as url:
        settings = ProviderSettings(anthropic_admin_key="k", anthropic_base_url=url)
        landing = land(home, SOURCE, settings, Window(Month(2026, 11), Month(2026, 11)), NOW)
    assert not landing.refused and landing.states["no_data"] == 3 * 9


def test_limits_count_days_and_every_page_is_read(home: Home) -> None:
    limits: list[int] = []

    def answer(request: Request) -> Response:
        if not request.path.endswith("/costs"):
            return empty(request)
        limits.append(int(request.one("limit") or 0))
        page = int(request.one("page") or 0)
        start = int(request.one("start_time") or 0) + page * 86_400
        cost = {"amount": {"value": Decimal("0.1"), "currency": "usd"}, "line_item": "x"}
        return json_response(
            {
                "data": [{"start_time": start, "results": [cost] * 3}],
                "has_more": page < 8,
                "next_page": str(page + 1),
            }
        )

    openai_saying(answer, home)
    assert set(limits) == {180} and len(limits) == 2 * 9
    assert total(table(home, "openai_costs"), "amount") == Decimal("0.1") * 3 * 9 * 2


def test_closed_days_only_and_what_may_restate_again() -> None:
    def note(day: datetime) -> dict[str, Note]:
        identifier = f"x|{day:%Y-%m-%d}"
        return {identifier: Note(identifier, "l", None, None, 0, NOW, None, None, None)}

    def due(day: datetime, now: datetime) -> bool:
        return is_due(day, f"x|{day:%Y-%m-%d}", note(day), now)

    assert due(datetime(2026, 11, 3, tzinfo=UTC), NOW) and not due(datetime(2026, 11, 2, tzinfo=UTC), NOW)
    assert is_due(datetime(2026, 10, 1, tzinfo=UTC), "new", {}, NOW)
    for day in range(1, 6):
        assert due(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, day, 9, tzinfo=UTC))
    assert not due(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 6, 9, tzinfo=UTC))


# Files of other providers

HEADER = "day,provider,account,model,token_class,service_tier,quantity,unit,amount,currency,description,key\n"


def test_files_of_other_providers_are_read_exactly(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "costs"
    folder.mkdir()
    row = "2026-10-03,Mistral,team,mistral-large,input,,1000000,Tokens,0.123456789012,usd,Large,key_1\n"
    (folder / "2026-10-mistral.csv").write_text(HEADER + row)
    (folder / "2026-10-other.jsonl").write_text(
        '{"day":"2026-10-04","provider":"xai","amount":0.1,"currency":"USD","region":"eu","description":"a\u2028b"}\n'
    )
    (folder / "2026-10-bad.csv").write_text(HEADER + row + row.replace("0.123456789012", "much"))
    (folder / "bills.csv").write_text(HEADER)
    landing = land(home, SOURCE, ProviderSettings(costs_url=str(folder)), WINDOW, NOW)
    assert [(row["place"], row["reason"]) for row in table(home, "rejected_records")] == [
        ("2026-10-bad.csv, line 3", "amount: not a number")
    ]
    assert dict(landing.refused) == {
        "llm_costs|bills.csv": "bills.csv: the name does not begin with a month; call it YYYY-MM….csv or YYYY-MM….jsonl",
    }
    rows = {row["provider"]: row for row in table(home, "llm_provider_costs")}
    assert rows["Mistral"]["amount"] == Decimal("0.123456789012") and rows["Mistral"]["currency"] == "USD"
    assert rows["Mistral"]["service_tier"] is None and rows["xai"]["extra"] == '{"region": "eu"}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"day":"2026-10-03","provider":"x","currency":"USD"}', "no amount"),
        ('{"day":"2026-09-30","provider":"x","amount":1,"currency":"USD"}', "not of 2026-10"),
        ('{"day":"3.10.2026","provider":"x","amount":1,"currency":"USD"}', "not YYYY-MM-DD"),
        ('{"day":"2026-10-03","provider":"x","amount":1,"currency":"dollars"}', "not of ISO 4217"),
        ('{"day":"2026-10-03","provider":"x","amount":1,"currency":"USD","token_class":"in"}', "is none of"),
        ('{"day":', "not JSON"),
        ("[1]", "not a JSON object"),
    ],
)
def test_row_that_can_not_be_read_is_set_aside_by_its_line(line: str, message: str) -> None:
    good = '{"day":"2026-10-03","provider":"x","amount":1,"currency":"USD"}\n'
    rejected = Rejected()
    rows = cost_rows("2026-10.jsonl", (good + line + "\n" + good).encode(), Month(2026, 10), rejected)
    (record,) = rejected.records
    assert len(rows) == 2 and record["place"] == "2026-10.jsonl, line 2" and message in record["reason"]


def test_cost_file_that_is_cut_off_is_refused() -> None:
    good = '{"day":"2026-10-03","provider":"x","amount":1,"currency":"USD"}\n'
    with pytest.raises(BadInput, match=r"2026-10.jsonl, line 2: not JSON; the file is cut off"):
        cost_rows("2026-10.jsonl", (good + good[:20]).encode(), Month(2026, 10), Rejected())


def test_month_is_of_the_name() -> None:
    assert month_of("acme/2026-10-03.csv") == Month(2026, 10)
    for name in ("2026-13.csv", "202610.csv", "2026-1.csv"):
        with pytest.raises(BadInput):
            month_of(name)
