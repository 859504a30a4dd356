"""Vercel: answers that are cut off or empty keep what was delivered, lists beside the bill cost the bill nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingestion.errors import SettingError
from ingestion.lake.contract import Landing
from ingestion.lake.integrity import lost, verify
from ingestion.lake.manifest import File, described, manifest_file, read_manifest, rewriting, write_manifest
from ingestion.lake.notes import known_notes, load_of
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.vercel import SOURCE as VERCEL
from ingestion.sources.vercel.source import VercelSettings, midnight
from orchestration.layout import FILE, LAYOUT, writing
from orchestration.retention.prune import prune
from orchestration.state_file import write_state
from sample_company.server import Request, Response, Route, dumps, json_response, serving

DATASET = "raw_vercel"
NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
WINDOW = Window(Month(2026, 10), Month(2026, 11))
TEAM = "team_x"
NOTHING = {"projects": [], "members": [], "accessGroups": [], "pagination": {"count": 0, "next": None}}

Answer = Callable[[Request], Response]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def charge(day: date, cost: str, **fields: object) -> dict[str, object]:
    """A charge with no field but the documented ones that are always there."""
    return {
        **{"BilledCost": Decimal(cost), "EffectiveCost": Decimal(cost), "BillingCurrency": "USD"},
        "ChargePeriodStart": midnight(day).isoformat(),
        "ChargePeriodEnd": midnight(day + timedelta(days=1)).isoformat(),
        **{
            "ChargeCategory": "Usage",
            "ConsumedQuantity": None,
            "ConsumedUnit": None,
            "PricingCategory": "Standard",
        },
        **{"PricingCurrency": "USD", "PricingQuantity": Decimal(cost), "PricingUnit": "USD"},
        **{"ServiceName": "Functions", "ServiceProviderName": "Vercel", "Tags": {}, **fields},
    }


def lines(charges: list[dict[str, object]]) -> list[bytes]:
    return [f"{dumps(one)}\n".encode() for one in charges]


@contextmanager
def vercel(charges: Answer | bytes, **lists: Answer) -> Iterator[str]:
    """A Vercel of one team. `lists`: what answers for a list, by the last word of its path."""

    def billed(request: Request) -> Response:
        return charges(request) if callable(charges) else Response(200, charges)

    def listed(request: Request) -> Response:
        found = lists.get(request.path.rpartition("/")[2].replace("-", "_"))
        if found:
            return found(request)
        if request.path.startswith("/v2/teams/"):
            return json_response({"id": request.path.rpartition("/")[2], "slug": "x", "name": "X"})
        return Response(200, b"") if "commitments" in request.path else json_response(NOTHING)

    with serving([Route("GET", "/v1/billing/charges", billed), Route("GET", "/v.*", listed)]) as url:
        yield url


def landed(home: Home, url: str, days: int = 0, teams: tuple[str, ...] = (TEAM,)) -> Landing:
    return land(home, VERCEL, VercelSettings("t", teams, url), WINDOW, NOW + timedelta(days=days))


def rows(home: Home, table: str) -> list[dict[str, Any]]:
    """What a reader counts: rows whose slice's newest note names their load."""
    current = {(note.slice_id, note.load_id) for note in known_notes(home, DATASET).values()}
    return [
        row
        for file in sorted((home.lake / DATASET / table).glob("*.parquet"))
        for row in pq.read_table(file, partitioning=None).to_pylist()
        if (row["slice_id"], load_of(file)) in current
    ]


def billed(home: Home) -> list[tuple[str, Decimal]]:
    return sorted((str(row["charge_date"]), row["billed_cost"]) for row in rows(home, "charges"))


def message(home: Home, list_name: str) -> str:
    (note,) = (note for name, note in known_notes(home, DATASET).items() if name.startswith(f"{list_name}|"))
    return str(note.message)


OCTOBER = [date(2026, 10, day) for day in (3, 3, 4, 9, 9, 9, 31)]
WHOLE = lines([charge(day, f"{number}.25") for number, day in enumerate(OCTOBER, start=1)])


def of_october(body: bytes, **headers: str) -> Answer:
    """October's charges; November has none."""

    def answer(request: Request) -> Response:
        is_october = (request.one("from") or "").startswith("2026-10")
        return Response(200, body, headers) if is_october else Response(200, b"")

    return answer


