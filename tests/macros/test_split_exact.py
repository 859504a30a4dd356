"""The largest-remainder split, as the SQL that dbt renders: conservation for any amount and weights."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.macros.render import rendered

UNIT = Decimal("0.000000000001")


@pytest.fixture(scope="module")
def query() -> str:
    """`select` of the split of `amount` over the rows of `parts`, rendered without dbt."""
    call = 'split_exact("parts", ["amount"], "weight", "charge", "owner")'
    return rendered(call, "engine/integer_units.sql", "ledger/split_exact.sql")


def split(query: str, amount: Decimal | None, weights: list[int]) -> list[Decimal | None]:
    """The parts in order of the owners."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table parts (charge varchar, owner integer, weight bigint, amount decimal(38, 12))"
        )
        connection.executemany(
            "insert into parts values ('c', ?, ?, ?)",
            [(owner, weight, amount) for owner, weight in enumerate(weights)],
        )
        return [
            part for (part,) in connection.execute(f"select part_amount from {query} order by owner").fetchall()
        ]


def expected(amount: Decimal, weights: list[int]) -> list[Decimal]:
    """Largest remainder in whole units of 10⁻¹², written out."""
    units, total = int(abs(amount) / UNIT), sum(weights)
    floors = [units * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(units * weights[i] % total), i))
    for index in order[: units - sum(floors)]:
        floors[index] += 1
    return [(-1 if amount < 0 else 1) * floor * UNIT for floor in floors]


@settings(max_examples=60, deadline=None)
@given(
    st.decimals(min_value=-(10**7), max_value=10**7, places=12),
    st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=9).filter(any),
)
def test_parts_add_up_and_follow_the_largest_remainder(query: str, amount: Decimal, weights: list[int]) -> None:
    parts = split(query, amount, weights)
    assert sum(part for part in parts if part is not None) == amount
    assert parts == expected(amount, weights)


def test_ties_go_to_the_first_owner(query: str) -> None:
    assert split(query, UNIT, [1, 1, 1]) == [UNIT, 0, 0]
    assert split(query, -UNIT, [1, 1]) == [-UNIT, 0]


def test_unknown_amount_stays_unknown(query: str) -> None:
    assert split(query, None, [1, 2]) == [None, None]
