"""The sample company's requests to language models: who made them, why, with which key, what they truly cost.

The gateway logs and the providers' reports are two views of the same requests; some traffic goes around the
gateway and shows in the reports only.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from sample_company.company import CUSTOMERS, PEOPLE, WORKFLOWS, Workflow
from sample_company.llm.models import (
    ACCOUNTS,
    BATCH_WORKFLOWS,
    CLASSES,
    GPT_5,
    GPT_5_MINI,
    OWN_MODEL,
    ROTATION,
    UNPRICED,
    WITHOUT_REPORT,
    Model,
)
from sample_company.world import Label, Spike, World, at, first_of_month

RESEARCH_PROJECT = "proj_research"
RESEARCH_KEY = "key_research"
GATEWAY_KEY = "key_gateway"
# The mobile app's backend calls OpenAI with a project of its own and keeps its own log of requests, in MongoDB.
APP_SERVICE = "mobile-api"
APP_PROJECT = "proj_mobile"
APP_KEY = "key_mobile"
SHARED_KEY = "shared-legacy-key"
# The workflows whose teams still use the shared key, without naming themselves.
SHARED_KEY_WORKFLOWS = ("sentiment", "image-alt-text", "chart-caption", "push-copy")
SPIKE_WORKFLOW = "refund-check"
# The service that signs who it is (identity.py).
SIGNING_SERVICE = "support-bot"
REQUESTS_PER_WORKFLOW = 5


@dataclass(frozen=True)
class LlmRequest:
    """One attempt, as it truly was. Tokens by class; `billed` is False where no provider was paid.

    `tier` is what the provider served: standard or batch.
    """

    id: str
    call_id: str
    started_at: datetime
    seconds: float
    workflow: Workflow
    team: str
    user: str
    customer: str
    model: Model
    key_alias: str
    tokens: tuple[int, int, int, int]
    status: str
    stream: bool
    cache_hit: bool
    retries: int
    fallback_from: str | None
    tier: str

    @property
    def is_through_gateway(self) -> bool:
        """False where the caller's own log has it."""
        return self.workflow.service != APP_SERVICE

    @property
    def account(self) -> str:
        """The project, workspace or account that the provider bills it to."""
        return ACCOUNTS[self.model.provider] if self.is_through_gateway else APP_PROJECT

    @property
    def succeeded(self) -> bool:
        return self.status == "success"

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(seconds=self.seconds)

    @property
    def provider_request_id(self) -> str:
        """The provider's own id of it, the same in every log."""
        return f"req_{self.id[-16:]}"

    @property
    def billed(self) -> bool:
        return self.succeeded and not self.cache_hit

    @property
    def cost(self) -> Decimal:
        """The provider's price of the attempt, in USD."""
        if not self.billed:
            return Decimal(0)
        costs = (self.model.cost(name, count, self.tier) for name, count in zip(CLASSES, self.tokens, strict=True))
        return sum(costs, Decimal(0))

    @property
    def logged_cost(self) -> Decimal:
        """What it costs by the gateway's price list: 0 for a model that its price list does not know."""
        return Decimal(0) if self.model in UNPRICED else self.cost


def spike_days(world: World) -> tuple[date, date]:
    """The refund agent loops for two days of the month before the last."""
    first = first_of_month(world.until, -1).replace(day=23)
    return first, first + timedelta(days=1)


def leak_days(world: World) -> tuple[date, date]:
    """The research key is used by strangers for two days of the month before the last."""
    first = first_of_month(world.until, -1).replace(day=12)
    return first, first + timedelta(days=1)


def key_alias(workflow: Workflow) -> str:
    return SHARED_KEY if workflow.id in SHARED_KEY_WORKFLOWS else f"{workflow.service}-prod"


def key_hash(alias: str) -> str:
    """What the gateway logs of a key: a hash, never the key."""
    return hashlib.sha256(f"sample-key:{alias}".encode()).hexdigest()


