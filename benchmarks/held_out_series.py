"""How good forecasts and incidents are on daily series that no rule was chosen by.

    python -m benchmarks.held_out_series --series FILE --home DIR

FILE is a CSV with the columns series, day and value (without gaps), of a public data set that is not part of the project. Each series
becomes the bill of an owner, by a FOCUS file, moved by 28 years as often as needed: the calendar repeats then. Of every second series
there are copies with five days each that are multiplied (by 1.5, 2 and 3). One refresh builds the marts, from which the figures are
read; peers' rules, written again from their documentation, are measured on the same days.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks.peak_memory import measure

DAY = timedelta(days=1)
FACTORS = (1.5, 2.0, 3.0)
SPIKES, WATCHED = 5, 280
# The year from which on a ledger believes its bills.
OLDEST = 2015
# The values are money of one currency; a hundredfold keeps the floor of money out of the figures.
UNIT = 100
NAMES = (
    *(
        "BilledCost",
        "EffectiveCost",
        "BillingCurrency",
        "BillingAccountId",
        "BillingPeriodStart",
        "ChargeCategory",
    ),
    *("ChargePeriodStart", "ChargePeriodEnd", "ProviderName", "ServiceName", "Tags"),
)

Series = dict[date, float]


def read_series(file: Path) -> dict[str, Series]:
    """The series by name, moved into this century by whole cycles of the calendar."""
    found: dict[str, Series] = defaultdict(dict)
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            found[row["series"]][date.fromisoformat(row["day"])] = float(row["value"])
    first = min(day for series in found.values() for day in series)
    years = -(-max(OLDEST - first.year, 0) // 28) * 28
    return {
        name: {day.replace(year=day.year + years): value for day, value in series.items()}
        for name, series in found.items()
    }


def with_spikes(series: Series, factor: float, seed: str) -> tuple[Series, set[date]]:
    """A copy of which some of the last days are multiplied, and these days."""
    # No secret: the days are to be the same in each run.
    days = set(random.Random(seed).sample(sorted(series)[-WATCHED:], SPIKES))
    return {day: value * factor if day in days else value for day, value in series.items()}, days


def write_bills(owners: dict[str, Series], file: Path) -> None:
    file.parent.mkdir(parents=True)
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(NAMES)
        for owner, series in owners.items():
            for day, value in series.items():
                cost, month = f"{value * UNIT:.2f}", f"{day.replace(day=1)}T00:00:00Z"
                span = (f"{day}T00:00:00Z", f"{day + DAY}T00:00:00Z")
                tags = json.dumps({"team": owner})
                writer.writerow([cost, cost, "USD", "1", month, "Usage", *span, "Vendor", "Service", tags])


def backtest(marts: duckdb.DuckDBPyConnection, names: list[str]) -> dict[str, object]:
    """Month-end error from the 10th over the last 13 months, and how many months lie in the interval of 80 %."""
    months, wape, covered, with_interval = marts.execute(
        """
        select count(*), sum(abs(error)) / sum(spent_usage_cost + actual_usage_cost),
            count(*) filter (where is_in_interval), count(is_in_interval)
        from (
            select *, dense_rank() over (order by billing_month desc) as month_rank from forecast_backtest
            where series_kind = 'owner' and list_contains(?, series_id)
        ) where month_rank <= 13
        """,
        [names],
    ).fetchall()[0]
    return {
        "series-months": months,
        "WAPE at day 10": f"{wape:.2%}",
        "in the interval of 80 %": f"{covered / with_interval:.1%}",
    }


def month_end(
    series: Series, rule: Callable[[Series, date, date], float], months: list[date]
) -> tuple[float, float]:
    """Error and sum of a rule's month totals, from the 10th."""
    error = total = 0.0
    for first in months:
        last = (first + 31 * DAY).replace(day=1) - DAY
        actual = sum(series[first + number * DAY] for number in range((last - first).days + 1))
        known = sum(series[first + number * DAY] for number in range(10))
        error += abs(known + rule(series, first + 9 * DAY, last) - actual)
        total += actual
    return error, total


def run_rate(series: Series, origin: date, last: date) -> float:
    """The mean of the month to date for each coming day."""
    known = [series[origin - number * DAY] for number in range(origin.day)]
    return statistics.fmean(known) * (last - origin).days


def mean_since_last_month(series: Series, origin: date, last: date) -> float:
    """The mean since the start of the month before for each coming day (OptScale)."""
    first = (origin.replace(day=1) - DAY).replace(day=1)
    return (
        statistics.fmean([series[first + number * DAY] for number in range((origin - first).days + 1)])
        * (last - origin).days
    )


