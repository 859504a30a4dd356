"""MongoDB Atlas as the sample company sees it: monthly invoices of one organization with daily line items."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import cast
from urllib.parse import parse_qs

from sample_company import atlas_report, atlas_usage
from sample_company.server import Request, Response, Route, json_response
from sample_company.world import Label, Spike, State, World, first_of_month, month_of

ORG = "650000000000000000000001"
CLIENT_ID = "mdb_sa_id_sample"
CLIENT_SECRET = "mdb_sa_sk_sample"
TOKEN = "sample-atlas-token"
NONCE = "sample-nonce"
BUSY_EVERY = 7


@dataclass(frozen=True)
class Cluster:
    """A cluster. `tagged`: whether it carries a team tag; `until_day` when it was deleted."""

    name: str
    project: str
    project_name: str
    service: str
    hourly: str
    tagged: bool = True
    until_day: int | None = None


CORE, ANALYTICS = "65000000000000000000000a", "65000000000000000000000b"
# An organization that is linked to the paying one, with one cluster.
LINKED_ORG, LINKED_PROJECT = "650000000000000000000002", "65000000000000000000000c"
CLUSTERS = (
    Cluster("orders", CORE, "core-prod", "checkout-api", "0.54"),
    Cluster("catalog", CORE, "core-prod", "search-api", "0.54"),
    Cluster("pricing", CORE, "core-prod", "pricing-engine", "0.20"),
    Cluster("tickets", CORE, "core-prod", "ticket-desk", "0.20"),
    Cluster("events", ANALYTICS, "analytics", "event-stream", "1.04"),
    Cluster("features", ANALYTICS, "analytics", "embedding-worker", "0.54"),
    Cluster("scratch", ANALYTICS, "analytics", "experiments", "0.08", tagged=False),
    Cluster("legacy-cart", CORE, "core-prod", "cart", "0.20", until_day=50),
)
# A project pays for the tokens of Voyage AI's models without a cluster.
MODEL_APIS = Cluster("", ANALYTICS, "analytics", "embedding-worker", "0")
SPIKE_CLUSTER = "features"
# Clusters of one team for all time, half of whose items have no tags.
TAGGED_IN_LIST = ("tickets", "catalog")
# Teams of the organization, and their roles by project. No rule of the registry names them.
TEAMS = {
    "65000000000000000000001a": ("Database operators", {CORE: ["GROUP_OWNER"], ANALYTICS: ["GROUP_OWNER"]}),
    "65000000000000000000001b": ("Analysts", {ANALYTICS: ["GROUP_CLUSTER_MANAGER", "GROUP_READ_ONLY"]}),
    "65000000000000000000001c": ("Auditors", {CORE: ["GROUP_READ_ONLY"]}),
}
PUBLIC_KEY, PRIVATE_KEY = "sampleky", "6b5e7e2c-sample-private-key"


def spike_days(world: World) -> tuple[date, date]:
    """A load-test cluster is left running for three days of the month before the last."""
    first = first_of_month(world.until, -1).replace(day=5)
    return first, first + timedelta(days=2)


Item = dict[str, object]


def _cents(quantity: Decimal, price: Decimal) -> int:
    return int((quantity * price * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


def _item(day: date, sku: str, cluster: Cluster, quantity: Decimal, unit: str, price: Decimal, team: str) -> Item:
    item: Item = {
        "sku": sku,
        "groupId": cluster.project,
        "groupName": cluster.project_name,
        **({"clusterName": cluster.name} if cluster.name else {}),
        "cloudProvider": "AWS" if cluster.name else "ATLAS",
        "startDate": f"{day}T00:00:00Z",
        "endDate": f"{day + timedelta(days=1)}T00:00:00Z",
        "created": f"{day + timedelta(days=1)}T02:00:00Z",
        "quantity": quantity,
        "unit": unit,
        "unitPriceDollars": price,
        "totalPriceCents": _cents(quantity, price),
        "discountCents": 0,
        "percentDiscount": Decimal(0),
    }
    # A tag that an item leaves out is in the list of clusters.
    if cluster.tagged and not (cluster.name in TAGGED_IN_LIST and day.day % 2):
        item["tags"] = {"team": [team]}
    return item


def line_items(world: World, month: str, as_of: date) -> list[tuple[Item, Cluster | None]]:
    """A month's line items as of a date: charges of a day are posted the day after."""
    found: list[tuple[Item, Cluster | None]] = []
    first, last = spike_days(world)
    for day in world.days(as_of):
        if month_of(day) != month:
            continue
        age = (day - world.start).days
        for cluster in CLUSTERS:
            if cluster.until_day is not None and age > cluster.until_day:
                continue
            rng = world.rng("atlas", day, cluster.name)
            team = world.team_of(cluster.service, day)
            hours = Decimal(24)
            if cluster.name == SPIKE_CLUSTER and first <= day <= last:
                hours *= 9
            gigabytes, backup = Decimal(f"{rng.uniform(2, 60):.4f}"), Decimal(f"{rng.uniform(0.001, 0.4):.6f}")
            for sku, quantity, unit, price in (
                ("ATLAS_AWS_INSTANCE_M30", hours, "server hours", cluster.hourly),
                ("ATLAS_AWS_DATA_TRANSFER_INTERNET", gigabytes, "GB", "0.09"),
                ("ATLAS_AWS_BACKUP_SNAPSHOT_STORAGE", backup, "GB days", "0.0047"),
            ):
                found.append((_item(day, sku, cluster, quantity, unit, Decimal(price), team), cluster))
        tokens = Decimal(world.rng("atlas-models", day).randint(20_000_000, 60_000_000))
        team = world.team_of(MODEL_APIS.service, day)
        models = _item(
            day, "ATLAS_AI_VOYAGE_4_LARGE_TOKENS", MODEL_APIS, tokens, "tokens", Decimal("0.00000012"), team
        )
        found.append((models, MODEL_APIS))
    days = [day for day in world.days(as_of) if month_of(day) == month]
    if days:
        day = days[0]
        support: Item = {
            "sku": "ATLAS_SUPPORT",
            "startDate": f"{day}T00:00:00Z",
            "endDate": f"{first_of_month(day, 1)}T00:00:00Z",
            "created": f"{day}T03:00:00Z",
            "quantity": Decimal(1),
            "unit": "month",
            "unitPriceDollars": Decimal("149.00"),
            "totalPriceCents": 14900,
            "discountCents": 0,
            "tags": {},
        }
        found.append((support, None))
    return found


