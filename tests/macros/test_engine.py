"""Small macros that both engines share, as DuckDB runs what they render."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fnmatch import fnmatchcase

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.macros.render import rendered

amounts = st.decimals(min_value=0, max_value=10**7, places=12)
quantities = st.decimals(min_value=Decimal("0.000000000001"), max_value=10**9, places=12)


def value(sql: str, *arguments: object) -> object:
    with duckdb.connect() as connection:
        row = connection.execute(f"select {sql}", list(arguments)).fetchone()
    assert row is not None
    return row[0]


@settings(max_examples=200, deadline=None)
@given(amounts, quantities)
def test_unit_price_is_the_quotient_rounded_half_up(cost: Decimal, quantity: Decimal) -> None:
    with localcontext(prec=80):
        exact = (cost / quantity).quantize(Decimal("0.000000000001"), ROUND_HALF_UP)
    sql = rendered(
        f'unit_price("cast({cost} as decimal(38, 12))", "cast({quantity} as decimal(38, 12))")',
        "engine/integer_units.sql",
        "engine/unit_price.sql",
    )
    assert value(sql) == (exact if exact < 10**13 else None)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("web-shop-7", "web-*"),
        ("web-shop-7", "web-????-?"),
        ("web-shop-7", "shop"),
        ("100%_sure!", "100%_sure!"),
        ("100x_sure!", "100%_sure!"),
        ("a_b", "a?b"),
        ("axb", "a_b"),
        ("arn:aws:sts::1:assumed-role/x/y", "arn:aws:sts::*:assumed-role/x/*"),
        ("Web", "web"),
    ],
)
def test_patterns_know_star_and_question_mark_and_nothing_else(text: str, pattern: str) -> None:
    sql = rendered('matches_glob("$1", "$2")', "engine/matches_glob.sql")
    assert value(sql, text, pattern) == fnmatchcase(text, pattern)
