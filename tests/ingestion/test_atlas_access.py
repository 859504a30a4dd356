"""The service account's token against a server on loopback: a busy Atlas, a refused account, a broken answer."""

from __future__ import annotations

import pytest

from ingestion.errors import SettingError, VendorError
from ingestion.sources.atlas.client import Atlas, ServiceAccount
from sample_company.server import Request, Response, Route, json_response, serving

GRANTED = json_response({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
BUSY = Response(429, headers={"Retry-After": "0"})
DOWN = Response(503, headers={"Retry-After": "0"})


def invoices_where(*tokens: Response) -> list[object]:
    """The invoices of an Atlas that answers who asks for a token in turn, and knows the token `t`."""
    left = list(tokens)

    def invoices(request: Request) -> Response:
        is_known = request.header("Authorization") == "Bearer t"
        return json_response({"results": [{"id": "i"}], "totalCount": 1}) if is_known else Response(401)

    routes = [
        Route("POST", "/api/oauth/token", lambda request: left.pop(0)),
        Route("GET", "/api/atlas/v2/orgs/o/invoices", invoices),
    ]
    with serving(routes) as base:
        return [*Atlas(ServiceAccount("id", "hush", base), "o", base).invoices()]


def test_token_is_asked_for_again_while_atlas_is_busy() -> None:
    assert invoices_where(BUSY, DOWN, GRANTED) == [{"id": "i"}]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_account_that_is_refused_names_its_settings(status: int) -> None:
    refused = json_response({"error": "invalid_client"}, status)
    with pytest.raises(
        SettingError, match=r"sources\.atlas\.client_id and sources\.atlas\.client_secret"
    ) as caught:
        invoices_where(refused)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("answer", [Response(body=b"<html>"), json_response({}), json_response(["t"])])
def test_answer_without_a_token_is_an_error_that_names_where(answer: Response) -> None:
    with pytest.raises(VendorError, match=r"Atlas: http://127.*/api/oauth/token answered without a token"):
        invoices_where(answer)
