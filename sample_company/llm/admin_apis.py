"""The providers' other endpoints as the sample company sees them: lists of ids, analytics, Claude Code, OpenRouter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sample_company.llm.models import ACCOUNTS, CLASSES
from sample_company.llm.other_products import (
    EMBEDDING,
    EVAL_KEY,
    EVAL_TEAM,
    EVAL_WORKSPACE,
    OPENROUTER_REACH,
    OPENROUTER_WORKSPACE,
    embedded,
    openrouter_rows,
    searches,
)
from sample_company.llm.requests import (
    APP_KEY,
    APP_PROJECT,
    GATEWAY_KEY,
    RESEARCH_KEY,
    RESEARCH_PROJECT,
    provider_usage,
)
from sample_company.server import Request, Response, Route, json_response
from sample_company.world import State

OPENROUTER_KEY = "sk-or-mgmt-sample"
KEYS = {ACCOUNTS["openai"]: GATEWAY_KEY, APP_PROJECT: APP_KEY, RESEARCH_PROJECT: RESEARCH_KEY}
Record = dict[str, Any]
Guard = Callable[[Request], Response | None]


def embeddings(state: State, day: date) -> list[Record]:
    tokens, requests = embedded(state.world, day)
    return [
        {
            "object": "organization.usage.embeddings.result",
            "input_tokens": tokens,
            "num_model_requests": requests,
            "project_id": RESEARCH_PROJECT,
            "user_id": None,
            "api_key_id": RESEARCH_KEY,
            "model": EMBEDDING,
        }
    ]


def web_searches(state: State, day: date) -> list[Record]:
    return [
        {
            "object": "organization.usage.web_search_calls.result",
            "num_model_requests": searches(state.world, day),
            "num_requests": searches(state.world, day),
            "project_id": RESEARCH_PROJECT,
            "user_id": None,
            "api_key_id": RESEARCH_KEY,
            "model": "gpt-5-2025-08-07",
            "context_level": "medium",
        }
    ]


def nothing(state: State, day: date) -> list[Record]:
    return []


OTHER_USAGE: dict[str, Callable[[State, date], list[Record]]] = {
    "embeddings": embeddings,
    "web_search_calls": web_searches,
    **dict.fromkeys(
        (
            "moderations",
            "images",
            "audio_speeches",
            "audio_transcriptions",
            "vector_stores",
            "code_interpreter_sessions",
            "file_search_calls",
        ),
        nothing,
    ),
}


def _openai_list(request: Request) -> list[Record] | None:
    what = request.match.get("what") or ""
    project = request.match.get("project") or ""
    holder = {"type": "service_account", "service_account": {"id": f"svc_{project[5:]}", "name": project[5:]}}
    key = {"object": "organization.project.api_key", "id": KEYS.get(project), "name": project[5:], "owner": holder}
    lists: dict[str, list[Record]] = {
        "api_keys": [{**key, "redacted_value": "sk-...abcd", "created_at": 1_750_000_000}],
        "service_accounts": [{"id": f"svc_{project[5:]}", "name": project[5:], "role": "member"}],
        "users": [{"id": "user_ada", "name": "Ada", "email": "ada@sample.example", "role": "owner"}],
        "admin_api_keys": [{"id": "key_admin", "name": "costowner", "redacted_value": "sk-admin...wxyz"}],
    }
    return lists.get(what)


def _anthropic_list(state: State, request: Request) -> list[Record] | None:
    tags = state.workspace_tags.get(EVAL_WORKSPACE, {"team": EVAL_TEAM})
    account = {"type": "ServiceAccount", "id": "svac_eval"}
    lists: dict[str, list[Record]] = {
        "workspaces": [
            {"id": ACCOUNTS["anthropic"], "type": "workspace", "name": "gateway", "tags": {}},
            {"id": EVAL_WORKSPACE, "type": "workspace", "name": "evaluation", "tags": tags},
        ],
        "api_keys": [
            {"id": GATEWAY_KEY, "type": "api_key", "name": "gateway", "workspace_id": ACCOUNTS["anthropic"]},
            {
                "id": EVAL_KEY,
                "type": "api_key",
                "name": "eval",
                "workspace_id": EVAL_WORKSPACE,
                "principal": account,
            },
        ],
        "users": [{"id": "user_ada", "type": "user", "name": "Ada", "email": "ada@sample.example"}],
        "service_accounts": [{"id": "svac_eval", "type": "service_account", "name": "evaluation"}],
    }
    return lists.get(request.match.get("what") or "")


def analytics_costs(state: State, day: date, grouped: bool) -> list[Record]:
    """A day's cost by model. Grouped, the smallest model is left out, as if it came after the hundredth."""
    by_model: dict[str, Decimal] = {}
    for usage in provider_usage(state.world, day, "anthropic"):
        for token_class, tokens in zip(CLASSES, usage.tokens, strict=True):
            cost = usage.model.cost(token_class, tokens, usage.tier) * 100
            by_model[usage.model.wire] = by_model.get(usage.model.wire, Decimal(0)) + cost
    groups = sorted(by_model.items(), key=lambda item: item[1], reverse=True)
    if not grouped:
        groups = [("", sum(by_model.values(), Decimal(0)))]
    elif len(groups) > 1:
        groups = groups[:-1]
    return [
        {
            "amount": format(amount, "f"),
            "list_amount": format(amount, "f"),
            "currency": "USD",
            "requests": 1,
            **({"product": "api", "model": model} if grouped else {}),
        }
        for model, amount in groups
    ]


