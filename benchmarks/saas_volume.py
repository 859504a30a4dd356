"""Time and peak memory of a first refresh over a long history of large SaaS accounts.

    python -m benchmarks.saas_volume --home DIR

A Vercel team of 2,000 projects over 400 days, and an Atlas organization of 50 projects and 300 clusters over five years, each
answered by a server on loopback in the vendors' own shapes. With `--reports` the detail of each invoice is its FOCUS report, and with
`--measurements` two databases share each cluster. Prints seconds, peak memory of all processes and rows of the ledger.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from benchmarks.peak_memory import measure
from ingestion.settings import Month
from ingestion.sources.vercel.source import midnight
from sample_company import atlas_report
from sample_company.server import Request, Response, Route, dumps, json_response, serving

TODAY = date(2026, 11, 20)
TEAM, ORG = "team_large", "650000000000000000000009"
SKUS = ("Fast Data Transfer", "Function Duration")
UNITS = (
    ("ATLAS_AWS_INSTANCE_M30", "server hours", "24", "0.54"),
    ("ATLAS_AWS_BACKUP_SNAPSHOT_STORAGE", "GB days", "0.2", "0.0047"),
)


def charges(day: date, projects: int) -> Iterator[str]:
    """The lines of a day of the Vercel team."""
    start, end = midnight(day), midnight(day + timedelta(days=1))
    for project in range(projects):
        for number, sku in enumerate(SKUS):
            cost = Decimal(1 + (project * 7 + day.day + number) % 900) / 1000
            yield dumps(
                {
                    **{
                        "BilledCost": Decimal(0),
                        "EffectiveCost": cost,
                        "BillingCurrency": "USD",
                        "PricingCurrency": "USD",
                    },
                    **{
                        "ChargeCategory": "Usage",
                        "ChargePeriodStart": start.isoformat(),
                        "ChargePeriodEnd": end.isoformat(),
                    },
                    **{"ConsumedQuantity": cost * 3, "ConsumedUnit": "GB", "PricingCategory": "Committed"},
                    **{
                        "PricingQuantity": cost,
                        "PricingUnit": "MIUs",
                        "ServiceName": sku,
                        "ServiceProviderName": "Vercel",
                    },
                    **{
                        "RegionId": "iad1",
                        "Tags": {"ProjectId": f"prj_{project}", "ProjectName": f"project-{project}"},
                    },
                }
            )


def vercel(projects: int, days: int) -> list[Route]:
    first = TODAY - timedelta(days=days)

    def list_charges(request: Request) -> Response:
        start, until = (datetime.fromisoformat(str(request.one(name))) for name in ("from", "to"))
        wanted = [first + timedelta(days=number) for number in range(days)]
        lines = (line for day in wanted if start <= midnight(day) < until for line in charges(day, projects))
        body = "".join(f"{line}\n" for line in lines).encode()
        if not body:
            return json_response({"error": {"code": "costs_not_found"}}, 404)
        return Response(200, body, {"Content-Type": "application/jsonl"})

    def list_projects(request: Request) -> Response:
        offset, limit = int(request.one("from") or 0), int(request.one("limit") or 20)
        found = [
            {"id": f"prj_{number}", "name": f"project-{number}", "accountId": TEAM} for number in range(projects)
        ]
        following = offset + limit if offset + limit < projects else None
        return json_response({"projects": found[offset : offset + limit], "pagination": {"next": following}})

    empty = {"members": [], "accessGroups": [], "pagination": {"count": 0, "next": None}}
    return [
        Route("GET", "/vercel/v1/billing/charges", list_charges),
        Route("GET", "/vercel/v1/billing/contract-commitments", lambda request: Response(200, b"")),
        Route("GET", "/vercel/v2/teams/.*", lambda request: json_response({"id": TEAM, "name": "Large"})),
        Route("GET", "/vercel/v10/projects", list_projects),
        Route("GET", "/vercel/.*", lambda request: json_response(empty)),
    ]


def invoice(month: Month, clusters: int, projects: int) -> dict[str, object]:
    """A month's invoice, closed, with a line a day, cluster and SKU."""
    items = [
        {
            **{"sku": sku, "groupId": f"{number % projects:024x}", "groupName": f"project {number % projects}"},
            **{"clusterName": f"cluster-{number}", "quantity": Decimal(quantity), "unit": unit},
            **{"startDate": f"{day}T00:00:00Z", "endDate": f"{day + timedelta(days=1)}T00:00:00Z"},
            **{
                "unitPriceDollars": Decimal(price),
                "totalPriceCents": round(Decimal(quantity) * Decimal(price) * 100),
            },
            **{"cloudProvider": "AWS", "created": f"{day + timedelta(days=1)}T02:00:00Z"},
            "tags": {"team": [f"team-{number % 40}"]},
        }
        for day in (date(month.year, month.month, 1) + timedelta(days=offset) for offset in range(28))
        for number in range(clusters)
        for sku, unit, quantity, price in UNITS
    ]
    billed = sum(int(str(item["totalPriceCents"])) for item in items)
    return {**header(month), "amountBilledCents": billed, "subtotalCents": billed, "lineItems": items}


