"""Vercel as the sample company sees it: daily charges of one team, in the shape of `/v1/billing/charges`.

Days are Los Angeles days, as Vercel bills. Managed infrastructure is committed (MIUs): BilledCost is 0 and
EffectiveCost is not. Seats and the plan fee carry no project. What Vercel documents as optional is left out as often as
it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sample_company.server import Request, Response, Route, dumps, json_response
from sample_company.world import Label, Spike, State, World, first_of_month

TEAM_ID = "team_samplecompany0001"
TEAM_SLUG = "sample-company"
TOKEN = "sample-vercel-token"
PACIFIC = ZoneInfo("America/Los_Angeles")
CENT_PARTS = Decimal("0.00000001")


@dataclass(frozen=True)
class Project:
    """A Vercel project. `declared`: whether the company's registry names its owner."""

    id: str
    name: str
    service: str
    size: float
    declared: bool = True
    deleted_after: int | None = None


PROJECTS = (
    Project("prj_storefront", "storefront", "checkout-web", 5.0),
    Project("prj_landing", "landing-pages", "landing-pages", 3.0),
    Project("prj_campaigns", "campaign-microsites", "campaigns", 1.5),
    Project("prj_helpcenter", "help-center", "knowledge-base", 2.0),
    Project("prj_supportconsole", "support-console", "ticket-desk", 1.0),
    Project("prj_mobileweb", "mobile-web", "mobile-api", 1.2),
    Project("prj_pricing", "pricing-calculator", "pricing-engine", 0.8),
    Project("prj_hackday", "hackday-demo", "experiments", 0.3, declared=False),
    Project("prj_oldshop", "old-shop", "checkout-web", 0.6, deleted_after=40),
)

# SKU, service, FOCUS category, unit, list price in USD a unit, units a day for a project of size 1
SKUS: tuple[tuple[str, str, str, str, str, float], ...] = (
    ("fast-data-transfer", "Fast Data Transfer", "Networking", "GB", "0.15", 6.0),
    ("edge-requests", "Edge Requests", "Networking", "1000000 Requests", "2.00", 0.4),
    ("function-invocations", "Function Invocations", "Compute", "1000000 Invocations", "0.60", 0.5),
    ("function-duration", "Function Duration", "Compute", "GB-Hours", "0.18", 3.0),
    ("build-minutes", "Build Minutes", "Developer Tools", "Minutes", "0.014", 20.0),
)
REGIONS = (("iad1", "Washington, D.C., USA"), ("fra1", "Frankfurt, Germany"))
SPIKE_PROJECT = "prj_landing"
# Vercel's CLI has the first three as optional, and no SkuId at all (packages/cli/src/util/billing/focus-charge.ts).
OPTIONAL = (("RegionId", "RegionName"), ("ServiceCategory",), ("SkuId",))


def spike_days(world: World) -> tuple[date, date]:
    """Bots crawl the landing pages for three days in the month before the last."""
    first = first_of_month(world.until, -1).replace(day=9)
    return first, first + timedelta(days=2)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=PACIFIC).astimezone(UTC)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def _row(world: World, day: date, project: str, **fields: object) -> dict[str, object]:
    """A row in Vercel's shape, which of the optional fields it has being its own, however often it is asked for."""
    rng = world.rng("vercel fields", day, project, fields["SkuId"], fields.get("RegionId"))
    absent = {name for names in OPTIONAL if rng.random() < 0.5 for name in names}
    return {
        "BillingCurrency": "USD",
        "PricingCurrency": "USD",
        "ChargePeriodStart": _text(_midnight(day)),
        "ChargePeriodEnd": _text(_midnight(day + timedelta(days=1))),
        "ServiceProviderName": "Vercel",
        **{name: value for name, value in fields.items() if name not in absent},
    }


