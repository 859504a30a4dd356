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


# Status, error code, gateway cache hit, and whether a provider answered.
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