def header(month: Month) -> dict[str, object]:
    after = month.plus(1)
    return {
        **{"id": f"{month.year * 100 + month.month:024d}", "orgId": ORG, "statusName": "PAID"},
        **{
            "startDate": f"{month}-01T00:00:00Z",
            "endDate": f"{after}-01T00:00:00Z",
            "updated": f"{after}-02T00:00:00Z",
        },
    }


def atlas(months: list[Month], clusters: int, projects: int) -> list[Route]:
    by_id = {str(header(month)["id"]): month for month in months}

    def paged(found: list[dict[str, object]], request: Request) -> Response:
        number, size = int(request.one("pageNum") or 1), int(request.one("itemsPerPage") or 100)
        return json_response({"results": found[(number - 1) * size : number * size], "totalCount": len(found)})

    def of_project(request: Request) -> Response:
        project = int(request.match["group"], 16)
        found: list[dict[str, object]] = [
            {"id": f"{number:024x}", "name": f"cluster-{number}"} for number in range(project, clusters, projects)
        ]
        return paged(found, request)

    listed: list[dict[str, object]] = [
        {"id": f"{number:024x}", "name": f"project {number}"} for number in range(projects)
    ]
    base = f"/atlas/api/atlas/v2/orgs/{ORG}"
    return [
        Route(
            "POST",
            "/atlas/api/oauth/token",
            lambda request: json_response({"access_token": "t", "expires_in": 3600}),
        ),
        Route("GET", f"{base}/invoices", lambda request: paged([header(month) for month in months], request)),
        Route(
            "GET",
            f"{base}/invoices/(?P<id>[0-9]+)",
            lambda request: json_response(invoice(by_id[request.match["id"]], clusters, projects)),
        ),
        Route("GET", f"{base}/invoices/pending", lambda request: paged([], request)),
        Route("GET", f"{base}/groups", lambda request: paged(listed, request)),
        Route("GET", "/atlas/.*/groups/(?P<group>[^/]+)/clusters", of_project),
        Route("GET", "/atlas/.*/teams", lambda request: paged([], request)),
    ]


def reports(months: list[Month], clusters: int, projects: int) -> list[Route]:
    """A finished FOCUS report of each invoice, which lists the items with their exact costs."""
    by_id = {str(header(month)["id"]): month for month in months}

    def described(request: Request) -> dict[str, object]:
        # Somebody requested it the day before; its id has the time.
        made = f"{int(datetime(TODAY.year, TODAY.month, TODAY.day - 1, tzinfo=UTC).timestamp()):08x}"
        kind = {"formatSpecVersion": "1.3", "reportFormat": "CSV", "reportType": "FOCUS", "state": "SUCCEEDED"}
        return {**kind, "invoiceId": request.match["id"], "reportId": made + request.match["id"][8:]}

    def associated(request: Request) -> Response:
        year, month = int(str(request.one("year"))), int(str(request.one("month")))
        found = [{"invoiceId": str(header(Month(year, month))["id"]), "orgId": ORG}]
        return json_response({"associatedInvoices": found, "month": f"{month:02}", "year": f"{year}"})

    def finished(request: Request) -> Response:
        address = f"http://{request.header('Host')}/atlas-reports/{request.match['id']}.csv"
        return json_response({**described(request), "downloadUrl": address})

    def download(request: Request) -> Response:
        whole = invoice(by_id[request.match["id"]], clusters, projects)
        return Response(200, atlas_report.report(whole), {"Content-Type": "text/csv"})

    of_invoice = f"/atlas/api/atlas/v2/orgs/{ORG}/invoices/(?P<id>[0-9]*)/reports"
    return [
        Route("GET", f"/atlas/api/atlas/v2/orgs/{ORG}/associatedInvoices", associated),
        Route(
            "GET", of_invoice, lambda request: json_response({"results": [described(request)], "totalCount": 1})
        ),
        Route("GET", f"{of_invoice}/[0-9a-f]*", finished),
        Route("GET", "/atlas-reports/(?P<id>[0-9]*).csv", download),
    ]