def charges(world: World, day: date, as_of: date) -> Iterator[tuple[dict[str, object], Project | None]]:
    """The charges of a Los Angeles day as they look on a date: the two latest days are still provisional."""
    first, last = spike_days(world)
    age = (day - world.start).days
    provisional = (as_of - day).days <= 2
    for project in PROJECTS:
        if project.deleted_after is not None and age > project.deleted_after:
            continue
        for sku, service, category, unit, price, daily in SKUS:
            for region, region_name in REGIONS:
                rng = world.rng("vercel", day, project.id, sku, region)
                weekday = 0.6 if day.weekday() >= 5 else 1.0
                units = (
                    daily * project.size * weekday * rng.uniform(0.85, 1.15) * (0.7 if region == "iad1" else 0.3)
                )
                if sku == "fast-data-transfer" and project.id == SPIKE_PROJECT and first <= day <= last:
                    units *= 14
                if provisional:
                    units *= 0.93
                quantity = Decimal(f"{units:.6f}")
                cost = (quantity * Decimal(price)).quantize(CENT_PARTS)
                yield (
                    _row(
                        world,
                        day,
                        project.id,
                        BilledCost=Decimal(0),
                        EffectiveCost=cost,
                        ChargeCategory="Usage",
                        PricingCategory="Committed",
                        ConsumedQuantity=quantity,
                        ConsumedUnit=unit,
                        PricingQuantity=cost,
                        PricingUnit="MIUs",
                        RegionId=region,
                        RegionName=region_name,
                        ServiceCategory=category,
                        ServiceName=service,
                        SkuId=sku,
                        Tags={"ProjectId": project.id, "ProjectName": project.name},
                    ),
                    project,
                )
    if day.day == 1:
        for sku, service, amount, category in (
            ("miu-commitment", "Managed Infrastructure Commitment", "1200.00", "Purchase"),
            ("enterprise-plan", "Enterprise Plan", "450.00", "Purchase"),
            ("promotional-credit", "Promotional Credit", "-75.00", "Credit"),
        ):
            committed = sku == "miu-commitment"
            yield (
                _row(
                    world,
                    day,
                    "",
                    BilledCost=Decimal(amount),
                    EffectiveCost=Decimal(0) if committed else Decimal(amount),
                    ChargeCategory=category,
                    PricingCategory="Other",
                    ConsumedQuantity=None,
                    ConsumedUnit=None,
                    PricingQuantity=Decimal(1),
                    PricingUnit="Units",
                    ServiceName=service,
                    SkuId=sku,
                    Tags={},
                ),
                None,
            )
    seats = Decimal(25)
    days_in_month = (first_of_month(day, 1) - first_of_month(day)).days
    seat_cost = (seats * Decimal(20) / days_in_month).quantize(CENT_PARTS)
    yield (
        _row(
            world,
            day,
            "",
            BilledCost=seat_cost,
            EffectiveCost=seat_cost,
            ChargeCategory="Usage",
            PricingCategory="Standard",
            ConsumedQuantity=seats,
            ConsumedUnit="Seats",
            PricingQuantity=seats,
            PricingUnit="Seats",
            ServiceName="Developer Seats",
            ServiceCategory="Developer Tools",
            SkuId="seats",
            Tags={},
        ),
        None,
    )


def _written(world: World, day: date, as_of: date) -> Iterator[dict[str, object]]:
    """A day's charges as Vercel writes them: tags are an object, or its text; once a month a row that can't be read."""
    for number, (row, _) in enumerate(charges(world, day, as_of)):
        tags = row["Tags"]
        yield {**row, "Tags": dumps(tags)} if number % 5 == 0 and tags else row
        if day.day == 1 and number == 0:
            yield {**row, "BilledCost": 0, "EffectiveCost": 0, "ConsumedQuantity": "many"}


def vendor_charge_id(row: dict[str, object]) -> str:
    """The natural key of a charge; Vercel gives its rows no id, and may leave out region and SKU."""
    tags = row["Tags"]
    project = tags.get("ProjectId", "") if isinstance(tags, dict) else ""
    return "|".join(
        (
            TEAM_ID,
            str(row["ChargePeriodStart"])[:10],
            str(row.get("SkuId") or row["ServiceName"]),
            str(row.get("RegionId") or ""),
            project,
            str(row["ChargeCategory"]),
        )
    )


def labels(world: World, as_of: date) -> Iterator[Label]:
    """Whose each charge is: the project's service's team. Seats, plan and credits are everybody's."""
    for day in world.days(as_of):
        amounts: dict[tuple[str, Project], Decimal] = {}
        for row, project in charges(world, day, as_of):
            if project is not None:
                key = vendor_charge_id(row), project
                amounts[key] = amounts.get(key, Decimal(0)) + Decimal(str(row["EffectiveCost"]))
        for (charge, project), amount in amounts.items():
            yield Label("vercel", charge, world.team_of(project.service, day), amount, project.declared)