def invoice_id(month: str) -> str:
    return f"66{month.replace('-', ''):0>22}"


def invoice(world: World, month: str, as_of: date, with_items: bool, is_odd: bool = True) -> Item:
    """An invoice: pending while its month runs, closed on the 2nd of the next; with an item that can't be read if it `is_odd`."""
    items = [item for item, _ in line_items(world, month, as_of)]
    subtotal = sum(int(str(item["totalPriceCents"])) for item in items)
    first = date.fromisoformat(f"{month}-01")
    closed = as_of >= first_of_month(first, 1) + timedelta(days=1)
    credits, tax = 2500, subtotal * 19 // 100
    found: Item = {
        "id": invoice_id(month),
        "orgId": ORG,
        "statusName": "PAID" if closed else "PENDING",
        "startDate": f"{first}T00:00:00Z",
        "endDate": f"{first_of_month(first, 1)}T00:00:00Z",
        "created": f"{first}T01:00:00Z",
        "updated": f"{min(as_of, first_of_month(first, 1) + timedelta(days=1))}T04:00:00Z",
        "subtotalCents": subtotal,
        "creditsCents": credits if closed else 0,
        "salesTaxCents": tax if closed else 0,
        "amountBilledCents": subtotal - credits + tax if closed else subtotal,
        "amountPaidCents": subtotal - credits + tax if closed else 0,
        "startingBalanceCents": 0,
        "payments": [],
        "refunds": [],
        "linkedInvoices": [],
    }
    if closed:
        found["payments"] = [_payment(month, found)]
        found["linkedInvoices"] = [_linked(world, month, found, with_items)]
    if closed and month == world.months(as_of)[0]:
        payment = f"68{month.replace('-', ''):0>22}"
        found["refunds"] = [
            {"amountCents": 500, "created": found["updated"], "paymentId": payment, "reason": "Downtime"}
        ]
    if with_items:
        # It bills nothing, and its quantity can't be read.
        unread = [{**item, "quantity": "n/a", "totalPriceCents": 0} for item in items[:1] if is_odd]
        found["lineItems"] = [*items, *unread]
    else:
        # The list of invoices has neither.
        del found["payments"], found["refunds"]
    return found


