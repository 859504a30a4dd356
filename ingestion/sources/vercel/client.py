"""Vercel's API: where things are, how pages follow, what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from ingestion.access.http import Client, exact_json
from ingestion.access.paging import Pages
from ingestion.errors import BadInput, SettingError, VendorError
from ingestion.lake.contract import NoData
from ingestion.lake.lists import WITHOUT_ACCESS, list_answer, list_page
from ingestion.lake.records import part

BASE_URL = "https://api.vercel.com"
AI_GATEWAY_URL = "https://ai-gateway.vercel.sh"
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

    def commitments(self) -> Iterator[Any]:
        """The team's contract commitments: Vercel documents JSON Lines, and its own CLI reads an array; a team may have none.

        Raises BadInput, with the line, for what is neither.
        """
        path = "/v1/billing/contract-commitments"
        answer = list_answer(self.http, path, {"teamId": self.team_id}, {"Accept": "application/jsonl"})
        try:
            whole = exact_json(answer.content) if answer.content.strip() else []
        except ValueError:
            lines = enumerate(answer.content.splitlines(), start=1)
            whole = [self._json(line, f"Vercel {path}, line {number}") for number, line in lines if line.strip()]
        yield from whole if isinstance(whole, list) else [whole]

    @staticmethod
    def _json(line: bytes, where: str) -> Any:
        try:
            return exact_json(line)
        except ValueError:
            raise BadInput(f"{where}: not JSON") from None

    def _pages(self, path: str, key: str, cursor: str) -> Iterator[Any]:
        """The records of a list, page by page. Raises BadInput where a page is no such list."""
        following: Any = None
        pages = Pages(self.http.vendor, path)
        while True:
            params: dict[str, Any] = {"teamId": self.team_id, "limit": PAGE}
            if following is not None:
                params[cursor] = following
            where = f"Vercel {path}"
            answer = list_page(self.http, path, params)
            found = answer.get(key)
            if not isinstance(found, list):
                raise BadInput(f"{where}: the answer has no list of {key}")
            yield from pages.take(found)
            pagination = part(answer.get("pagination"), f"{where}, pagination")
            following = pages.follow(pagination.get("next"), pagination.get("hasNext"))
            if following is None:
                return

    def teams(self) -> Iterator[Any]:
        """The team."""
        yield list_page(self.http, f"/v2/teams/{self.team_id}")

    def projects(self) -> Iterator[Any]:
        """The team's projects that still exist."""
        return self._pages("/v10/projects", "projects", "from")

    def members(self) -> Iterator[Any]:
        """The team's members, with the projects that they have a role of their own in."""
        return self._pages(f"/v3/teams/{self.team_id}/members", "members", "until")

    def access_groups(self) -> Iterator[Any]:
        """The team's access groups."""
        return self._pages("/v1/access-groups", "accessGroups", "next")

    def projects_of_group(self, group_id: str) -> Iterator[Any]:
        """The projects that an access group has a role in."""
        return self._pages(f"/v1/access-groups/{quote(group_id, safe='')}/projects", "projects", "next")


class AiGateway:
    """The report of Vercel's AI Gateway, by an AI Gateway API key. Vercel charges for each query."""

    def __init__(self, key: str, base_url: str = AI_GATEWAY_URL) -> None:
        self.http = Client(
            "Vercel AI Gateway",
            base_url,
            headers={"Authorization": f"Bearer {key}"},
            credentials="sources.vercel.ai_gateway_key (Pro or Enterprise)",
        )

    def report(self, day: date, dimension: str) -> list[Any]:
        """The usage of a UTC day by one dimension: one query. Raises BadInput where the report can't be had."""
        path = "/v1/report"
        params = {"start_date": f"{day}", "end_date": f"{day}", "group_by": dimension}
        try:
            found = self.http.json(path, params=params).get("results")
        except (SettingError, VendorError) as error:
            raise BadInput(str(error)) from None
        if not isinstance(found, list):
            raise BadInput(f"Vercel AI Gateway {path}: the answer has no list of results")
        return found

    def credits(self) -> dict[str, Any]:
        """The credits that pay for the usage. Raises as `list_page`."""
        return list_page(self.http, "/v1/credits", without_access=WITHOUT_ACCESS | {401})
