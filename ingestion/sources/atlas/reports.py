"""The FOCUS report of an invoice: requested, awaited, downloaded (Atlas Admin API v2, media type 2025-03-12).

A report has the usage of one invoice of one organization, as CSV in FOCUS 1.3. Atlas makes it on request, keeps it for seven
days, and hands it out by an address that is signed for 15 minutes.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from ingestion.access.http import Answer, Client
from ingestion.access.session import without_query
from ingestion.errors import BadInput, IngestionError, VendorError
from ingestion.lake.contract import Part, Remark, Rows
from ingestion.lake.lists import GONE, NotListed
from ingestion.lake.records import instant
from ingestion.lake.rejected import Rejected
from ingestion.settings import Month
from ingestion.sources.atlas.client import WITHOUT_ROLE, Atlas
from ingestion.sources.atlas.focus_report import FOCUS_REPORT, report_rows

MEDIA_TYPE = "application/vnd.atlas.2025-03-12+json"
REQUEST = {"reportType": "FOCUS", "reportFormat": "CSV", "formatSpecVersion": "1.3"}
UNFINISHED = ("PENDING", "RUNNING")
# Seconds. Atlas asks for at least five between two requests, and for longer ones while a report takes long.
SHORTEST_WAIT, LONGEST_WAIT, PATIENCE = 5.0, 60.0, 900.0
# How a store answers for an address whose signature has expired.
EXPIRED = frozenset({400, 401, 403, 404})
# How a delivery's note begins that has no report: the next landing requests it again.
WITHOUT_REPORT = "without the FOCUS report"
NO_ACCESS = "no access to the FOCUS report"
# A reason that is the name of an error or a plain sentence; any other may hold anything, and is not repeated.
_REASON = re.compile(r"[A-Za-z0-9 _.,:()-]{1,200}")


def made_at(report_id: Any) -> datetime | None:
    """When a report was requested: its id is an ObjectId, which begins with that second. None of any other id."""
    if not re.fullmatch("[0-9a-f]{24}", str(report_id)):
        return None
    return instant(int(str(report_id)[:8], 16), "reportId")


class Reports:
    """The FOCUS reports of the invoices of an organization and of those that are linked to it.

    Where Atlas refuses access to an organization's, or fails twice, no other of it is requested in a landing. A landing waits
    for all reports together no longer than PATIENCE.
    """

    def __init__(self, atlas: Atlas) -> None:
        self._atlas, self._http = atlas, atlas.http
        # Without authentication: the address is signed, and a store refuses a second signature.
        self._store = Client("Atlas", "", credentials="the address of the report", sleep=atlas.http.sleep)
        self._organizations: dict[Month, dict[str, str]] = {}
        self._unavailable: dict[str, str] = {}
        self._failures: Counter[str] = Counter()
        self._patience = PATIENCE

    def parts(self, invoice_id: str, month: Month, not_before: datetime) -> list[Part]:
        """The rows of an invoice's report as parts of its slice; a remark where there is none.

        A report that was requested before `not_before`, or nobody knows when, is not used again.
        """
        where = f"Atlas FOCUS report of invoice {invoice_id}"
        organization = self._atlas.org_id
        rejected = Rejected()
        try:
            self._check_available(organization)
            found = self._organizations_of(month).get(invoice_id)
            if found is None:
                raise BadInput(f"Atlas lists none for {month}")
            organization = found
            self._check_available(organization)
            path = f"/orgs/{quote(organization, safe='')}/invoices/{quote(invoice_id, safe='')}/reports"
            rows = report_rows(self._content(path, not_before, where), invoice_id, where, rejected)
        except (IngestionError, NotListed) as error:
            self._failures[organization] += isinstance(error, VendorError)
            is_refused = isinstance(error, NotListed) and error.status not in GONE
            if is_refused or self._failures[organization] > 1:
                self._unavailable[organization] = str(error)
            # Nobody expects access to the reports of every linked organization: they are not requested for ever.
            is_foreign = is_refused and organization != self._atlas.org_id
            begins = NO_ACCESS if is_foreign else WITHOUT_REPORT
            return [Remark(f"{begins} of invoice {invoice_id}: {error}")]
        return [Rows(FOCUS_REPORT, rows), *rejected.parts()]

    def _check_available(self, organization: str) -> None:
        if organization in self._unavailable:
            raise BadInput(self._unavailable[organization])

    def _call(self, method: str, path: str, *, body: Any = None, params: Any = None) -> dict[str, Any]:
        """An answer of the API. Raises NotListed where there is no access to it."""
        answer = self._http.request(
            method, path, body=body, params=params, headers={"Accept": MEDIA_TYPE}, accept_statuses=WITHOUT_ROLE
        )
        if answer.status_code in WITHOUT_ROLE:
            where = f"{self._http.vendor}: {without_query(answer.url)}"
            raise NotListed(where, answer.status_code, self._http.credentials)
        return self._http.parsed(answer)

    def _organizations_of(self, month: Month) -> dict[str, str]:
        """Invoice to organization, of the invoices of a month that have reports."""
        if month not in self._organizations:
            path = f"/orgs/{quote(self._atlas.org_id, safe='')}/associatedInvoices"
            params = {"month": month.month, "year": month.year, "includeLinkedOrgs": "true"}
            listed = self._call("GET", path, params=params).get("associatedInvoices")
            self._organizations[month] = {
                str(found["invoiceId"]): str(found.get("orgId") or self._atlas.org_id)
                for found in _objects(listed)
                if found.get("invoiceId")
            }
        return self._organizations[month]

    def _content(self, path: str, not_before: datetime, where: str) -> bytes:
        """The file of a report: of one that was requested before, or of a new one."""
        report = self._requested(path, not_before) or self._call("POST", path, body=REQUEST)
        if not report.get("reportId"):
            raise BadInput(f"{where}: requested, and the answer has no reportId")
        address = f"{path}/{quote(str(report['reportId']), safe='')}"
        answer = self._downloaded(self._finished(address, report, where), where)
        if answer.status_code in EXPIRED:
            answer = self._downloaded(self._finished(address, {"state": "SUCCEEDED"}, where), where)
        if answer.status_code in EXPIRED:
            raise BadInput(f"{where}: its address answered {answer.status_code}")
        return answer.content

    def _requested(self, path: str, not_before: datetime) -> dict[str, Any] | None:
        """The newest report that was requested before, is recent enough and did not fail."""
        for found in _objects(self._call("GET", path).get("results")):
            requested = made_at(found.get("reportId"))
            is_focus = str(found.get("reportType")).upper() == REQUEST["reportType"]
            if is_focus and requested and requested >= not_before and _state(found) != "FAILED":
                return found
        return None

    def _finished(self, address: str, report: dict[str, Any], where: str) -> dict[str, Any]:
        """The report with the address to download it from. Raises BadInput where Atlas does not make it."""
        wait = SHORTEST_WAIT
        while _state(report) in UNFINISHED:
            if self._patience <= 0:
                raise BadInput(f"{where}: reports took more than {PATIENCE:.0f} seconds together")
            self._http.sleep(wait)
            self._patience -= wait
            wait = min(2 * wait, LONGEST_WAIT)
            report = self._call("GET", address)
        if _state(report) == "SUCCEEDED" and not report.get("downloadUrl"):
            # Reports that are listed have no address.
            report = self._call("GET", address)
        if _state(report) == "FAILED":
            reason = str(report.get("failureReason") or "")
            raise BadInput(f"{where}: FAILED, {reason if _REASON.fullmatch(reason) else 'without a plain reason'}")
        if not report.get("downloadUrl"):
            raise BadInput(f"{where}: neither made nor failed, or no downloadUrl")
        return report

    def _downloaded(self, report: dict[str, Any], where: str) -> Answer:
        address = str(report["downloadUrl"])
        try:
            scheme = urlsplit(address).scheme
        except ValueError:
            scheme = ""
        if scheme not in {"https", urlsplit(self._http.base_url).scheme}:
            raise BadInput(f"{where}: its address is not https")
        return self._store.request("GET", address, accept_statuses=EXPIRED)


def _state(report: dict[str, Any]) -> str:
    return str(report.get("state")).upper()


def _objects(listed: Any) -> list[dict[str, Any]]:
    return [found for found in listed if isinstance(found, dict)] if isinstance(listed, list) else []