def _payment(month: str, invoice: Item) -> Item:
    """How an invoice was paid: in euros, at Atlas's rate."""
    amounts = ("amountBilledCents", "amountPaidCents", "salesTaxCents", "subtotalCents", "created", "updated")
    own: Item = {
        "id": f"68{month.replace('-', ''):0>22}",
        "statusName": "PAID",
        "currency": "EUR",
        "unitPrice": "0.92",
    }
    return {**own, **{name: invoice[name] for name in amounts}}


def _linked(world: World, month: str, paying: Item, with_items: bool) -> Item:
    """The invoice of the linked organization for a month that is closed."""
    first = date.fromisoformat(f"{month}-01")
    cluster = Cluster("lab", LINKED_PROJECT, "sandbox", "experiments", "0.08", tagged=False)
    item = _item(first, "ATLAS_AWS_INSTANCE_M10", cluster, Decimal(20), "server hours", Decimal("0.08"), "")
    found = {
        **paying,
        "id": f"69{month.replace('-', ''):0>22}",
        "orgId": LINKED_ORG,
        **dict.fromkeys(("creditsCents", "salesTaxCents"), 0),
        **dict.fromkeys(("subtotalCents", "amountBilledCents", "amountPaidCents"), item["totalPriceCents"]),
        **{name: [] for name in ("payments", "refunds", "linkedInvoices")},
    }
    if with_items:
        return {**found, "lineItems": [item]}
    return {name: value for name, value in found.items() if name not in ("payments", "refunds")}


def vendor_charge_id(month: str, item: Item) -> str:
    """The natural key of a line item; Atlas gives it no id."""
    group, cluster = str(item.get("groupId") or ""), str(item.get("clusterName") or "")
    return "|".join((invoice_id(month), str(item["startDate"])[:10], str(item["sku"]), group, cluster))


def labels(world: World, as_of: date) -> Iterator[Label]:
    for month in world.months(as_of):
        for item, cluster in line_items(world, month, as_of):
            if cluster is not None:
                day = date.fromisoformat(str(item["startDate"])[:10])
                amount = Decimal(int(str(item["totalPriceCents"]))) / 100
                shares = atlas_usage.shares(world, cluster.name, str(item["sku"]), day)
                for database, share in shares.items():
                    owner = world.team_of(atlas_usage.SHARED[cluster.name][database][0], day)
                    part = (amount * share).quantize(Decimal("1e-12"))
                    yield Label("atlas", vendor_charge_id(month, item), owner, part, cluster.tagged)
                if shares:
                    continue
                yield Label(
                    "atlas",
                    vendor_charge_id(month, item),
                    world.team_of(cluster.service, day),
                    amount,
                    cluster.tagged,
                )


def spikes(world: World) -> list[Spike]:
    first, last = spike_days(world)
    return [Spike("atlas", first, last, "ml-platform", SPIKE_CLUSTER, "a load-test cluster was left running")]


