"""OpenAI's admin API: authentication, costs, usage and lists."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from ingestion.access.http import Client
from ingestion.lake.contract import NoData
from ingestion.lake.records import instant
from ingestion.sources.llm_providers.admin_api import Bucket, Grouping, daily_buckets, listed
from ingestion.sources.llm_providers.openai.usage_endpoints import Endpoint

OPENAI_URL = "https://api.openai.com/v1"

_log = logging.getLogger(__name__)


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
        found = daily_buckets(self.http, path, span, [Grouping(groups) for groups in groupings], limit, absent)
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
        return listed(self.http, path, "after", extra, is_optional=False)

    def projects(self) -> Iterator[dict[str, Any]]:
        return self._list("/organization/projects", include_archived="true")

    def of_project(self, project_id: str, what: str) -> Iterator[dict[str, Any]]:
        """`api_keys` or `service_accounts` of a project."""
        return self._list(f"/organization/projects/{project_id}/{what}")

    def organization(self, what: str) -> Iterator[dict[str, Any]]:
        """`users` or `admin_api_keys`."""
        return self._list(f"/organization/{what}")