@pytest.mark.parametrize("kept", range(len(WHOLE)))
@pytest.mark.parametrize("order", [1, -1])
def test_answer_that_is_cut_between_two_lines_takes_nothing_from_a_day(home: Home, kept: int, order: int) -> None:
    with vercel(of_october(b"".join(WHOLE))) as url:
        landed(home, url)
    before = billed(home)
    assert len(before) == len(WHOLE)
    cut = WHOLE[::order][:kept]
    with vercel(of_october(b"".join(cut))) as url:
        landing = landed(home, url, days=1)
    assert {day for day, _ in billed(home)} == {str(day) for day in OCTOBER} and not landing.refused
    # Within the last day that arrives, a cut between two lines can't be distinguished from a restatement.
    has_every_day = {day for line, day in zip(WHOLE, OCTOBER, strict=True) if line in cut} == set(OCTOBER)
    assert billed(home) == before or has_every_day


@pytest.mark.parametrize("kept", range(1, 8))
def test_answer_by_service_that_is_cut_shortens_no_day(home: Home, kept: int) -> None:
    """Each service's days come together: a cut takes some charges of each day, and all of none."""
    days = [date(2026, 10, day) for day in (1, 2, 3, 4)]
    by_service = lines([charge(day, "100", ServiceName=name) for name in ("A", "B") for day in days])
    with vercel(of_october(b"".join(by_service))) as url:
        landed(home, url)
    before = billed(home)
    cuts = iter([b"".join(by_service[:kept]), b"".join(by_service)])

    def october(request: Request) -> Response:
        is_october = (request.one("from") or "").startswith("2026-10")
        return Response(200, next(cuts)) if is_october else Response(200, b"")

    with vercel(october) as url:
        landed(home, url, days=1)
    assert billed(home) == before


def test_day_that_two_answers_have_with_fewer_charges_is_taken(home: Home) -> None:
    with vercel(of_october(b"".join(WHOLE))) as url:
        landed(home, url)
    with vercel(of_october(b"".join(WHOLE[1:]))) as url:
        landing = landed(home, url, days=1)
    assert len(billed(home)) == len(WHOLE) - 1 and landing.states["delivered"] == 1


def test_days_of_a_cut_answer_that_it_has_whole_are_taken(home: Home) -> None:
    with vercel(of_october(b"".join(WHOLE))) as url:
        landed(home, url)
    restated = lines([charge(OCTOBER[0], "7"), charge(OCTOBER[0], "8"), charge(OCTOBER[0], "9")])
    with vercel(of_october(b"".join(restated))) as url:
        landing = landed(home, url, days=1)
    assert [cost for day, cost in billed(home) if day == "2026-10-03"] == [7, 8, 9]
    assert len(billed(home)) == len(WHOLE) + 1 and landing.states["delivered"] == 1


@pytest.mark.parametrize("body", [b"", b"\n\n"])
def test_empty_answer_is_no_data_and_no_zero(home: Home, body: bytes) -> None:
    with vercel(body) as url:
        landing = landed(home, url)
    assert (
        landing.states["no_data"] == 31 + 9 and "empty" in landing.states
    )  # the lists are empty, the days are not
    assert not [name for name in known_notes(home, DATASET) if name.startswith("charges|")]


def test_connection_that_is_cut_at_any_byte_takes_nothing(home: Home) -> None:
    whole = b"".join(WHOLE)
    with vercel(of_october(whole)) as url:
        landed(home, url)
    before = billed(home)
    for cut in range(0, len(whole), 97):
        with vercel(of_october(whole[:cut], **{"Content-Length": str(len(whole))})) as url:
            with pytest.raises(Exception, match="broke off after line"):
                landed(home, url, days=1)
        assert billed(home) == before, cut


def test_each_team_is_requested_and_lands_as_its_own(home: Home) -> None:
    def of_team(request: Request) -> Response:
        cost = {"team_a": "1", "team_b": "2"}[str(request.one("teamId"))]
        return Response(200, lines([charge(OCTOBER[0], cost)])[0])

    with vercel(of_team) as url:
        landed(home, url, teams=("team_a", "team_b", "team_a"))
    assert sorted((row["team_id"], row["billed_cost"]) for row in rows(home, "charges")) == [
        ("team_a", 1),
        ("team_b", 2),
    ]
    assert sorted(row["team_id"] for row in rows(home, "teams")) == ["team_a", "team_b"]


