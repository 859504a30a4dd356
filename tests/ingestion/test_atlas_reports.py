"""The FOCUS report of an Atlas invoice: how it is requested and read, and that an invoice without one lands all the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.lake.contract import Remark, Rows
from ingestion.lake.rejected import REJECTED_RECORDS
from ingestion.settings import Home, Month
from ingestion.sources.atlas.client import Atlas, authentication
from ingestion.sources.atlas.focus_report import FOCUS_REPORT
from ingestion.sources.atlas.reports import NO_ACCESS, WITHOUT_REPORT, Reports
from sample_company.server import Request, Response, Route, json_response, serving
from tests.ingestion.test_atlas_lists import landed, rows, serving_atlas

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MONTH = Month(2026, 11)
API = "/api/atlas/v2"
REPORTS = f"{API}/orgs/o/invoices/i1/reports"
SIGNATURE = "canary-signature"
ROW = {
    "PricingCurrencyEffectiveCost": "1.2504",
    "BilledCost": "1.2504",
    "EffectiveCost": "1.2504",
    "BillingCurrency": "USD",
    "ChargePeriodStart": "2026-11-02T00:00:00Z",
    "ChargePeriodEnd": "2026-11-03",
    "x_AtlasSku": "A",
    "InvoiceIssuer": "MongoDB",
    "Tags": '{"team":["search"]}',
    "x_New": "kept",
}


def report_id(made: datetime) -> str:
    return f"{int(made.timestamp()):08x}{'0' * 16}"


def table(*records: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


@dataclass
class Playing:
    """An Atlas of one report. `states` are those of its GETs, the last for ever; `answers` replace what answers, by path."""

    states: list[str] = field(default_factory=lambda: ["SUCCEEDED"])
    listed: list[dict[str, Any]] = field(default_factory=list)
    content: bytes = table(ROW)
    reason: str = ""
    answers: dict[str, Callable[[Request], Response]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    expired: int = 0

    def described(self, state: str, host: str = "") -> dict[str, Any]:
        address = {"downloadUrl": f"http://{host}/store/r.csv?X-Amz-Signature={SIGNATURE}", "expiresAt": "x"}
        failed = {"failureReason": self.reason} if state == "FAILED" else {}
        made = {"reportId": report_id(NOW), "reportType": "FOCUS", "state": state}
        return {**made, **failed, **(address if host and state == "SUCCEEDED" else {})}

    def answer(self, request: Request) -> Response:
        self.calls.append(f"{request.method} {request.path.rpartition('/')[2]}")
        if request.path in self.answers:
            return self.answers[request.path](request)
        if request.path.endswith("/associatedInvoices"):
            assert (request.one("month"), request.one("year")) == ("11", "2026")
            return json_response({"associatedInvoices": [{"invoiceId": "i1", "orgId": "o"}, None, {}]})
        if request.path == "/store/r.csv":
            self.headers.append(request.header("Authorization"))
            self.expired -= 1
            return Response(403) if self.expired >= 0 else Response(200, self.content)
        assert request.header("Accept") == "application/vnd.atlas.2025-03-12+json"
        if request.method == "POST":
            wanted = {"reportType": "FOCUS", "reportFormat": "CSV", "formatSpecVersion": "1.3"}
            assert json.loads(request.body) == wanted
            return json_response(self.described("PENDING"), 201)
        if request.path.endswith("/reports"):
            return json_response({"results": self.listed})
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return json_response(self.described(state, request.header("Host") or ""))

    def routes(self) -> list[Route]:
        paths = (f"{API}/orgs/o/associatedInvoices", REPORTS, f"{REPORTS}/[^/]+", "/store/r.csv")
        return [Route(method, path, self.answer) for path in paths for method in ("GET", "POST")]

    @contextmanager
    def reports(self, *first: Route) -> Iterator[Reports]:
        token = Route("POST", "/api/oauth/token", lambda _: json_response({"access_token": "t"}))
        with serving([token, *first, *self.routes()]) as url:
            atlas = Atlas(authentication("i", "s", None, None, url), "o", url)
            atlas.http.sleep = self.waits.append
            yield Reports(atlas)

    def parts(self, not_before: datetime = NOW - timedelta(hours=1)) -> list[Any]:
        with self.reports() as reports:
            return reports.parts("i1", MONTH, not_before)


def reason(parts: list[Any]) -> str:
    (remark,) = parts
    assert isinstance(remark, Remark) and remark.text.startswith(f"{WITHOUT_REPORT} of invoice i1: ")
    assert SIGNATURE not in remark.text
    return remark.text


def test_report_is_requested_awaited_and_read() -> None:
    playing = Playing(states=["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"])
    (part,) = playing.parts()
    assert isinstance(part, Rows) and part.table is FOCUS_REPORT
    (row,) = part.records
    assert row["pricing_currency_effective_cost"] == Decimal("1.2504") and row["invoice_issuer_name"] == "MongoDB"
    assert (row["charge_period_end"], row["line_number"]) == (datetime(2026, 11, 3, tzinfo=UTC), 1)
    assert json.loads(row["tags"]) == {"team": ["search"]} and json.loads(row["extra"]) == {"x_New": "kept"}
    assert playing.waits == [5, 10, 20, 40] and playing.headers == [None]
    assert playing.calls[:3] == ["GET associatedInvoices", "GET reports", "POST reports"]


@pytest.mark.parametrize(
    ("listed", "is_reused"),
    [
        ({"reportId": report_id(NOW), "reportType": "FOCUS", "state": "SUCCEEDED"}, True),
        ({"reportId": report_id(NOW), "reportType": "FOCUS", "state": "RUNNING"}, True),
        ({"reportId": report_id(NOW), "reportType": "FOCUS", "state": "FAILED"}, False),
        ({"reportId": report_id(NOW), "reportType": "OTHER", "state": "SUCCEEDED"}, False),
        ({"reportId": report_id(NOW - timedelta(hours=2)), "reportType": "FOCUS", "state": "SUCCEEDED"}, False),
        ({"reportId": "r-1", "reportType": "FOCUS", "state": "SUCCEEDED"}, False),
        ({"reportType": "FOCUS", "state": "SUCCEEDED"}, False),
        ("report", False),
    ],
)
def test_report_that_was_requested_before_is_used_while_it_is_recent(listed: Any, is_reused: bool) -> None:
    playing = Playing(listed=[listed])
    assert isinstance(playing.parts()[0], Rows)
    assert ("POST reports" in playing.calls) is not is_reused


def test_address_that_has_expired_is_replaced_by_a_new_one() -> None:
    playing = Playing(expired=1)
    assert isinstance(playing.parts()[0], Rows) and playing.calls.count("GET r.csv") == 2
    assert "its address answered 403" in reason(Playing(expired=2).parts())


@pytest.mark.parametrize(
    ("given", "repeated"),
    [
        ("Invoice is too large.", "FAILED, Invoice is too large."),
        ("canary <secret>", "FAILED, without a plain reason"),
        ("", "FAILED, without a plain reason"),
    ],
)
def test_report_that_fails_is_named_with_its_reason(given: str, repeated: str) -> None:
    assert reason(Playing(states=["RUNNING", "FAILED"], reason=given).parts()).endswith(repeated)


def test_report_that_is_never_made_is_not_awaited_for_ever() -> None:
    playing = Playing(states=["RUNNING"])
    with playing.reports() as reports:
        first, second = (reports.parts("i1", MONTH, NOW) for _ in range(2))
    assert "more than 900 seconds together" in reason(first) and reason(first) == reason(second)
    assert 900 <= sum(playing.waits) < 1000 and min(playing.waits) == 5 and max(playing.waits) == 60


@pytest.mark.parametrize("state", ["CANCELLED", "", "None"])
def test_state_that_is_not_documented_is_no_report(state: str) -> None:
    assert "neither made nor failed" in reason(Playing(states=[state]).parts())


PATHS = (f"{API}/orgs/o/associatedInvoices", REPORTS, f"{REPORTS}/{report_id(NOW)}", "/store/r.csv")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 410, 429, 500, 503])
def test_refusal_of_any_call_is_a_remark(path: str, code: int) -> None:
    playing = Playing(answers={path: lambda _: Response(code, b"{}", {"Retry-After": "0"})})
    assert reason(playing.parts())


@pytest.mark.parametrize("path", PATHS[:3])
@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"null", b"<html>", b'{"results": 5, "associatedInvoices": 5}']
)
def test_answer_of_another_shape_is_a_remark(path: str, content: bytes) -> None:
    playing = Playing(answers={path: lambda request: Response(200, content)})
    assert reason(playing.parts())


@pytest.mark.parametrize(("code", "asked"), [(401, 1), (403, 1), (404, 3), (410, 3), (409, 2)])
def test_refusal_of_access_ends_the_requests_and_a_missing_report_does_not(code: int, asked: int) -> None:
    playing = Playing(answers={REPORTS: lambda _: Response(code)})
    with playing.reports() as reports:
        found = [reports.parts("i1", MONTH, NOW) for _ in range(3)]
    assert all(reason(parts) for parts in found) and playing.calls.count("GET reports") == asked


def test_linked_organization_without_access_is_not_asked_for_ever() -> None:
    linked = {"associatedInvoices": [{"invoiceId": "l1", "orgId": "q"}, {"invoiceId": "i1", "orgId": "o"}]}
    playing = Playing(answers={f"{API}/orgs/o/associatedInvoices": lambda _: json_response(linked)})
    with playing.reports() as reports:
        (remark,) = reports.parts("l1", MONTH, NOW)
        (rows_of_own,) = reports.parts("i1", MONTH, NOW - timedelta(hours=1))
    assert isinstance(remark, Remark) and isinstance(rows_of_own, Rows)
    assert remark.text.startswith(f"{WITHOUT_REPORT} of invoice l1"), "404 is no refusal of access"
    refusing = Route("GET", f"{API}/orgs/q/invoices/l1/reports", lambda _: Response(403))
    with playing.reports(refusing) as reports:
        (remark,) = reports.parts("l1", MONTH, NOW)
    assert isinstance(remark, Remark) and remark.text.startswith(f"{NO_ACCESS} of invoice l1")


@pytest.mark.parametrize("address", ["https://[bad/r.csv", "ftp://store/r.csv", "//store/r.csv", 5])
def test_address_that_is_none_is_a_remark(address: Any) -> None:
    report = {"reportId": report_id(NOW), "reportType": "FOCUS", "state": "SUCCEEDED", "downloadUrl": address}
    playing = Playing(answers={f"{REPORTS}/{report_id(NOW)}": lambda _: json_response(report)})
    assert "its address is not https" in reason(playing.parts())


def test_address_of_a_person_does_not_land() -> None:
    personal = {
        **ROW,
        "ChargeDescription": "by jane@corp.com",
        "Tags": '{"owner":["jane@corp.com"]}',
        "x_Who": "jane@corp.com",
    }
    (part,) = Playing(content=table(personal)).parts()
    (row,) = part.records
    assert "jane" not in str(row) and all(
        "sha256:" in row[name] for name in ("charge_description", "tags", "extra")
    )


def test_redirect_to_another_host_is_not_followed() -> None:
    moved = Response(302, b"", {"Location": "https://elsewhere.invalid/r.csv?X=canary-signature"})
    assert reason(Playing(answers={"/store/r.csv": lambda _: moved}).parts())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"a,b\n1,2\n",
        b"PricingCurrencyEffectiveCost,ChargePeriodStart,x_AtlasSku,x_AtlasSku\n1,2026-11-02,A,A\n",
        b'PricingCurrencyEffectiveCost,ChargePeriodStart,x_AtlasSku\n1,"2026-11-02,A\n',
        b"PricingCurrencyEffectiveCost,ChargePeriodStart,x_AtlasSku\n1,never,A\n",
    ],
    ids=["empty", "not UTF-8", "no column", "column twice", "open quote", "no row can be read"],
)
def test_file_that_is_no_report_is_a_remark(content: bytes) -> None:
    assert reason(Playing(content=content).parts())


def test_row_that_cannot_be_read_is_set_aside() -> None:
    wrong = {**ROW, "PricingCurrencyEffectiveCost": "canary"}
    absent = {**ROW, "x_AtlasSku": ""}
    short = b"1.2504\r\n"
    found = Playing(
        content=b"\xef\xbb\xbf" + table(ROW, wrong, absent, {**ROW, "Tags": "odd", "BilledCost": ""}) + short
    )
    report, rejected, remark = found.parts()
    assert [row["line_number"] for row in report.records] == [1, 4]
    assert (report.records[1]["billed_cost"], report.records[1]["tags"]) == (None, "{}")
    assert json.loads(report.records[1]["extra"])["Tags"] == "odd"
    assert rejected.table is REJECTED_RECORDS and len(rejected.records) == 3 and "canary" not in remark.text
    assert [row["place"].rpartition(", ")[2] for row in rejected.records] == ["row 2", "row 3", "row 5"]


def test_report_lands_with_its_invoice_and_is_asked_for_again_where_there_was_none(tmp_path: Path) -> None:
    home = Home(tmp_path)
    closed = {"statusName": "PAID", "updated": "2026-11-20T08:00:00Z"}
    playing = Playing(listed=[{"reportId": report_id(NOW), "reportType": "FOCUS", "state": "SUCCEEDED"}])
    playing.answers[REPORTS] = lambda _: Response(404)
    with serving_atlas(closed, playing.routes()) as url:
        first = landed(home, url)
        assert not first.refused and not rows(home, "focus_report") and rows(home, "invoice_line_items")
        del playing.answers[REPORTS]
        landed(home, url)
        (row,) = rows(home, "focus_report")
        assert row["invoice_id"] == "i1"
        playing.calls.clear()
        landed(home, url)
        assert playing.calls == [] and len(rows(home, "focus_report")) == 1


def test_report_is_not_requested_where_the_setting_is_off(tmp_path: Path) -> None:
    playing = Playing()
    with serving_atlas({}, playing.routes()) as url:
        landed(Home(tmp_path), url, focus_report=False)
    assert playing.calls == []
