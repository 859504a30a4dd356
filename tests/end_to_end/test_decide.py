"""Budgets and forecasts of the sample company, held against the same rules in Python."""

from __future__ import annotations

import calendar
import json
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


def median_error(usage: Series, origin: date) -> Decimal:
    """The lower median of how far each of the last 14 days was off the median of its weekday."""
    first = min(usage)
    errors = sorted(
        usage.get(day, Decimal(0)) - median(usage, day)
        for day in (origin - back * DAY for back in range(14))
        if day >= first + 21 * DAY
    )
    return errors[(len(errors) - 1) // 2] if errors else Decimal(0)


def forecast(usage: Series, origin: date, days: int) -> Decimal:
    """The usage of the days after an origin, of which nothing later is known."""
    medians = sum(
        (
            median(usage, origin + timedelta(days=ahead) - timedelta(weeks=math.ceil(ahead / 7)))
            for ahead in range(1, days + 1)
        ),
        Decimal(0),
    )
    correction = (median_error(usage, origin) * days / 2).quantize(PLACES, ROUND_HALF_UP)
    return max(medians + correction, min(medians, Decimal(0)))


def percentile(errors: list[Decimal], tenths: int) -> Decimal:
    """The value at so many tenths of n + 1 places, between two neighbours in proportion."""
    place, after = divmod(tenths * (len(errors) + 1), 10)
    at, following = errors[max(place, 1) - 1], errors[min(place + 1, len(errors)) - 1]
    return ((at * (10 - after) + following * after) / 10).quantize(PLACES, ROUND_HALF_UP)


def interval(usage: Series, origin: date, days: int) -> tuple[Decimal, Decimal] | None:
    """The 10th and 90th percentile of the errors at earlier origins, a week apart, around the forecast."""
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
    middle = forecast(usage, origin, days)
    low, high = (percentile(errors, tenths) for tenths in (1, 9))
    return min(middle + low, middle), max(middle + high, middle)


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


def lower_median(values: list[Decimal]) -> Decimal:
    """The middle value; of an even number the lower of the two."""
    return sorted(values)[(len(values) - 1) // 2]


def expectations(costs: Series, first: date, last: date) -> dict[date, tuple[Decimal, Decimal]]:
    """What each day was expected to cost and the usual error, by what was known the day before, from the 50th day on."""
    days = [first + number * DAY for number in range((last - first).days + 1)]
    known = {day: costs.get(day, Decimal(0)) for day in days}
    off_week = {
        day: known[day] - lower_median([known[day - back * DAY] for back in range(1, 8)]) for day in days[7:]
    }
    weekday = {
        day: lower_median(
            [off_week[earlier] for week in range(8) if (earlier := day - week * 7 * DAY) in off_week]
        )
        for day in days[28:]
    }
    expected: Series = {}
    found = {}
    for day in days[35:]:
        level = lower_median(
            [known[earlier] - weekday[earlier] for earlier in (day - back * DAY for back in range(1, 8))]
        )
        expected[day] = max(level + weekday[day - 7 * DAY], Decimal(0))
        distances = [
            abs(known[earlier] - expected[earlier])
            for back in range(1, 29)
            if (earlier := day - back * DAY) in expected
        ]
        if len(distances) >= 14:
            found[day] = (expected[day], lower_median(distances))
    return found


def judged_owners(owners: dict[date, set[str]]) -> dict[date, str | None]:
    """The owner by whom each day of a resource or workflow is judged, where it has one: the one of four of its days before."""
    days = sorted(owners)
    single = {day: next(iter(found)) if len(found) == 1 else None for day, found in owners.items()}
    return {
        day: single[day] and (single[days[max(place - 4, 0)]] or single[day]) for place, day in enumerate(days)
    }


def test_days_far_from_their_expected_cost_are_anomalies(company: Company) -> None:
    costs: dict[tuple[str, str, str], Series] = defaultdict(lambda: defaultdict(Decimal))
    judged: dict[tuple[str, str, str], Series] = defaultdict(lambda: defaultdict(Decimal))
    owners: dict[tuple[str, str, str], dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
    charges = company.query(
        """
        select source, coalesce(pool_owner_id, owner_id), service_name, coalesce(workflow_id, resource_id),
            cast(charge_period_start as date), sum(effective_cost)
        from fact_cost where charge_category = 'Usage' and charge_period_end - charge_period_start < interval 27 day group by all
        """
    )
    for source, owner, service, thing, day, _ in charges:
        if thing is not None:
            owners[source, service, thing][day].add(owner)
    former = {key: judged_owners(found) for key, found in owners.items()}
    for source, owner, service, thing, day, cost in charges:
        costs[source, owner, service][day] += cost
        before = former[source, service, thing][day] if thing is not None else None
        judged[source, before or owner, service][day] += cost
    assert any(len(set(found.values())) > 1 for found in former.values()), "the sample company moves a service"
    newest = dict(
        company.query("select source, max(cast(newest_charge_at as date)) from source_freshness group by 1")
    )
    anomalies: dict[tuple[str, str, str], dict[date, tuple[str, Decimal, Decimal]]] = defaultdict(dict)
    for source, owner, service, day, direction, expected, error in company.query(
        """
        select source, owner_id, service_name, cost_day, direction, expected_cost, usual_error from cost_anomaly
        where level = 'service'
        """
    ):
        anomalies[source, owner, service][day] = (direction, expected, error)
    assert anomalies
    compared = 0
    for key, series in costs.items():
        source = key[0]
        if max((*series.values(), *judged[key].values())) < 5:
            assert key not in anomalies
            continue
        last = newest[source] - DAY
        first = max(min(min(one) for (name, *_), one in costs.items() if name == source), last - 429 * DAY)
        expected_of = expectations(series, first, last)
        for day, (_, expected, error) in anomalies[key].items():
            assert (expected, error) == expected_of[day], (key, day)
        rises = {
            day
            for day, (expected, error) in expected_of.items()
            if judged[key][day] - expected >= 5
            and judged[key][day] - expected > max(expected * Decimal("0.25"), error * Decimal("6.6"))
        }
        assert rises == {day for day, (direction, *_) in anomalies[key].items() if direction == "rise"}, key
        compared += 1
    assert compared >= 15


def test_each_spike_is_an_incident_of_its_owner_from_its_first_day_with_its_cause(company: Company) -> None:
    spikes = json.loads((company.stage.folder / "labels" / "spikes.json").read_text())
    found = {
        (source, owner, str(first)): (incident, direction)
        for incident, source, owner, first, direction in company.query(
            "select incident_id, source, owner_id, first_day, direction from fact_incident"
        )
    }
    assert len(spikes) == 5
    for spike in spikes:
        incident, direction = found.pop((spike["source"], spike["owner_id"], spike["first_day"]))
        drivers = company.query(
            f"""
            select concat_ws(' ', dimension_value, value_name) from incident_driver
            where incident_id = '{incident}' and driver_rank <= 3 and change_cost > 0
            """
        )
        assert direction == "rise" and any(spike["subject"] in driver for (driver,) in drivers), (spike, drivers)
    # A false alert in 150 days of all owners at most.
    assert len(found) <= 1, found


def test_drivers_of_a_dimension_add_up_to_the_change(company: Company) -> None:
    found = company.query(
        """
        select incident_id, dimension, sum(driver.cost), sum(driver.expected_cost), sum(change_cost),
            min(fact_incident.first_day), min(fact_incident.last_day), min(source), min(owner_id), min(service_name)
        from incident_driver as driver inner join fact_incident using (incident_id) group by 1, 2
        """
    )
    assert len({incident for incident, *_ in found}) >= 5
    for _, dimension, cost, expected, change, first, last, source, owner, service in found:
        days = [first + number * DAY for number in range((last - first).days + 1)]
        costs: Series = dict(
            company.query(
                f"""
                select cast(charge_period_start as date), sum(effective_cost) from fact_cost
                where source = '{source}' and coalesce(pool_owner_id, owner_id) = '{owner}' and service_name = '{service}'
                    and charge_category = 'Usage' and charge_period_end - charge_period_start < interval 27 day group by 1
                """
            )
        )
        before = sum(
            (
                costs.get(first - back * DAY, Decimal(0))
                for day in days
                for back in range(1, 29)
                if (first - back * DAY).weekday() == day.weekday()
            ),
            Decimal(0),
        )
        assert cost == sum(costs.get(day, Decimal(0)) for day in days)
        # A quarter of an amount may need two places more than the ledger has: a rounding a value.
        assert abs(expected - before / 4) < Decimal("1e-9") and change == cost - expected, dimension


def test_changes_of_a_month_add_up_to_the_ledger_by_the_same_days(company: Company) -> None:
    costs: dict[tuple[str, str], Series] = defaultdict(lambda: defaultdict(Decimal))
    firsts: dict[str, date] = {}
    for source, owner, day, cost in company.query(
        "select source, owner_id, cast(charge_period_start as date), sum(effective_cost) from fact_cost group by all"
    ):
        costs[source, owner][day] += cost
        firsts[source] = min(day, firsts.get(source, day))
    newest = dict(
        company.query("select source, max(cast(newest_charge_at as date)) from source_freshness group by 1")
    )
    causes = ("moved", "new", "gone", "usage", "price", "discount", "mix", "shared", "calendar", "one_off")
    columns = ", ".join(f"sum({cause}_cost)" for cause in causes)
    found = company.query(
        f"""
        select source, owner_id, billing_month, sum(earlier_cost), sum(cost), sum(change_cost), {columns}
        from cost_change group by 1, 2, 3
        """
    )
    moved: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    seen = set()
    for source, owner, month, earlier, cost, change, *parts in found:
        first = date.fromisoformat(f"{month}-01")
        assert first > firsts[source]
        last = newest[source] - DAY
        whole = first.replace(day=1) + 31 * DAY
        end = min(whole.replace(day=1) - DAY, last)
        before = first - DAY
        to_date = end == last and end != whole.replace(day=1) - DAY
        earlier_end = before.replace(day=min(before.day, end.day)) if to_date else before
        own = costs[source, owner]
        assert cost == sum(value for day, value in own.items() if first <= day <= end), (source, owner, month)
        assert earlier == sum(
            value for day, value in own.items() if before.replace(day=1) <= day <= earlier_end
        ), (source, owner, month)
        assert sum(parts, Decimal(0)) == change == cost - earlier
        moved[source, month] += parts[0]
        seen.add(month)
    assert len(seen) >= 4 and set(moved.values()) == {Decimal(0)}, "what one owner loses another has"
    assert any(parts[0] for _, _, _, _, _, _, *parts in found), "the sample company moves a service"