def registry_rules(world: World) -> list[dict[str, object]]:
    shared: list[dict[str, object]] = [
        {
            "id": f"atlas-{name.replace('_', '-')}",
            "claim": "atlas_database",
            "value": f"{cluster.project}/{cluster.name}/{name}",
            "owner": world.team_of(service, world.until),
        }
        for cluster in CLUSTERS
        for name, (service, _) in atlas_usage.SHARED.get(cluster.name, {}).items()
        if service != cluster.service
    ]
    return [
        {"id": "atlas-team-tag", "claim": "atlas_tag:team", "match": "owner", "owner": "*"},
        *shared,
        {"id": "atlas-sandbox", "claim": "atlas_project", "value": LINKED_PROJECT, "owner": "infra"},
        {"id": "atlas-org", "claim": "atlas_organization", "value": ORG, "owner": "atlas-shared", "priority": 900},
    ]


def registry_pools(world: World) -> list[dict[str, object]]:
    """Support, tax and credits: fixed shares, as the teams agreed."""
    shares = {"checkout": 40, "search": 20, "data-platform": 30, "support": 10}
    return [
        {
            "owner": "atlas-shared",
            "method": "fixed",
            "members": [{"owner": owner, "share": share} for owner, share in shares.items()],
        }
    ]


def pool_owners() -> list[dict[str, object]]:
    return [
        {"id": "atlas-shared", "kind": "shared pool", "name": "Atlas support, tax and credits", "steward": "infra"}
    ]


def settings(base_url: str) -> dict[str, str]:
    """The environment under which ingestion finds this Atlas."""
    return {
        "SOURCES__ATLAS__CLIENT_ID": CLIENT_ID,
        "SOURCES__ATLAS__CLIENT_SECRET": CLIENT_SECRET,
        "SOURCES__ATLAS__ORG_ID": ORG,
        "SOURCES__ATLAS__BASE_URL": f"{base_url}/atlas",
        "SOURCES__ATLAS__MEASUREMENTS": "true",
    }


def _is_digest(header: str, request: Request) -> bool:
    """Whether a request is signed by the API key (RFC 7616, MD5 with qop auth)."""
    if not header.startswith("Digest "):
        return False
    fields = {
        name: plain or quoted for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', header)
    }
    secret = _md5(f"{PUBLIC_KEY}:{fields.get('realm')}:{PRIVATE_KEY}")
    asked = _md5(f"{request.method}:{fields.get('uri')}")
    parts = (secret, NONCE, fields.get("nc"), fields.get("cnonce"), fields.get("qop"), asked)
    path = str(fields.get("uri")).partition("?")[0]
    return path == request.path and fields.get("response") == _md5(":".join(map(str, parts)))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - as HTTP Digest wants it


