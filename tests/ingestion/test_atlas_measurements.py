"""Measurements of Atlas's API, by day: what is read of them, and that a cluster without any costs the others nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.lake.contract import NoData, Remark, Rows
from ingestion.settings import Home
from ingestion.sources.atlas.client import Atlas, authentication
from ingestion.sources.atlas.measurements import NOT_MEASURED, measurements
from ingestion.sources.atlas.usage import Cluster
from sample_company import atlas as company
from sample_company import atlas_usage
from sample_company.server import Request, Response, Route, json_response, serving
from sample_company.world import State, World
from tests.ingestion.test_atlas_lists import landed, rows, serving_atlas

WORLD = World(7, date(2026, 11, 9))
STATE = State(WORLD, date(2026, 11, 10))
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
EVENTS = Cluster(company.ANALYTICS, "events")
API = "/api/atlas/v2"


@contextmanager
def client(*routes: Route) -> Iterator[Atlas]:
    """An Atlas of some endpoints, or that of the sample company."""
    token = Route("POST", "(/atlas)?/api/oauth/token", lambda _: json_response({"access_token": company.TOKEN}))
    with serving([token, *(routes or company.routes(STATE))]) as url:
        base = url if routes else f"{url}/atlas"
        yield Atlas(authentication("i", "s", None, None, base), company.ORG, base)


def test_sizes_and_times_are_those_of_each_day_and_database() -> None:
    with client() as atlas:
        part, *remarks = measurements(atlas, [EVENTS], START, END)
    assert isinstance(part, Rows) and not remarks
    found = {(row["driver"], row["database_name"], row["measured_from"].date()): row for row in part.records}
    days = [date(2026, 11, day) for day in (1, 2, 3)]
    databases = atlas_usage.databases("events")
    assert len(found) == len(part.records) == 2 * len(days) * len(databases) == 18
    for day in days:
        for database in databases:
            size, time = found["measured_bytes", database, day], found["latency_microseconds", database, day]
            true_time = sum(
                atlas_usage.latency(WORLD, "events", database, one, day) for one in atlas_usage.COLLECTIONS
            )
            assert abs(size["quantity"] - atlas_usage.size(WORLD, "events", database, day)) <= 1
            assert time["quantity"] == true_time and time["measured_at"] - time["measured_from"] == timedelta(
                days=1
            )
            assert (size["kind"], time["kind"]) == ("day", "day") and size["member"].startswith(
                "events-shard-00-00."
            )


PROCESS = {"id": "h:27017", "typeName": "REPLICA_PRIMARY", "userAlias": "Orders-shard-00-00.x"}
POINT = {"timestamp": "2026-11-02T00:00:00Z", "value": 5}
MEASURED = {
    "measurements": [
        {
            "name": "TOTAL_LATENCY",
            "units": "MILLISECONDS",
            "dataPoints": [POINT, {"timestamp": None, "value": None}],
        }
    ]
}
ANSWERS: dict[str, Any] = {
    "groups/p/processes": {"results": [PROCESS, {"typeName": "REPLICA_PRIMARY"}, None, {**PROCESS, "typeName": "SHARD_MONGOS"}]},
    "groups/p/processes/h%3A27017/databases": {"results": [{"databaseName": "shop"}, {}, None]},
    "groups/p/processes/h%3A27017/databases/shop/measurements": MEASURED,
    "groups/p/clusters/Orders/PRIMARY/collStats/namespaces": {"rankedNamespaces": ["shop.a.b", "shop.", "odd", None]},
    "groups/p/clusters/Orders/PRIMARY/shop/a.b/collStats/measurements": MEASURED,
}  # fmt: skip


def answering(**changed: Any) -> list[Route]:
    """`changed`: a status, or another answer, by path."""

    def route(path: str, answer: Any) -> Route:
        response = (
            Response(answer, b"{}", {"Retry-After": "0"}) if isinstance(answer, int) else json_response(answer)
        )
        return Route("GET", f"{API}/{path}", lambda _: response)

    return [route(path, answer) for path, answer in {**ANSWERS, **changed}.items()]


def of_orders(routes: list[Route]) -> tuple[list[tuple[str, Decimal]], list[str]]:
    """Drivers with their quantities, and the remarks; nothing of both where there is no data."""
    with client(*routes) as atlas:
        try:
            part, *remarks = measurements(atlas, [Cluster("p", "Orders")], START, END)
        except NoData as reason:
            return [], [str(reason)]
    assert isinstance(part, Rows)
    found = sorted((row["driver"], row["quantity"]) for row in part.records)
    return found, [remark.text for remark in remarks if isinstance(remark, Remark)]


def test_milliseconds_and_odd_entries_are_read() -> None:
    assert of_orders(answering()) == (
        [("latency_microseconds", Decimal(5000)), ("measured_bytes", Decimal(5))],
        [],
    )


@pytest.mark.parametrize("path", ANSWERS)
@pytest.mark.parametrize(
    "answer", [401, 403, 404, 429, 500, [], "x", {"results": 5, "rankedNamespaces": 5, "measurements": 5}]
)
def test_answer_that_is_not_to_be_had_is_a_remark(path: str, answer: Any) -> None:
    found, remarks = of_orders(answering(**{path: answer}))
    assert len(found) == 1 and len(remarks) == (answer != 404), (
        "what was deleted meanwhile is nothing that is missing"
    )
    assert all(remark.startswith(NOT_MEASURED) and "project p" in remark for remark in remarks)


@pytest.mark.parametrize(
    "point",
    [
        {"value": "canary"},
        {"value": -1},
        {"value": True},
        {"timestamp": "canary"},
        {"timestamp": None},
        "canary",
        None,
    ],
)
def test_odd_point_costs_its_measurements(point: Any) -> None:
    odd = {**POINT, **point} if isinstance(point, dict) else point
    measured = {"measurements": [{"units": "BYTES", "dataPoints": [POINT, odd]}]}
    path = "groups/p/processes/h%3A27017/databases/shop/measurements"
    found, remarks = of_orders(answering(**{path: measured}))
    assert (
        found == [("latency_microseconds", Decimal(5000))] and "canary" not in str(remarks) and len(remarks) == 1
    )


def test_one_database_or_collection_costs_itself_alone() -> None:
    databases = {"results": [{"databaseName": "shop"}, {"databaseName": "gone"}]}
    process = "groups/p/processes/h%3A27017/databases"
    view = "groups/p/clusters/Orders/PRIMARY"
    for code, remarks in ((404, 0), (500, 2)):
        changed = {
            process: databases,
            f"{process}/gone/measurements": code,
            f"{view}/collStats/namespaces": {"rankedNamespaces": ["shop.a.b", "shop.gone"]},
            f"{view}/shop/gone/collStats/measurements": code,
        }
        found, noted = of_orders(answering(**changed))
        assert [driver for driver, _ in found] == ["latency_microseconds", "measured_bytes"] and len(
            noted
        ) == remarks


@pytest.mark.parametrize(
    ("name", "address", "alias", "is_own"),
    [
        ("prod", None, "prod-shard-00-00.x.mongodb.net", True),
        ("prod", None, "prod-shard-eu-shard-00-00.x.mongodb.net", False),
        ("prod", None, "prod2-shard-00-00.x.mongodb.net", False),
        ("Prod", None, "prod-shard-01-02.x.mongodb.net", True),
        ("customer-analytics-production", None, "customer-analytics-prod-shard-00-00.x.mongodb.net", False),
        (
            "customer-analytics-production",
            "mongodb+srv://customer-analytics-prod.x.mongodb.net",
            "customer-analytics-prod-shard-00-00.x.mongodb.net",
            True,
        ),
        ("a.b", None, "axb-shard-00-00.x", False),
    ],
)
def test_process_is_of_the_cluster_whose_name_or_address_it_has(
    name: str, address: str | None, alias: str, is_own: bool
) -> None:
    assert Cluster("p", name, address).has_host(alias) is is_own


def test_cluster_whose_primary_is_not_found_is_a_remark() -> None:
    found, remarks = of_orders(answering(**{"groups/p/processes": {"results": [{**PROCESS, "userAlias": "x"}]}}))
    assert [driver for driver, _ in found] == ["latency_microseconds"]
    assert remarks == ["not measured: sizes of cluster Orders of project p: no primary has its name"]


def test_month_that_is_over_and_lacks_a_measurement_is_read_again(tmp_path: Path) -> None:
    home = Home(tmp_path)
    paths = {path.replace("Orders", "orders").replace("/p/", "/p1/"): answer for path, answer in ANSWERS.items()}
    broken = {"code": 500}
    failing = next(path for path in paths if path.endswith("shop/measurements"))

    def respond(path: str) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            if path == failing and broken["code"] != 200:
                return Response(broken["code"], b"{}", {"Retry-After": "0"})
            return json_response(paths[path])

        return answer

    with serving_atlas({}, [Route("GET", f"{API}/{path}", respond(path)) for path in paths]) as url:
        landed(home, url, measurements=True, focus_report=False)
        assert {row["driver"] for row in rows(home, "cluster_usage")} == {"latency_microseconds"}
        broken["code"] = 200
        landed(home, url, measurements=True, focus_report=False)
    assert {row["driver"] for row in rows(home, "cluster_usage")} == {"latency_microseconds", "measured_bytes"}


def test_month_that_is_over_is_measured_once_more_and_then_no_more(tmp_path: Path) -> None:
    asked: list[str] = []

    def counted(answer: Any, path: str) -> Route:
        def respond(request: Request) -> Response:
            asked.append(str(request.one("start")))
            return json_response(answer)

        return Route("GET", f"{API}/{path}", respond)

    home = Home(tmp_path)
    paths = {path.replace("Orders", "orders").replace("/p/", "/p1/"): answer for path, answer in ANSWERS.items()}
    with serving_atlas({}, [counted(answer, path) for path, answer in paths.items()]) as url:
        for _ in range(2):
            landing = landed(home, url, measurements=True, focus_report=False)
            assert not landing.refused
        months = [month for month in asked if month.startswith("2026-10")]
        assert len(months) == 3 and len([month for month in asked if month.startswith("2026-11")]) == 6
        assert {row["driver"] for row in rows(home, "cluster_usage")} == {"latency_microseconds", "measured_bytes"}
