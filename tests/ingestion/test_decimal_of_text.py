"""A number's text as a decimal of 12 places, in every spelling that JSON, CSV and Python write."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingestion.lake.vendor_files import decimal_of_text, literal

WIDE = Context(prec=100)
AMOUNTS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent, WIDE),
    st.integers(-(10**12) + 1, 10**12 - 1),
    st.integers(-18, 6),
)
SPELLINGS = (lambda amount: f"{amount:f}", lambda amount: f"{amount:E}", lambda amount: f"{amount:e}")


def read(text: str, is_strict: bool) -> Decimal | None:
    found = duckdb.sql(f"select {decimal_of_text(literal(text), is_strict)}").fetchone()
    assert found is not None
    return None if found[0] is None else Decimal(found[0])


@given(AMOUNTS, st.sampled_from(SPELLINGS), st.booleans())
@example(Decimal("9E-14"), SPELLINGS[1], True)
@example(Decimal("-6E-14"), SPELLINGS[2], False)
@example(Decimal("4.9999999999999E-13"), SPELLINGS[1], False)
def test_every_spelling_is_the_amount_rounded_half_up_once(
    amount: Decimal, spelling: Callable[[Decimal], str], is_strict: bool
) -> None:
    expected = amount.quantize(Decimal("1e-12"), ROUND_HALF_UP, WIDE)
    assert read(spelling(amount), is_strict) == expected


@pytest.mark.parametrize("text", ["", "free", "1,5", "e-", "1e-x", "NaN"])
def test_text_that_is_no_number_is_null_or_an_error(text: str) -> None:
    assert read(text, is_strict=False) is None
    with pytest.raises(duckdb.ConversionException):
        read(text, is_strict=True)
