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
TOKEN = "sampleVercelToken1234567"
GATEWAY_KEY = "sample-ai-gateway-key"
# Models that the storefront reaches by the AI Gateway, in no log of the company, with what 1,000 tokens cost.
GATEWAY_MODELS = {"anthropic/claude-sonnet-4.5": Decimal("0.006"), "openai/gpt-5-mini": Decimal("0.001")}
# In a project's environment, which nobody asks for and Vercel lists.
SECRET = "sample-environment-secret"
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
# Access groups: who may deploy what. The registry knows one of them as support's.
SUPPORT_TOOLS = "Support tools"
ACCESS_GROUPS = {
    "ag_developers": (
        "Developers",
        "PROJECT_DEVELOPER",
        tuple(project.id for project in PROJECTS if project.deleted_after is None),
    ),
    "ag_supporttools": (SUPPORT_TOOLS, "ADMIN", ("prj_helpcenter", "prj_supportconsole")),
    "ag_auditors": ("Auditors", "PROJECT_VIEWER", ("prj_supportconsole",)),
}
# People, by role, and the projects in which they have a role of their own.
MEMBERS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("usr_0001", "owner-one", "OWNER", {}),
    ("usr_0002", "developer-one", "DEVELOPER", {"prj_hackday": "ADMIN"}),
    ("usr_0003", "developer-two", "MEMBER", {"prj_hackday": "ADMIN", "prj_landing": "PROJECT_DEVELOPER"}),
    ("usr_0004", "viewer-one", "VIEWER", {}),
)
YEAR_OF_MIUS = Decimal(14400)
CREATED = 1704067200000
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
    """A day's charges as Vercel writes them; once a month one more, which can't be read."""
    for number, (row, _) in enumerate(charges(world, day, as_of)):
        yield row
        if day.day == 1 and number == 0:
            yield {**row, "BilledCost": 0, "EffectiveCost": 0, "ConsumedQuantity": "many"}


def commitments(world: World, as_of: date) -> Iterator[dict[str, object]]:
    """The contract commitments that run on a date, or did: an allocation of MIUs a year, in a contract of three years."""
    signed = first_of_month(world.start, -1)
    for year in range(3):
        start, end = first_of_month(signed, 12 * year), first_of_month(signed, 12 * (year + 1))
        if start > as_of:
            return
        yield {
            "ContractId": "sub_samplecompany",
            "ContractPeriodStart": _text(_midnight(signed)),
            "ContractPeriodEnd": _text(_midnight(first_of_month(signed, 36))),
            "ContractCommitmentId": f"sub_samplecompany_{year + 1}",
            "ContractCommitmentPeriodStart": _text(_midnight(start)),
            "ContractCommitmentPeriodEnd": _text(_midnight(end)),
            "ContractCommitmentCategory": "Usage",
            "ContractCommitmentQuantity": YEAR_OF_MIUS,
            "ContractCommitmentType": "Enterprise",
            "ContractCommitmentUnit": "MIUs",
            "BillingCurrency": "USD",
            **({"ContractCommitmentDescription": f"MIUs of year {year + 1}"} if year % 2 else {}),
        }


def _listed(project: Project) -> dict[str, object]:
    """A project in Vercel's list, which holds far more than its name: values of environment variables, for one."""
    variable = {"type": "plain", "id": "env_1", "key": "PAYMENT_KEY", "value": SECRET, "target": ["production"]}
    found: dict[str, object] = {
        "id": project.id,
        "name": project.name,
        "accountId": TEAM_ID,
        "createdAt": CREATED,
        "alias": [],
        "deploymentExpiration": {},
        "directoryListing": False,
        "env": [variable],
        "nodeVersion": "22.x",
        "resourceConfig": {"functionDefaultRegions": ["iad1"]},
    }
    if project.declared:
        link = {"type": "github", "org": TEAM_SLUG, "repo": project.name, "repoId": 1, "gitCredentialId": "cred_1"}
        found["link"] = {**link, "deployHooks": [], "productionBranch": "main", "sourceless": False}
    return found


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
        if not project.declared or project.name.startswith("campaign-") or project.id == "prj_supportconsole":
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
            "id": "vercel-support-tools",
            "claim": "vercel_access_group",
            "value": SUPPORT_TOOLS,
            "owner": world.team_of("ticket-desk", world.until),
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
        "SOURCES__VERCEL__AI_GATEWAY_KEY": GATEWAY_KEY,
        "SOURCES__VERCEL__AI_GATEWAY_DIMENSIONS": "model",
        "SOURCES__VERCEL__AI_GATEWAY_URL": f"{base_url}/ai-gateway",
    }


