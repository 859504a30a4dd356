"""The sample company's Vercel writes what the vendor documents, and no more."""

from __future__ import annotations

from datetime import date

import pytest

from sample_company.vercel import charges
from sample_company.world import World

WORLD = World(7, date(2026, 10, 24))
DAY = date(2026, 10, 1)
ROWS = [row for row, _ in charges(WORLD, DAY, date(2026, 10, 20))]
# @vercel/cli's FocusCharge without what may be undefined.
REQUIRED = {
    *("BilledCost", "EffectiveCost", "BillingCurrency", "PricingCurrency", "ChargeCategory", "ChargePeriodStart"),
    *("ChargePeriodEnd", "ConsumedQuantity", "ConsumedUnit", "PricingCategory", "PricingQuantity", "PricingUnit"),
    *("ServiceName", "ServiceProviderName", "Tags"),
}


def test_every_row_has_the_required_fields() -> None:
    assert all(row.keys() >= REQUIRED for row in ROWS)


@pytest.mark.parametrize("field", ["RegionId", "RegionName", "ServiceCategory", "SkuId"])
def test_optional_field_is_left_out_about_as_often_as_it_is_there(field: str) -> None:
    usage = [row for row in ROWS if row["PricingCategory"] == "Committed"]
    assert len(usage) > 50
    assert 0.3 < sum(field in row for row in usage) / len(usage) < 0.7


def test_row_has_the_same_fields_however_often_it_is_asked_for() -> None:
    later = [row for row, _ in charges(WORLD, DAY, date(2026, 10, 2))]
    assert [row.keys() for row in later] == [row.keys() for row in ROWS]
