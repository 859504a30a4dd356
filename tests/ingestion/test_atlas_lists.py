"""Atlas's lists beside the bill, and the two ways to sign in: what can't be had costs the invoices nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingestion.errors import SettingError
from ingestion.lake.contract import Landing
from ingestion.lake.notes import known_notes, load_of
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.atlas import SOURCE as ATLAS
from ingestion.sources.atlas.source import AtlasSettings
from sample_company import atlas
from sample_company.server import Request, Response, Route, json_response, serving
from sample_company.world import State, World

DATASET = "raw_atlas"
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
WINDOW = Window(Month(2026, 10), Month(2026, 11))
SETTINGS: dict[str, Any] = {"org_id": "o", "client_id": "i", "client_secret": "s"}

Answer = Callable[[Request], Response]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def results(*found: dict[str, Any]) -> Answer:
    return lambda request: json_response({"results": [*found], "totalCount": len(found)})


def status(code: int) -> Answer:
    return lambda request: Response(code, b'{"errorCode":"RATE_LIMITED"}', {"Retry-After": "0"})


PROJECT = {"id": "p1", "name": "shop", "orgId": "o", "tags": [{"key": "team", "value": "search"}]}
CLUSTER = {
    "id": "c1",
    "name": "orders",
    "tags": [{"key": "team", "value": "search"}],
    "connectionStrings": {"standard": "x"},
}
INVOICE = {
    "id": "i1",
    "orgId": "o",
    "statusName": "PENDING",
    "startDate": "2026-11-01T00:00:00Z",
    "endDate": "2026-12-01T00:00:00Z",
}
ITEM = {"sku": "A", "totalPriceCents": 125, "startDate": "2026-11-02T00:00:00Z", "endDate": "2026-11-03T00:00:00Z"}
LISTS: dict[str, Answer] = {
    "/orgs/o/groups": results(PROJECT),
    "/orgs/o/teams": results({"id": "t1", "name": "Team"}),
    "/groups/p1/teams": results({"teamId": "t1", "roleNames": ["GROUP_READ_ONLY", "GROUP_OWNER"]}),
    "/groups/p1/clusters": results(CLUSTER),
}


@contextmanager
def serving_atlas(
    invoice: dict[str, Any] | None = None, more: Sequence[Route] = (), /, **changed: Answer
) -> Iterator[str]:
    """An Atlas of one invoice, one project and one cluster.

    `invoice`: other fields of the invoice, `more`: other endpoints, `changed`: what answers, by path.
    """
    answers = {**LISTS, **changed}
    header = {**INVOICE, **(invoice or {})}
    routes = [
        Route(
            "POST", "/api/oauth/token", lambda request: json_response({"access_token": "t", "expires_in": 3600})
        ),
        Route("GET", "/api/atlas/v2/orgs/o/invoices", results(header)),
        Route(
            "GET",
            "/api/atlas/v2/orgs/o/invoices/i1",
            lambda request: json_response({**header, "id": "i1", "lineItems": [ITEM]}),
        ),
        *more,
        *(Route("GET", f"/api/atlas/v2{path}", answer) for path, answer in answers.items()),
    ]
    with serving(routes) as url:
        yield url


def landed(home: Home, url: str, days: int = 0, **settings: Any) -> Landing:
    return land(
        home, ATLAS, AtlasSettings(**{**SETTINGS, **settings}, base_url=url), WINDOW, NOW + timedelta(days=days)
    )


def rows(home: Home, table: str) -> list[dict[str, Any]]:
    current = {(note.slice_id, note.load_id) for note in known_notes(home, DATASET).values()}
    return [
        row
        for file in sorted((home.lake / DATASET / table).glob("*.parquet"))
        for row in pq.read_table(file, partitioning=None).to_pylist()
        if (row["slice_id"], load_of(file)) in current
    ]


def test_projects_land_with_their_teams_and_clusters_with_their_tags(home: Home) -> None:
    with serving_atlas() as url:
        landing = landed(home, url)
    assert not landing.refused
    (project,), (role,), (cluster,) = (rows(home, name) for name in ("projects", "project_teams", "clusters"))
    assert json.loads(project["tags"]) == json.loads(cluster["tags"]) == {"team": "search"}
    assert (role["team_name"], json.loads(role["roles"])) == ("Team", ["GROUP_OWNER", "GROUP_READ_ONLY"])
    assert role["team_project_count"] == 1 and "connectionStrings" not in json.dumps(cluster, default=str)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("code", [401, 402, 403, 404, 410, 429, 500, 503])
def test_list_that_is_not_to_be_had_costs_the_invoice_nothing(home: Home, path: str, code: int) -> None:
    with serving_atlas(**{path: status(code)}) as url:
        landing = landed(home, url)
    assert [row["total_price"] for row in rows(home, "invoice_line_items")] == [1.25]
    refused = {name.partition("|")[0] for name, _ in landing.refused}
    is_refused = code in (429, 500, 503)
    of_clusters = {"/orgs/o/groups", "/groups/p1/clusters"}
    of_projects = {"/orgs/o/groups", "/orgs/o/teams", "/groups/p1/teams"}
    expected = {name for name, paths in (("clusters", of_clusters), ("projects", of_projects)) if path in paths}
    assert refused == (expected if is_refused else set())
    if not is_refused and path != "/orgs/o/groups":
        assert len(rows(home, "projects")) == 1


def test_project_that_is_deleted_between_two_calls_costs_the_others_nothing(home: Home) -> None:
    second = {**PROJECT, "id": "p2", "name": "gone"}
    gone = {"/groups/p2/teams": status(404), "/groups/p2/clusters": status(404)}
    with serving_atlas(**{"/orgs/o/groups": results(PROJECT, second), **gone}) as url:
        landing = landed(home, url)
    assert not landing.refused
    assert [row["name"] for row in rows(home, "clusters")] == ["orders"] and len(rows(home, "project_teams")) == 1


def test_odd_record_of_one_project_costs_the_others_nothing(home: Home) -> None:
    second = {**PROJECT, "id": "p2", "created": "soon"}
    odd = {
        "/groups/p2/teams": results({"roleNames": ["GROUP_OWNER"]}),
        "/groups/p2/clusters": results({"id": "c2"}),
    }
    with serving_atlas(**{"/orgs/o/groups": results(PROJECT, second), **odd}) as url:
        landing = landed(home, url)
    assert not landing.refused
    assert [row["name"] for row in rows(home, "clusters")] == ["orders"] and len(rows(home, "project_teams")) == 1
    assert len(rows(home, "projects")) == 2 and len(rows(home, "rejected_records")) == 2


def test_project_whose_clusters_may_not_be_read_keeps_the_list_of_clusters_before(home: Home) -> None:
    with serving_atlas() as url:
        landed(home, url)
    second = {**PROJECT, "id": "p2"}
    with serving_atlas(**{"/orgs/o/groups": results(second, PROJECT), "/groups/p2/clusters": status(403)}) as url:
        landing = landed(home, url, days=1)
    assert not landing.refused and [row["name"] for row in rows(home, "clusters")] == ["orders"]


def test_page_that_repeats_refuses_its_list_and_keeps_the_one_before(home: Home) -> None:
    with serving_atlas() as url:
        landed(home, url)

    def repeated(request: Request) -> Response:
        return json_response({"results": [PROJECT], "totalCount": 3})

    with serving_atlas(**{"/orgs/o/groups": repeated}) as url:
        landing = landed(home, url, days=1)
    assert {name.partition("|")[0] for name, _ in landing.refused} == {"projects", "clusters"}
    assert all("the same records" in reason for _, reason in landing.refused)
    assert len(rows(home, "projects")) == 1


WORLD = World(7, date(2026, 11, 9))


def test_api_key_signs_by_digest_and_lands_the_same_as_a_service_account(tmp_path: Path) -> None:
    state = State(WORLD, date(2026, 11, 10))
    found = []
    with serving(atlas.routes(state)) as base:
        signed: dict[str, dict[str, Any]] = {
            "account": {"client_id": atlas.CLIENT_ID, "client_secret": atlas.CLIENT_SECRET},
            "key": {"public_key": atlas.PUBLIC_KEY, "private_key": atlas.PRIVATE_KEY},
        }
        for name, keys in signed.items():
            home = Home(tmp_path / name)
            settings = AtlasSettings(atlas.ORG, **keys, base_url=f"{base}/atlas")
            landing = land(home, ATLAS, settings, WINDOW, NOW)
            assert not landing.refused
            found.append({table: rows(home, table) for table in ("invoices", "invoice_line_items", "clusters")})
        assert found[0] == found[1] and found[0]["invoice_line_items"]
        wrong = AtlasSettings(
            atlas.ORG, public_key=atlas.PUBLIC_KEY, private_key="wrong", base_url=f"{base}/atlas"
        )
        with pytest.raises(Exception, match=r"answered 401: check the role of the service account or API key"):
            land(Home(tmp_path / "wrong"), ATLAS, wrong, WINDOW, NOW)


@pytest.mark.parametrize(
    "keys", [{}, {"client_id": "i"}, {"client_secret": "s"}, {"public_key": "p", "client_id": "i"}]
)
def test_half_a_pair_of_credentials_names_both_pairs(home: Home, keys: dict[str, Any]) -> None:
    settings = AtlasSettings("o", **keys)
    with pytest.raises(
        SettingError, match="client_id and client_secret of a service account, or public_key and private_key"
    ):
        land(home, ATLAS, settings, WINDOW, NOW)


def test_token_that_expires_in_the_middle_of_a_landing_is_renewed(home: Home) -> None:
    """Atlas takes a token back; the account asks for another before each token's end."""
    tokens: list[str] = []

    def token(request: Request) -> Response:
        tokens.append(f"t{len(tokens)}")
        return json_response({"access_token": tokens[-1], "expires_in": 1, "token_type": "Bearer"})

    def signed(answer: Answer) -> Answer:
        return lambda request: (
            answer(request) if request.header("Authorization") == f"Bearer {tokens[-1]}" else Response(401)
        )

    lists = {path: signed(answer) for path, answer in LISTS.items()}
    routes = [
        Route("POST", "/api/oauth/token", token),
        Route("GET", "/api/atlas/v2/orgs/o/invoices", signed(results(INVOICE))),
        Route(
            "GET",
            "/api/atlas/v2/orgs/o/invoices/i1",
            signed(lambda request: json_response({**INVOICE, "lineItems": [ITEM]})),
        ),
        *(Route("GET", f"/api/atlas/v2{path}", answer) for path, answer in lists.items()),
    ]
    with serving(routes) as url:
        landing = landed(home, url)
    assert not landing.refused and len(tokens) > len(LISTS) and len(rows(home, "clusters")) == 1