def gateway_usage(world: World, day: date) -> list[dict[str, object]]:
    """What the AI Gateway reports of a day by model; optional fields are missing in one row of two."""
    found: list[dict[str, object]] = []
    for number, (model, price) in enumerate(GATEWAY_MODELS.items()):
        rng = world.rng("ai-gateway", day, model)
        tokens = rng.randint(20_000, 90_000)
        row: dict[str, object] = {"model": model, "total_cost": price * tokens / 1000}
        if (day.day + number) % 2:
            row |= {"market_cost": row["total_cost"], "request_count": rng.randint(50, 200)}
            row |= {"input_tokens": tokens, "output_tokens": tokens // 8, "cached_input_tokens": tokens // 10}
        found.append(row)
    return found


def _authorised(handler: Callable[[Request], Response], key: str = TOKEN) -> Callable[[Request], Response]:
    def checked(request: Request) -> Response:
        if request.header("Authorization") != f"Bearer {key}":
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

    def team(request: Request) -> Response:
        if request.match["team"] != TEAM_ID:
            return json_response({"error": {"code": "not_found", "message": "Team not found"}}, 404)
        membership = {
            "confirmed": True,
            "role": "BILLING",
            "uid": "usr_0001",
            "created": CREATED,
            "createdAt": CREATED,
        }
        known = {"id": TEAM_ID, "slug": TEAM_SLUG, "name": "Sample Company", "createdAt": CREATED}
        return json_response({**known, "inviteCode": SECRET, "membership": {**membership, "confirmedAt": CREATED}})

    def paged(request: Request, key: str, records: list[dict[str, object]], cursor: str) -> Response:
        offset, limit = int(request.one(cursor) or 0), int(request.one("limit") or 20)
        page = records[offset : offset + limit]
        following = offset + limit if offset + limit < len(records) else None
        # A cursor of access groups is text.
        token = str(following) if cursor == "next" and following is not None else following
        return json_response({key: page, "pagination": {"count": len(page), "next": token}})

    def alive() -> list[Project]:
        age = (state.as_of - state.world.start).days
        return [project for project in PROJECTS if project.deleted_after is None or age <= project.deleted_after]

    def list_projects(request: Request) -> Response:
        return paged(request, "projects", [_listed(project) for project in alive()], "from")

    def list_members(request: Request) -> Response:
        found: list[dict[str, object]] = []
        for user, name, role, projects in MEMBERS:
            member: dict[str, object] = {"uid": user, "username": name, "role": role, "confirmed": True}
            member |= {"email": f"{name}@example.com", "createdAt": CREATED}
            if projects:
                member["projects"] = [
                    {"id": project, "name": project, "role": own} for project, own in projects.items()
                ]
            found.append(member)
        return paged(request, "members", found, "until")

    def projects_of(group: str) -> list[str]:
        return [project.id for project in alive() if project.id in ACCESS_GROUPS[group][2]]

    def list_access_groups(request: Request) -> Response:
        found: list[dict[str, object]] = [
            {
                "accessGroupId": group,
                "name": name,
                "teamId": TEAM_ID,
                "isDsyncManaged": False,
                "membersCount": 2,
                "projectsCount": len(projects_of(group)),
                "createdAt": str(CREATED),
                "updatedAt": str(CREATED),
            }
            for group, (name, _, _) in ACCESS_GROUPS.items()
        ]
        return paged(request, "accessGroups", found, "next")

    def list_group_projects(request: Request) -> Response:
        group = request.match["group"]
        if group not in ACCESS_GROUPS:
            return json_response({"error": {"code": "not_found", "message": "Access group not found"}}, 404)
        times = {"createdAt": str(CREATED), "updatedAt": str(CREATED)}
        found: list[dict[str, object]] = [
            {"projectId": project, "role": ACCESS_GROUPS[group][1], "project": {"name": project}, **times}
            for project in projects_of(group)
        ]
        return paged(request, "projects", found, "next")

    def list_commitments(request: Request) -> Response:
        body = "".join(f"{dumps(row)}\n" for row in commitments(state.world, state.as_of)).encode()
        return Response(200, body, {"Content-Type": "application/jsonl"})

    def gateway_report(request: Request) -> Response:
        day = date.fromisoformat(str(request.one("start_date")))
        if request.one("group_by") != "model" or request.one("end_date") != f"{day}":
            return json_response({"error": {"message": "the sample company's report is by model and day"}}, 400)
        known = day in state.world.days(state.as_of)
        return json_response({"results": gateway_usage(state.world, day) if known else []})

    def gateway_credits(request: Request) -> Response:
        used = sum(
            (
                Decimal(str(row["total_cost"]))
                for day in state.world.days(state.as_of)
                for row in gateway_usage(state.world, day)
            ),
            Decimal(0),
        )
        return json_response({"balance": f"{500 - used:f}", "total_used": f"{used:f}"})

    gateway = (("/ai-gateway/v1/report", gateway_report), ("/ai-gateway/v1/credits", gateway_credits))
    answers: Iterable[tuple[str, Callable[[Request], Response]]] = (
        ("/vercel/v1/billing/charges", list_charges),
        ("/vercel/v1/billing/contract-commitments", list_commitments),
        ("/vercel/v2/teams/(?P<team>[^/]+)", team),
        ("/vercel/v3/teams/[^/]+/members", list_members),
        ("/vercel/v10/projects", list_projects),
        ("/vercel/v1/access-groups", list_access_groups),
        ("/vercel/v1/access-groups/(?P<group>[^/]+)/projects", list_group_projects),
    )
    return [
        *(Route("GET", pattern, _authorised(handler)) for pattern, handler in answers),
        *(Route("GET", pattern, _authorised(handler, GATEWAY_KEY)) for pattern, handler in gateway),
    ]
