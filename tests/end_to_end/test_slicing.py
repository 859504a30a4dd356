"""The ledger is a function of what was delivered: in which order it came makes no difference."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.settings import PROJECT_ROOT
from tests.end_to_end.conftest import RUN_TIMES

pytestmark = pytest.mark.slow

MONTHS = ("2026-09", "2026-10", "2026-11")
FIRST, DAYS = datetime(2026, 9, 1, tzinfo=UTC), 80
OWNERS = "owners:\n  - {id: search, kind: team, name: Search}\n  - {id: chat, kind: team, name: Chat}\n"
RULES = (
    'rules:\n  - {id: search, claim: request_workflow, match: glob, value: "wf-*", owner: search}\n'
    '  - {id: chat, claim: request_service, match: glob, value: "chat*", owner: chat}\n'
)
# They describe deliveries, and so differ with them.
OF_DELIVERIES = {"fact_delivery", "fact_cost_revision", "fact_restatement", "source_freshness", "held_delivery"}
OF_FILES = RUN_TIMES | {"slice_id", "delivered_slices", "content_digest"}

Request = dict[str, Any]
# A folder of canonical records, by the day that their collector wrote them, and the file of it.
Place = tuple[datetime, int]


def requests(rng: random.Random) -> list[Request]:
    """Requests of two providers: some in two logs, some attempts of one call, some around a month's end, one id twice."""
    found: list[Request] = []
    for number in range(240):
        started = FIRST + timedelta(days=rng.randrange(DAYS), seconds=rng.randrange(86_400))
        if rng.random() < 0.2:
            started = started.replace(day=1) - timedelta(seconds=rng.randrange(1, 5))
        record = {
            "source_system": rng.choice(("gateway", "spans")),
            "request_id": f"r{number}",
            "call_id": f"c{number if rng.random() < 0.8 else number - 1}",
            "provider_request_id": rng.choice((f"p{number}", None)),
            "started_at": started.isoformat(),
            "provider": rng.choice(("groq", "openai")),
            "request_model": rng.choice(("gpt-4o", "openai/gpt-oss-120b")),
            "status": rng.choice(("success", "success", "failure")),
            "input_tokens": rng.randrange(2_000),
            "output_tokens": rng.randrange(500),
            "workflow": rng.choice(("wf-index", "wf-rank", None)),
            "service_name": rng.choice(("chat-api", "batch", None)),
        }
        found.append(record)
        if rng.random() < 0.1:
            other = "spans" if record["source_system"] == "gateway" else "gateway"
            began = (started + timedelta(seconds=rng.randrange(5))).isoformat()
            found.append({**record, "source_system": other, "workflow": None, "started_at": began})
    for at in (FIRST, FIRST + timedelta(days=70)):
        found.append(
            {**found[0], "request_id": "chatcmpl-1", "provider_request_id": None, "started_at": at.isoformat()}
        )
    return found


def bills() -> dict[str, list[list[str]]]:
    """A provider's bill a month; the last month's covers ten days."""
    found = {}
    for month in MONTHS:
        days = 10 if month == MONTHS[-1] else 28
        found[month] = [
            [f"{month}-{day:02d}", "OpenAI", "org", "gpt-4o", token_class, "100000", "Tokens", amount, "USD"]
            for day in range(1, days + 1)
            for token_class, amount in (("input", "0.25"), ("output", "1.00"))
        ]
    return found


