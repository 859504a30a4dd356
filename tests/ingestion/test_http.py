"""The HTTP client against a real server on loopback: retries, `Retry-After`, credentials, broken answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ingestion.errors import SettingError, VendorError
from ingestion.http import Client, exact_json, retry_after, without_query
from sample_company.server import Request, Response, Route, json_response, serving

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Waits(list[float]):
    """Stands in for sleep, and remembers."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def answering(*responses: Response) -> Callable[[Request], Response]:
    """Answers in turn; the last one again and again."""
    left = list(responses)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def client(base: str, waits: Waits) -> Client:
    return Client("Vendor", base, credentials="sources.vendor.token", sleep=waits)


def test_busy_vendor_is_asked_again_after_the_time_it_named() -> None:
    waits = Waits()
    handler = answering(Response(429, headers={"Retry-After": "7"}), Response(503), json_response({"ok": 1}))
    with serving([Route("GET", "/x", handler)]) as base:
        assert client(base, waits).json("x") == {"ok": 1}
    assert waits[0] == 7 and len(waits) == 2


def test_vendor_that_stays_down_is_an_error_without_the_query() -> None:
    waits = Waits()
    with serving([Route("GET", "/x", answering(Response(500)))]) as base:
        with pytest.raises(VendorError, match="failed 6 times, last with status 500") as caught:
            client(base, waits).json("x", params={"token": "hush"})
    assert "hush" not in str(caught.value) and len(waits) == 5


def test_unreachable_vendor_is_an_error_that_names_it() -> None:
    with serving([]) as base:
        pass
    with pytest.raises(VendorError, match="Vendor: http://127"):
        client(base, Waits()).json("x")


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_name_the_setting(status: int) -> None:
    with serving([Route("GET", "/x", answering(Response(status)))]) as base:
        with pytest.raises(SettingError, match=r"check sources\.vendor\.token"):
            client(base, Waits()).json("x")


def test_wrong_request_is_not_repeated() -> None:
    waits = Waits()
    with serving([Route("GET", "/x", answering(Response(400)))]) as base:
        with pytest.raises(VendorError, match="answered status 400"):
            client(base, waits).json("x")
    assert not waits


def test_answer_that_is_cut_off_is_an_error() -> None:
    with serving([Route("GET", "/x", answering(Response(200, b'{"a": 1')))]) as base:
        with pytest.raises(VendorError, match="did not answer in JSON"):
            client(base, Waits()).json("x")


def test_awaited_status_is_given_back() -> None:
    with serving([Route("GET", "/x", answering(Response(404, b"{}")))]) as base:
        response = client(base, Waits()).request("GET", "x", accept_statuses=frozenset({404}))
    assert response.status_code == 404


def test_lines_are_numbered_and_blank_ones_skipped() -> None:
    with serving([Route("GET", "/x", answering(Response(200, b'{"a":1}\n\n{"b":2}\n')))]) as base:
        assert list(client(base, Waits()).lines("x")) == [(1, b'{"a":1}'), (3, b'{"b":2}')]


def test_fractions_are_exact() -> None:
    assert exact_json('{"value": 0.1, "small": 1e-12}') == {
        "value": Decimal("0.1"),
        "small": Decimal("0.000000000001"),
    }


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5.0), ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0), ("-3", 0.0), ("soon", None), (None, None)],
)
def test_retry_after_reads_seconds_and_dates(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_url_for_messages_has_neither_query_nor_credentials() -> None:
    assert without_query("https://user:hush@api.example:8443/v1/x?token=hush") == "https://api.example:8443/v1/x"