COMMITMENT = {
    "ContractId": "sub_1",
    "ContractPeriodStart": "2026-01-01T08:00:00.000Z",
    "ContractPeriodEnd": "2029-01-01T08:00:00.000Z",
    "ContractCommitmentId": "sub_1_1",
    "ContractCommitmentPeriodStart": "2026-01-01T08:00:00.000Z",
    "ContractCommitmentPeriodEnd": "2027-01-01T08:00:00.000Z",
    "ContractCommitmentCategory": "Usage",
    "ContractCommitmentQuantity": 14400.5,
    "ContractCommitmentType": "Enterprise",
    "ContractCommitmentUnit": "MIUs",
    "BillingCurrency": "USD",
    "Novelty": "kept",
}
SPEND = {
    **{"ContractId": "sub_2", "ContractCommitmentId": "sub_2_1", "ContractCommitmentCategory": "Spend"},
    **{"ContractCommitmentCost": 20, "ContractCommitmentUnit": "USD", "BillingCurrency": "USD"},
}
BOTH = [("sub_1_1", Decimal("14400.5"), None), ("sub_2_1", None, Decimal(20))]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b" \n", []),
        (b"[]", []),
        (json.dumps([COMMITMENT, SPEND]).encode(), BOTH),
        (json.dumps([COMMITMENT, SPEND], indent=2).encode(), BOTH),
        (f"{json.dumps(COMMITMENT)}\n{json.dumps(SPEND)}\n".encode(), BOTH),
        (f"{json.dumps(COMMITMENT)}\r\n\r\n{json.dumps(SPEND)}".encode(), BOTH),
        (json.dumps(COMMITMENT).encode(), BOTH[:1]),
    ],
)
def test_commitments_are_read_as_json_lines_as_an_array_and_as_nothing(
    home: Home, body: bytes, expected: list[object]
) -> None:
    with vercel(WHOLE[0], contract_commitments=lambda request: Response(200, body)) as url:
        landing = landed(home, url)
    found = [
        (row["contract_commitment_id"], row["contract_commitment_quantity"], row["contract_commitment_cost"])
        for row in rows(home, "contract_commitments")
    ]
    assert sorted(found) == expected and not landing.refused


@pytest.mark.parametrize(
    "body", [b"{", b"7", b'{"ContractId": "no term"}', b"<html>", json.dumps(COMMITMENT).encode()[:90]]
)
def test_commitments_that_cannot_be_read_cost_the_charges_nothing(home: Home, body: bytes) -> None:
    with vercel(WHOLE[0], contract_commitments=lambda request: Response(200, body)) as url:
        landing = landed(home, url)
    assert [name for name, _ in landing.refused] == [f"contract_commitments|{TEAM}"] and len(billed(home)) == 1


def status(code: int) -> Answer:
    return lambda request: Response(code, b'{"error":{"code":"forbidden"}}', {"Retry-After": "0"})


LISTS = ["projects", "members", "access_groups", "contract_commitments", TEAM]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("code", [402, 403, 404, 410, 429, 500, 503])
def test_list_that_is_not_to_be_had_costs_the_charges_nothing(home: Home, name: str, code: int) -> None:
    projects = [{"id": "prj_1", "name": "shop", "accountId": TEAM}]
    everything = {**NOTHING, "projects": projects}
    with vercel(WHOLE[0], **{"projects": lambda request: json_response(everything), name: status(code)}) as url:
        landing = landed(home, url)
    assert len(billed(home)) == 1
    if code in (402, 403, 404, 410):
        assert not landing.refused
        assert len(rows(home, "projects")) == (name != "projects")
    else:
        slice_name = {"access_groups": "projects", TEAM: "teams"}.get(name, name)
        assert [one for one, _ in landing.refused] == [f"{slice_name}|{TEAM}"]


def test_projects_without_access_to_groups_land_with_a_remark(home: Home) -> None:
    projects = {**NOTHING, "projects": [{"id": "prj_1", "name": "shop", "accountId": TEAM}]}
    with vercel(WHOLE[0], projects=lambda request: json_response(projects), access_groups=status(403)) as url:
        landed(home, url)
    assert "/v1/access-groups answered 403: the plan does not have it" in message(home, "projects")


