"""Vercel's API: where things are, how pages follow, what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ingestion.access.http import Client, exact_json
from ingestion.access.paging import Pages
from ingestion.errors import BadInput, VendorError
from ingestion.lake.contract import NoData
from ingestion.lake.records import part

BASE_URL = "https://api.vercel.com"
PAGE = 100


class Vercel:
    """One team's Vercel, by access token."""

    def __init__(self, token: str, team_id: str, base_url: str = BASE_URL) -> None:
        self.team_id = team_id
        self.http = Client(
            "Vercel",
            base_url,
            headers={"Authorization": f"Bearer {token}"},
            credentials="sources.vercel.token (the role needs to see billing) and sources.vercel.team_id",
        )

    def charges(self, start: datetime, end: datetime) -> Iterator[Any]:
        """The charges, as JSON of whatever kind, from `start` to before `end`, both Los Angeles midnights; at most a year.

        Raises NoData on `costs_not_found`, which does not mean that usage was zero, and BadInput, with the line,
        where the stream is cut or garbled.
        """
        url = "/v1/billing/charges"
        params = {"teamId": self.team_id, "from": start.isoformat(), "to": end.isoformat()}
        answer = self.http.request(
            "GET",
            url,
            params=params,
            headers={"Accept": "application/jsonl"},
            stream=True,
            accept_statuses=frozenset({404}),
        )
        if answer.status_code == 404:
            if b"costs_not_found" in answer.content:
                raise NoData("Vercel has no costs for these days (costs_not_found)")
            raise VendorError(f"Vercel: {url} is not there for team {self.team_id} (404)")
        for number, line in answer.lines():
            try:
                yield exact_json(line)
            except ValueError:
                raise BadInput(
                    f"Vercel {url} from {start:%Y-%m-%d} to {end:%Y-%m-%d}, line {number}: not JSON; "
                    "the answer was cut off or garbled, the next refresh asks again"
                ) from None

    def _pages(self, path: str, key: str, cursor: str) -> Iterator[Any]:
        """The records of a list, page by page. Raises BadInput where a page is no such list."""
        following: Any = None
        pages = Pages(self.http.vendor, path)
        while True:
            params: dict[str, Any] = {"teamId": self.team_id, "limit": PAGE}
            if following is not None:
                params[cursor] = following
            answer = self.http.json(path, params=params)
            found = answer.get(key)
            if not isinstance(found, list):
                raise BadInput(f"Vercel {path}: the answer has no list of {key}")
            yield from pages.take(found)
            following = pages.follow(part(answer.get("pagination"), f"Vercel {path}, pagination").get("next"))
            if following is None:
                return

    def teams(self) -> Iterator[Any]:
        """The teams that the token sees."""
        return self._pages("/v2/teams", "teams", "until")

    def projects(self) -> Iterator[Any]:
        """The team's projects that still exist."""
        return self._pages("/v10/projects", "projects", "from")
