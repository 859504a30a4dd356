"""Dagster's real web server behind its guards: who may ask it for what."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from orchestration.ui.server import LEFT_OUT, GuardedWebserver, UiSettings, may_change
from orchestration.ui.sign_in import COOKIE, MOST, PATH, session_of

HERE = "127.0.0.1:3000"
VERSION = "1.2.3"
PROXY = "costs.example.com"
TOKEN = "canary-4711-of-the-user-interface"
DEFINITIONS = LoadableTargetOrigin(module_name="tests.orchestration.small_ui")
REPORT = """mutation Report { reportRunlessAssetEvents(eventParams: {
    eventType: ASSET_MATERIALIZATION, assetKey: {path: ["bill"]}
}) { __typename } }"""
QUERY = "{ assetNodes { assetKey { path } } }"
SUBSCRIPTION = "subscription { locationStateChangeEvents { event { eventType } } }"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


class Ui:
    """A client of a server, and what it has changed."""

    def __init__(self, server: GuardedWebserver, app: Starlette, instance: dg.DagsterInstance) -> None:
        self.server, self.app, self._instance = server, app, instance
        self.client = TestClient(app, base_url=f"http://{HERE}", follow_redirects=False)
        self._before = self._events()

    def _events(self) -> int:
        return len(self._instance.fetch_materializations(dg.AssetKey("bill"), limit=1000).records)

    def has_changed(self) -> bool:
        return self._events() != self._before

    def mutate(self, **headers: str) -> Any:
        return self.client.post("/graphql", json={"query": REPORT}, headers=headers)

    def subscribe(self, query: str, **headers: Any) -> dict[str, Any]:
        """The first answer to two operations, this and one that can't be read. Raises where the socket is refused."""
        url = f"ws://{headers.get('host', HERE)}/graphql"
        with self.client.websocket_connect(url, subprotocols=["graphql-ws"], headers=headers) as socket:
            socket.send_json({"type": "connection_init"})
            assert socket.receive_json() == {"type": "connection_ack"}
            for number, asked in enumerate((query, "{ no")):
                socket.send_json({"type": "start", "id": str(number), "payload": {"query": asked}})
            answer: dict[str, Any] = socket.receive_json()
            return answer


SETTINGS = {
    "ui": UiSettings(),
    "guarded": UiSettings(token=TOKEN),
    "read_only": UiSettings(is_read_only=True),
    "proxied": UiSettings(hosts=(PROXY,)),
}


@pytest.fixture(scope="module")
def servers(instance: dg.DagsterInstance) -> Iterator[dict[str, GuardedWebserver]]:
    """A server of each settings, over definitions that are loaded in this process."""
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(DEFINITIONS, location_name="small"))
    with (
        WorkspaceProcessContext(instance, target, version=VERSION) as writing,
        WorkspaceProcessContext(instance, target, version=VERSION, read_only=True) as reading,
    ):
        yield {
            name: GuardedWebserver(reading if settings.is_read_only else writing, settings)
            for name, settings in SETTINGS.items()
        }


@pytest.fixture
def ui(servers: dict[str, GuardedWebserver], instance: dg.DagsterInstance) -> Ui:
    return Ui(servers["ui"], servers["ui"].create_asgi_app(), instance)


@pytest.fixture
def guarded(servers: dict[str, GuardedWebserver], instance: dg.DagsterInstance) -> Ui:
    """With a token."""
    return Ui(servers["guarded"], servers["guarded"].create_asgi_app(), instance)


@pytest.fixture
def read_only(servers: dict[str, GuardedWebserver], instance: dg.DagsterInstance) -> Ui:
    return Ui(servers["read_only"], servers["read_only"].create_asgi_app(), instance)


@pytest.fixture
def proxied(servers: dict[str, GuardedWebserver], instance: dg.DagsterInstance) -> Ui:
    """Behind a proxy that serves it under a name of its own."""
    return Ui(servers["proxied"], servers["proxied"].create_asgi_app(), instance)


@pytest.mark.parametrize("name", ["127.0.0.1:3000", "localhost:3000", "LOCALHOST", "127.0.0.1:8080"])
def test_own_page_reads_and_changes_under_each_name_of_this_machine(ui: Ui, name: str) -> None:
    own = {"host": name, "origin": f"http://{name}", "sec-fetch-site": "same-origin"}
    asked = ui.client.post("/graphql", json={"query": QUERY}, headers=own)
    assert asked.json() == {"data": {"assetNodes": [{"assetKey": {"path": ["bill"]}}]}}
    done = ui.mutate(**own).json()["data"]["reportRunlessAssetEvents"]
    assert done == {"__typename": "ReportRunlessAssetEventsSuccess"} and ui.has_changed()
    assert is_followed(ui.subscribe(SUBSCRIPTION, **own))


