"""`costowner budgets`, `forecast` and `incidents` on a published database."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from ingestion.errors import SettingError
from ingestion.settings import Home
from orchestration.cli.main import costowner

BUDGETS = """
create table fact_budget_status as select * from (values
    ('calm', 'search', null, date '2026-11-29', true, 'USD', 100.0, 40.0, 4.0, 60.0, 96.6, 41.5, 41.0, 43.0, null, 'within'),
    ('tight', 'mobile', 'chat', date '2026-11-29', true, 'USD', 100.0, 99.0, 0.0, 1.0, 96.6, 102.0, null, null,
        date '2026-11-30', 'forecast over'),
    ('burnt', 'growth', null, date '2026-11-29', true, 'EUR', 10.0, 1234.5, 0.0, -1224.5, 9.6, 1300.0, 1290.0, 1310.0,
        date '2026-11-02', 'over'),
    ('burnt', 'growth', null, date '2026-11-28', false, 'EUR', 10.0, 1200.0, 0.0, -1190.0, 9.3, null, null, null,
        date '2026-11-02', 'over')
) as budgets(budget_id, owner_id, workflow_id, status_day, is_newest, billing_currency, budget_amount, spent_cost,
    estimated_cost, left_amount, expected_amount, forecast_cost, forecast_cost_low, forecast_cost_high, breach_day, status)
"""
FORECASTS = """
create table forecast as select * from (values
    ('owner', 'search', 'search', 'USD', 'month', date '2026-11-01', date '2026-11-30', date '2026-11-29', 40.0, 41.5, 41.0, 43.0,
        false),
    ('all', 'all', null, 'USD', 'month', date '2026-11-01', date '2026-11-30', date '2026-11-29', 1274.5, 1341.5, null, null,
        true),
    ('all', 'all', null, 'USD', 'quarter', date '2026-10-01', date '2026-12-31', date '2026-11-29', 2000.0, 3000.0, 2900.0,
        3100.0, false)
) as forecasts(series_kind, series_id, owner_id, billing_currency, horizon, period_start, period_end, as_of_day, spent_cost,
    forecast_cost, forecast_cost_low, forecast_cost_high, is_history_short)
"""

INCIDENTS = """
create table fact_incident as select * from (values
    ('aaaa1111ffff', 'search', 'search', 'aws', 'Amazon EC2', 'service', null, null, null, 'rise', date '2026-11-20',
        date '2026-11-22', 3, 'ended', 'USD', 1300.5, 100.0, 1200.5),
    ('bbbb2222ffff', 'pool', 'infra', 'vercel', 'Functions', 'resource', 'prj_1', null, null, 'drop', date '2026-11-28',
        date '2026-11-29', 2, 'ongoing', 'USD', 0.0, 20.0, -20.0),
    ('aaaa3333ffff', 'search', 'search', 'aws', 'Amazon S3', 'service', null, null, null, 'rise', date '2026-06-01',
        date '2026-06-01', 1, 'ended', 'USD', 90.0, 10.0, 80.0)
) as incidents(incident_id, owner_id, responsible_owner_id, source, service_name, level, resource_id, workflow_id, model_id,
    direction, first_day, last_day, day_count, status, billing_currency, cost, expected_cost, impact_cost)
"""
DRIVERS = """
create table incident_driver as select * from (values
    ('aaaa1111ffff', 2, 'region', 'eu', null, false, 1300.5, 100.0, 1200.5, 1.0),
    ('aaaa1111ffff', 1, 'resource', 'i-1', 'crawler', false, 1250.0, 60.0, 1190.0, 0.9913),
    ('aaaa1111ffff', 3, 'resource', null, null, true, 50.5, 40.0, -10.5, -0.001)
) as drivers(incident_id, driver_rank, dimension, dimension_value, value_name, is_rest, cost, expected_cost, change_cost,
    change_share)
"""

OWNERS = """
create table dim_owner as select * from (values
    ('search', 'company / search', true), ('index', 'company / search / index', true), ('mobile', 'company / mobile', true)
) as owners(owner_id, owner_path, is_current)
"""
CHANGES = """
create table cost_change as select owner_id, source, service_name, consumed_unit, 'USD' as billing_currency, billing_month,
    earlier_cost, cost, cost - earlier_cost as change_cost, 0.0 as moved_cost, new_cost, 0.0 as gone_cost,
    cost - earlier_cost - new_cost as usage_cost, 0.0 as price_cost, 0.0 as discount_cost, 0.0 as mix_cost, 0.0 as shared_cost,
    0.0 as calendar_cost, 0.0 as one_off_cost
