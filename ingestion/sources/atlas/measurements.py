"""Use of a cluster by the measurements of Atlas's API, for each day: no database user is needed.

Sizes of databases come from each primary, and time of operations by collection from the cluster as a whole. The role *Project
Read Only* is enough. Atlas measures the collections with the longest times alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.contract import NoData, Part, Remark, Rows
from ingestion.lake.lists import NotListed
from ingestion.lake.records import exact, moment
from ingestion.sources.atlas.client import Atlas
from ingestion.sources.atlas.usage import CLUSTER_USAGE, LATENCY, LEVEL, MEASURED_SIZE, SUM, Cluster, usage_row

PRIMARIES = ("REPLICA_PRIMARY", "SHARD_PRIMARY", "SHARD_STANDALONE")
SIZES = ("DATABASE_STORAGE_SIZE", "DATABASE_INDEX_SIZE")
TOTAL_LATENCY = "TOTAL_LATENCY"
MICROSECONDS = {"MICROSECONDS": 1, "MILLISECONDS": 1000}
DAY = timedelta(days=1)

Points = Iterator[tuple[str, datetime, Decimal]]


def measurements(atlas: Atlas, clusters: Iterable[Cluster], start: datetime, end: datetime) -> list[Part]:
    """The measurements of clusters by day, from `start` to before `end`.

    A cluster whose measurements can't be had is a remark. Raises NoData where those of none can be.
    """
    rows: list[dict[str, Any]] = []
    refusals: list[str] = []
    primaries: dict[str, list[tuple[str, str]]] = {}
    for cluster in clusters:
        for measured in (_sizes, _latencies):
            try:
                if cluster.project_id not in primaries:
                    primaries[cluster.project_id] = list(_primaries(atlas, cluster.project_id))
                rows += measured(atlas, cluster, primaries[cluster.project_id], start, end)
            except (BadInput, NotListed) as reason:
                refusals.append(f"{cluster.place}: {reason}")
    if not rows:
        raise NoData(f"no measurements of clusters: {'; '.join(refusals[:5]) or 'none is listed'}")
    return [Rows(CLUSTER_USAGE, rows), *map(Remark, refusals)]


def _primaries(atlas: Atlas, project_id: str) -> Iterator[tuple[str, str]]:
    """Name and id of a project's primaries. The name begins with that of the cluster."""
    for found in atlas.processes(project_id):
        if isinstance(found, dict) and found.get("typeName") in PRIMARIES and found.get("id"):
            yield str(found.get("userAlias") or "").lower(), str(found["id"])


def _sizes(
    atlas: Atlas, cluster: Cluster, primaries: list[tuple[str, str]], start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Bytes on disk by database, day and primary: data and indexes."""
    rows = []
    for process in (number for name, number in primaries if name.startswith(f"{cluster.name.lower()}-shard-")):
        for found in atlas.databases(cluster.project_id, process):
            database = found.get("databaseName") if isinstance(found, dict) else None
            if not isinstance(database, str):
                continue
            sizes: dict[datetime, Decimal] = defaultdict(Decimal)
            answer = atlas.database_measurements(cluster.project_id, process, database, SIZES, start, end)
            where = f"Atlas measurements of database {database} of {cluster.place}"
            for _, at, value in _points(answer, where):
                sizes[_day(at)] += value
            rows += [
                usage_row(cluster, process, MEASURED_SIZE, LEVEL, (database, None), size, (day, day))
                for day, size in sizes.items()
            ]
    return rows


def _latencies(
    atlas: Atlas, cluster: Cluster, _: list[tuple[str, str]], start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Microseconds of operations by database and day."""
    times: dict[tuple[str, datetime], Decimal] = defaultdict(Decimal)
    for namespace in atlas.namespaces(cluster.project_id, cluster.name, start, end):
        database, _dot, collection = str(namespace).partition(".")
        if database and collection:
            answer = atlas.latency(
                cluster.project_id, cluster.name, database, collection, TOTAL_LATENCY, start, end
            )
            where = f"Atlas latency of {cluster.place}"
            for units, at, value in _points(answer, where):
                times[(database, _day(at))] += value * MICROSECONDS.get(units, 1)
    return [
        usage_row(cluster, None, LATENCY, SUM, (database, None), time, (day, day + DAY))
        for (database, day), time in times.items()
    ]


def _day(at: datetime) -> datetime:
    return datetime(at.year, at.month, at.day, tzinfo=UTC)


def _points(answer: dict[str, Any], where: str) -> Points:
    """Unit, time and value of the points of measurements; one without a value is left out."""
    listed = answer.get("measurements") or []
    if not isinstance(listed, list):
        raise BadInput(f"{where}: measurements is no list")
    for found in listed:
        points = found.get("dataPoints") if isinstance(found, dict) else None
        if not isinstance(points, list):
            raise BadInput(f"{where}: a measurement without dataPoints")
        for point in points:
            if not isinstance(point, dict):
                raise BadInput(f"{where}: a point that is none")
            if point.get("value") is not None:
                value = exact(point["value"], f"{where}, value")
                if value < 0:
                    raise BadInput(f"{where}, value: negative")
                yield str(found.get("units")).upper(), moment(point.get("timestamp"), f"{where}, timestamp"), value
