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
from sample_company.world import Label, Spike, World, at, first_of_month

CLASSES = ("input", "cached_input", "cache_write_5m", "output")
MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Model:
    """A model and its list price in USD for a million tokens of each class."""

    id: str
    provider: str
    prices: tuple[Decimal, Decimal, Decimal, Decimal]

    def cost(self, token_class: str, tokens: int) -> Decimal:
        return self.prices[CLASSES.index(token_class)] * tokens / MILLION


def _prices(*values: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    one, two, three, four = (Decimal(value) for value in values)
    return one, two, three, four


MODELS = {
    model.id: model
    for model in (
        Model("gpt-5-mini", "openai", _prices("0.25", "0.025", "0", "2")),
        Model("gpt-5", "openai", _prices("1.25", "0.125", "0", "10")),
        Model("claude-sonnet-4-5", "anthropic", _prices("3", "0.3", "3.75", "15")),
        Model("claude-haiku-4-5", "anthropic", _prices("1", "0.1", "1.25", "5")),
    )
}
ACCOUNTS = {"openai": "proj_gateway", "anthropic": "wrkspc_gateway"}
RESEARCH_PROJECT = "proj_research"
RESEARCH_KEY = "key_research"
GATEWAY_KEY = "key_gateway"
SHARED_KEY = "shared-legacy-key"
# The workflows whose teams still use the shared key, without naming themselves.
SHARED_KEY_WORKFLOWS = ("sentiment", "image-alt-text", "chart-caption", "push-copy")
SPIKE_WORKFLOW = "refund-check"
REQUESTS_PER_WORKFLOW = 5


@dataclass(frozen=True)
class LlmRequest:
    """One attempt, as it truly was. Tokens by class; `billed` is False where no provider was paid."""

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

    @property
    def billed(self) -> bool:
        return self.status == "success" and not self.cache_hit

    @property
    def cost(self) -> Decimal:
        """The provider's price of the attempt, in USD."""
        if not self.billed:
            return Decimal(0)
        return sum(
            (self.model.cost(name, count) for name, count in zip(CLASSES, self.tokens, strict=True)), Decimal(0)
        )


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
    """A day's attempts through the gateway, in order of time."""
    found: list[LlmRequest] = []
    first, last = spike_days(world)
    models = list(MODELS.values())
    age = (day - world.start).days
    for number, workflow in enumerate(WORKFLOWS):
        rng = world.rng("llm", day, workflow.id)
        model = models[number % len(models)]
        team = world.team_of(workflow.service, day)
        people = [person.id for person in PEOPLE if person.team == team]
        count = rng.randint(2, REQUESTS_PER_WORKFLOW * 2 - 1)
        if workflow.id == SPIKE_WORKFLOW and first <= day <= last:
            count *= 25
        for index in range(count):
            fresh = rng.randint(2_000, 60_000) + age * 80
            cached = rng.choice((0, 0, 1024, 4096)) if model.provider == "openai" else rng.choice((0, 6000))
            written = 2048 if model.provider == "anthropic" and rng.random() < 0.2 else 0
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
                fallback_from="gpt-5" if model.id == "gpt-5-mini" and rng.random() < 0.02 else None,
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
    """What a provider saw of one account, key and model on a day."""

    account: str
    key: str
    model: Model
    tokens: tuple[int, int, int, int]
    requests: int


@lru_cache(maxsize=512)
def provider_usage(world: World, day: date, provider: str) -> tuple[Usage, ...]:
    """A day as the provider reports it."""
    tokens: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    counts: dict[str, int] = defaultdict(int)
    for request in requests(world, day):
        if request.billed and request.model.provider == provider:
            for index, count in enumerate(request.tokens):
                tokens[request.model.id][index] += count
            counts[request.model.id] += 1
    found = [
        Usage(ACCOUNTS[provider], GATEWAY_KEY, MODELS[model], (used[0], used[1], used[2], used[3]), counts[model])
        for model, used in sorted(tokens.items())
    ]
    if provider == "openai":
        found.append(Usage(RESEARCH_PROJECT, RESEARCH_KEY, MODELS["gpt-5"], research_tokens(world, day), 12))
    return tuple(found)


def vendor_charge_id(provider: str, day: date, account: str, model: str, token_class: str) -> str:
    """The natural key of a provider's charge."""
    return f"{provider}|{day}|{account}|{model}|{token_class}"


def labels(world: World, as_of: date) -> Iterator[Label]:
    """Whose each provider charge is: the requests' teams, by what their tokens cost."""
    for day in world.days(as_of):
        shares: dict[tuple[str, str, str, bool], Decimal] = defaultdict(Decimal)
        for request in requests(world, day):
            if not request.billed:
                continue
            for token_class, count in zip(CLASSES, request.tokens, strict=True):
                if count:
                    known = request.key_alias != SHARED_KEY
                    shares[(request.model.id, token_class, request.team, known)] += request.model.cost(
                        token_class, count
                    )
        for (model, token_class, team, known), amount in sorted(shares.items()):
            provider = MODELS[model].provider
            key = vendor_charge_id(provider, day, ACCOUNTS[provider], model, token_class)
            yield Label(provider, key, team, amount, known)
        for token_class, count in zip(CLASSES, research_tokens(world, day), strict=True):
            if count:
                key = vendor_charge_id("openai", day, RESEARCH_PROJECT, "gpt-5", token_class)
                yield Label("openai", key, "ml-platform", MODELS["gpt-5"].cost(token_class, count), True)


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
    rules.append({"id": "llm-research", "claim": "llm_project", "value": RESEARCH_PROJECT, "owner": "ml-platform"})
    rules.append(
        {"id": "llm-shared-key", "claim": "llm_key", "value": key_hash(SHARED_KEY), "owner": "llm-shared"}
    )
    return rules


def registry_pools(world: World) -> list[dict[str, object]]:
    return [{"owner": "llm-shared", "method": "even", "members": ["support", "growth", "data-platform", "mobile"]}]


def pool_owners() -> list[dict[str, object]]:
    return [{"id": "llm-shared", "kind": "shared pool", "name": "Shared legacy key", "steward": "ml-platform"}]