def spikes(world: World) -> list[Spike]:
    first, last = spike_days(world)
    return [Spike("vercel", first, last, "growth", "landing-pages", "bots crawled the landing pages")]


def registry_rules(world: World) -> list[dict[str, object]]:
    """What the company declares: projects it knows by id, and everything named campaign-* to growth."""
    rules: list[dict[str, object]] = []
    for project in PROJECTS:
        if not project.declared or project.name.startswith("campaign-"):
            continue
        owner, before = world.team_of(project.service, world.until), world.team_of(project.service, world.start)
        rule: dict[str, object] = {"id": f"vercel-{project.name}", "claim": "vercel_project", "value": project.id}
        if owner == before:
            rules.append({**rule, "owner": owner})
        else:
            rules.append(
                {**rule, "id": f"vercel-{project.name}-before", "owner": before, "valid_to": world.handover}
            )
            rules.append({**rule, "owner": owner, "valid_from": world.handover})
    rules.append(
        {
            "id": "vercel-campaign-sites",
            "claim": "vercel_project_name",
            "match": "glob",
            "value": "campaign-*",
            "owner": "growth",
        }
    )
    rules.append(
        {
            "id": "vercel-team-costs",
            "claim": "vercel_team",
            "value": TEAM_ID,
            "owner": "vercel-shared",
            "priority": 900,
        }
    )
    return rules


def registry_pools(world: World) -> list[dict[str, object]]:
    """Seats, the plan and the commitment are shared by those who use Vercel, by what they use."""
    return [
        {
            "owner": "vercel-shared",
            "method": "proportional",
            "members": ["checkout", "growth", "mobile", "payments", "support"],
        }
    ]


def pool_owners() -> list[dict[str, object]]:
    return [{"id": "vercel-shared", "kind": "shared pool", "name": "Vercel plan and seats", "steward": "infra"}]


def settings(base_url: str) -> dict[str, str]:
    """The environment under which ingestion finds this Vercel."""
    return {
        "SOURCES__VERCEL__TOKEN": TOKEN,
        "SOURCES__VERCEL__TEAM_ID": TEAM_ID,
        "SOURCES__VERCEL__BASE_URL": f"{base_url}/vercel",
    }


def _authorised(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def checked(request: Request) -> Response:
        if request.header("Authorization") != f"Bearer {TOKEN}":
            return json_response({"error": {"code": "forbidden", "message": "Not authorized"}}, 403)
        return handler(request)

    return checked


def routes(state: State) -> list[Route]:
    """The endpoints that ingestion uses, under `/vercel`."""

    def list_charges(request: Request) -> Response:
        since, until = request.one("from"), request.one("to")
        if not since or not until:
            return json_response({"error": {"code": "bad_request", "message": "from and to are required"}}, 400)
        first, last = datetime.fromisoformat(since), datetime.fromisoformat(until)
        wanted = [day for day in state.world.days(state.as_of) if first <= _midnight(day) < last]
        lines = [dumps(row) for day in wanted for row in _written(state.world, day, state.as_of)]
        if not lines:
            return json_response({"error": {"code": "costs_not_found", "message": "No costs found"}}, 404)
        body = "".join(f"{line}\n" for line in lines).encode()
        return Response(200, body, {"Content-Type": "application/jsonl"})

    def list_teams(request: Request) -> Response:
        team = {"id": TEAM_ID, "slug": TEAM_SLUG, "name": "Sample Company", "createdAt": 1704067200000}
        return json_response({"teams": [team], "pagination": {"count": 1, "next": None, "prev": None}})

    def list_projects(request: Request) -> Response:
        age = (state.as_of - state.world.start).days
        alive = [
            {"id": project.id, "name": project.name, "accountId": TEAM_ID, "createdAt": 1704067200000}
            for project in PROJECTS
            if project.deleted_after is None or age <= project.deleted_after
        ]
        offset, limit = int(request.one("from") or 0), int(request.one("limit") or 20)
        page = alive[offset : offset + limit]
        following = offset + limit if offset + limit < len(alive) else None
        return json_response(
            {"projects": page, "pagination": {"count": len(page), "next": following, "prev": None}}
        )

    answers: Iterable[tuple[str, Callable[[Request], Response]]] = (
        ("/vercel/v1/billing/charges", list_charges),
        ("/vercel/v2/teams", list_teams),
        ("/vercel/v10/projects", list_projects),
    )
    return [Route("GET", pattern, _authorised(handler)) for pattern, handler in answers]