@lru_cache(maxsize=512)
def requests(world: World, day: date) -> tuple[LlmRequest, ...]:
    """A day's attempts, through the gateway or not, in order of time."""
    found: list[LlmRequest] = []
    first, last = spike_days(world)
    age = (day - world.start).days
    for number, workflow in enumerate(WORKFLOWS):
        rng = world.rng("llm", day, workflow.id)
        model = OWN_MODEL.get(workflow.id, ROTATION[number % len(ROTATION)])
        team = world.team_of(workflow.service, day)
        people = [person.id for person in PEOPLE if person.team == team]
        count = rng.randint(2, REQUESTS_PER_WORKFLOW * 2 - 1)
        if workflow.id == SPIKE_WORKFLOW and first <= day <= last:
            count *= 25
        for index in range(count):
            fresh = rng.randint(2_000, 60_000) + age * 80
            cached = rng.choice((0, 0, 1024, 4096)) if model.provider == "openai" else rng.choice((0, 6000))
            written = 2048 if model.prices[2] and rng.random() < 0.2 else 0
            chance = rng.random()
            status = "failure" if chance < 0.03 else "success"
            call = world.token("call", day, workflow.id, index, length=32)
            request = LlmRequest(
                id=f"chatcmpl-{world.token('request', day, workflow.id, index)}",
                call_id=call,
                started_at=at(day)
                + timedelta(seconds=rng.randint(6 * 3600, 20 * 3600), milliseconds=rng.randint(0, 999)),
                seconds=round(rng.uniform(0.4, 14.0), 3),
                workflow=workflow,
                team=team,
                user=rng.choice(people),
                customer=rng.choice(CUSTOMERS).id,
                model=model,
                key_alias=key_alias(workflow),
                tokens=(fresh, cached, written, rng.randint(30, 1800)),
                status="success",
                stream=rng.random() < 0.4,
                cache_hit=chance > 0.96,
                retries=0,
                fallback_from=GPT_5.id if model is GPT_5_MINI and rng.random() < 0.02 else None,
                tier="batch" if workflow.id in BATCH_WORKFLOWS else "standard",
            )
            if status == "failure":
                # A failed attempt used nothing; the retry that follows shares its call id.
                failed = replace(
                    request,
                    id=f"{request.id}-try",
                    tokens=(0, 0, 0, 0),
                    status="failure",
                    cache_hit=False,
                    seconds=0.2,
                )
                found += [failed, replace(request, retries=1, cache_hit=False)]
            else:
                found.append(request)
    return tuple(sorted(found, key=lambda request: (request.started_at, request.id)))


@lru_cache(maxsize=512)
def research_tokens(world: World, day: date) -> tuple[int, int, int, int]:
    """The tokens of gpt-5 that the research key used around the gateway."""
    rng = world.rng("research", day)
    first, last = leak_days(world)
    factor = 30 if first <= day <= last else 1
    return rng.randint(900_000, 1_500_000) * factor, 0, 0, rng.randint(60_000, 120_000) * factor


@dataclass(frozen=True)
class Usage:
    """What a provider saw of one account, key, model and tier on a day."""

    account: str
    key: str
    model: Model
    tier: str
    tokens: tuple[int, int, int, int]
    requests: int


