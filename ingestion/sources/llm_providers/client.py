"""The providers' admin APIs: authentication, daily buckets by pages, lists by cursor."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ingestion.access.http import Client
from ingestion.errors import VendorError
from ingestion.lake.contract import NoData
from ingestion.lake.records import instant, moment
from ingestion.sources.llm_providers.analytics import ANALYTICS_GROUPS, USAGE_GROUPS
from ingestion.sources.llm_providers.openai_usage import Endpoint

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"
ANTHROPIC_VERSION = "2023-06-01"
SPEED_BETA = {"anthropic-beta": "fast-mode-2026-02-01"}

Bucket = tuple[datetime, list[dict[str, Any]]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Grouping:
    """What a report is asked to be grouped by, and the headers that this needs."""

    groups: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()


def _get(
    http: Client, path: str, params: Any, headers: dict[str, str], accepted: frozenset[int]
) -> tuple[int, Any]:
    response = http.request("GET", path, params=params, headers=headers, accept_statuses=accepted)
    if not response.ok:
        return response.status_code, None
    return response.status_code, http.parsed(response)


def _daily(
    http: Client,
    path: str,
    span: Sequence[tuple[str, Any]],
    groupings: Sequence[Grouping],
    limit: int,
    absent: frozenset[int] = frozenset(),
) -> Iterator[dict[str, Any]]:
    """The daily buckets of a report, page by page. The providers page alike; `limit` counts buckets.

    Groupings are tried from the finest on: the vendor answers 400 for a group that it does not know, which is
    warned of. Raises NoData for a status in `absent`: the report is not there for this organization.
    """
    for number, grouping in enumerate(groupings):
        asked: list[tuple[str, Any]] = [
            *span,
            ("bucket_width", "1d"),
            ("limit", limit),
            *(("group_by[]", group) for group in grouping.groups),
        ]
        headers = dict(grouping.headers)
        is_last = number == len(groupings) - 1
        status, answer = _get(http, path, asked, headers, absent if is_last else absent | {400})
        if status in absent:
            raise NoData(f"{http.vendor}: {path} answered {status}: the report is not there for this organization")
        if answer is None:
            _log.warning(
                "%s: %s does not take the groups %s: asked for %s only",
                http.vendor,
                path,
                ", ".join(grouping.groups),
                ", ".join(groupings[number + 1].groups),
            )
            continue
        while True:
            yield from answer["data"]
            page = answer.get("next_page")
            if not answer.get("has_more") or not page:
                return
            answer = http.json(path, params=[*asked, ("page", page)], headers=headers)


def _listed(
    http: Client, path: str, cursor: str, extra: dict[str, Any], is_optional: bool
) -> Iterator[dict[str, Any]]:
    """A list, page by page; nothing, with a warning, where an optional one answers 404."""
    params: dict[str, Any] = {"limit": 100, **extra}
    while True:
        status, answer = _get(http, path, params, {}, frozenset({404}) if is_optional else frozenset())
        if status == 404:
            _log.warning("%s: %s is not there for this organization", http.vendor, path)
            return
        yield from answer["data"]
        after = answer.get("last_id")
        if not answer.get("has_more") or not after:
            return
        params[cursor] = after


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
        self,
        path: str,
        start: datetime,
        end: datetime,
        groupings: Sequence[tuple[str, ...]],
        limit: int,
        absent: frozenset[int] = frozenset(),
    ) -> Iterator[Bucket]:
        span = [("start_time", int(start.timestamp())), ("end_time", int(end.timestamp()))]
        found = _daily(self.http, path, span, [Grouping(groups) for groups in groupings], limit, absent)
        for bucket in found:
            yield instant(bucket["start_time"], f"OpenAI {path}, start_time of a bucket"), bucket["results"]

    def costs(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Cost results of each UTC day, by project, line item and key."""
        groups = ("project_id", "line_item", "api_key_id")
        return self._buckets("/organization/costs", start, end, [groups, groups[:2]], 180)

    def usage(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Completions usage of each UTC day, by project, key, user, model, batch and tier."""
        groups = ("project_id", "api_key_id", "model", "batch", "service_tier")
        path = "/organization/usage/completions"
        return self._buckets(path, start, end, [(*groups, "user_id"), groups], 31)

    def other_usage(self, endpoint: Endpoint, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Usage of another endpoint. A young one that is not there yet has none, which is logged."""
        groupings = [
            endpoint.groups,
            tuple(group for group in endpoint.groups if group in ("project_id", "model")),
        ]
        absent = frozenset({404}) if endpoint.is_young else frozenset()
        try:
            yield from self._buckets(
                f"/organization/usage/{endpoint.name}", start, end, list(dict.fromkeys(groupings)), 31, absent
            )
        except NoData as reason:
            _log.info("%s", reason)

    def _list(self, path: str, **extra: Any) -> Iterator[dict[str, Any]]:
        return _listed(self.http, path, "after", extra, is_optional=False)

    def projects(self) -> Iterator[dict[str, Any]]:
        return self._list("/organization/projects", include_archived="true")

    def of_project(self, project_id: str, what: str) -> Iterator[dict[str, Any]]:
        """`api_keys` or `service_accounts` of a project."""
        return self._list(f"/organization/projects/{project_id}/{what}")

    def organization(self, what: str) -> Iterator[dict[str, Any]]:
        """`users` or `admin_api_keys`."""
        return self._list(f"/organization/{what}")


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
        for bucket in _daily(self.http, path, span, groupings, 31, absent):
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
        while True:
            status, answer = _get(self.http, path, asked, {}, frozenset({403, 404}))
            if answer is None:
                raise NoData(f"Anthropic: {path} answered {status}: the report is not there for this organization")
            yield from answer["data"]
            page = answer.get("next_page")
            if not answer.get("has_more") or not page:
                return
            asked["page"] = page

    def organization(self, what: str) -> Iterator[dict[str, Any]]:
        """`workspaces`, `api_keys`, `users` or `service_accounts` (young: may not be there)."""
        extra: dict[str, Any] = {"include_archived": "true"} if what == "workspaces" else {}
        path = f"/v1/organizations/{what}"
        return _listed(self.http, path, "after_id", extra, is_optional=what == "service_accounts")


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
