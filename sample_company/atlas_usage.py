"""Who uses the sample company's Atlas clusters: databases with their sizes and times, as Atlas's measurements have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from sample_company.server import Request, Response, Route, json_response
from sample_company.world import State, World, at

Item = dict[str, object]
Handler = Callable[[Request], Response]

# Of a cluster that several services share: database → service that uses it, about how much of ten. Any other cluster has one
# database.
SHARED = {
    "events": {
        "event_log": ("event-stream", 5),
        "search_index": ("search-indexer", 3),
        "orders_archive": ("checkout-api", 2),
    }
}
ONLY = "app"
COLLECTIONS = ("items", "archive")


def databases(cluster: str) -> tuple[str, ...]:
    return tuple(SHARED.get(cluster, {ONLY: None}))


def size(world: World, cluster: str, database: str, day: date) -> int:
    """Bytes of data and indexes on a day: it grows."""
    weight = SHARED[cluster][database][1] if cluster in SHARED else 1
    grown = 1 + (day - world.start).days / 200
    return int(weight * grown * world.rng("atlas-size", cluster, database).randint(2_000_000_000, 3_000_000_000))


def latency(world: World, cluster: str, database: str, collection: str, day: date) -> int:
    """Microseconds of operations on a day."""
    weight = SHARED[cluster][database][1] if cluster in SHARED else 1
    return weight * world.rng("atlas-latency", cluster, database, collection, day).randint(4_000_000, 9_000_000)


def shares(world: World, cluster: str, sku: str, day: date) -> dict[str, Decimal]:
    """The true share of each database in a line of a shared cluster; empty of a line that belongs to the cluster."""
    if cluster not in SHARED or "TRANSFER" in sku:
        return {}
    used = {
        name: size(world, cluster, name, day)
        if "STORAGE" in sku
        else sum(latency(world, cluster, name, collection, day) for collection in COLLECTIONS)
        for name in databases(cluster)
    }
    return {name: Decimal(quantity) / sum(used.values()) for name, quantity in used.items()}


def _days(state: State, request: Request) -> Iterator[date]:
    """The days of history from `start` to before `end`."""
    first = datetime.fromisoformat(str(request.one("start"))).date()
    end = datetime.fromisoformat(str(request.one("end")))
    for day in state.world.days(state.as_of):
        if first <= day and at(day) < end:
            yield day


def _measurement(name: str, units: str, points: list[tuple[datetime, int]]) -> Item:
    listed = [{"timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "value": value} for moment, value in points]
    return {"name": name, "units": units, "dataPoints": listed}


def routes(
    state: State, clusters: Callable[[str], list[str]], guarded: Callable[[Handler], Handler]
) -> list[Route]:
    """Atlas's endpoints of processes, databases and measurements; `clusters` gives those of a project by name."""

    def page(results: list[Item]) -> Response:
        return json_response({"links": [], "results": results, "totalCount": len(results)})

    def host(cluster: str, number: int) -> str:
        return f"{cluster}-shard-00-0{number}.sample.example"

    def processes(request: Request) -> Response:
        project = request.match["group"]
        return page(
            [
                {
                    "id": f"{host(cluster, number)}:27017",
                    "groupId": project,
                    "hostname": host(cluster, number),
                    "port": 27017,
                    "replicaSetName": f"atlas-{cluster}-shard-0",
                    "typeName": "REPLICA_SECONDARY" if number else "REPLICA_PRIMARY",
                    "userAlias": host(cluster, number),
                    "version": "8.0.9",
                    "links": [],
                }
                for cluster in clusters(project)
                for number in range(3)
            ]
        )

    def databases_of(request: Request) -> Response:
        return page([{"databaseName": name, "links": []} for name in databases(request.match["cluster"])])

    def sizes(request: Request) -> Response:
        cluster, database = request.match["cluster"], request.match["database"]
        points = [(at(day), size(state.world, cluster, database, day)) for day in _days(state, request)]
        measured = {"DATABASE_STORAGE_SIZE": 4, "DATABASE_INDEX_SIZE": 1}
        wanted = request.query.get("m") or list(measured)
        return json_response(
            {
                "databaseName": database,
                "granularity": "P1D",
                "groupId": request.match["group"],
                "links": [],
                "measurements": [
                    _measurement(
                        name, "BYTES", [(moment, value * measured[name] // 5) for moment, value in points]
                    )
                    for name in wanted
                ],
            }
        )

    def namespaces(request: Request) -> Response:
        names = [
            f"{name}.{collection}" for name in databases(request.match["cluster"]) for collection in COLLECTIONS
        ]
        return json_response({"groupId": request.match["group"], "rankedNamespaces": names})

    def latencies(request: Request) -> Response:
        cluster, database, collection = (request.match[name] for name in ("cluster", "database", "collection"))
        # Atlas measures by the hour: half of a day's time in each of two hours.
        points = [
            (at(day) + timedelta(hours=hour), half)
            for day in _days(state, request)
            for time in [latency(state.world, cluster, database, collection, day)]
            for hour, half in ((9, time // 2), (17, time - time // 2))
        ]
        return json_response(
            {
                "clusterView": "PRIMARY",
                "collectionName": collection,
                "databaseName": database,
                "granularity": "PT1H",
                "groupId": request.match["group"],
                "measurements": [_measurement("TOTAL_LATENCY", "MICROSECONDS", points)],
            }
        )

    group = "/atlas/api/atlas/v2/groups/(?P<group>[0-9a-f]{24})"
    process = f"{group}/processes/(?P<cluster>[a-z-]+)-shard-[^/]*"
    view = f"{group}/clusters/(?P<cluster>[a-z-]+)/PRIMARY"
    return [
        Route("GET", f"{group}/processes", guarded(processes)),
        Route("GET", f"{process}/databases", guarded(databases_of)),
        Route("GET", f"{process}/databases/(?P<database>[a-z_]+)/measurements", guarded(sizes)),
        Route("GET", f"{view}/collStats/namespaces", guarded(namespaces)),
        Route(
            "GET",
            f"{view}/(?P<database>[a-z_]+)/(?P<collection>[a-z_]+)/collStats/measurements",
            guarded(latencies),
        ),
    ]