def groups(request: Request) -> Response:
    """Two pages of groups, whose cursor is text; the second page repeats no record."""
    number = 2 if request.one("next") == "b==" else 1
    found = [
        {"accessGroupId": f"ag_{number}", "name": f"group {number}", "membersCount": 2, "projectsCount": number}
    ]
    return json_response(
        {"accessGroups": found, "pagination": {"count": 1, "next": None if number == 2 else "b=="}}
    )


def test_access_groups_land_with_the_projects_of_each(home: Home) -> None:
    def projects(request: Request) -> Response:
        if "access-groups" not in request.path:
            return json_response({**NOTHING, "projects": [{"id": "prj_1", "name": "shop", "accountId": TEAM}]})
        role = {"projectId": "prj_1", "role": "ADMIN", "project": {}, "createdAt": "1", "updatedAt": "1"}
        return json_response({"projects": [role], "pagination": {"count": 1, "next": None}})

    with vercel(WHOLE[0], projects=projects, access_groups=groups) as url:
        landing = landed(home, url)
    found = [
        (row["access_group_name"], row["group_project_count"], row["role"])
        for row in rows(home, "access_group_projects")
    ]
    assert found == [("group 1", 1, "ADMIN"), ("group 2", 2, "ADMIN")] and not landing.refused


def test_group_that_vanishes_and_odd_records_cost_the_other_groups_nothing(home: Home) -> None:
    def projects(request: Request) -> Response:
        if "access-groups" not in request.path:
            odd = {"id": "prj_2", "createdAt": "soon", "link": "github", "accountId": TEAM}
            return json_response(
                {**NOTHING, "projects": [{"id": "prj_1", "name": "shop", "accountId": TEAM}, odd]}
            )
        if "ag_1" in request.path:
            return Response(404, b"{}")
        roles = [{"role": "ADMIN"}, {"projectId": "prj_1", "role": "ADMIN"}]
        return json_response({"projects": roles, "pagination": {"count": 2, "next": None}})

    with vercel(WHOLE[0], projects=projects, access_groups=groups) as url:
        landing = landed(home, url)
    assert not landing.refused and len(rows(home, "projects")) == 2 and len(rows(home, "rejected_records")) == 1
    assert [row["access_group_name"] for row in rows(home, "access_group_projects")] == ["group 2"]
    assert all(row["has_access_groups"] for row in rows(home, "projects"))


def test_nothing_that_names_a_member_lands(home: Home) -> None:
    member = {
        **{
            "uid": "usr_1",
            "role": "OWNER",
            "email": "canary@example.com",
            "name": "Canary Name",
            "avatar": "canary",
        },
        **{"username": "canary@example.com", "confirmed": True, "createdAt": 1704067200000},
        **{"github": {"login": "canary"}, "joinedFrom": {"origin": "mail", "gitUserLogin": "canary"}},
        "projects": [{"id": "prj_1", "name": "shop", "role": "ADMIN"}],
    }
    pages = {"members": [member], "pagination": {"hasNext": False, "count": 1, "next": 1704067200000}}
    with vercel(WHOLE[0], members=lambda request: json_response(pages)) as url:
        landed(home, url)
    (row,) = rows(home, "members")
    assert json.loads(row["projects"]) == {"prj_1": "ADMIN"} and row["role"] == "OWNER"
    assert "anary" not in json.dumps(row, default=str)


def test_nothing_of_a_project_lands_but_what_is_named(home: Home) -> None:
    canary = "canary-of-an-environment"
    project = {
        **{
            "id": "prj_1",
            "name": "shop",
            "accountId": TEAM,
            "createdAt": 1704067200000,
            "passwordProtection": canary,
        },
        "env": [{"key": "PAYMENT_KEY", "value": canary, "legacyValue": canary, "type": "plain"}],
        "link": {"type": "github", "org": "company", "repo": "shop", "deployHooks": [{"url": canary}]},
    }
    team = {"id": TEAM, "name": "X", "inviteCode": canary, "membership": {"uid": canary}}
    answers: dict[str, Answer] = {
        "projects": lambda request: json_response({**NOTHING, "projects": [project]}),
        TEAM: lambda request: json_response(team),
    }
    with vercel(WHOLE[0], **answers) as url:
        landed(home, url)
    (row,) = rows(home, "projects")
    assert (row["name"], row["repository"]) == ("shop", "company/shop")
    everything = [file.read_bytes() for file in home.root.rglob("*") if file.is_file()]
    assert everything and not [file for file in everything if canary.encode() in file]
    assert canary not in json.dumps([*rows(home, "projects"), *rows(home, "teams")], default=str)


