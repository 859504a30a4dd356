"""Budgets and forecasts of the sample company, held against the same rules in Python."""

from __future__ import annotations

import calendar
import math
import statistics
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from tests.end_to_end.conftest import Company

DAY = timedelta(days=1)
PLACES = Decimal("1e-12")
Series = dict[date, Decimal]


def median(usage: Series, day: date) -> Decimal:
    """The median of the last eight same weekdays, the day itself among them; a day without cost costs 0."""
    first = min(usage)
    days = [day - timedelta(weeks=week) for week in range(8)]
    middle: Decimal = statistics.median([usage.get(one, Decimal(0)) for one in days if one >= first])
    return middle.quantize(PLACES, ROUND_HALF_UP)


def forecast(usage: Series, origin: date, days: int) -> Decimal:
    """The usage of the days after an origin, of which nothing later is known."""
    found = Decimal(0)
    for ahead in range(1, days + 1):
        found += median(usage, origin + timedelta(days=ahead) - timedelta(weeks=math.ceil(ahead / 7)))
    return found


def interval(usage: Series, origin: date, days: int) -> tuple[Decimal, Decimal] | None:
    """The order statistics of the errors at earlier origins, a week apart, that hold 80 %."""
    first = min(usage)
    errors: list[Decimal] = []
    for week in range(max(1, math.ceil(days / 7)), 60):
        earlier = origin - timedelta(weeks=week)
        weeks = (earlier - first).days // 7 + 1
        if earlier - 6 * DAY < first or weeks < 4 or len(errors) == 24:
            break
        actual = sum((usage.get(earlier + ahead * DAY, Decimal(0)) for ahead in range(1, days + 1)), Decimal(0))
        errors.append(actual - forecast(usage, earlier, days))
    errors.sort()
    count = len(errors)
    if count < 8:
        return None
    low, high = max((count + 1) // 10, 1), min(math.ceil((count + 1) * 9 / 10), count)
    middle = forecast(usage, origin, days)
    return min(middle + errors[low - 1], middle), max(middle + errors[high - 1], middle)


def test_forecasts_are_the_medians_of_the_weekdays_with_the_errors_of_earlier_weeks(company: Company) -> None:
    usage: dict[tuple[str, str], Series] = defaultdict(lambda: defaultdict(Decimal))
    spent: dict[tuple[str, str], Series] = defaultdict(lambda: defaultdict(Decimal))
    rows = company.query(
        """
        select team_owner_id, cost_day, cost_pattern, sum(effective_cost) from cost_daily
        inner join dim_owner using (owner_key) where billing_currency = 'USD' group by all
        """
    )
    for owner, day, pattern, cost in rows:
        for key in (("owner", owner), ("all", "all")):
            spent[key][day] += cost
            usage[key][day] += cost if pattern == "usage" else 0
    found = company.query(
        """
        select series_kind, series_id, horizon, period_start, period_end, as_of_day, spent_cost, forecast_usage_cost,
            forecast_cost_low - spent_cost - forecast_calendar_cost, forecast_cost_high - spent_cost - forecast_calendar_cost
        from forecast where series_kind in ('all', 'owner') and billing_currency = 'USD'
        """
    )
    assert {horizon for _, _, horizon, *_ in found} == {"month", "quarter", "90 days"} and len(found) > 30
    for kind, name, horizon, start, end, as_of, cost, coming, low, high in found:
        known = {day: value for day, value in usage[kind, name].items() if day <= as_of}
        days = (end - as_of).days
        where = (kind, name, horizon)
        assert cost == sum(value for day, value in spent[kind, name].items() if start <= day <= as_of), where
        assert coming == forecast(known, as_of, days), where
        if min(known) == min(usage["all", "all"]):
            assert (None if low is None else (low, high)) == interval(known, as_of, days), where


def test_budgets_are_spent_by_the_owner_and_all_below(company: Company) -> None:
    budgets = company.query(
        "select budget_id, owner_id, status_day, budget_amount, spent_cost, left_amount, status from fact_budget_status"
    )
    costs: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for owner, day, cost in company.query(
        "select team_owner_id, cost_day, sum(effective_cost) from cost_daily inner join dim_owner using (owner_key) group by all"
    ):
        costs[owner, day] += cost
    assert len({budget for budget, *_ in budgets}) == 10
    for _, owner, day, amount, spent, left, status in budgets:
        own = sum((costs[owner, day.replace(day=one)] for one in range(1, day.day + 1)), Decimal(0))
        assert spent == own and left == amount - own and (status == "over") == (own > amount)
    over = {budget for budget, *_, status in budgets if status == "over"}
    assert "mobile-monthly" in over, "its budget is too small for any month"
    last = {calendar.monthrange(day.year, day.month)[1] for _, _, day, *_ in budgets}
    assert last <= {30, 31}