def week_before(series: Series, origin: date, last: date) -> float:
    """The same weekday of the last known week for each coming day."""
    return sum(series[origin - ((-ahead) % 7) * DAY] for ahead in range(1, (last - origin).days + 1))


def z_score(series: Series, day: date) -> bool:
    """More than three standard deviations over the mean of 30 days."""
    before = [series[day - back * DAY] for back in range(1, 31)]
    return series[day] > statistics.fmean(before) + 3 * statistics.pstdev(before)


def ratio_of_week(series: Series, day: date) -> bool:
    """More than 30 % over the mean of seven days (OptScale's default)."""
    return series[day] > 1.3 * statistics.fmean([series[day - back * DAY] for back in range(1, 8)])


def scored(
    flagged: dict[str, set[date]], spiked: dict[str, tuple[Series, set[date]]], factor: float
) -> Iterator[tuple[str, str]]:
    owners = [owner for owner in spiked if owner.endswith(f"-x{factor:g}".replace(".", ""))]
    hits = sum(len(flagged.get(owner, set()) & spiked[owner][1]) for owner in owners)
    false = sum(len(flagged.get(owner, set()) - spiked[owner][1]) for owner in owners)
    yield f"recall of {factor:g}x", f"{hits / (SPIKES * len(owners)):.1%}"
    yield f"false per series and 30 days ({factor:g}x)", f"{false / len(owners) / WATCHED * 30:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=Path, required=True, help="a CSV: series, day, value")
    parser.add_argument("--home", type=Path, required=True, help="an empty folder")
    parser.add_argument("--seed", default="held out", help="of the days that are multiplied")
    arguments = parser.parse_args()
    plain = {f"s{number:03}": series for number, series in enumerate(read_series(arguments.series).values())}
    last = max(day for series in plain.values() for day in series)
    spiked = {
        f"{name}-x{factor:g}".replace(".", ""): with_spikes(plain[name], factor, f"{arguments.seed} {name}")
        for name in list(plain)[1::2]
        for factor in FACTORS
    }
    owners = {**plain, **{owner: series for owner, (series, _) in spiked.items()}}
    home = arguments.home.resolve()
    registry = home / "registry"
    registry.mkdir(parents=True)
    declared = [f"  - {{id: {owner}, kind: team, name: {owner}}}\n" for owner in owners]
    (registry / "owners.yml").write_text("owners:\n" + "".join(declared))
    rule = "rules:\n  - {id: team, claim: 'focus_tag:team', match: owner, owner: '*'}\n"
    (registry / "ownership_rules.yml").write_text(rule)
    write_bills(owners, home / "bills" / "bills.csv")
    first = min(day for series in owners.values() for day in series)
    seconds, peak = measure(
        [sys.executable, "-m", "orchestration", "refresh"],
        {
            "COSTOWNER_HOME": str(home / "home"),
            "COSTOWNER_REGISTRY": str(registry),
            "COSTOWNER_HISTORY_START": f"{first:%Y-%m}",
            "COSTOWNER_NOW": datetime(last.year, last.month, last.day, 9, tzinfo=UTC).isoformat(),
            "SOURCES__FOCUS__EXPORTS": f"bills={home / 'bills'}",
        },
    )
    figures: dict[str, object] = {"seconds": round(seconds), "peak_gb": round(peak, 2)}
    with duckdb.connect(str(home / "home" / "published" / "marts.duckdb"), read_only=True) as marts:
        figures["forecast"] = backtest(marts, list(plain))
        anomalies: dict[str, set[date]] = defaultdict(set)
        for owner, day in marts.execute(
            "select owner_id, cost_day from cost_anomaly where level = 'service' and direction = 'rise'"
        ).fetchall():
            anomalies[owner].add(day)
    ends = [last]
    while len(ends) < 14:
        ends.append(ends[-1].replace(day=1) - DAY)
    months = [end.replace(day=1) for end in ends[1:]]
    for name, peer in (
        ("run rate of the month", run_rate),
        ("mean since last month", mean_since_last_month),
        ("week before", week_before),
    ):
        results = [month_end(series, peer, months) for series in plain.values()]
        figures[name] = f"{sum(error for error, _ in results) / sum(total for _, total in results):.2%}"
    watched = {
        owner: {day for day in flagged if day > last - WATCHED * DAY} for owner, flagged in anomalies.items()
    }
    rules: dict[str, dict[str, set[date]]] = {"incidents": watched}
    for title, is_spike in (("z score of 30 days", z_score), ("ratio to seven days", ratio_of_week)):
        rules[title] = {
            owner: {day for day in sorted(series)[-WATCHED:] if is_spike(series, day)}
            for owner, (series, _) in spiked.items()
        }
    for title, flagged in rules.items():
        figures[title] = dict(pair for factor in FACTORS for pair in scored(flagged, spiked, factor))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
