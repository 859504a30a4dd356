"""OpenAI's and Anthropic's admin APIs as the sample company sees them: costs and usage in daily buckets, by pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sample_company.llm import admin_apis
from sample_company.llm.models import ACCOUNTS, CLASSES
from sample_company.llm.other_products import (
    CODE_EXECUTION,
    CODE_EXECUTION_PRICE,
    EMBEDDING,
    EMBEDDING_PRICE,
    EVAL_KEY,
    EVAL_WORKSPACE,
    WEB_SEARCH_ITEM,
    WEB_SEARCH_PRICE,
    code_hours,
    embedded,
    priority_tokens,
    searches,
)
from sample_company.llm.requests import APP_PROJECT, RESEARCH_KEY, RESEARCH_PROJECT, provider_usage
from sample_company.server import Request, Response, Route, json_response
from sample_company.world import State, at

OPENAI_KEY = "sk-admin-sample"
ANTHROPIC_KEY = "sk-ant-admin-sample"
LINE_ITEMS = {"input": "input", "cached_input": "cached input", "output": "output"}
TOKEN_TYPES = {
    "input": "uncached_input_tokens",
    "cached_input": "cache_read_input_tokens",
    "cache_write_5m": "cache_creation.ephemeral_5m_input_tokens",
    "output": "output_tokens",
}


def _bounded(
    state: State, first: datetime, last: datetime | None, limit: int, page: str | None
) -> tuple[list[date], str | None]:
    """The days of a page, and the next page's token. `limit` counts buckets."""
    end = last or at(state.as_of)
    days = [day for day in state.world.days(state.as_of) if first <= at(day) < end]
    offset = int(page or 0)
    following = offset + limit
    return days[offset:following], str(following) if following < len(days) else None