from (values
    ('search', 'aws', 'Amazon EC2', 'Hours', '2026-11', 1000.0, 1100.0, 0.0),
    ('index', 'aws', 'Amazon EC2', 'Hours', '2026-11', 0.0, 50.0, 50.0),
    ('search', 'aws', 'Amazon S3', null, '2026-11', 20.0, 10.0, 0.0),
    ('search', 'aws', 'Amazon S3', null, '2026-10', 25.0, 20.0, 0.0),
    ('mobile', 'aws', 'Amazon S3', null, '2026-11', 1.0, 7777.0, 0.0)
) as changes(owner_id, source, service_name, consumed_unit, billing_month, earlier_cost, cost, new_cost)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    found = Home(tmp_path)
    found.database.parent.mkdir(parents=True)
    with duckdb.connect(str(found.database)) as connection:
        connection.execute(BUDGETS)
        for table in (FORECASTS, INCIDENTS, DRIVERS, OWNERS, CHANGES):
            connection.execute(table)
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path))
    return found


def output(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(costowner, arguments)
    assert result.exit_code == code, result.output
    return result.output


def refusal(*arguments: str) -> str:
    error = CliRunner().invoke(costowner, arguments).exception
    assert isinstance(error, SettingError)
    return str(error)


@pytest.mark.usefixtures("home")
def test_budgets_that_are_over_come_first_with_amounts_that_are_not_added_up() -> None:
    lines = output("budgets").splitlines()
    places = [
        next(place for place, line in enumerate(lines) if name in line) for name in ("tight", "burnt", "calm")
    ]
    assert places[2] == max(places) and "1,234.50" in lines[places[1]] and "2026-11-02" in lines[places[1]]
    assert "mobile, chat" in lines[places[0]] and "they are not added up" in lines[-1]


@pytest.mark.usefixtures("home")
def test_budgets_as_json_are_exact() -> None:
    found = {budget["budget"]: budget for budget in json.loads(output("budgets", "--json"))}
    assert set(found) == {"calm", "tight", "burnt"}
    assert (found["burnt"]["left"], found["tight"]["low"], found["calm"]["breach"]) == ("-1224.5", None, None)


@pytest.mark.usefixtures("home")
def test_forecast_is_of_one_horizon_and_owner() -> None:
    lines = output("forecast").splitlines()
    whole = next(line for line in lines if line.lstrip("│ ").startswith("all"))
    assert "1,341.50" in whole and "short history" in whole and any("search" in line for line in lines)
    assert "3,000.00" in output("forecast", "--horizon", "quarter") and "1,341.50" not in output(
        "forecast", "--owner", "search"
    )
    assert "no cost of this owner" in output("forecast", "--owner", "nobody")
    output("forecast", "--horizon", "year", code=2)


def test_without_a_budget_the_way_to_one_is_named(home: Home) -> None:
    with duckdb.connect(str(home.database)) as connection:
        connection.execute("delete from fact_budget_status")
    assert "registry/budgets.yml" in output("budgets")
    assert json.loads(output("budgets", "--json")) == []


@pytest.mark.usefixtures("home")
def test_incidents_of_the_last_days_with_what_drove_them_first_those_that_go_on() -> None:
    shown = output("incidents")
    assert shown.index("bbbb2222") < shown.index("aaaa1111") and "aaaa3333" not in shown
    assert "crawler (99%)" in shown.replace("\n", " ") and "1,200.50" in shown and "-20.00" in shown
    assert "aaaa3333" in output("incidents", "--days", "365")
    assert "No incident" in output("incidents", "--owner", "nobody")
    assert "bbbb2222" in output("incidents", "--owner", "infra"), "the steward is responsible for the pool"


@pytest.mark.usefixtures("home")
def test_one_incident_has_all_its_drivers() -> None:
    shown = output("incidents", "aaaa1")
    assert "a rise of 1,200.50" in shown and "all others" in shown and "0%" in shown and "-0%" not in shown
    found = json.loads(output("incidents", "aaaa1", "--json"))
    assert [(one["dimension"], one["change"]) for one in found[0]["drivers"]] == [
        ("resource", "1190.0"),
        ("region", "1200.5"),
        ("resource", "-10.5"),
    ]
    for name, number in (("aaaa", "2"), ("cccc", "no")):
        assert f"{number} incidents begin with '{name}'" in refusal("incidents", name)


@pytest.mark.usefixtures("home")
def test_why_adds_up_the_causes_of_an_owner_and_all_below_it() -> None:
    shown = output("why", "search")
    assert "search in 2026-11: 1,160.00 USD" in shown and "1,020.00: +140.00" in shown
    assert "+50.00" in shown and "+90.00" in shown and "7,777" not in shown
    assert shown.index("Amazon EC2") < shown.index("Amazon S3") and "Incident aaaa1111" in shown
    found = json.loads(output("why", "search", "--json"))
    assert found["changes"][0]["causes"]["usage"] == "100.0" and len(found["incidents"]) == 1
    assert "20.00 USD" in output("why", "search", "--month", "2026-10")


@pytest.mark.usefixtures("home")
def test_why_names_what_it_has_no_comparison_of() -> None:
    assert "no owner 'nobody'" in refusal("why", "nobody")
    assert "there are 2026-10 to 2026-11" in refusal("why", "search", "--month", "2026-01")
