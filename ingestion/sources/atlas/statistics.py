"""Use of a cluster by its own statistics: sizes of databases, time of queries by database and application.

A database user with the role `clusterMonitor` on admin is enough, and reads no document. What a cluster or the user's role
does not allow is left out, and the next best statistics are read instead: `$queryStats` (CPU time, or else execution time),
`top`; `dbStats`, `$collStats`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from ingestion.errors import BadInput
from ingestion.lake.contract import NoData, Part, Remark, Rows
from ingestion.lake.people import without_addresses
from ingestion.lake.records import exact
from ingestion.lake.rejected import SHAPES
from ingestion.setting_table import CALL_SECONDS
from ingestion.sources.atlas.usage import (
    CAPACITY,
    CLUSTER_USAGE,
    COUNTER,
    DATABASE_SIZE,
    LEVEL,
    OPERATION_TIME,
    QUERY_CPU,
    QUERY_TIME,
    Cluster,
    usage_row,
)

Client = pymongo.MongoClient[dict[str, Any]]
Connect = Callable[..., Client]

# Seconds that a server is looked for.
PATIENCE = 10
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Refused(Exception):
    """A cluster does not give a statistic: it refuses it by a code, can't be reached, or answers in another shape."""


def connecting(user: str, password: str) -> Connect:
    """How clusters are connected to: by a user, over TLS but for loopback."""

    def connect(address: str, **options: Any) -> Client:
        hosts = urlsplit(address).netloc.split(",")
        is_local = all(host.rpartition(":")[0] in LOOPBACK for host in hosts)
        return pymongo.MongoClient(
            address, username=user, password=password, authSource="admin", tls=not is_local, **options
        )

    return connect


def statistics(clusters: Iterable[Cluster], connect: Connect, now: datetime) -> list[Part]:
    """The statistics of clusters at a moment; what a cluster refuses is a remark. Raises NoData where no cluster gives any."""
    rows: list[dict[str, Any]] = []
    refusals: list[str] = []
    for cluster in clusters:
        refused: list[str] = []
        try:
            rows += _of_cluster(cluster, connect, now, refused)
        except Refused as reason:
            refused.append(str(reason))
        refusals += [f"{cluster.place}: {reason}" for reason in refused]
    if not rows:
        raise NoData(f"no statistics of clusters: {'; '.join(refusals[:5]) or 'none is listed'}")
    return [Rows(CLUSTER_USAGE, rows), *map(Remark, refusals)]


def _of_cluster(cluster: Cluster, connect: Connect, now: datetime, refused: list[str]) -> list[dict[str, Any]]:
    """A cluster's rows; what of it is refused is added to `refused`. Raises Refused where it can't be reached."""
    if cluster.address is None:
        raise Refused("Atlas lists no connection string")
    rows = []
    with _opened(connect, cluster.address) as client:
        members = sorted(client.nodes)
        try:
            for name, size in _sizes(client, refused).items():
                with _refusals():
                    rows.append(usage_row(cluster, None, DATABASE_SIZE, LEVEL, (name, None), size, (now, now)))
        except Refused as reason:
            refused.append(f"sizes of databases: {reason}")
    for host, port in members:
        member = f"{host}:{port}"
        try:
            with _opened(connect, f"mongodb://{member}", directConnection=True) as process:
                rows += _of_process(process, cluster, member, now, refused)
        except Refused as reason:
            refused.append(f"{member}: {reason}")
    return rows


@contextmanager
def _opened(connect: Connect, address: str, **options: Any) -> Iterator[Client]:
    """A client whose calls end in time. Raises Refused where the server can't be reached."""
    with _refusals():
        client = connect(address, appname="costowner", **options)
    with client:
        # Within a timeout the driver looks for a server until it is over.
        with _refusals(), pymongo.timeout(PATIENCE):
            client.admin.command("ping")
        with pymongo.timeout(CALL_SECONDS.value()):
            yield client


@contextmanager
def _refusals() -> Iterator[None]:
    """Errors of the driver, and of answers of another shape, as Refused. No message of a server is repeated."""
    try:
        yield
    except OperationFailure as error:
        raise Refused(f"refused (code {error.code})") from None
    except (PyMongoError, ValueError) as error:
        raise Refused(f"can't be reached ({type(error).__name__})") from None
    except (BadInput, *SHAPES):
        raise Refused("an answer of another shape") from None


def _command(client: Client, database: str, command: str, **options: Any) -> dict[str, Any]:
    with _refusals():
        return dict(client[database].command(command, **options))


