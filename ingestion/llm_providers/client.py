"""The providers' admin APIs: authentication, daily buckets by pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.errors import VendorError
from ingestion.http import Client

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"
ANTHROPIC_VERSION = "2023-06-01"

Bucket = tuple[datetime, list[dict[str, Any]]]


def _daily(
    http: Client, path: str, span: Sequence[tuple[str, Any]], groups: tuple[str, ...], limit: int
) -> Iterator[dict[str, Any]]:
    """The daily buckets of a report, page by page. Both providers page alike; `limit` counts buckets."""
    asked: list[tuple[str, Any]] = [
        *span,
        ("bucket_width", "1d"),
        ("limit", limit),
        *(("group_by[]", group) for group in groups),
    ]
    page: str | None = None
    while True:
        answer = http.json(path, params=[*asked, ("page", page)] if page else asked)
        yield from answer["data"]
        page = answer.get("next_page")
        if not answer.get("has_more") or not page:
            return


class OpenAi:
    """An organization's costs and usage, with an admin key. Limits count buckets: 180 for costs, 31 for usage."""

    name = "openai"

    def __init__(self, key: str, base_url: str) -> None:
        self.http = Client(
            "OpenAI",
            base_url,
            headers={"Authorization": f"Bearer {key}"},
            credentials="sources.llm_providers.openai_admin_key (an admin key, sk-admin-…)",
        )

    def _buckets(
        self, path: str, start: datetime, end: datetime, groups: tuple[str, ...], limit: int
    ) -> Iterator[Bucket]:
        span = [("start_time", int(start.timestamp())), ("end_time", int(end.timestamp()))]
        for bucket in _daily(self.http, path, span, groups, limit):
            yield datetime.fromtimestamp(int(bucket["start_time"]), UTC), bucket["results"]

    def costs(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Cost results of each UTC day, by project, line item and key."""
        return self._buckets("/organization/costs", start, end, ("project_id", "line_item", "api_key_id"), 180)

    def usage(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Completions usage of each UTC day, by project, key, model, batch and tier."""
        groups = ("project_id", "api_key_id", "model", "batch", "service_tier")
        return self._buckets("/organization/usage/completions", start, end, groups, 31)

    def projects(self) -> Iterator[dict[str, Any]]:
        after: str | None = None
        while True:
            params: dict[str, Any] = {"limit": 100, "include_archived": "true"}
            if after:
                params["after"] = after
            answer = self.http.json("/organization/projects", params=params)
            yield from answer["data"]
            after = answer.get("last_id")
            if not answer.get("has_more") or not after:
                return


class Anthropic:
    """An organization's cost and usage reports, with an admin key."""

    name = "anthropic"

    def __init__(self, key: str, base_url: str) -> None:
        self.http = Client(
            "Anthropic",
            base_url,
            headers={"x-api-key": key, "anthropic-version": ANTHROPIC_VERSION, "User-Agent": "costowner"},
            credentials="sources.llm_providers.anthropic_admin_key (an admin key, sk-ant-admin…)",
        )

    def _buckets(self, path: str, start: datetime, end: datetime, groups: tuple[str, ...]) -> Iterator[Bucket]:
        span = [("starting_at", f"{start:%Y-%m-%dT%H:%M:%SZ}"), ("ending_at", f"{end:%Y-%m-%dT%H:%M:%SZ}")]
        for bucket in _daily(self.http, path, span, groups, 31):
            yield datetime.fromisoformat(bucket["starting_at"]), bucket["results"]

    def costs(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Cost results of each UTC day, by workspace and description; amounts are cents, as text."""
        return self._buckets("/v1/organizations/cost_report", start, end, ("workspace_id", "description"))

    def usage(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Messages usage of each UTC day, by key, workspace, model and tier."""
        groups = ("api_key_id", "workspace_id", "model", "service_tier", "context_window")
        return self._buckets("/v1/organizations/usage_report/messages", start, end, groups)


def closed_days(start: datetime, end: datetime, now: datetime) -> list[datetime]:
    """The UTC days of a span that are over: reports of a running day are partial and jump."""
    last = min(end, now.replace(hour=0, minute=0, second=0, microsecond=0))
    return [start + timedelta(days=offset) for offset in range(max((last - start).days, 0))]


def within(buckets: Iterator[Bucket], days: list[datetime], vendor: str) -> dict[datetime, list[dict[str, Any]]]:
    """The results by day. Raises VendorError for a bucket that was not asked for: windows would be shifted."""
    asked = set(days)
    found: dict[datetime, list[dict[str, Any]]] = {}
    for day, results in buckets:
        if day not in asked:
            raise VendorError(f"{vendor}: answered with a bucket of {day:%Y-%m-%d %H:%M}, which was not asked for")
        found.setdefault(day, []).extend(results)
    return found