@dataclass
class Installation:
    """An installation with its own files, refreshed by the user's command."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "COSTOWNER_HOME": str(self.root / "home"),
            "COSTOWNER_REGISTRY": str(self.root / "registry"),
            "COSTOWNER_DUCKDB_MEMORY": "700MB",
            "SOURCES__LLM_GATEWAY__CANONICAL_URL": str(self.root / "requests"),
            "SOURCES__LLM_PROVIDERS__COSTS_URL": str(self.root / "costs"),
        }

    def declare(self) -> None:
        folder = self.root / "registry"
        folder.mkdir(parents=True)
        (folder / "owners.yml").write_text(OWNERS)
        (folder / "ownership_rules.yml").write_text(RULES)

    def deliver_requests(self, placed: dict[Place, list[Request]]) -> None:
        for (day, number), records in placed.items():
            folder = self.root / "requests" / f"year={day:%Y}" / f"month={day:%m}" / f"day={day:%d}"
            folder.mkdir(parents=True, exist_ok=True)
            lines = "".join(json.dumps(record) + "\n" for record in records)
            (folder / f"part-{number}.jsonl").write_text(lines)

    def deliver_bills(self, months: Iterable[str]) -> None:
        folder = self.root / "costs"
        folder.mkdir(parents=True, exist_ok=True)
        for month in months:
            with (folder / f"{month}.csv").open("w", newline="") as opened:
                lines = csv.writer(opened)
                lines.writerow(
                    [
                        "day",
                        "provider",
                        "account",
                        "model",
                        "token_class",
                        "quantity",
                        "unit",
                        "amount",
                        "currency",
                    ]
                )
                lines.writerows(bills()[month])

    def refresh(self) -> None:
        command = [sys.executable, "-m", "orchestration", "refresh", "--months", f"{MONTHS[0]}..{MONTHS[-1]}"]
        done = subprocess.run(
            command, env=self.environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        database = self.root / "home" / "published" / "marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            found = {}
            for (name,) in connection.execute("select table_name from duckdb_tables() order by 1").fetchall():
                if name not in OF_DELIVERIES:
                    described = connection.execute(f'describe "{name}"').fetchall()
                    columns = ", ".join(f'"{row[0]}"' for row in described if row[0] not in OF_FILES)
                    found[name] = connection.execute(f'select {columns} from "{name}" order by all').fetchall()
            return found


def placed(records: Sequence[Request], rng: random.Random) -> dict[Place, list[Request]]:
    """Requests in files: of the day on which they began, of the next (after midnight), or of a week later."""
    found: dict[Place, list[Request]] = defaultdict(list)
    for record in records:
        started = datetime.fromisoformat(record["started_at"])
        written = started + timedelta(seconds=5) + timedelta(days=rng.choice((0, 0, 0, 1, 7)))
        day = written.replace(hour=0, minute=0, second=0, microsecond=0)
        found[day, rng.randrange(2)].append(record)
    return found


@pytest.mark.parametrize("seed", [7])
def test_any_order_of_deliveries_gives_the_ledger_of_a_fresh_build(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    records = requests(rng)
    by_steps, fresh = Installation(tmp_path / "by_steps"), Installation(tmp_path / "fresh")
    by_steps.declare()
    fresh.declare()

    # The second refresh finds more files of any month; one bill comes before requests of its month, the others after.
    # Then come a file of November and one of October alone: their months are built without the others.
    files = placed(records, rng)
    middles = (datetime(2026, month, 14, tzinfo=UTC) for month in (11, 10))
    last = [next(place for place in sorted(files) if place[0] >= middle) for middle in middles]
    shuffled = [place for place in rng.sample(sorted(files), len(files)) if place not in last]
    half = len(shuffled) // 2
    for part, months in (
        (shuffled[:half], MONTHS[:1]),
        (shuffled[half:], MONTHS[1:]),
        (last[:1], ()),
        (last[1:], ()),
    ):
        by_steps.deliver_requests({place: files[place] for place in part})
        by_steps.deliver_bills(months)
        by_steps.refresh()

    fresh.deliver_requests(files)
    fresh.deliver_bills(MONTHS)
    fresh.refresh()

    found, expected = by_steps.marts(), fresh.marts()
    different = {
        name: (
            sorted(set(found[name]) - set(expected[name]), key=str)[:3],
            sorted(set(expected[name]) - set(found[name]), key=str)[:3],
        )
        for name in expected
        if found[name] != expected[name]
    }
    assert not different
    ((billed, estimated),) = _sums(fresh)
    assert billed == sum(Decimal(row[7]) for month in MONTHS for row in bills()[month]) and estimated > 0


def _sums(installation: Installation) -> list[tuple[Decimal, Decimal]]:
    database = installation.root / "home" / "published" / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(
            "select sum(billed_cost) filter (where not is_estimated), sum(billed_cost) filter (where is_estimated) "
            "from fact_cost"
        ).fetchall()
