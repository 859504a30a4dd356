"""The HTTP client against a real server on loopback: retries, `Retry-After`, credentials, broken answers."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ingestion.access.http import Client, exact_json, retry_after
from ingestion.access.session import ForeignRedirect, LimitedSession, without_query
from ingestion.errors import SettingError, VendorError
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
        vendor = client(base, Waits())
        found = list(vendor.request("GET", "x", stream=True).lines())
    assert found == [(1, b'{"a":1}'), (3, b'{"b":2}')]


# What a server sends in place of a JSON object, and why it is no answer.
BROKEN = {
    "cut": (Response(200, b'{"a": 1', {"Content-Length": "900"}), "failed 6 times, last with"),
    "no gzip": (Response(200, b"not gzip", {"Content-Encoding": "gzip"}), "failed 6 times, last with"),
    "cut gzip": (
        Response(200, gzip.compress(b'{"a": "' + bytes(900) + b'"}')[:20], {"Content-Encoding": "gzip"}),
        "did not answer in JSON|failed 6 times",
    ),
    "nothing": (Response(200, b""), "did not answer in JSON"),
    "no UTF-8": (Response(200, b'{"a": "\xff"}'), "did not answer in JSON"),
    "NaN": (Response(200, b'{"a": NaN}'), "did not answer in JSON"),
    "Infinity": (Response(200, b'{"a": [-Infinity]}'), "did not answer in JSON"),
    "null": (Response(200, b"null"), "did not answer with a JSON object"),
    "a list": (Response(200, b"[]"), "did not answer with a JSON object"),
    "a text": (Response(200, b'"hush"'), "did not answer with a JSON object"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_answer_is_an_error_of_the_vendor(kind: str) -> None:
    response, message = BROKEN[kind]
    with serving([Route("GET", "/x", answering(response))]) as base:
        with pytest.raises(VendorError, match=message) as caught:
            client(base, Waits()).json("x")
    assert "hush" not in str(caught.value)


def test_stream_that_breaks_off_is_an_error_with_its_line() -> None:
    response = Response(200, b'{"a":1}\n{"b":2}\n{"c', {"Content-Length": "900"})
    with serving([Route("GET", "/x", answering(response))]) as base:
        vendor = client(base, Waits())
        with pytest.raises(VendorError, match=r"Vendor: .*/x broke off after line"):
            list(vendor.request("GET", "x", stream=True).lines())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_credentials_do_not_follow_a_redirect_to_another_address(method: str, status: int) -> None:
    """Another port is another address as another host is: whoever answers there gets no request at all."""
    asked: list[Request] = []

    def stranger(request: Request) -> Response:
        asked.append(request)
        return json_response({})

    with serving([Route("GET", "/y", stranger), Route("POST", "/y", stranger)]) as elsewhere:
        redirect = answering(Response(status, headers={"Location": f"{elsewhere}/y?token=hush"}))
        with serving([Route(method, "/x", redirect)]) as base:
            vendor = Client("Vendor", base, headers={"x-api-key": "hush"}, sleep=Waits())
            with pytest.raises(SettingError, match=f"redirects to {elsewhere};.*set it as the base URL") as caught:
                vendor.request(method, "x", form={"secret": "hush"} if method == "POST" else None)
    assert not asked and "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "location",
    [
        "http://login.invalid/expired/Bearer/canarykey1/",
        "http://canarykey1.invalid/",
        "http://CanaryKey1@login.invalid:99/x",
        "http://x canarykey1/",
        "http://[canarykey1]/",
    ],
)
def test_redirect_that_repeats_the_credential_is_not_repeated(location: str) -> None:
    with serving([Route("GET", "/x", answering(Response(302, headers={"Location": location})))]) as base:
        vendor = Client("Vendor", base, headers={"Authorization": "Bearer CanaryKey1"}, sleep=Waits())
        with pytest.raises(SettingError, match="redirects to") as caught:
            vendor.json("x")
    assert "canarykey1" not in str(caught.value).lower()


def test_redirect_within_the_address_is_followed() -> None:
    routes = [
        Route("GET", "/x", answering(Response(307, headers={"Location": "/y"}))),
        Route("GET", "/y", lambda request: json_response({"key": request.header("x-api-key")})),
    ]
    with serving(routes) as base:
        assert Client("Vendor", base, headers={"x-api-key": "k"}).json("x") == {"key": "k"}


def test_redirect_from_https_to_http_is_another_address() -> None:
    session, response = LimitedSession(), requests.Response()
    response.url, response.status_code, response.raw = "https://api.example/x", 302, io.BytesIO()
    response.headers["Location"] = "http://api.example/x"
    with pytest.raises(ForeignRedirect):
        session.get_redirect_target(response)
    for none in ("http://127.0.0.1:99999/", "https://[::1/", "https://api.example:x/"):
        response.headers["Location"] = none
        with pytest.raises(ForeignRedirect, match="an address that is none"):
            session.get_redirect_target(response)
    response.headers["Location"] = "https://api.example:443/y"
    assert session.get_redirect_target(response) == "https://api.example:443/y"


@given(
    st.text(st.characters(categories=["Cs", "Ll", "So"]), max_size=5).filter(
        lambda text: text not in ("name", "cost")
    )
)
def test_lone_surrogate_costs_its_character_and_nothing_else(text: str) -> None:
    parsed = exact_json(json.dumps({"name": text, text: ["x", text], "cost": 0.1}))
    clean = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in parsed["name"])
    assert parsed["name"] == clean and parsed[clean] == ["x", clean]
    assert parsed["cost"] == Decimal("0.1")
    parsed["name"].encode()


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