def measurements(clusters: int, projects: int) -> list[Route]:
    """Sizes and latencies by day of two databases a cluster."""
    databases = ("orders", "search")

    def listed(results: list[dict[str, object]]) -> Response:
        return json_response({"results": results, "totalCount": len(results)})

    def processes(request: Request) -> Response:
        hosts = [
            f"cluster-{number}-shard-00-00.example.net"
            for number in range(int(request.match["group"], 16), clusters, projects)
        ]
        return listed(
            [{"id": f"{host}:27017", "userAlias": host, "typeName": "REPLICA_PRIMARY"} for host in hosts]
        )

    def points(request: Request, value: int) -> list[dict[str, object]]:
        start, end = (datetime.fromisoformat(str(request.one(name))) for name in ("start", "end"))
        days = ((end - start) // timedelta(hours=1) + 23) // 24
        return [
            {"timestamp": f"{start + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}", "value": value + day}
            for day in range(days)
        ]

    def sizes(request: Request) -> Response:
        found = [
            {"name": name, "units": "BYTES", "dataPoints": points(request, 10_000_000 * len(request.path))}
            for name in request.query["m"]
        ]
        return json_response({"granularity": "P1D", "measurements": found})

    def latencies(request: Request) -> Response:
        measured = {"name": "TOTAL_LATENCY", "units": "MICROSECONDS", "dataPoints": points(request, 1_000_000)}
        return json_response({"granularity": "PT1H", "measurements": [measured]})

    group = "/atlas/api/atlas/v2/groups/(?P<group>[0-9a-f]{24})"
    view = f"{group}/clusters/[^/]+/PRIMARY"
    return [
        Route("GET", f"{group}/processes", processes),
        Route(
            "GET",
            f"{group}/processes/[^/]+/databases",
            lambda _: listed([{"databaseName": name} for name in databases]),
        ),
        Route("GET", f"{group}/processes/[^/]+/databases/[^/]+/measurements", sizes),
        Route(
            "GET",
            f"{view}/collStats/namespaces",
            lambda _: json_response({"rankedNamespaces": [f"{name}.items" for name in databases]}),
        ),
        Route("GET", f"{view}/[^/]+/[^/]+/collStats/measurements", latencies),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="an empty folder")
    parser.add_argument("--vercel-projects", type=int, default=2000)
    parser.add_argument("--vercel-days", type=int, default=400)
    parser.add_argument("--atlas-projects", type=int, default=50)
    parser.add_argument("--atlas-clusters", type=int, default=300)
    parser.add_argument("--atlas-months", type=int, default=60)
    parser.add_argument("--reports", action="store_true", help="the detail of an invoice is its FOCUS report")
    parser.add_argument("--measurements", action="store_true", help="databases share each cluster")
    arguments = parser.parse_args()
    this = Month(TODAY.year, TODAY.month)
    months = [this.plus(-number) for number in range(arguments.atlas_months, 0, -1)]
    home = arguments.home.resolve()
    registry = home / "registry"
    registry.mkdir(parents=True)
    (registry / "owners.yml").write_text("owners:\n  - {id: everybody, kind: team, name: Everybody}\n")
    size = (arguments.atlas_clusters, arguments.atlas_projects)
    routes = [
        *(reports(months, *size) if arguments.reports else ()),
        *(measurements(*size) if arguments.measurements else ()),
        *vercel(arguments.vercel_projects, arguments.vercel_days),
        *atlas(months, *size),
    ]
    with serving(routes) as url:
        environment = {
            "COSTOWNER_HOME": str(home / "home"),
            "COSTOWNER_REGISTRY": str(registry),
            "COSTOWNER_DUCKDB_MEMORY": "2GB",
            "COSTOWNER_HISTORY_START": str(months[0]),
            "COSTOWNER_NOW": datetime(TODAY.year, TODAY.month, TODAY.day, 9, tzinfo=UTC).isoformat(),
            "COSTOWNER_CALL_SIZE": "2GB",
            "SOURCES__VERCEL__TOKEN": "t",
            "SOURCES__VERCEL__TEAM_ID": TEAM,
            "SOURCES__VERCEL__BASE_URL": f"{url}/vercel",
            "SOURCES__ATLAS__CLIENT_ID": "i",
            "SOURCES__ATLAS__CLIENT_SECRET": "s",
            "SOURCES__ATLAS__ORG_ID": ORG,
            "SOURCES__ATLAS__BASE_URL": f"{url}/atlas",
            "SOURCES__ATLAS__FOCUS_REPORT": str(arguments.reports).lower(),
            "SOURCES__ATLAS__MEASUREMENTS": str(arguments.measurements).lower(),
        }
        seconds, peak = measure([sys.executable, "-m", "orchestration", "refresh"], environment)
    with duckdb.connect(str(home / "home" / "published" / "marts.duckdb"), read_only=True) as marts:
        rows = marts.execute("select source, count(*) from fact_cost group by 1 order by 1").fetchall()
    print(json.dumps({"seconds": round(seconds), "peak_gb": round(peak, 2), "rows": dict(rows)}))


if __name__ == "__main__":
    main()
