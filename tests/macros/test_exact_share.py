"""The exact split, tested as rendered SQL: for any amount and weights the parts add up, without a window over charges."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engines import Sql
from tests.macros.render import rendered

UNIT = Decimal("0.000000000001")


Charge = tuple[Decimal | None, list[int]]


def split(engine: Sql, *charges: Charge) -> list[list[Decimal | None]]:
    """The parts of each charge, (amount, weights), in order of the owners."""
    rows = ", ".join(
        f"({charge}, {owner}, cast({weight} as bigint), cast({_literal(amount)} as decimal(38, 12)))"
        for charge, (amount, weights) in enumerate(charges)
        for owner, weight in enumerate(weights)
    )
    until = rendered('running_weight("weight", "charge", "owner")', engine.name)
    share = rendered('exact_share("amount", "until - weight", "until", "total")', engine.name)
    found: list[list[Decimal | None]] = [[] for _ in charges]
    for charge, part in engine.rows(
        f"with parts as (select * from (values {rows}) as given(charge, owner, weight, amount)), "
        f"counted as (select parts.*, {until} as until, sum(weight) over (partition by charge) as total from parts) "
        f"select charge, {share} as part from counted order by charge, owner"
    ):
        found[charge].append(part)
    return found


def _literal(amount: Decimal | None) -> str:
    return "null" if amount is None else f"'{amount}'"


def expected(amount: Decimal, weights: list[int]) -> list[Decimal]:
    """The share after each cumulative weight minus the share before it, both in whole units of 10⁻¹²."""
    units, total = int(abs(amount) / UNIT), sum(weights)
    marks = [units * until // total for until in accumulate(weights, initial=0)]
    sign = -1 if amount < 0 else 1
    return [sign * (after - before) * UNIT for before, after in pairwise(marks)]


amounts = st.decimals(min_value=-(10**7), max_value=10**7, places=12)
weights_of_one = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=9).filter(any)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(amounts, weights_of_one), min_size=1, max_size=8))
def test_parts_add_up_and_each_is_within_a_unit_of_its_share(
    engine: Sql, charges: list[tuple[Decimal, list[int]]]
) -> None:
    for (amount, weights), parts in zip(charges, split(engine, *charges), strict=True):
        assert sum(part for part in parts if part is not None) == amount
        assert parts == expected(amount, weights)
        for part, weight in zip(parts, weights, strict=True):
            assert part is not None
            assert abs(int(part / UNIT) * sum(weights) - int(amount / UNIT) * weight) < sum(weights)


def test_indivisible_unit_goes_to_one_part(engine: Sql) -> None:
    assert split(engine, (UNIT, [1, 1, 1]), (-UNIT, [1, 1])) == [[0, 0, UNIT], [0, -UNIT]]


def test_weight_zero_gets_zero(engine: Sql) -> None:
    assert split(engine, (Decimal(1), [0, 3, 0, 1])) == [[0, Decimal("0.75"), 0, Decimal("0.25")]]


def test_amounts_of_a_hundred_million_are_split_exactly(engine: Sql) -> None:
    amount = Decimal("123456789.012345678901")
    assert split(engine, (amount, [10**12, 1])) == [expected(amount, [10**12, 1])]


def test_null_amount_stays_null(engine: Sql) -> None:
    assert split(engine, (None, [1, 2])) == [[None, None]]


def test_quantity_larger_than_any_amount_of_money_is_split_without_remainder(engine: Sql) -> None:
    """Byte-seconds, a negative quantity, one with a fraction, and one that is split like money."""
    quantities = [
        Decimal(10) ** 18 + 1,
        Decimal("-10000000000001.5"),
        Decimal("20000000000000.25"),
        Decimal("0.1"),
    ]
    weights = [10**12, 3, 7, 0]
    rows = ", ".join(
        f"({charge}, {owner}, cast({weight} as bigint), cast('{quantity}' as decimal(38, 12)))"
        for charge, quantity in enumerate(quantities)
        for owner, weight in enumerate(weights)
    )
    until = rendered('running_weight("weight", "charge", "owner")', engine.name)
    share = rendered('exact_share_of_quantity("quantity", "until - weight", "until", "total")', engine.name)
    found = engine.rows(
        f"with parts as (select * from (values {rows}) as given(charge, owner, weight, quantity)), "
        f"counted as (select parts.*, {until} as until, sum(weight) over (partition by charge) as total from parts) "
        f"select charge, owner, {share} as part from counted order by charge, owner"
    )
    for charge, quantity in enumerate(quantities):
        parts = [part for number, _, part in found if number == charge]
        assert sum(parts) == quantity and parts[3] == 0
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - quantity * weight / sum(weights)) < 2
