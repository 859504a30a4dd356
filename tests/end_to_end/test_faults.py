"""Bad days: killed refreshes, vendors that fail, a disk that is full, a ledger that does not add up."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from ingestion.settings import PROJECT_ROOT
from tests.end_to_end.conftest import FIRST, SECOND, Company, Reader, said_until

pytestmark = pytest.mark.slow

# Each marker is a line that the refresh prints; the process is killed the moment it appears.
MOMENTS = (
    "AWS: asking for",
    "LLM gateway: asking for",
    "int_claims__summed",
    "model main.fact_cost ",
    "publishing to ",
)


def kill_at(company: Company, moment: str) -> None:
    """Start a refresh and kill it, SIGKILL, when it says the marker."""
    process = company.start()
    said_until(process, moment)
    process.kill()
    process.communicate()


def test_killed_refreshes_and_failing_vendors_leave_nothing_behind(
    staged_company: Callable[[str, date], Company], company: Company
) -> None:
    """Killed before anything was published, then at every moment of the next refresh; the last one meets vendors
    that fail every third request. It equals the undisturbed installation, and readers saw nothing of it."""
    killed = staged_company("killed", FIRST)
    kill_at(killed, "model main.fact_cost ")
    assert not killed.database.exists()
    killed.refresh()
    killed.show(SECOND)
    with Reader(killed) as reader:
        for moment in MOMENTS:
            kill_at(killed, moment)
        killed.stage.faults.every = 3
        try:
            output = killed.refresh()
        finally:
            killed.stage.faults.every = 0
    assert not reader.errors and reader.reads > 0
    assert killed.stage.faults.count >= 6, "each kind of fault struck twice"
    asked = re.findall(r"(raw_\w+) - [^:]+: asking for", output)
    assert len(asked) == len(set(asked)) > 0, "calls are repeated, and no source is asked all over again"
    # What was believed at first differs: this one began when later days' logs lay there already.
    found, expected = killed.marts(), company.marts()
    for mart in ("fact_belief", "fact_restatement"):
        assert found.pop(mart) and expected.pop(mart)
    assert found == expected


def test_source_that_refuses_us_is_told_and_the_others_are_published(company: Company) -> None:
    before = company.marts()
    output = company.fail({"SOURCES__VERCEL__TOKEN": "no-such-token-at-all"})
    assert "sources.vercel.token" in output.splitlines()[-1], output[-2000:]
    assert "no-such-token-at-all" not in output
    # Vercel's charges stay at what was delivered before; all else was asked, and published.
    assert company.marts() == before


def test_publication_stays_when_the_ledger_does_not_add_up(company: Company) -> None:
    """A delivery note is made to say something else than its rows: the refresh stops before publication."""
    before, published = company.marts(), company.database.stat().st_ino
    (note,) = (company.home / "lake" / "raw_atlas" / "delivery_totals").glob(f"*{newest_totals(company)}*")
    original = note.read_bytes()
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (cast(amount + 1 as decimal(38, 12)) as amount) from read_parquet('{note}')) "
            f"to '{note}.tmp' (format parquet)"
        )
    note.with_name(f"{note.name}.tmp").replace(note)
    try:
        output = company.fail({})
        assert "billed_cost_equals_the_delivery_notes" in output
        assert company.database.stat().st_ino == published and company.marts() == before
    finally:
        note.write_bytes(original)
    company.refresh()
    assert company.marts() == before


def newest_totals(company: Company) -> str:
    """The load that delivered Atlas's newest invoice."""
    with duckdb.connect(str(company.home / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select load_id from lake.current_slices where dataset = 'raw_atlas' order by slice_id desc limit 1"
        ).fetchone()
    assert found is not None
    return str(found[0])


def test_full_disk_is_told_in_one_line_and_the_publication_stays(company: Company) -> None:
    """No file may grow over a part of what the warehouse needs (RLIMIT_FSIZE), as on a disk that is full.

    Dagster's own records are smaller than that."""
    before = company.marts()
    room = (company.home / "warehouse.duckdb").stat().st_size * 3 // 4

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [sys.executable, "-m", "orchestration", "refresh", "--months", "2026-09..2026-10"],
        env=company.environment,
        cwd=PROJECT_ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-3000:]
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("refresh failed") and "File too large" in last, done.stdout[-3000:]
    assert company.marts() == before
    company.refresh()
    assert company.marts() == before
