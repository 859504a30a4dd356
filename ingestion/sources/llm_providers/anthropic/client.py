"""Anthropic's admin API: authentication, cost and usage reports, analytics, Claude Code and lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from ingestion.access.http import Client
from ingestion.access.paging import Pages
from ingestion.lake.contract import NoData
from ingestion.lake.records import moment
from ingestion.sources.llm_providers.admin_api import Bucket, Grouping, daily_buckets, get, listed
from ingestion.sources.llm_providers.anthropic.analytics import ANALYTICS_GROUPS, USAGE_GROUPS

ANTHROPIC_URL = "https://api.anthropic.com"


ANTHROPIC_VERSION = "2023-06-01"


SPEED_BETA = {"anthropic-beta": "fast-mode-2026-02-01"}


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

    def _buckets(
        self,
        path: str,
        start: datetime,
        end: datetime,
        groupings: Sequence[Grouping],
        absent: frozenset[int] = frozenset(),
    ) -> Iterator[Bucket]:
        span = [("starting_at", f"{start:%Y-%m-%dT%H:%M:%SZ}"), ("ending_at", f"{end:%Y-%m-%dT%H:%M:%SZ}")]
        for bucket in daily_buckets(self.http, path, span, groupings, 31, absent):
            yield moment(bucket["starting_at"], f"Anthropic {path}, starting_at of a bucket"), bucket["results"]

    def costs(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Cost results of each UTC day, by workspace and description; amounts are cents, as text."""
        grouping = Grouping(("workspace_id", "description"))
        return self._buckets("/v1/organizations/cost_report", start, end, [grouping])

    def usage(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Messages usage of each UTC day, as finely as the organization's API knows."""
        groups = ("api_key_id", "workspace_id", "model", "service_tier", "context_window")
        people = (*groups, "inference_geo", "account_id", "service_account_id")
        groupings = [Grouping((*people, "speed"), tuple(SPEED_BETA.items())), Grouping(people), Grouping(groups)]
        return self._buckets("/v1/organizations/usage_report/messages", start, end, groupings)

    def analytics(self, report: str, start: datetime, end: datetime, grouped: bool) -> Iterator[Bucket]:
        """`cost_report` or `usage_report` of the analytics family: the 100 largest groups of a day, or its total."""
        groups = ANALYTICS_GROUPS if report == "cost_report" else USAGE_GROUPS
        path = f"/v1/organizations/analytics/{report}"
        grouping = Grouping(groups if grouped else ())
        return self._buckets(path, start, end, [grouping], frozenset({403, 404}))

    def claude_code(self, day: datetime) -> Iterator[dict[str, Any]]:
        """Claude Code's records of one UTC day: the API takes a single day a call."""
        asked: dict[str, Any] = {"starting_at": f"{day:%Y-%m-%d}", "limit": 1000}
        path = "/v1/organizations/usage_report/claude_code"
        pages = Pages(self.http.vendor, path)
        while True:
            status, answer = get(self.http, path, asked, {}, frozenset({403, 404}))
            if answer is None:
                raise NoData(f"Anthropic: {path} answered {status}: the report is not there for this organization")
            yield from pages.take(answer["data"])
            page = pages.follow(answer.get("next_page"), answer.get("has_more"))
            if page is None:
                return
            asked["page"] = page

    def organization(self, what: str) -> Iterator[dict[str, Any]]:
        """`workspaces`, `api_keys`, `users` or `service_accounts` (young: may not be there)."""
        extra: dict[str, Any] = {"include_archived": "true"} if what == "workspaces" else {}
        path = f"/v1/organizations/{what}"
        return listed(self.http, path, "after_id", extra, is_optional=what == "service_accounts")
