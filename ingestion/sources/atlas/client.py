"""The Atlas Admin API v2: service-account tokens, versioned media types, numbered pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from ingestion.access.http import Client, exact_json
from ingestion.access.paging import Pages
from ingestion.access.session import without_query
from ingestion.errors import BadInput, SettingError, VendorError
from ingestion.lake.lists import WITHOUT_ACCESS, list_page

BASE_URL = "https://cloud.mongodb.com"
PAGE = 500
INVOICES = "application/vnd.atlas.2023-01-01+json"
# The status of an invoice that is not closed: neither its lines nor its amounts are final.
PENDING = "PENDING"
CLUSTERS = "application/vnd.atlas.2024-08-05+json"
COLLECTIONS = "application/vnd.atlas.2023-11-15+json"
# Atlas answers 401 also for a role that is missing. Credentials that are wrong are refused with the invoices before.
WITHOUT_ROLE = WITHOUT_ACCESS | {401}
# A token lives for about an hour: it is asked for again some minutes before.
EARLY = 300


class ServiceAccount(AuthBase):
    """OAuth client credentials of a service account (Basic), with a token that is renewed before it expires."""

    def __init__(
        self, client_id: str, client_secret: str, base_url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = Client(
            "Atlas",
            f"{base_url.rstrip('/')}/api/oauth",
            auth=HTTPBasicAuth(client_id, client_secret),
            credentials="sources.atlas.client_id and sources.atlas.client_secret",
        )
        self._clock = clock
        self._token = ""
        self._expires = 0.0

    def _renew(self) -> None:
        grant = {"grant_type": "client_credentials"}
        answer = self._http.request("POST", "token", form=grant, accept_statuses=frozenset({400}))
        where = without_query(answer.url)
        if answer.status_code == 400:
            raise SettingError(f"Atlas: {where} answered 400: check {self._http.credentials}")
        try:
            content = exact_json(answer.content)
            token, lifetime = str(content["access_token"]), float(content.get("expires_in", 3600))
        except (ValueError, LookupError, TypeError):
            raise VendorError(f"Atlas: {where} answered without a token") from None
        self._token, self._expires = token, self._clock() + lifetime - EARLY

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._clock() >= self._expires or not self._token:
            self._renew()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def authentication(
    client_id: str | None,
    client_secret: str | None,
    public_key: str | None,
    private_key: str | None,
    base_url: str,
) -> AuthBase:
    """How requests are signed: by a service account, or else by a programmatic API key (HTTP Digest).

    Raises SettingError where neither is set as a pair.
    """
    if client_id and client_secret:
        return ServiceAccount(client_id, client_secret, base_url)
    if public_key and private_key:
        return HTTPDigestAuth(public_key, private_key)
    raise SettingError(
        "sources.atlas: set client_id and client_secret of a service account, or public_key and private_key of an API key"
    )


class Atlas:
    """One organization's Atlas."""

    def __init__(self, auth: AuthBase, org_id: str, base_url: str = BASE_URL) -> None:
        self.org_id = org_id
        self._lists: dict[str, list[Any]] = {}
        self.http = Client(
            "Atlas",
            f"{base_url.rstrip('/')}/api/atlas/v2",
            auth=auth,
            credentials="the role of the service account or API key (Organization Billing Viewer) and sources.atlas.org_id",
        )

    def _pages(self, path: str, read: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[Any]:
        """The records of a list, page by page; `read` reads a page. Raises BadInput where a page is no such list."""
        number, seen = 1, 0
        pages = Pages(self.http.vendor, path)
        while True:
            answer = read({"pageNum": number, "itemsPerPage": PAGE})
            results = answer.get("results") or []
            # Without a count a page that is not full is the last.
            total = answer.get("totalCount")
            if not isinstance(results, list) or not isinstance(total, int | None):
                raise BadInput(f"Atlas {path}: results is no list, or totalCount no number")
            for found in pages.take(results):
                seen += 1
                yield found
            if (len(results) < PAGE) if total is None else (seen >= total):
                return
            if total is not None and not results:
                raise BadInput(f"Atlas {path}, page {number}: no records, {total - seen} of {total} are missing")
            number += 1

    def _listed(self, path: str, accept: str = INVOICES) -> Iterator[Any]:
        """The records of a list beside the bill (`list_page`)."""
        return self._pages(path, lambda page: list_page(self.http, path, page, {"Accept": accept}, WITHOUT_ROLE))

    def invoices(self) -> Iterator[Any]:
        """All invoices of the organization, without line items."""
        path = f"/orgs/{self.org_id}/invoices"

        def read(page: dict[str, Any]) -> dict[str, Any]:
            return self.http.json(
                path, params={"viewLinkedInvoices": "true", **page}, headers={"Accept": INVOICES}
            )

        return self._pages(path, read)

    def pending_invoices(self) -> Iterator[Any]:
        """The pending invoices, with their line items."""
        return self._listed(f"/orgs/{self.org_id}/invoices/pending")

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        """An invoice with its line items."""
        return self.http.json(f"/orgs/{self.org_id}/invoices/{invoice_id}", headers={"Accept": INVOICES})

    def _remembered(self, path: str, accept: str = INVOICES) -> list[Any]:
        """The same of a list that a landing needs more than once: it is of one moment."""
        if path not in self._lists:
            self._lists[path] = list(self._listed(path, accept))
        return self._lists[path]

    def projects(self) -> list[Any]:
        """The organization's projects."""
        return self._remembered(_path("orgs", self.org_id, "groups"))

    def clusters(self, project_id: str) -> list[Any]:
        """A project's clusters."""
        return self._remembered(_path("groups", project_id, "clusters"), CLUSTERS)

    def teams(self) -> Iterator[Any]:
        """The organization's teams."""
        return self._listed(f"/orgs/{self.org_id}/teams")

    def teams_of_project(self, project_id: str) -> Iterator[Any]:
        """The teams that have a role in a project."""
        return self._listed(_path("groups", project_id, "teams"))

    def processes(self, project_id: str) -> Iterator[Any]:
        """A project's processes: primaries, secondaries, routers."""
        return self._listed(_path("groups", project_id, "processes"))

    def databases(self, project_id: str, process_id: str) -> Iterator[Any]:
        """The databases of a process."""
        return self._listed(_path("groups", project_id, "processes", process_id, "databases"))

    def database_measurements(
        self,
        project_id: str,
        process_id: str,
        database: str,
        measured: Iterable[str],
        start: datetime,
        end: datetime,
    ) -> dict[str, Any]:
        """Measurements of a database of a process, by day."""
        path = _path("groups", project_id, "processes", process_id, "databases", database, "measurements")
        params = {"granularity": "P1D", "m": list(measured), **_period(start, end)}
        return list_page(self.http, path, params, {"Accept": INVOICES}, WITHOUT_ROLE)

    def namespaces(self, project_id: str, cluster: str, start: datetime, end: datetime) -> list[Any]:
        """The collections of a cluster with the longest times of operations, as `database.collection`."""
        path = _path("groups", project_id, "clusters", cluster, "PRIMARY", "collStats", "namespaces")
        answer = list_page(self.http, path, _period(start, end), {"Accept": COLLECTIONS}, WITHOUT_ROLE)
        found = answer.get("rankedNamespaces") or []
        if not isinstance(found, list):
            raise BadInput(f"Atlas {path}: rankedNamespaces is no list")
        return found

    def latency(
        self,
        project_id: str,
        cluster: str,
        database: str,
        collection: str,
        metric: str,
        start: datetime,
        end: datetime,
    ) -> dict[str, Any]:
        """A metric of the operations on a collection."""
        of = ("groups", project_id, "clusters", cluster, "PRIMARY", database, collection)
        path = _path(*of, "collStats", "measurements")
        params = {"metrics": [metric], **_period(start, end)}
        return list_page(self.http, path, params, {"Accept": COLLECTIONS}, WITHOUT_ROLE)


def _path(*parts: str) -> str:
    """A path of the API; ids and names in it may have any character."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _period(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": start.isoformat(), "end": end.isoformat()}