@lru_cache(maxsize=512)
def provider_usage(world: World, day: date, provider: str) -> tuple[Usage, ...]:
    """A day as the provider reports it."""
    tokens: dict[tuple[str, Model, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    counts: dict[tuple[str, Model, str], int] = defaultdict(int)
    for request in requests(world, day):
        if request.billed and request.model.provider == provider:
            bucket = (request.account, request.model, request.tier)
            for index, count in enumerate(request.tokens):
                tokens[bucket][index] += count
            counts[bucket] += 1
    found = []
    for bucket in sorted(tokens, key=lambda bucket: (bucket[0], bucket[1].id, bucket[2])):
        account, model, tier = bucket
        key = APP_KEY if account == APP_PROJECT else GATEWAY_KEY
        one, two, three, four = tokens[bucket]
        found.append(Usage(account, key, model, tier, (one, two, three, four), counts[bucket]))
    if provider == "openai":
        used = research_tokens(world, day)
        found.append(Usage(RESEARCH_PROJECT, RESEARCH_KEY, GPT_5, "standard", used, 12))
    return tuple(found)


def vendor_charge_id(provider: str, day: date, account: str, model: str, token_class: str, tier: str) -> str:
    """The natural key of a provider's charge."""
    return "|".join((provider, str(day), account, model, token_class, *(["batch"] if tier == "batch" else [])))


# (account, model, tier, token class)
Bucket = tuple[str, Model, str, str]


def shares(world: World, day: date) -> dict[Bucket, dict[tuple[str, bool], Decimal]]:
    """What each team's requests cost of every bucket of the providers, and whether the key that they used shows it."""
    found: dict[Bucket, dict[tuple[str, bool], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for request in requests(world, day):
        if not request.billed:
            continue
        known = request.key_alias != SHARED_KEY
        for token_class, count in zip(CLASSES, request.tokens, strict=True):
            if count:
                bucket = (request.account, request.model, request.tier, token_class)
                cost = request.model.cost(token_class, count, request.tier)
                found[bucket][(request.team, known)] += cost
    return found


def labels(world: World, as_of: date) -> Iterator[Label]:
    """Whose each provider charge is: the requests' teams, by what their tokens cost. (Bedrock's are AWS's to tell.)

    What a provider without a report bills is labelled as the estimate that the ledger has to make of it.
    """
    for day in world.days(as_of):
        for (account, model, tier, token_class), teams in shares(world, day).items():
            if model.provider != "bedrock":
                key = vendor_charge_id(model.provider, day, account, model.id, token_class, tier)
                source = model.provider
                if model.provider in WITHOUT_REPORT:
                    source, key = "llm_gateway", f"llm_gateway|{key}"
                for (team, known), amount in sorted(teams.items()):
                    yield Label(source, key, team, amount, known)
        for token_class, count in zip(CLASSES, research_tokens(world, day), strict=True):
            if count:
                key = vendor_charge_id("openai", day, RESEARCH_PROJECT, GPT_5.id, token_class, "standard")
                yield Label("openai", key, "ml-platform", GPT_5.cost(token_class, count), True)


def spikes(world: World) -> list[Spike]:
    loop, leak = spike_days(world), leak_days(world)
    return [
        Spike("anthropic", *loop, "support", SPIKE_WORKFLOW, "the refund agent looped"),
        Spike("openai", *leak, "ml-platform", RESEARCH_KEY, "the research key leaked and strangers used it"),
    ]


def registry_rules(world: World) -> list[dict[str, object]]:
    """Keys of services to their teams (one changed hands), the research project; the shared key to nobody."""
    rules: list[dict[str, object]] = []
    for service in sorted({workflow.service for workflow in WORKFLOWS}):
        rule: dict[str, object] = {"claim": "llm_key", "value": key_hash(f"{service}-prod")}
        before, after = world.team_of(service, world.start), world.team_of(service, world.until)
        if before == after:
            rules.append({"id": f"llm-key-{service}", **rule, "owner": after})
        else:
            rules.append({"id": f"llm-key-{service}-before", **rule, "owner": before, "valid_to": world.handover})
            rules.append({"id": f"llm-key-{service}", **rule, "owner": after, "valid_from": world.handover})
    signer = {
        "claim": "signed_actor",
        "value": SIGNING_SERVICE,
        "owner": world.team_of(SIGNING_SERVICE, world.until),
    }
    rules.append({"id": "llm-signed-service", **signer})
    rules.append({"id": "llm-research", "claim": "llm_project", "value": RESEARCH_PROJECT, "owner": "ml-platform"})
    rules.append(
        {"id": "llm-shared-key", "claim": "llm_key", "value": key_hash(SHARED_KEY), "owner": "llm-shared"}
    )
    return rules


def registry_pools(world: World) -> list[dict[str, object]]:
    return [{"owner": "llm-shared", "method": "even", "members": ["support", "growth", "data-platform", "mobile"]}]


def pool_owners() -> list[dict[str, object]]:
    return [{"id": "llm-shared", "kind": "shared pool", "name": "Shared legacy key", "steward": "ml-platform"}]
