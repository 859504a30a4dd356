"""The ledger's small rules, on both engines: consistent unit prices, FOCUS terms, answered requests, charge times."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.engines import Sql
from tests.macros.render import rendered


def money(amount: str | None) -> str:
    return f"cast({'null' if amount is None else repr(amount)} as decimal(38, 12))"


# Price, quantity, cost, and whether price times quantity equals the cost.
PRICES = [
    ("2", "3", "6", True),
    ("2", "3", "6.000000000001", True),
    ("2", "3", "6.1", False),
    # Within 10^-9 of the cost, which a binary product cannot distinguish.
    ("0.333333333333", "3000000", "1000000", True),
    ("0.333333333333", "30000000000", "10000000000", True),
    ("0.33333333", "3", "1", False),
    # 2.47 USD for 1,234,567 requests, rounded to 12 places.
    ("0.000002000701", "1234567", "2.47", False),
    ("-2", "3", "-6", False),
    ("0", "0", "0", True),
    (None, "3", "6", False),
    ("2", None, "6", False),
    # Too large to be multiplied exactly, alone or together.
    ("1", "1000000000000", "7", False),
    ("10000000000000", "7", "7", False),
    ("9000000000000", "90000000000", "7", False),
]


@pytest.mark.parametrize(("price", "quantity", "cost", "matches"), PRICES)
def test_unit_price_is_null_unless_price_times_quantity_equals_the_cost(
    engine: Sql, price: str | None, quantity: str | None, cost: str, matches: bool
) -> None:
    # Values from rows, because an engine evaluates literals when it plans.
    row = f"(select {money(price)} as price, {money(quantity)} as quantity, {money(cost)} as cost) as charge"
    call = 'unit_price_matches_cost("price", "quantity", "cost")'
    assert engine.rows(f"select {rendered(call, engine.name)} as found from {row}") == [(matches,)]
    call = 'consistent_unit_price("price", "quantity", "cost")'
    consistent = Decimal(price) if matches and price else None
    assert engine.rows(f"select {rendered(call, engine.name)} as found from {row}") == [(consistent,)]


TERMS = [
    ("focus_category", "'USAGE'", "Usage"),
    ("focus_category", "'adjustment'", "Adjustment"),
    ("focus_category", "'Fee'", None),
    ("focus_category", "cast(null as string)", None),
    ("focus_pricing_category", "'committed'", "Committed"),
    ("focus_service_category", "'ai and machine learning'", "AI and Machine Learning"),
    ("focus_service_category", "''", None),
]


@pytest.mark.parametrize(("macro", "value", "term"), TERMS)
def test_focus_term_is_recognised_in_any_case(engine: Sql, macro: str, value: str, term: str | None) -> None:
    sql = rendered(f'{macro}("term")', engine.name)
    assert engine.rows(f"select {sql} as term from (select {value} as term) as charge") == [(term,)]


# A detail, and the id of what it is a detail of (FOCUS: NULL where the id is).
DETAILS = [
    ("sku_meter", "sku_id"),
    ("sku_price_details", "sku_price_id"),
    ("resource_name", "resource_id"),
    ("resource_type", "resource_id"),
    ("sub_account_name", "sub_account_id"),
    ("sub_account_type", "sub_account_id"),
    ("allocated_resource_name", "allocated_resource_id"),
    ("capacity_reservation_status", "capacity_reservation_id"),
    *(
        (f"commitment_discount_{detail}", "commitment_discount_id")
        for detail in ("category", "name", "quantity", "status", "type", "unit")
    ),
]


@pytest.mark.parametrize(("detail", "identity"), DETAILS)
def test_detail_of_what_has_no_id_is_null(engine: Sql, detail: str, identity: str) -> None:
    sql = rendered(f'charge_value("{detail}")', engine.name)
    rows = f"select 1 as n, 'a' as {identity}, 'd' as {detail} union all select 2, null, 'd' union all select 3, 'a', null"
    assert engine.rows(f"select {sql} as found from ({rows}) as charges order by n") == [("d",), (None,), (None,)]


# A vendor's name, and the word by which bills of one vendor are recognised.
VENDORS = [
    ("Google Cloud", "google"),
    ("google, LLC", "google"),
    (" Fly.io", "fly"),
    ("Amazon Web Services EMEA SARL", "aws"),
    ("AWS", "aws"),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("name", "word"), VENDORS)
def test_names_of_one_vendor_have_one_word(engine: Sql, name: str | None, word: str | None) -> None:
    sql = rendered('vendor_word("name")', engine.name)
    row = f"(select cast({'null' if name is None else repr(name)} as string) as name) as charge"
    assert engine.rows(f"select {sql} as word from {row}") == [(word,)]


# What a request has that differs from a plain answer, and whether a provider is paid for it.
REQUESTS: list[tuple[dict[str, Any], bool]] = [
    ({"status": "'success'"}, True),
    ({"status": "'success'", "gateway_cache_hit": "null"}, True),
    ({"status": "'success'", "gateway_cache_hit": "true"}, False),
    ({"status": "'failure'"}, False),
    ({"status": "null"}, True),
    ({"status": "null", "error_code": "'429'"}, False),
    ({"status": "null", "gateway_cache_hit": "true"}, False),
    # A stream that broke is paid for as far as it got; a refusal that echoes its input is not.
    ({"status": "'failure'", "input_tokens": "5000", "output_tokens": "300", "reported_cost": "0.0195"}, True),
    ({"status": "'failure'", "input_tokens": "5000", "output_tokens": "300"}, True),
    ({"status": "'failure'", "input_tokens": "5000", "output_tokens": "0", "reported_cost": "0.015"}, True),
    ({"status": "'failure'", "input_tokens": "5000", "output_tokens": "0", "reported_cost": "0"}, False),
    ({"status": "'failure'", "input_tokens": "5000"}, False),
    ({"status": "'failure'", "output_tokens": "300", "gateway_cache_hit": "true"}, False),
    # Reading, polling, counting and managing are no work of a model, whatever usage they repeat.
    *(
        ({"status": "'success'", "operation": f"'{operation}'", "output_tokens": "400"}, False)
        for operation in (
            *("aget_responses", "get_responses", "adelete_responses", "acancel_responses", "alist_input_items"),
            *("count_tokens", "acount_tokens", "CountTokens", "afile_content", "create_file", "acreate_batch"),
            *("alist_batches", "aget_thread", "aretrieve_fine_tuning_job", "avideo_content", "a_add_message"),
        )
    ),
    *(
        ({"status": "'success'", "operation": f"'{operation}'", "output_tokens": "400"}, True)
        for operation in (
            *(
                "aresponses",
                "acompletion",
                "anthropic_messages",
                "agenerate_content",
                "chat",
                "Converse",
                "asearch",
            ),
            *(
                "aimage_generation",
                "acreate_video",
                "arun_thread",
                "arerank",
                "get_answer",
                "allm_passthrough_route",
            ),
        )
    ),
    # LiteLLM bills a batch on the poll that finds it complete.
    ({"status": "'success'", "operation": "'aretrieve_batch'", "input_tokens": "10", "output_tokens": "5"}, True),
    ({"status": "'success'", "operation": "'aretrieve_batch'", "reported_cost": "0.5"}, True),
    ({"status": "'success'", "operation": "'aretrieve_batch'", "input_tokens": "0", "output_tokens": "0"}, False),
    ({"status": "'success'", "operation": "'retrieve_batch'"}, False),
]
TYPES = {
    **dict.fromkeys(("status", "error_code", "error_class", "operation"), "string"),
    **dict.fromkeys(("input_tokens", "output_tokens"), "bigint"),
    "gateway_cache_hit": "boolean",
    "reported_cost": "decimal(38, 12)",
}


def test_request_is_answered_where_a_provider_did_work_for_it(engine: Sql) -> None:
    listed = " union all ".join(
        f"select {number} as number, "
        + ", ".join(f"cast({fields.get(name, 'null')} as {kind}) as {name}" for name, kind in TYPES.items())
        for number, (fields, _) in enumerate(REQUESTS)
    )
    found = engine.rows(
        f"select number, {rendered('is_answered()', engine.name)} as found from ({listed}) as request"
    )
    assert [(REQUESTS[number][0], answered) for number, answered in sorted(found)] == REQUESTS


TIMES = {
    "billing_period_start": "2026-10-01 00:00:00",
    "billing_period_end": "2026-11-01 00:00:00",
    "charge_period_start": "2026-10-07 00:00:00",
    "charge_period_end": "2026-10-08 00:00:00",
}
# Missing times, and the derived values that replace them.
ABSENT = [
    ((), {}),
    (("charge_period_start",), {"charge_period_start": "2026-10-01 00:00:00"}),
    (("charge_period_end",), {"charge_period_end": "2026-11-01 00:00:00"}),
    (
        ("charge_period_start", "charge_period_end"),
        {"charge_period_start": "2026-10-01 00:00:00", "charge_period_end": "2026-11-01 00:00:00"},
    ),
    (("charge_period_end", "billing_period_end"), {"charge_period_end": "2026-10-07 01:00:00"}),
    (
        tuple(TIMES),
        {"charge_period_start": "2026-10-01 00:00:00", "charge_period_end": "2026-11-01 00:00:00"},
    ),
]


@pytest.mark.parametrize(("absent", "instead"), ABSENT)
def test_charge_without_times_gets_those_of_its_billing_period(
    engine: Sql, absent: tuple[str, ...], instead: dict[str, str]
) -> None:
    given = ", ".join(
        f"cast({'null' if name in absent else repr(value)} as timestamp) as {name}"
        for name, value in TIMES.items()
    )
    calls = [rendered(f"charge_time('{name}')", engine.name) for name in TIMES]
    times = ", ".join(f"cast({call} as string) as t{place}" for place, call in enumerate(calls))
    found = engine.rows(f"select {times} from (select '2026-10' as billing_month, {given}) as charge")
    assert found == [tuple({**TIMES, **instead}.values())]
