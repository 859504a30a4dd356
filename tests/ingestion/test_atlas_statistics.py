"""Statistics of a cluster over MongoDB's wire protocol: answers in their documented shapes, refusals, and faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pymongo
import pytest
from bson import Decimal128, Int64
from mockupdb import MockupDB, Request

from ingestion.lake.contract import NoData, Remark, Rows
from ingestion.sources.atlas import statistics as read
from ingestion.sources.atlas.usage import Cluster, address_of
from sample_company.llm.request_log import mongo_server

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
HOUR = Int64(3_600_000)
Answers = dict[str, Any]


def shape(database: str | None, application: str | None, micros: Any, nanos: Any = None) -> dict[str, Any]:
    """A document of `$queryStats`, as MongoDB 8 gives it."""
    key: dict[str, Any] = {"queryShape": {"cmdNs": {"db": database, "coll": "c"}, "command": "find"}}
    if application:
        key["client"] = {"application": {"name": application}, "driver": {"name": "PyMongo"}}
    metrics: dict[str, Any] = {"execCount": 3, "totalExecMicros": {"sum": micros, "max": micros}}
    return {"key": key, "metrics": metrics if nanos is None else {**metrics, "cpuNanos": {"sum": nanos}}}


ANSWERS: Answers = {
    "listDatabases": {"databases": [{"name": "admin"}, {"name": "orders"}]},
    "dbStats": {"admin": {"storageSize": 100.0, "indexSize": 20.0}, "orders": {"storageSize": Int64(900), "indexSize": 0}},
    "$queryStats": [
        shape("orders", "api", 10, Int64(7000)),
        shape("orders", "api", 5, Int64(1000)),
        shape("orders", None, 4, Decimal128("500")),
        shape("admin", "person@example.com", 2, 30),
    ],
    "serverStatus": {"uptimeMillis": HOUR, "process": "mongod"},
    "hostInfo": {"system": {"numCores": 4}},
    "top": {"totals": {"note": "in microseconds", "orders.c": {"total": {"time": 60}}, "orders.d": {"total": {"time": 40}}}},
    "listCollections": [{"name": "a", "type": "collection"}, {"name": "b", "type": "collection"}],
    "$collStats": [{"storageStats": {"storageSize": 30, "totalIndexSize": 3}}],
}  # fmt: skip


@contextmanager
def playing(answers: Answers) -> Iterator[str]:
    """A server that answers by command or stage: an error by its code, a list as a cursor; a hang-up where it is None."""

    def respond(request: Request) -> bool:
        name = request.command_name
        if name.lower() == "ismaster":
            return False
        if name == "hello":
            found = {"isWritablePrimary": True, "maxWireVersion": 25, **answers.get("hello", {})}
            return bool(request.ok(found))
        if name == "aggregate":
            name = next(iter(request.doc["pipeline"][0]))
        if name not in answers:
            return bool(request.ok())
        found = answers[name]
        if isinstance(found, dict) and request.doc["$db"] in found:
            found = found[request.doc["$db"]]
        if found is None:
            return bool(request.hangup())
        if isinstance(found, int):
            return bool(request.command_err(code=found, errmsg="canary of a server"))
        if isinstance(found, list):
            cursor = {"id": Int64(0), "ns": f"{request.doc['$db']}.c", "firstBatch": found}
            return bool(request.ok({"cursor": cursor}))
        return bool(request.ok(found))

    server = MockupDB(auto_ismaster={"maxWireVersion": 25, "minWireVersion": 0, "isWritablePrimary": True})
    server.autoresponds(respond)
    server.run()
    try:
        yield f"mongodb://127.0.0.1:{server.port}"
    finally:
        server.stop()


def connect(address: str, **options: Any) -> Any:
    return pymongo.MongoClient(address, retryReads=False, **options)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "PATIENCE", 2)


def statistics(*clusters: Cluster) -> tuple[Rows, list[str]]:
    """The rows, and the texts of the remarks."""
    rows, *remarks = read.statistics(clusters, connect, NOW)
    assert isinstance(rows, Rows)
    return rows, [remark.text for remark in remarks if isinstance(remark, Remark)]


def parts(answers: Answers) -> tuple[Rows, list[str]]:
    with playing({**ANSWERS, **answers}) as address:
        return statistics(Cluster("p", "orders", address))


def found(answers: Answers) -> tuple[dict[tuple[Any, ...], Decimal], list[str]]:
    """Quantities by driver, database and application, and the remarks."""
    rows, remarks = parts(answers)
    assert "canary" not in str(remarks)
    keys = ("driver", "database_name", "application_name")
    return {tuple(row[key] for key in keys): row["quantity"] for row in rows.records}, remarks


SIZES: dict[tuple[Any, ...], int] = {
    ("database_bytes", "admin", None): 120,
    ("database_bytes", "orders", None): 900,
}
TOP: dict[tuple[Any, ...], int] = {("operation_microseconds", "orders", None): 100}


def test_sizes_time_by_application_and_capacity_are_read() -> None:
    rows, remarks = parts({})
    assert not remarks
    quantities, _ = found({})
    (hashed,) = {key[2] for key in quantities if key[1] == "admin" and key[2]}
    assert "@" not in hashed and "person" not in hashed
    expected: dict[tuple[Any, ...], int] = {
        **SIZES,
        ("query_cpu_nanoseconds", "orders", "api"): 8000,
        ("query_cpu_nanoseconds", "orders", None): 500,
        ("query_cpu_nanoseconds", "admin", hashed): 30,
        ("cpu_capacity_nanoseconds", None, None): 4 * 3600 * 10**9,
    }
    assert quantities == expected
    counters = [row for row in rows.records if row["kind"] == "counter"]
    assert {row["measured_from"] for row in counters} == {NOW - timedelta(hours=1)}
    assert all(row["member"].startswith("127.0.0.1:") for row in counters)
    assert {row["measured_at"] for row in rows.records} == {NOW}


@pytest.mark.parametrize("without", ["hostInfo"])
@pytest.mark.parametrize("code", [13, 59, 115, 8000])
def test_without_capacity_idle_time_is_not_known(without: str, code: int) -> None:
    quantities, remarks = found({without: code})
    assert not any(key[0] == "cpu_capacity_nanoseconds" for key in quantities)
    assert ("query_cpu_nanoseconds", "orders", "api") in quantities
    assert len(remarks) == 1 and f"(code {code}); idle time is not known" in remarks[0]


@pytest.mark.parametrize("code", [13, 59, 115, 8000, 40324])
def test_refused_query_statistics_are_replaced_by_top(code: int) -> None:
    quantities, remarks = found({"$queryStats": code})
    assert quantities == {**SIZES, **TOP}
    assert len(remarks) == 1 and f"$queryStats: refused (code {code}); top is read instead" in remarks[0]


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [{}],
        [{"key": {}, "metrics": {}}],
        [shape("orders", "api", "many")],
        [shape("orders", "api", -1)],
        [shape("orders", "api", None)],
    ],
    ids=["none", "empty", "no shape", "text", "negative", "null"],
)
def test_query_statistics_of_another_shape_are_replaced_by_top(documents: list[Any]) -> None:
    quantities, remarks = found({"$queryStats": documents})
    assert quantities == {**SIZES, **TOP} and len(remarks) == 1


def test_secondary_that_nobody_reads_from_is_idle() -> None:
    quantities, remarks = found({"$queryStats": [], "hello": {"secondary": True}})
    assert quantities[("query_cpu_nanoseconds", None, None)] == 0 and not remarks
    assert quantities[("cpu_capacity_nanoseconds", None, None)] == 4 * 3600 * 10**9


def test_size_that_no_column_holds_costs_its_database() -> None:
    sizes = {**ANSWERS["dbStats"], "orders": {"storageSize": 10.0**30}}
    quantities, remarks = found({"dbStats": sizes, "$collStats": 13})
    assert ("database_bytes", "admin", None) in quantities and len(remarks) == 1
    assert ("query_cpu_nanoseconds", "orders", "api") in quantities


def test_without_time_of_processors_that_of_execution_counts() -> None:
    documents = [shape("orders", "api", 10, 7000), shape("orders", "web", 5)]
    quantities, remarks = found({"$queryStats": documents})
    assert {key[0] for key in quantities} == {"database_bytes", "query_microseconds"} and not remarks
    assert quantities[("query_microseconds", "orders", "web")] == 5


def test_cluster_without_any_time_keeps_its_sizes() -> None:
    quantities, remarks = found({"$queryStats": 13, "top": 13})
    assert quantities == SIZES and "$queryStats: refused (code 13); top: refused (code 13)" in remarks[0]


def test_refused_database_statistics_are_replaced_by_those_of_its_collections() -> None:
    quantities, remarks = found({"dbStats": {**ANSWERS["dbStats"], "orders": 8000}})
    assert quantities[("database_bytes", "orders", None)] == 66 and not remarks
    quantities, remarks = found({"dbStats": {**ANSWERS["dbStats"], "orders": 8000}, "$collStats": 13})
    assert ("database_bytes", "orders", None) not in quantities and ("database_bytes", "admin", None) in quantities
    assert "size of database orders: dbStats refused (code 8000), $collStats refused (code 13)" in remarks[0]


@pytest.mark.parametrize(
    "answer", [13, None, {"databases": 5}, {"databases": [{}]}], ids=["refused", "cut", "odd", "unnamed"]
)
def test_cluster_without_sizes_keeps_its_time(answer: Any) -> None:
    quantities, remarks = found({"listDatabases": answer})
    assert not any(key[0] == "database_bytes" for key in quantities)
    assert ("query_cpu_nanoseconds", "orders", "api") in quantities and "sizes of databases: " in remarks[0]


@pytest.mark.parametrize("answer", [13, None, {}, {"uptimeMillis": "long"}])
def test_process_whose_start_is_not_known_is_not_counted(answer: Any) -> None:
    quantities, remarks = found({"serverStatus": answer})
    assert quantities == SIZES and len(remarks) == 1


def test_cluster_that_cannot_be_reached_costs_the_others_nothing() -> None:
    with playing(ANSWERS) as address:
        clusters = [
            Cluster("p", "gone", "mongodb://127.0.0.1:1"),
            Cluster("p", "unnamed"),
            Cluster("p", "wrong", "mongodb://127.0.0.1:99999999"),
            Cluster("p", "orders", address),
        ]
        rows, remarks = statistics(*clusters)
    assert {row["cluster_name"] for row in rows.records} == {"orders"} and len(remarks) == 3
    with pytest.raises(NoData, match="cluster gone of project p: can't be reached"):
        read.statistics(clusters[:2], connect, NOW)
    with pytest.raises(NoData, match="none is listed"):
        read.statistics([], connect, NOW)


@pytest.mark.parametrize("hangup", ["dbStats", "$queryStats", "serverStatus", "hostInfo", "top", "ping"])
def test_connection_that_is_cut_is_a_remark(hangup: str) -> None:
    try:
        rows, _ = parts({hangup: None})
    except NoData as reason:
        assert hangup == "ping" and "can't be reached" in str(reason)
    else:
        assert rows.records


def test_real_server_of_another_make_is_read_as_far_as_it_answers() -> None:
    with mongo_server() as uri:
        with pymongo.MongoClient[dict[str, Any]](uri) as client:
            client["shop"]["items"].insert_many([{"n": number, "text": "x" * 1000} for number in range(500)])
        rows, remarks = statistics(Cluster("p", "orders", uri))
    sizes = {row["database_name"]: row["quantity"] for row in rows.records if row["driver"] == "database_bytes"}
    assert sizes["shop"] > 0 and any("$queryStats" in remark for remark in remarks)


@pytest.mark.skipif(
    "COSTOWNER_TEST_MONGO_URI" not in os.environ, reason="COSTOWNER_TEST_MONGO_URI names no mongod"
)
def test_real_mongod_is_read() -> None:
    uri = os.environ["COSTOWNER_TEST_MONGO_URI"]
    rows, _ = statistics(Cluster("p", "own", uri))
    assert {row["driver"] for row in rows.records} >= {"database_bytes"}


def test_user_connects_over_tls_but_for_loopback() -> None:
    connecting = read.connecting("reader", "canary")
    for address, tls in (
        ("mongodb://127.0.0.1:27017", False),
        ("mongodb://db.example.com:27017", True),
        ("mongodb://127.0.0.1:27017,db.example.com:27017", True),
    ):
        with connecting(address, connect=False) as client:
            assert (client.options.pool_options._ssl_context is not None) is tls
            assert "canary" not in repr(client)


@pytest.mark.parametrize(
    ("listed", "address"),
    [
        (
            {"standard": "mongodb://a:1", "standardSrv": "mongodb+srv://a.example.net"},
            "mongodb+srv://a.example.net",
        ),
        ({"standard": "mongodb://a:1"}, "mongodb://a:1"),
        ({"standardSrv": "mongodb+srv://user:word@a.example.net"}, None),
        ({"standardSrv": "https://a.example.net"}, None),
        ({"standardSrv": 5}, None),
        ("mongodb://a:1", None),
        (None, None),
    ],
)
def test_address_is_a_connection_string_without_a_user(listed: Any, address: str | None) -> None:
    assert address_of({"connectionStrings": listed}) == address
