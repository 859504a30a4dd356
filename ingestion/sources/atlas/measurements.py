"""Use of a cluster by the measurements of Atlas's API, for each day: no database user is needed.

Sizes of databases come from each primary, and time of operations by collection from the cluster as a whole. The role *Project
Read Only* is enough. Atlas measures the collections with the longest times alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.contract import NoData, Part, Remark, Rows
from ingestion.lake.lists import GONE, NotListed
from ingestion.lake.records import exact, moment
from ingestion.sources.atlas.client import Atlas
from ingestion.sources.atlas.usage import CLUSTER_USAGE, LATENCY, MEASURED_SIZE, OF_A_DAY, Cluster, usage_row

PRIMARIES = ("REPLICA_PRIMARY", "SHARD_PRIMARY", "SHARD_STANDALONE")
SIZES = ("DATABASE_STORAGE_SIZE", "DATABASE_INDEX_SIZE")
TOTAL_LATENCY = "TOTAL_LATENCY"
MICROSECONDS = {"MICROSECONDS": 1, "MILLISECONDS": 1000}
DAY = timedelta(days=1)
# How a delivery's note begins of what was not measured: the month is read again, also when it is over.
NOT_MEASURED = "not measured"

Points = Iterator[tuple[str, datetime, Decimal]]
Usage = list[dict[str, Any]]


def measurements(atlas: Atlas, clusters: Iterable[Cluster], start: datetime, end: datetime) -> list[Part]:
    """The measurements of clusters by day, from `start` to before `end`.

    What can't be had is a remark, and what was deleted meanwhile is none. Raises NoData where nothing can be had.
    """
    found = _Measuring(atlas, start, end)
    rows: Usage = []
    for cluster in clusters:
        rows += [*found.sizes(cluster), *found.latencies(cluster)]
    if not rows:
        raise NoData(f"no measurements of clusters: {'; '.join(found.refusals[:5]) or 'none is listed'}")
    return [Rows(CLUSTER_USAGE, rows), *(Remark(f"{NOT_MEASURED}: {reason}") for reason in found.refusals)]


class _Measuring:
    """The measurements of a period. What Atlas does not give costs itself alone, and stands in `refusals`."""

    def __init__(self, atlas: Atlas, start: datetime, end: datetime) -> None:
        self._atlas, self._start, self._end = atlas, start, end
        self._primaries: dict[str, list[tuple[str, str]]] = {}
        self.refusals: list[str] = []

    @contextmanager
    def _aside(self, what: str) -> Iterator[None]:
        try:
            yield
        except NotListed as reason:
            if reason.status not in GONE:
                self.refusals.append(f"{what}: {reason}")
        except BadInput as reason:
            self.refusals.append(f"{what}: {reason}")

    def _primaries_of(self, project_id: str) -> list[tuple[str, str]]:
        """Name and id of a project's primaries; none where they can't be had, which is asked once."""
        if project_id not in self._primaries:
            self._primaries[project_id] = []
            with self._aside(f"processes of project {project_id}"):
                self._primaries[project_id] = [
                    (str(found.get("userAlias") or "").lower(), str(found["id"]))
                    for found in self._atlas.processes(project_id)
                    if isinstance(found, dict) and found.get("typeName") in PRIMARIES and found.get("id")
                ]
        return self._primaries[project_id]

    def sizes(self, cluster: Cluster) -> Usage:
        """Bytes on disk by database, day and primary: data and indexes."""
        primaries = self._primaries_of(cluster.project_id)
        own = [number for name, number in primaries if cluster.has_host(name)]
        if primaries and not own:
            self.refusals.append(f"sizes of {cluster.place}: no primary has its name")
        rows: Usage = []
        for process in own:
            databases: list[Any] = []
            with self._aside(f"databases of {cluster.place}"):
                databases = list(self._atlas.databases(cluster.project_id, process))
            for found in databases:
                database = found.get("databaseName") if isinstance(found, dict) else None
                if isinstance(database, str):
                    with self._aside(f"size of database {database} of {cluster.place}"):
                        rows += self._size(cluster, process, database)
        return rows

    def _size(self, cluster: Cluster, process: str, database: str) -> Usage:
        answer = self._atlas.database_measurements(
            cluster.project_id, process, database, SIZES, self._start, self._end
        )
        sizes: dict[datetime, Decimal] = defaultdict(Decimal)
        for _, at, value in _points(answer, "measurements"):
            sizes[_day(at)] += value
        return [
            usage_row(cluster, process, MEASURED_SIZE, OF_A_DAY, (database, None), size, (day, day + DAY))
            for day, size in sizes.items()
        ]

    def latencies(self, cluster: Cluster) -> Usage:
        """Microseconds of operations by database and day, of the collections with the longest times."""
        namespaces: list[Any] = []
        with self._aside(f"collections of {cluster.place}"):
            namespaces = self._atlas.namespaces(cluster.project_id, cluster.name, self._start, self._end)
        times: dict[tuple[str, datetime], Decimal] = defaultdict(Decimal)
        for namespace in namespaces:
            database, _, collection = str(namespace).partition(".")
            if database and collection:
                with self._aside(f"latency of a collection of database {database} of {cluster.place}"):
                    of = (cluster.project_id, cluster.name, database, collection)
                    answer = self._atlas.latency(*of, TOTAL_LATENCY, self._start, self._end)
                    for units, at, value in list(_points(answer, "measurements")):
                        times[(database, _day(at))] += value * MICROSECONDS.get(units, 1)
        return [
            usage_row(cluster, None, LATENCY, OF_A_DAY, (database, None), time, (day, day + DAY))
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
