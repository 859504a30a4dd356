"""What the ledger's small rules say of a row, on both engines: prices that multiply back, FOCUS's words, answered requests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.engines import Sql
from tests.macros.render import rendered


def money(amount: str | None) -> str:
    return f"cast({'null' if amount is None else repr(amount)} as decimal(38, 12))"


# Price, quantity, cost, and whether the price multiplies back.
PRICES = [
    ("2", "3", "6", True),
    ("2", "3", "6.000000000001", True),
    ("2", "3", "6.1", False),
    # Within 10^-9 of the cost, which a product in binary can't tell.
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
def test_unit_price_is_kept_only_where_it_multiplies_back_to_the_cost(
    engine: Sql, price: str | None, quantity: str | None, cost: str, matches: bool
) -> None:
    # From rows, and not from literals: an engine works literals out when it plans.
    row = f"(select {money(price)} as price, {money(quantity)} as quantity, {money(cost)} as cost) as charge"
    call = 'unit_price_matches_cost("price", "quantity", "cost")'
    assert engine.rows(f"select {rendered(call, engine.name)} as found from {row}") == [(matches,)]
    call = 'consistent_unit_price("price", "quantity", "cost")'
    kept = Decimal(price) if matches and price else None
    assert engine.rows(f"select {rendered(call, engine.name)} as found from {row}") == [(kept,)]


WORDS = [
    ("focus_category", "'USAGE'", "Usage"),
    ("focus_category", "'adjustment'", "Adjustment"),
    ("focus_category", "'Fee'", None),
    ("focus_category", "cast(null as string)", None),
    ("focus_pricing_category", "'committed'", "Committed"),
    ("focus_service_category", "'ai and machine learning'", "AI and Machine Learning"),
    ("focus_service_category", "''", None),
]


@pytest.mark.parametrize(("macro", "value", "word"), WORDS)
def test_word_of_focus_is_known_in_any_case(engine: Sql, macro: str, value: str, word: str | None) -> None:
    sql = rendered(f'{macro}("word")', engine.name)
    assert engine.rows(f"select {sql} as word from (select {value} as word) as charge") == [(word,)]


# Status, error code, gateway's cache, and whether a provider was paid.
REQUESTS: list[tuple[Any, ...]] = [
    ("'success'", "null", "false", True),
    ("'success'", "null", "null", True),
    ("'success'", "null", "true", False),
    ("'failure'", "null", "false", False),
    ("null", "null", "null", True),
    ("null", "'429'", "false", False),
    ("null", "null", "true", False),
]


@pytest.mark.parametrize(("status", "error", "hit", "answered"), REQUESTS)
def test_request_without_a_status_was_answered_unless_it_has_an_error(
    engine: Sql, status: str, error: str, hit: str, answered: bool
) -> None:
    row = (
        f"(select cast({status} as string) as status, cast({error} as string) as error_code, "
        f"cast(null as string) as error_class, cast({hit} as boolean) as gateway_cache_hit) as request"
    )
    assert engine.rows(f"select {rendered('is_answered()', engine.name)} as found from {row}") == [(answered,)]


TIMES = {
    "billing_period_start": "2026-10-01 00:00:00",
    "billing_period_end": "2026-11-01 00:00:00",
    "charge_period_start": "2026-10-07 00:00:00",
    "charge_period_end": "2026-10-08 00:00:00",
}
# Times that are left out, and what the four come to then.
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
def test_charge_without_dates_is_of_its_billing_period(
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
