"""The ledger is a function of what was delivered: in which order it came makes no difference."""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.installation import Installation

pytestmark = pytest.mark.slow

MONTHS = ("2026-09", "2026-10", "2026-11")
FIRST, DAYS = datetime(2026, 9, 1, tzinfo=UTC), 80
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


def deliver_bills(installation: Installation, months: Iterable[str]) -> None:
    for month in months:
        with (installation.root / "costs" / f"{month}.csv").open("w", newline="") as opened:
            lines = csv.writer(opened)
            lines.writerow(
                ["day", "provider", "account", "model", "token_class", "quantity", "unit", "amount", "currency"]
            )
            lines.writerows(bills()[month])


def refresh(installation: Installation) -> None:
    done = installation.refresh(MONTHS[0], MONTHS[-1])
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def deliver_requests(installation: Installation, found: dict[Place, list[Request]]) -> None:
    for (day, number), records in found.items():
        installation.deliver_requests(day, number, map(json.dumps, records))


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
        deliver_requests(by_steps, {place: files[place] for place in part})
        deliver_bills(by_steps, months)
        refresh(by_steps)

    deliver_requests(fresh, files)
    deliver_bills(fresh, MONTHS)
    refresh(fresh)

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
    ((billed, estimated),) = fresh.query(
        "select sum(billed_cost) filter (where not is_estimated), sum(billed_cost) filter (where is_estimated) "
        "from fact_cost"
    )
    assert billed == sum(Decimal(row[7]) for month in MONTHS for row in bills()[month]) and estimated > 0
