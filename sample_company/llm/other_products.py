"""What the sample company buys of model providers beside completions, and whose it truly is.

Research embeds documents and searches the web with its own project at OpenAI; data-platform evaluates in a workspace of
its own at Anthropic, which a tag names (code execution is billed and not counted, the priority tier is counted and not
billed); growth tries models out at OpenRouter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from sample_company.llm.requests import RESEARCH_PROJECT
from sample_company.world import Label, Spike, World

EMBEDDING = "text-embedding-3-small"
EMBEDDING_PRICE = Decimal("0.02")
WEB_SEARCH_ITEM = "web search tool calls"
WEB_SEARCH_PRICE = Decimal("0.01")
EVAL_WORKSPACE = "wrkspc_eval"
EVAL_KEY = "apikey_eval"
EVAL_TEAM = "data-platform"
CODE_EXECUTION = "Code Execution Usage"
CODE_EXECUTION_PRICE = Decimal("0.05")
OPENROUTER_WORKSPACE = "ws_growth"
OPENROUTER_TEAM = "growth"
OPENROUTER_MODELS = ("deepseek/deepseek-chat", "qwen/qwen3-coder")
OPENROUTER_REACH = 30


def embedded(world: World, day: date) -> tuple[int, int]:
    """Tokens and requests of embeddings."""
    rng = world.rng("embeddings", day)
    return rng.randint(1_000_000, 4_000_000), rng.randint(20, 60)


def searches(world: World, day: date) -> int:
    return world.rng("web-search", day).randint(3, 30)


def code_hours(world: World, day: date) -> int:
    """Hours of code execution."""
    return world.rng("code-execution", day).randint(1, 20)


def priority_tokens(world: World, day: date) -> tuple[int, int]:
    """Input and output tokens of the priority tier, which is paid by commitment."""
    rng = world.rng("priority", day)
    return rng.randint(10_000, 50_000), rng.randint(1_000, 5_000)


def openrouter_rows(world: World, day: date) -> list[tuple[str, Decimal, int, int, int]]:
    """Model, USD, requests, input and output tokens."""
    found = []
    for model in OPENROUTER_MODELS:
        rng = world.rng("openrouter", day, model)
        tokens, answered = rng.randint(100_000, 900_000), rng.randint(10_000, 90_000)
        cost = (tokens * Decimal("0.27") + answered * Decimal("1.1")) / 1_000_000
        found.append((model, cost, rng.randint(5, 50), tokens, answered))
    return found


def labels(world: World, as_of: date) -> Iterator[Label]:
    for day in world.days(as_of):
        cost = EMBEDDING_PRICE * embedded(world, day)[0] / 1_000_000
        key = f"openai|{day}|{RESEARCH_PROJECT}|{EMBEDDING}|input"
        yield Label("openai", key, "ml-platform", cost, True)
        key = f"openai|{day}|{RESEARCH_PROJECT}|{WEB_SEARCH_ITEM}|"
        yield Label("openai", key, "ml-platform", WEB_SEARCH_PRICE * searches(world, day), True)
        key = f"anthropic|{day}|{EVAL_WORKSPACE}|{CODE_EXECUTION}|"
        yield Label("anthropic", key, EVAL_TEAM, CODE_EXECUTION_PRICE * code_hours(world, day), True)
        if as_of - timedelta(days=OPENROUTER_REACH) <= day:
            for model, cost, *_ in openrouter_rows(world, day):
                key = f"openrouter|{day}|{OPENROUTER_WORKSPACE}|{model}|"
                yield Label("openrouter", key, OPENROUTER_TEAM, cost, True)


def spikes(world: World) -> list[Spike]:
    return []


def registry_rules(world: World) -> list[dict[str, object]]:
    return [
        {"id": "llm-eval", "claim": "anthropic_workspace_tag:team", "value": EVAL_TEAM, "owner": EVAL_TEAM},
        {
            "id": "llm-openrouter",
            "claim": "llm_workspace",
            "value": OPENROUTER_WORKSPACE,
            "owner": OPENROUTER_TEAM,
        },
    ]


def registry_pools(world: World) -> list[dict[str, object]]:
    return []


def pool_owners() -> list[dict[str, object]]:
    return []