def is_followed(answer: dict[str, Any]) -> bool:
    """Whether a subscription was taken up: the first to be answered is the operation after it."""
    return (answer["type"], answer["id"]) == ("error", "1")


def test_client_that_is_no_browser_reads_and_changes(ui: Ui) -> None:
    assert ui.mutate().status_code == 200 and ui.has_changed()


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:3000",
        "127.0.0.1.attacker.example:3000",
        "localhost.attacker.example",
        "www.localhost",
        "127.0.0.2:3000",
        "",
        "localhost, attacker.example",
        "localhost@attacker.example",
    ],
)
def test_request_under_another_name_is_refused_also_where_its_origin_is_the_same(ui: Ui, host: str) -> None:
    """DNS rebinding: to the browser the page of that name and this server are one origin."""
    own = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert ui.client.get("/server_info", headers=own).status_code == 400
    assert ui.mutate(**own).status_code == 400 and not ui.has_changed()
    with pytest.raises(WebSocketDenialResponse) as refused:
        ui.subscribe(SUBSCRIPTION, **own)
    assert refused.value.status_code == 400


OTHER_PAGES = [
    {"origin": "http://attacker.example"},
    {"origin": "http://localhost:3000"},
    {"origin": "http://127.0.0.1:8080"},
    {"origin": "http://127.0.0.1"},
    {"origin": "http://127.0.0.1:3000.attacker.example"},
    {"origin": "null"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": f"http://{HERE}", "sec-fetch-site": "cross-site"},
    {"origin": "http://attacker.example", "sec-fetch-site": "same-origin"},
]


@pytest.mark.parametrize("page", OTHER_PAGES, ids=str)
def test_page_of_another_origin_changes_and_follows_nothing(ui: Ui, page: dict[str, str]) -> None:
    assert ui.mutate(**page).status_code == 403 and not ui.has_changed()
    assert ui.client.put("/", headers=page).status_code == 403
    with pytest.raises(WebSocketDisconnect):
        ui.subscribe(SUBSCRIPTION, **page)


@pytest.mark.parametrize("page", OTHER_PAGES, ids=str)
def test_answer_to_another_origin_can_be_read_by_no_page_of_it(ui: Ui, page: dict[str, str]) -> None:
    for answer in (
        ui.client.get("/graphql", params={"query": QUERY}, headers=page),
        ui.client.options("/graphql", headers={"access-control-request-method": "POST", **page}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


CHANGES = [
    REPORT,
    f"query Look {QUERY} {REPORT}",
    f"# query\n{REPORT}",
    f"{REPORT} query Look {QUERY}",
    REPORT.replace("mutation Report {", "mutation ($x: Int) @skip(if: false) {"),
    f"fragment F on AssetNode {{ id }} {REPORT} ",
]


@pytest.mark.parametrize("document", CHANGES)
@pytest.mark.parametrize("operation", [None, "Report", "Look"])
def test_mutation_by_get_is_refused_however_it_is_written(ui: Ui, document: str, operation: str | None) -> None:
    asked = {"query": document} | ({"operationName": operation} if operation else {})
    for method in ("GET", "HEAD"):
        answer = ui.client.request(method, "/graphql", params=asked)
        assert answer.status_code == 405 and not ui.has_changed()


def test_query_by_get_is_answered(ui: Ui) -> None:
    assert ui.client.get("/graphql", params={"query": "query mutation { version }"}).json() == {
        "data": {"version": VERSION}
    }
    assert ui.client.get("/graphql", params={"query": "{ no"}).status_code == 400


@pytest.mark.parametrize("document", ["", "{", "mutation", "mutation {", "}{", "\0", "subscription"])
def test_document_that_cannot_be_read_changes_nothing(ui: Ui, document: str) -> None:
    assert not may_change(document)
    assert ui.client.get("/graphql", params={"query": document}).status_code == 400
    assert ui.client.post("/graphql", json={"query": document}).status_code == 400 and not ui.has_changed()


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/graphql",
        "",
    ],
)
def test_graphql_in_what_a_form_can_send_is_refused(ui: Ui, kind: str) -> None:
    """A page sends these to any origin without asking it first (Fetch: CORS-safelisted), an old browser without Origin."""
    for body, address in ((b'{"query": ""}', {"query": REPORT}), (REPORT.encode(), {})):
        answer = ui.client.post("/graphql", params=address, content=body, headers={"content-type": kind})
        assert answer.status_code == 415 and not ui.has_changed()


def test_mutation_over_a_websocket_changes_nothing(ui: Ui) -> None:
    assert ui.subscribe(REPORT)["type"] == "error" and not ui.has_changed()


def test_routes_that_change_something_are_those_that_the_guards_know(ui: Ui) -> None:
    """A later version of Dagster may bring more of them."""
    all_routes = super(GuardedWebserver, ui.server).build_routes()  # type: ignore[no-untyped-call]
    served = {route.path for route in all_routes if isinstance(route, Route)}
    assert served.issuperset(LEFT_OUT)
    changing = {
        route.path
        for route in ui.app.routes
        if isinstance(route, Route) and not (route.methods or set()) <= {"GET", "HEAD"}
    }
    assert changing == {"/graphql"}
    reads = {route.path for route in ui.app.routes if isinstance(route, Route) and "{" in route.path}
    assert reads == {"/logs/{path:path}", "/download_debug/{run_id:str}", "/{path:path}"}


@pytest.mark.parametrize("kind", ["materialization", "check", "observation"])
def test_events_are_reported_by_runs_only(ui: Ui, kind: str) -> None:
    asked = {"passed": "true", "check_name": "adds_up"}
    assert ui.client.post(f"/report_asset_{kind}/bill", params=asked).status_code == 405
    assert ui.client.post(f"/report_asset_{kind}/", json={**asked, "asset_key": "bill"}).status_code == 405
    assert not ui.has_changed()


def test_log_outside_of_the_logs_is_not_sent(ui: Ui, tmp_path: Path) -> None:
    outside = tmp_path / "outside.out"
    outside.write_text(TOKEN)
    client = TestClient(ui.app, base_url=f"http://{HERE}", raise_server_exceptions=False)
    for way in ("..%2F" * 20, "%2F"):
        answer = client.get(f"/logs/{way}{str(outside)[1:].replace('/', '%2F')}")
        assert answer.status_code >= 400 and TOKEN not in answer.text


def test_read_only_refuses_every_mutation_and_answers_queries(read_only: Ui) -> None:
    schema = read_only.server.build_graphql_schema().graphql_schema
    assert schema.mutation_type is not None and len(schema.mutation_type.fields) > 20
    for name in schema.mutation_type.fields:
        answer = read_only.client.post("/graphql", json={"query": f"mutation {{ {name} }}"})
        assert answer.status_code == 403 and "COSTOWNER_UI_READ_ONLY" in answer.text
    assert read_only.mutate().status_code == 403 and not read_only.has_changed()
    permissions = "{ permissions { permission value } }"
    answer = read_only.client.post("/graphql", json={"query": permissions})
    # By these the page shows its buttons as not available.
    assert {found["value"] for found in answer.json()["data"]["permissions"]} == {False}


ANSWERS = ["/", "/runs", "/server_info", "/graphql?query={version}", "/favicon.ico", "/logs/no/such.out", "/no"]


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_can_be_shown_in_no_frame_and_is_taken_for_what_it_is(ui: Ui, path: str) -> None:
    for headers in ({}, {"host": "attacker.example"}):
        answer = ui.client.get(path, headers=headers)
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "referrer-policy" in answer.headers
        assert "frame-ancestors 'none'" in answer.headers.get_list("content-security-policy")


def test_policy_of_dagsters_own_page_stays_with_its_nonce(ui: Ui) -> None:
    answer = ui.client.get("/")
    own, added = answer.headers.get_list("content-security-policy")
    nonce = own.partition("'nonce-")[2].partition("'")[0]
    assert nonce and f'nonce="{nonce}"' in answer.text and added == "frame-ancestors 'none'"


GUARDED = [
    "/",
    "/server_info",
    "/graphql?query={version}",
    "/favicon.ico",
    "/logs/a.out",
    "/download_debug/a",
    f"{PATH}/",
]
WRONG = [
    {},
    {"authorization": "Bearer wrong"},
    {"authorization": f"Bearer {TOKEN[:-1]}"},
    {"authorization": f"Bearer {TOKEN}x"},
    {"authorization": f"Basic {TOKEN}"},
    {"authorization": TOKEN},
    {"authorization": "Bearer"},
    {"authorization": "Bearer \xe9"},
    {"cookie": f"{COOKIE}={TOKEN}"},
    {"cookie": f"{COOKIE}="},
]


@pytest.mark.parametrize("given", WRONG, ids=str)
def test_without_the_token_nothing_is_answered(guarded: Ui, given: dict[str, str]) -> None:
    headers = {name: value.encode() for name, value in given.items()}
    for path in GUARDED:
        answer = guarded.client.get(path, headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert guarded.client.get(path, headers={**headers, "accept": "text/html"}).status_code == 401
    assert guarded.client.get(GUARDED[0], params={"token": TOKEN}, headers=headers).status_code == 401
    refused = guarded.client.post("/graphql", json={"query": REPORT}, headers=headers)
    assert refused.status_code == 401 and not guarded.has_changed()
    with pytest.raises(WebSocketDisconnect):
        guarded.subscribe(SUBSCRIPTION, **headers)


def test_with_the_token_everything_is_answered(guarded: Ui) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert guarded.client.get("/server_info", headers=bearer).json()["dagster_version"]
    assert guarded.mutate(**bearer).status_code == 200 and guarded.has_changed()
    assert is_followed(guarded.subscribe(SUBSCRIPTION, **bearer))


def test_token_of_a_proxy_is_no_pass_for_pages_of_other_sites(guarded: Ui) -> None:
    """The proxy adds it to whatever the browser asks for."""
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert guarded.mutate(**bearer, origin="http://attacker.example").status_code == 403
    assert not guarded.has_changed()


def test_who_signed_in_once_is_known_by_a_cookie_that_is_not_the_token(guarded: Ui) -> None:
    asked = guarded.client.get("/runs", headers={"accept": "text/html"})
    assert asked.status_code == 401 and f'action="{PATH}"' in asked.text
    signed_in = guarded.client.post(PATH, data={"token": TOKEN}, headers={"origin": f"http://{HERE}"})
    assert signed_in.status_code == 303 and signed_in.headers["location"] == "/"
    cookie = signed_in.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and TOKEN not in cookie
    assert guarded.client.get("/server_info").status_code == 200
    assert guarded.mutate().status_code == 200 and guarded.has_changed()
    guarded.client.cookies.clear()
    assert guarded.client.get("/server_info").status_code == 401


def test_session_ends_with_its_token() -> None:
    assert session_of(TOKEN) != session_of(TOKEN[::-1])


def test_cookie_goes_over_tls_only_where_the_page_came_over_tls(guarded: Ui) -> None:
    for scheme, is_secure in (("https", True), ("http", False)):
        client = TestClient(guarded.app, base_url=f"{scheme}://{HERE}", follow_redirects=False)
        cookie = client.post(PATH, data={"token": TOKEN}).headers["set-cookie"].lower()
        assert ("; secure" in cookie) is is_secure


@pytest.mark.parametrize("given", ["wrong", "", TOKEN[:-1], "\udcff", "é" * 40])
def test_wrong_token_signs_nobody_in(guarded: Ui, given: str) -> None:
    answer = guarded.client.post(PATH, content=f"token={given}".encode(errors="surrogateescape"))
    assert answer.status_code == 401 and "set-cookie" not in answer.headers


def test_sign_in_takes_no_form_of_any_size_and_of_no_other_page(guarded: Ui) -> None:
    assert guarded.client.post(PATH, content=b"x" * (MOST + 1)).status_code == 413
    foreign = guarded.client.post(PATH, data={"token": TOKEN}, headers={"origin": "http://attacker.example"})
    assert foreign.status_code == 403 and "set-cookie" not in foreign.headers


def test_token_is_in_no_answer_log_or_representation(guarded: Ui, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [guarded.client.post(PATH, data={"token": given}) for given in (TOKEN, TOKEN + "x")]
    answers += [
        guarded.client.get(path, headers={"authorization": f"Bearer {given}", "accept": accepted})
        for path in (*GUARDED[:4], PATH)
        for given in (TOKEN, TOKEN + "x")
        for accepted in ("text/html", "*/*")
    ]
    for answer in answers:
        assert TOKEN not in answer.text and TOKEN not in str(answer.headers)
    assert TOKEN not in caplog.text and TOKEN not in repr(UiSettings(token=TOKEN))


def test_without_a_token_there_is_nothing_to_sign_in_to(ui: Ui) -> None:
    assert ui.client.post(PATH, data={"token": ""}).status_code == 405


def test_page_of_a_proxy_is_answered_under_its_name_only(
    proxied: Ui,
) -> None:
    """The proxy ends TLS: the browser's scheme is https, the server's http."""
    own = {"host": PROXY, "origin": f"https://{PROXY}", "sec-fetch-site": "same-origin"}
    assert proxied.mutate(**own).status_code == 200 and proxied.has_changed()
    assert is_followed(proxied.subscribe(SUBSCRIPTION, **own))
    assert proxied.mutate(**{**own, "host": f"x.{PROXY}"}).status_code == 400
    assert proxied.mutate(**{**own, "origin": "https://wiki.example.com"}).status_code == 403
    # Which a proxy that does not pass Host on would send.
    assert "pass the header Host on" in proxied.mutate(**{**own, "host": HERE}).text