def _openai_refuses(request: Request) -> Response | None:
    if request.header("Authorization") == f"Bearer {OPENAI_KEY}":
        return None
    return json_response({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, 401)


def _anthropic_refuses(request: Request) -> Response | None:
    if request.header("x-api-key") == ANTHROPIC_KEY and request.header("anthropic-version"):
        return None
    return json_response({"type": "error", "error": {"type": "authentication_error"}}, 401)


def _openai(
    state: State, request: Request, results: Callable[[date], list[dict[str, Any]]], most: int
) -> Response:
    refused = _openai_refuses(request)
    if refused:
        return refused
    first = datetime.fromtimestamp(int(request.one("start_time") or 0), UTC)
    last = request.one("end_time")
    limit = min(int(request.one("limit") or 7), most)
    days, following = _bounded(
        state, first, datetime.fromtimestamp(int(last), UTC) if last else None, limit, request.one("page")
    )
    buckets = [
        {
            "object": "bucket",
            "start_time": int(at(day).timestamp()),
            "end_time": int(at(day + timedelta(days=1)).timestamp()),
            "results": results(day),
        }
        for day in days
    ]
    return json_response(
        {"object": "page", "data": buckets, "has_more": following is not None, "next_page": following}
    )


def _openai_costs(state: State, day: date) -> list[dict[str, Any]]:
    return [
        {
            "object": "organization.costs.result",
            "amount": {"value": usage.model.cost(token_class, tokens, usage.tier), "currency": "usd"},
            "line_item": f"{usage.model.wire}, {LINE_ITEMS[token_class]}",
            "quantity": Decimal(tokens),
            "project_id": usage.account,
            "api_key_id": usage.key,
        }
        for usage in provider_usage(state.world, day, "openai")
        for token_class, tokens in zip(CLASSES, usage.tokens, strict=True)
        if tokens
    ] + [
        {
            "object": "organization.costs.result",
            "amount": {"value": price * count, "currency": "usd"},
            "line_item": line_item,
            "quantity": Decimal(count),
            "project_id": RESEARCH_PROJECT,
            "api_key_id": RESEARCH_KEY,
        }
        for line_item, price, count in (
            (f"{EMBEDDING}, input", EMBEDDING_PRICE / 1_000_000, embedded(state.world, day)[0]),
            (WEB_SEARCH_ITEM, WEB_SEARCH_PRICE, searches(state.world, day)),
        )
    ]


def _openai_usage(state: State, day: date) -> list[dict[str, Any]]:
    return [
        {
            "object": "organization.usage.completions.result",
            "input_tokens": usage.tokens[0] + usage.tokens[1],
            "input_cached_tokens": usage.tokens[1],
            "input_uncached_tokens": usage.tokens[0],
            "output_tokens": usage.tokens[3],
            "num_model_requests": usage.requests,
            "project_id": usage.account,
            "user_id": None,
            "api_key_id": usage.key,
            "model": usage.model.wire,
            "batch": usage.tier == "batch",
            "service_tier": "default",
        }
        for usage in provider_usage(state.world, day, "openai")
    ]


def _anthropic(state: State, request: Request, results: Callable[[date], list[dict[str, Any]]]) -> Response:
    refused = _anthropic_refuses(request)
    if refused:
        return refused
    first = datetime.fromisoformat(request.one("starting_at") or "1970-01-01T00:00:00Z")
    last = request.one("ending_at")
    limit = min(int(request.one("limit") or 7), 31)
    days, following = _bounded(
        state, first, datetime.fromisoformat(last) if last else None, limit, request.one("page")
    )
    buckets = [
        {
            "starting_at": f"{day}T00:00:00Z",
            "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
            "results": results(day),
        }
        for day in days
    ]
    return json_response({"data": buckets, "has_more": following is not None, "next_page": following})


def _anthropic_costs(state: State, day: date) -> list[dict[str, Any]]:
    return [
        {
            "amount": format(usage.model.cost(token_class, tokens, usage.tier) * 100, "f"),
            "currency": "USD",
            "cost_type": "tokens",
            "description": f"{usage.model.id} Usage - {token_class}{' (batch)' if usage.tier == 'batch' else ''}",
            "model": usage.model.wire,
            "service_tier": usage.tier,
            "context_window": "0-200k",
            "inference_geo": "global",
            "token_type": TOKEN_TYPES[token_class],
            "workspace_id": usage.account,
        }
        for usage in provider_usage(state.world, day, "anthropic")
        for token_class, tokens in zip(CLASSES, usage.tokens, strict=True)
        if tokens
    ] + [
        {
            "amount": format(CODE_EXECUTION_PRICE * code_hours(state.world, day) * 100, "f"),
            "currency": "USD",
            "cost_type": "code_execution",
            "description": CODE_EXECUTION,
            **dict.fromkeys(("model", "service_tier", "context_window", "inference_geo", "token_type")),
            "workspace_id": EVAL_WORKSPACE,
        }
    ]


def _anthropic_usage(state: State, day: date) -> list[dict[str, Any]]:
    taken, answered = priority_tokens(state.world, day)
    return [
        {
            "uncached_input_tokens": taken,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": answered,
            "server_tool_use": {"web_search_requests": 0},
            "api_key_id": EVAL_KEY,
            "workspace_id": EVAL_WORKSPACE,
            "model": "claude-haiku-4-5",
            "service_tier": "priority",
            "context_window": "0-200k",
        },
    ] + [
        {
            "uncached_input_tokens": usage.tokens[0],
            "cache_read_input_tokens": usage.tokens[1],
            "cache_creation": {"ephemeral_5m_input_tokens": usage.tokens[2], "ephemeral_1h_input_tokens": 0},
            "output_tokens": usage.tokens[3],
            "server_tool_use": {"web_search_requests": 0},
            "api_key_id": usage.key,
            "workspace_id": usage.account,
            "model": usage.model.wire,
            "service_tier": usage.tier,
            "context_window": "0-200k",
        }
        for usage in provider_usage(state.world, day, "anthropic")
    ]


def routes(state: State) -> list[Route]:
    """The endpoints that ingestion uses, under `/openai` and `/anthropic`."""

    def openai_projects(request: Request) -> Response:
        found = [
            {"object": "organization.project", "id": identifier, "name": identifier[5:], "status": "active"}
            for identifier in (ACCOUNTS["openai"], APP_PROJECT, RESEARCH_PROJECT)
        ]
        return json_response({"object": "list", "data": found, "has_more": False, "last_id": RESEARCH_PROJECT})

    return [
        Route(
            "GET",
            "/openai/organization/costs",
            lambda asked: _openai(state, asked, lambda day: _openai_costs(state, day), 180),
        ),
        Route(
            "GET",
            "/openai/organization/usage/completions",
            lambda asked: _openai(state, asked, lambda day: _openai_usage(state, day), 31),
        ),
        *(
            Route(
                "GET",
                f"/openai/organization/usage/{name}",
                lambda asked, results=results: _openai(state, asked, lambda day: results(state, day), 31),  # type: ignore[misc]
            )
            for name, results in admin_apis.OTHER_USAGE.items()
        ),
        *(
            Route(
                "GET",
                f"/anthropic/v1/organizations/analytics/{report}",
                lambda asked, results=results: _anthropic(  # type: ignore[misc]
                    state, asked, lambda day: results(state, day, "group_by[]" in asked.query)
                ),
            )
            for report, results in (
                ("cost_report", admin_apis.analytics_costs),
                ("usage_report", lambda state, day, grouped: []),
            )
        ),
        *admin_apis.routes(state, _openai_refuses, _anthropic_refuses),
        Route("GET", "/openai/organization/projects", openai_projects),
        Route(
            "GET",
            "/anthropic/v1/organizations/cost_report",
            lambda asked: _anthropic(state, asked, lambda day: _anthropic_costs(state, day)),
        ),
        Route(
            "GET",
            "/anthropic/v1/organizations/usage_report/messages",
            lambda asked: _anthropic(state, asked, lambda day: _anthropic_usage(state, day)),
        ),
    ]


def settings(base_url: str) -> dict[str, str]:
    """The environment under which ingestion finds these providers."""
    return {
        "SOURCES__LLM_PROVIDERS__OPENAI_ADMIN_KEY": OPENAI_KEY,
        "SOURCES__LLM_PROVIDERS__OPENAI_BASE_URL": f"{base_url}/openai",
        "SOURCES__LLM_PROVIDERS__ANTHROPIC_ADMIN_KEY": ANTHROPIC_KEY,
        "SOURCES__LLM_PROVIDERS__ANTHROPIC_BASE_URL": f"{base_url}/anthropic",
        "SOURCES__LLM_PROVIDERS__OPENROUTER_MANAGEMENT_KEY": admin_apis.OPENROUTER_KEY,
        "SOURCES__LLM_PROVIDERS__OPENROUTER_BASE_URL": f"{base_url}/openrouter",
    }