@pytest.mark.parametrize("empty", [results(), status(404)], ids=["an empty list", "404"])
def test_pending_invoice_that_is_listed_apart_lands(home: Home, empty: Answer) -> None:
    closed = {
        "id": "i0",
        "statusName": "PAID",
        "updated": "2026-11-02T00:00:00Z",
        "startDate": "2026-10-01T00:00:00Z",
    }
    header = {**INVOICE, **closed}
    whole = Route(
        "GET", "/api/atlas/v2/orgs/o/invoices/i0", lambda _: json_response({**header, "lineItems": [ITEM]})
    )
    pending = {"answer": results({**INVOICE, "lineItems": [ITEM, ITEM]})}
    path = "/api/atlas/v2/orgs/o/invoices/pending"
    with serving_atlas(
        closed,
        [
            whole,
            Route("GET", path, lambda request: pending["answer"](request)),  # noqa: PLW0108 - another one later
        ],
    ) as url:
        assert not landed(home, url).refused
        assert sorted(row["invoice_id"] for row in rows(home, "invoice_line_items")) == ["i0", "i1"]
        for code in (401, 403, 500):
            pending["answer"] = status(code)
            landing = landed(home, url)
            assert (bool(landing.refused), bool(landing.undelivered)) == (code == 500, code != 500)
            assert len(rows(home, "invoice_line_items")) == 2
        pending["answer"] = empty
        assert not landed(home, url).refused
    assert [row["invoice_id"] for row in rows(home, "invoice_line_items")] == ["i0"]