def _sizes(client: Client, refused: list[str]) -> dict[str, Decimal]:
    """Bytes on disk by database: data and indexes as they are stored."""
    listed = _command(client, "admin", "listDatabases", nameOnly=True)
    sizes: dict[str, Decimal] = {}
    with _refusals():
        names = [str(found["name"]) for found in listed["databases"]]
    for name in names:
        try:
            stats = _command(client, name, "dbStats")
            with _refusals():
                sizes[name] = _number(stats["storageSize"]) + _number(stats.get("indexSize") or 0)
        except Refused as first:
            try:
                sizes[name] = _sum_of_collections(client, name)
            except Refused as second:
                refused.append(f"size of database {name}: dbStats {first}, $collStats {second}")
    return sizes


def _sum_of_collections(client: Client, database: str) -> Decimal:
    size = Decimal(0)
    with _refusals():
        for collection in client[database].list_collection_names(filter={"type": "collection"}):
            for found in client[database][collection].aggregate([{"$collStats": {"storageStats": {}}}]):
                stats = found["storageStats"]
                size += _number(stats["storageSize"]) + _number(stats.get("totalIndexSize") or 0)
    return size


def _of_process(
    process: Client, cluster: Cluster, member: str, now: datetime, refused: list[str]
) -> list[dict[str, Any]]:
    """The counters of a process: the time of its queries, and what its cores could have worked since it started."""
    status = _command(process, "admin", "serverStatus")
    with _refusals():
        uptime = _number(status["uptimeMillis"]) if "uptimeMillis" in status else _number(status["uptime"]) * 1000
        started = now - timedelta(milliseconds=int(uptime))
    driver, counted = _counters(process, refused)
    with _refusals():
        rows = [
            usage_row(cluster, member, driver, COUNTER, of, quantity, (started, now))
            for of, quantity in counted.items()
        ]
    if driver == QUERY_CPU:
        try:
            host = _command(process, "admin", "hostInfo")
            with _refusals():
                available = _number(host["system"]["numCores"]) * uptime * 1_000_000
                rows.append(usage_row(cluster, member, CAPACITY, COUNTER, (None, None), available, (started, now)))
        except Refused as reason:
            refused.append(f"hostInfo: {reason}; idle time is not known")
    return rows


Counted = dict[tuple[str | None, str | None], Decimal]


def _counters(process: Client, refused: list[str]) -> tuple[str, Counted]:
    """The best measure of time that a process gives, and its sums by database and application."""
    try:
        return _query_stats(process)
    except Refused as first:
        try:
            counted = _top(process)
        except Refused as second:
            refused.append(f"$queryStats: {first}; top: {second}")
            return OPERATION_TIME, {}
        refused.append(f"$queryStats: {first}; top is read instead")
        return OPERATION_TIME, counted


def _query_stats(process: Client) -> tuple[str, Counted]:
    """Time of queries by database and application: of processors, or of execution where that is not counted."""
    cpu: Counted = defaultdict(Decimal)
    execution: Counted = defaultdict(Decimal)
    has_cpu = True
    with _refusals():
        for found in process.admin.aggregate([{"$queryStats": {}}]):
            key, metrics = found["key"], found["metrics"]
            shape = key["queryShape"]
            namespace = shape.get("cmdNs") or {}
            application = ((key.get("client") or {}).get("application") or {}).get("name")
            of = (
                str(namespace["db"]) if namespace.get("db") else None,
                without_addresses(str(application)) if application else None,
            )
            execution[of] += _number(metrics["totalExecMicros"]["sum"])
            if "cpuNanos" in metrics:
                cpu[of] += _number(metrics["cpuNanos"]["sum"])
            else:
                has_cpu = False
    if not execution:
        if _command(process, "admin", "hello").get("secondary") is not True:
            raise Refused("no query is recorded")
        # A secondary that nobody reads from: all its time is idle.
        return QUERY_CPU, {(None, None): Decimal(0)}
    counts_cpu = has_cpu and (any(cpu.values()) or not any(execution.values()))
    return (QUERY_CPU, dict(cpu)) if counts_cpu else (QUERY_TIME, dict(execution))


def _top(process: Client) -> Counted:
    """Time of operations by database."""
    totals = _command(process, "admin", "top")
    counted: Counted = defaultdict(Decimal)
    with _refusals():
        for namespace, found in totals["totals"].items():
            if isinstance(found, dict) and "total" in found:
                counted[(str(namespace).partition(".")[0] or None, None)] += _number(found["total"]["time"])
    return dict(counted)


def _number(value: Any) -> Decimal:
    """A number of BSON, whole or not, that is not negative."""
    if isinstance(value, bool):
        raise BadInput("not a number")
    found = exact(value, "statistic")
    if found < 0:
        raise BadInput("a negative statistic")
    return found
