"""Bad days: killed refreshes, vendors that fail, a disk that is full, a ledger that does not add up."""

from __future__ import annotations

import json
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from ingestion.settings import PROJECT_ROOT
from sample_company.server import Request, Response, Route, serving
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
    # First revisions differ: later days' logs are already there when this company begins.
    found, expected = killed.marts(), company.marts()
    for mart in ("fact_cost_revision", "fact_restatement"):
        assert found.pop(mart) and expected.pop(mart)
    assert found == expected


def test_source_that_refuses_us_is_told_and_the_others_are_published(company: Company) -> None:
    """Whoever looks at the terminal's last line, or gets the alert, learns which source it was and what to do."""
    before = company.marts()
    alerts: list[str] = []

    def hook(request: Request) -> Response:
        alerts.append(json.loads(request.body)["text"])
        return Response(200)

    with serving([Route("POST", "/hook", hook)]) as base:
        output = company.fail(
            {"SOURCES__VERCEL__TOKEN": "no-such-token-at-all", "COSTOWNER_ALERT_WEBHOOK": f"{base}/hook"}
        )
    cause = "vercel as a whole: Vercel: "
    (alert,) = alerts
    for text in (output.splitlines()[-1], alert):
        assert cause in text and "sources.vercel.token" in text and "every_source_was_refreshed" in text, text
    assert alert.startswith("Costowner: refresh failed\n")
    assert "no-such-token-at-all" not in output + alert
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
        last = output.splitlines()[-1]
        assert "ledger: test ledger_is_conserved failed: " in last and "source=atlas, " in last, last
        assert company.database.stat().st_ino == published and company.marts() == before
        # Nor does a run of the publication alone, from the UI, publish what failed.
        alone = materialized(company, "published/marts")
        assert alone.returncode == 1 and "nothing is published: the build of run" in alone.stdout
        assert company.database.stat().st_ino == published and company.marts() == before
    finally:
        note.write_bytes(original)
    company.refresh()
    assert company.marts() == before


def dagster(company: Company, *arguments: str) -> subprocess.Popen[str]:
    """A command of Dagster's own: a run as its UI, its schedule or its daemon starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "dagster", *arguments, "-m", "orchestration.definitions"],
        env={**company.environment, "DAGSTER_HOME": str(company.home / "dagster")},
        cwd=PROJECT_ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def materialized(company: Company, selection: str) -> subprocess.CompletedProcess[str]:
    process = dagster(company, "asset", "materialize", "--select", selection)
    output, _ = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def test_run_of_the_ui_waits_until_the_command_has_published_what_it_checked(company: Company) -> None:
    """It is started while the command builds (which is stopped until then): it waits, and its log names the command."""
    before = company.marts()
    process = company.start({}, "--months", "2026-09..2026-10")
    said_until(process, "Running dbt command")
    process.send_signal(signal.SIGSTOP)
    other = dagster(company, "asset", "materialize", "--select", "marts/dim_owner")
    waiting = said_until(other, "waiting for ")
    process.send_signal(signal.SIGCONT)
    assert f"waiting for a refresh by the command (process {process.pid})" in waiting
    assert "Running dbt command" not in waiting
    output, _ = process.communicate()
    rest, _ = other.communicate()
    assert process.returncode == 0 and other.returncode == 0, output[-3000:] + rest[-3000:]
    # What is made of dim_owner was not built with it: nothing of this warehouse is published before a whole refresh.
    alone = materialized(company, "published/marts")
    assert alone.returncode == 1 and "built a part of the ledger without all that is made of it" in alone.stdout
    assert company.marts() == before
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