def _claude_code(state: State, request: Request) -> Response:
    day = date.fromisoformat((request.one("starting_at") or "")[:10])
    tokens = state.world.rng("claude-code", day).randint(10_000, 90_000)
    record = {
        "date": f"{day}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": "ada@sample.example"},
        "organization_id": "org_sample",
        "customer_type": "subscription",
        "subscription_type": "enterprise",
        "terminal_type": "vscode",
        "core_metrics": {"num_sessions": 3, "lines_of_code": {"added": 120, "removed": 30}},
        "tool_actions": {"edit_tool": {"accepted": 10, "rejected": 1}},
        "model_breakdown": [
            {
                "model": "claude-sonnet-4-5",
                "tokens": {"input": tokens, "output": 900, "cache_read": 0, "cache_creation": 0},
                "estimated_cost": {"currency": "USD", "amount": tokens * 3 // 10_000},
            }
        ],
    }
    return json_response({"data": [record], "has_more": False, "next_page": None})


def _openrouter(state: State, request: Request) -> Response:
    if request.header("Authorization") != f"Bearer {OPENROUTER_KEY}":
        return json_response({"error": {"message": "No auth credentials found", "code": 401}}, 401)
    day = date.fromisoformat(request.one("date") or "")
    if not state.as_of - timedelta(days=OPENROUTER_REACH) <= day < state.as_of:
        return json_response({"error": {"message": "Date must be within the last 30 UTC days", "code": 400}}, 400)
    if day not in state.world.days(state.as_of):
        return json_response({"data": []})
    rows = [
        {
            "date": f"{day} 00:00:00",
            "model": model,
            "model_permaslug": model,
            "endpoint_id": "endpoint",
            "provider_name": "DeepInfra",
            "workspace_id": OPENROUTER_WORKSPACE,
            "usage": cost,
            "byok_usage_inference": 0,
            "requests": requests,
            "prompt_tokens": tokens,
            "completion_tokens": answered,
            "reasoning_tokens": 0,
        }
        for model, cost, requests, tokens, answered in openrouter_rows(state.world, day)
    ]
    return json_response({"data": rows})


def routes(state: State, openai: Guard, anthropic: Guard) -> list[Route]:
    """Lists, Claude Code and OpenRouter; `openai` and `anthropic` refuse a request without the right key."""

    def listing(guard: Guard, records: Callable[[Request], list[Record] | None]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            refused = guard(request)
            if refused:
                return refused
            found = records(request)
            if found is None:
                return json_response({"error": {"message": "not found"}}, 404)
            return json_response({"data": found, "has_more": False, "last_id": found[-1]["id"]})

        return answer

    base = "/openai/organization"
    prefix = "/anthropic/v1/organizations"
    return [
        Route(
            "GET",
            f"{base}/projects/(?P<project>[^/]+)/(?P<what>api_keys|service_accounts)",
            listing(openai, _openai_list),
        ),
        Route("GET", f"{base}/(?P<what>users|admin_api_keys)", listing(openai, _openai_list)),
        Route(
            "GET",
            f"{prefix}/(?P<what>workspaces|api_keys|users|service_accounts)",
            listing(anthropic, lambda asked: _anthropic_list(state, asked)),
        ),
        Route(
            "GET",
            f"{prefix}/usage_report/claude_code",
            lambda asked: anthropic(asked) or _claude_code(state, asked),
        ),
        Route("GET", "/openrouter/activity", lambda asked: _openrouter(state, asked)),
    ]