def routes(state: State, is_odd: bool = True) -> list[Route]:
    """The endpoints that ingestion uses, under `/atlas`.

    Where it `is_odd`, it is busy now and then, and each invoice has an item that no Atlas sends.
    """
    counted = {"calls": 0}

    def token(request: Request) -> Response:
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        form = parse_qs(request.body.decode())
        in_body = (form.get("client_id"), form.get("client_secret")) == ([CLIENT_ID], [CLIENT_SECRET])
        if request.header("Authorization") != f"Basic {expected}" and not in_body:
            return json_response({"error": "invalid_client"}, 401)
        return json_response({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    def guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def checked(request: Request) -> Response:
            signed = request.header("Authorization") or ""
            if signed != f"Bearer {TOKEN}" and not _is_digest(signed, request):
                challenge = f'Digest realm="MMS Public API", domain="", nonce="{NONCE}", algorithm=MD5, qop="auth"'
                return json_response(
                    {"error": 401, "errorCode": "UNAUTHORIZED"}, 401, {"WWW-Authenticate": challenge}
                )
            if not (request.header("Accept") or "").startswith("application/vnd.atlas."):
                return json_response({"error": 406, "errorCode": "INVALID_VERSION_DATE"}, 406)
            counted["calls"] += 1
            if is_odd and counted["calls"] % BUSY_EVERY == 0:
                return json_response({"error": 429, "errorCode": "RATE_LIMITED"}, 429, {"Retry-After": "0"})
            return handler(request)

        return checked

    def paged(request: Request, results: list[Item]) -> Response:
        number, size = int(request.one("pageNum") or 1), int(request.one("itemsPerPage") or 100)
        page = results[(number - 1) * size : number * size]
        return json_response({"links": [], "results": page, "totalCount": len(results)})

    def invoices(request: Request) -> Response:
        months = state.world.months(state.as_of)
        return paged(request, [invoice(state.world, month, state.as_of, False) for month in months])

    def one_invoice(request: Request) -> Response:
        for month in state.world.months(state.as_of):
            if invoice_id(month) == request.match["id"]:
                return json_response(invoice(state.world, month, state.as_of, True, is_odd))
        return json_response({"error": 404, "errorCode": "INVOICE_NOT_FOUND"}, 404)

    def invoices_of(month: str) -> list[Item]:
        """A month's invoices with their items, one an organization."""
        if month not in state.world.months(state.as_of):
            return []
        whole = invoice(state.world, month, state.as_of, True)
        return [whole, *cast("list[Item]", whole["linkedInvoices"])]

    def projects(request: Request) -> Response:
        found: list[Item] = [
            {
                "id": project,
                "name": name,
                "orgId": ORG,
                "clusterCount": 3,
                "created": "2024-01-01T00:00:00Z",
                "tags": [],
            }
            for project, name in ((CORE, "core-prod"), (ANALYTICS, "analytics"))
        ]
        return paged(request, found)

    def teams(request: Request) -> Response:
        return paged(request, [{"id": team, "name": name, "links": []} for team, (name, _) in TEAMS.items()])

    def teams_of_project(request: Request) -> Response:
        found: list[Item] = [
            {"teamId": team, "roleNames": roles[request.match["group"]], "links": []}
            for team, (_, roles) in TEAMS.items()
            if request.match["group"] in roles
        ]
        return paged(request, found)

    def existing(project: str) -> list[Cluster]:
        age = (state.as_of - state.world.start).days
        there = (cluster for cluster in CLUSTERS if cluster.until_day is None or age <= cluster.until_day)
        return [cluster for cluster in there if cluster.project == project]

    def clusters(request: Request) -> Response:
        found: list[Item] = [
            {
                "id": state.world.token("atlas-cluster", cluster.name),
                "name": cluster.name,
                "groupId": cluster.project,
                "createDate": "2024-02-01T00:00:00Z",
                "tags": [{"key": "team", "value": state.world.team_of(cluster.service, state.as_of)}]
                if cluster.tagged
                else [],
            }
            for cluster in existing(request.match["group"])
        ]
        return paged(request, found)

    base = f"/atlas/api/atlas/v2/orgs/{ORG}"
    return [
        Route("POST", "/atlas/api/oauth/token", token),
        Route("GET", f"{base}/invoices", guarded(invoices)),
        Route("GET", f"{base}/invoices/(?P<id>[0-9a-f]{{24}})", guarded(one_invoice)),
        *atlas_report.routes(state, ORG, invoices_of, guarded),
        *atlas_usage.routes(state, lambda project: [cluster.name for cluster in existing(project)], guarded),
        Route("GET", f"{base}/groups", guarded(projects)),
        Route("GET", f"{base}/teams", guarded(teams)),
        Route("GET", "/atlas/api/atlas/v2/groups/(?P<group>[0-9a-f]{24})/clusters", guarded(clusters)),
        Route("GET", "/atlas/api/atlas/v2/groups/(?P<group>[0-9a-f]{24})/teams", guarded(teams_of_project)),
    ]