def test_change_of_the_answers_shape_stands_on_the_delivery_note(home: Home) -> None:
    changed = charge(OCTOBER[0], "1", Shiny="new", **{"x" * 90: 1})
    del changed["PricingUnit"]
    with vercel(of_october(lines([changed])[0])) as url:
        landed(home, url)
    note = known_notes(home, DATASET)[f"charges|{TEAM}|{OCTOBER[0]}"]
    assert note.message == (
        "fields that are not documented, kept in extra: Shiny, others; documented fields that no charge has: PricingUnit"
    )


def kept_by_an_earlier_release(home: Home) -> tuple[Path, Path]:
    """A file of projects with a column of an earlier release, and the manifest of its load."""
    with vercel(
        WHOLE[0], projects=lambda request: json_response({**NOTHING, "projects": [{"id": "prj_1"}]})
    ) as url:
        landed(home, url)
    dataset = home.lake / DATASET
    (old,) = (dataset / "projects").glob("*.parquet")
    content = pq.read_table(old, partitioning=None)
    with rewriting(dataset, load_of(old), old):
        pq.write_table(content.append_column("extra", [["a canary of an environment"]]), old)
    write_state(home.root / FILE, {"layout": LAYOUT - 1})
    return old, manifest_file(dataset, load_of(old))


def test_what_an_earlier_release_kept_of_projects_leaves_the_lake(home: Home) -> None:
    """Releases before kept all of Vercel's answer in `extra`: with it, values of environment variables."""
    old, _ = kept_by_an_earlier_release(home)
    aside = home.lake / DATASET / "_damaged" / "teams"
    aside.mkdir(parents=True)
    (aside / "1.2.parquet").write_text("a canary of a damaged file")
    with writing(home, "a test"):
        pass
    assert no_canary(home) and "extra" not in pq.read_schema(old).names
    assert [row["project_id"] for row in rows(home, "projects")] == ["prj_1"] and not verify(home, DATASET)


def no_canary(home: Home) -> bool:
    return not [file for file in home.root.rglob("*") if file.is_file() and b"canary" in file.read_bytes()]


def test_migration_gets_by_a_broken_manifest(home: Home) -> None:
    old, manifest = kept_by_an_earlier_release(home)
    manifest.write_bytes(manifest.read_bytes()[:40])
    with writing(home, "a test"):
        pass
    assert no_canary(home) and old.exists() and not verify(home, DATASET)


def test_migration_gives_a_damaged_file_no_new_digest(home: Home) -> None:
    old, _ = kept_by_an_earlier_release(home)
    content = pq.read_table(old, partitioning=None)
    changed = content.set_column(content.column_names.index("project_id"), "project_id", [["prj_9"]])
    pq.write_table(changed, old)
    with writing(home, "a test"):
        pass
    assert no_canary(home) and not old.exists() and f"projects|{TEAM}" in lost(home, DATASET)


def test_migration_that_was_killed_is_done_again(home: Home) -> None:
    old, manifest = kept_by_an_earlier_release(home)
    found = read_manifest(manifest)
    name = f"projects/{old.name}"
    pq.write_table(pq.read_table(old, partitioning=None).drop_columns(["extra"]), old)
    write_manifest(
        home.lake / DATASET, replace(found, files={**found.files, name: File(0, None)}), is_confirmed=True
    )
    with writing(home, "a test"):
        pass
    assert read_manifest(manifest).files[name] == described(old) and not verify(home, DATASET)


def test_deleted_project_stays_in_the_lake_after_a_prune(home: Home) -> None:
    def named(*names: str) -> Answer:
        projects = [{"id": f"prj_{name}", "name": name, "accountId": TEAM} for name in names]
        return lambda request: json_response({**NOTHING, "projects": projects})

    for day, names in enumerate((("shop", "old"), ("shop",), ("shop", "new"))):
        with vercel(WHOLE[0], projects=named(*names)) as url:
            landed(home, url, days=day)
    prune(home, NOW + timedelta(days=400), timedelta(days=30))
    assert {row["name"] for row in rows(home, "projects")} == {"shop", "new"}
    files = sorted((home.lake / DATASET / "projects").glob("*.parquet"))
    every = [row["name"] for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    assert sorted(every) == ["new", "old", "shop", "shop", "shop"]


class Report:
    """The AI Gateway's report, which counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: Request) -> Response:
        if request.header("Authorization") != "Bearer key":
            return Response(401, b"{}")
        day, dimension = str(request.one("start_date")), str(request.one("group_by"))
        assert request.one("end_date") == day, "one call for each day"
        self.asked.append((day, dimension))
        usage = {"total_cost": Decimal("0.25"), "input_tokens": 10, "request_count": 2, "novelty": 1}
        odd = {dimension: "odd", "total_cost": "free"}
        return json_response({"results": [{dimension: "a@example.com", **usage}, odd]})


def test_report_of_the_ai_gateway_is_requested_once_for_each_day_and_dimension(home: Home) -> None:
    report = Report()
    with serving([Route("GET", "/v1/report", report)]) as gateway, vercel(of_october(WHOLE[0])) as url:
        settings = VercelSettings("t", (TEAM,), url, "key", ("user", "model"), gateway)
        landing = land(home, VERCEL, settings, WINDOW, NOW)
        first = len(report.asked)
        land(home, VERCEL, settings, WINDOW, NOW + timedelta(hours=1))
        again = report.asked[first:]
    assert first == 2 * (31 + 9) and not landing.refused
    assert {day for day, _ in again} == {"2026-11-08", "2026-11-09"}, "days that are not final yet"
    found = rows(home, "ai_gateway_report")
    assert len(found) == first and {row["total_cost"] for row in found} == {Decimal("0.25")}
    assert all(row["value"].startswith("sha256:") and row["extra"] == '{"novelty": 1}' for row in found)
    assert len(rows(home, "rejected_records")) == first


@pytest.mark.parametrize(
    ("key", "answer"), [("wrong", Report()), ("key", status(500)), ("key", lambda _: json_response({}))]
)
def test_report_that_is_not_to_be_had_costs_the_charges_nothing(home: Home, key: str, answer: Answer) -> None:
    with serving([Route("GET", "/v1/report", answer)]) as gateway, vercel(of_october(WHOLE[0])) as url:
        settings = VercelSettings("t", (TEAM,), url, key, ("day",), gateway)
        landing = land(
            home, VERCEL, settings, Window(Month(2026, 11), Month(2026, 11)), datetime(2026, 11, 2, 9, tzinfo=UTC)
        )
    assert [name for name, _ in landing.refused] == ["ai_gateway|day|2026-11-01"]


@pytest.mark.parametrize(
    ("answer", "used", "state"),
    [
        (json_response({"balance": "95.5", "total_used": "4.123456789"}), [Decimal("4.123456789")], None),
        (json_response({"balance": "95.5"}), [], "refused"),
        (json_response({"balance": "95.5", "total_used": "much"}), [], "refused"),
        (json_response([]), [], "refused"),
        (Response(500), [], "refused"),
        (Response(401), [], "undelivered"),
        (Response(404), [], "undelivered"),
    ],
)
def test_credits_of_the_ai_gateway_cost_its_report_nothing(
    home: Home, answer: Response, used: list[Decimal], state: str | None
) -> None:
    quick = Response(answer.status, answer.body, {**answer.headers, "Retry-After": "0"})
    routes = [
        Route("GET", "/v1/report", lambda _: json_response({"results": [{"day": "2026-11-01", "total_cost": 1}]})),
        Route("GET", "/v1/credits", lambda _: quick),
    ]
    with serving(routes) as gateway, vercel(of_october(WHOLE[0])) as url:
        landing = land(home, VERCEL, VercelSettings("t", (TEAM,), url, "key", ("day",), gateway), WINDOW, NOW)
    assert [row["total_used"] for row in rows(home, "ai_gateway_credits")] == used
    assert rows(home, "ai_gateway_report") and bool(landing.refused) == (state == "refused")
    assert any("/v1/credits" in message for message in landing.undelivered) == (state == "undelivered")


@pytest.mark.parametrize(
    ("key", "dimensions", "reason"), [(None, ("user",), "ai_gateway_key"), ("key", ("team",), "'team'")]
)
def test_settings_of_the_ai_gateway_that_are_wrong_are_named(
    home: Home, key: str | None, dimensions: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(SettingError, match=reason):
        land(home, VERCEL, VercelSettings("t", (TEAM,), "http://127.0.0.1:9", key, dimensions), WINDOW, NOW)
