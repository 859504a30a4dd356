"""Faults: killed refreshes, failing vendors, a full disk, a ledger that does not add up."""

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

from ingestion.lake.manifest import rewriting
from ingestion.settings import PROJECT_ROOT
from sample_company.server import Request, Response, Route, serving
from tests.end_to_end.conftest import FIRST, SECOND, Company, Reader, assert_same, output_until

pytestmark = pytest.mark.slow

# Each marker is part of a line in the output of the refresh. The process is killed when the line appears.
MOMENTS = ("LLM gateway: asking for", "model main.fact_cost ", "publishing to ")


def kill_at(company: Company, moment: str) -> None:
    """Start a refresh and kill it with SIGKILL at the line with the marker."""
    process = company.start()
    output_until(process, moment)
    process.kill()
    process.communicate()


def test_killed_refreshes_and_failing_vendors_leave_nothing_behind(
    staged_company: Callable[[str, date], Company], company: Company
) -> None:
    """A refresh is killed before its first publication, and later ones at every marker. In the last one, vendors fail every
    third request. The result equals the undisturbed installation, and readers notice nothing."""
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
    requested = re.findall(r"(raw_\w+) - [^:]+: asking for", output)
    assert len(requested) == len(set(requested)) > 0, "single calls are repeated, not the landing of a source"
    # First revisions differ, because this installation starts when the logs of later days already exist.
    found, expected = killed.marts(), company.marts()
    for mart in ("fact_cost_revision", "fact_restatement"):
        assert found.pop(mart) and expected.pop(mart)
    assert_same(found, expected)


def test_source_that_refuses_its_credentials_raises_an_alert_and_the_others_are_published(
    company: Company,
) -> None:
    """The terminal's last line and the alert name the source and its setting."""
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
    # Vercel's charges stay as delivered before. The other sources are refreshed and published.
    assert_same(company.marts(), before)


def test_publication_stays_when_the_ledger_does_not_add_up(company: Company) -> None:
    """The control total of a delivery no longer equals its rows: the refresh stops before publication."""
    before, published = company.marts(), company.database.stat().st_ino
    dataset, load = company.home / "lake" / "raw_atlas", newest_totals(company)
    (note,) = (dataset / "delivery_totals").glob(f"*{load}*")
    original = note.read_bytes()
    # With its manifest, or it would count as damaged and be requested again.
    with rewriting(dataset, load, note), duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (cast(amount + 1 as decimal(38, 12)) as amount) from read_parquet('{note}')) "
            f"to '{note}.tmp' (format parquet)"
        )
        note.with_name(f"{note.name}.tmp").replace(note)
    try:
        output = company.fail({})
        last = output.splitlines()[-1]
        assert "ledger: test delivered_cost_equals_the_ledger failed: " in last and "source=atlas, " in last, last
        assert company.database.stat().st_ino == published
        assert_same(company.marts(), before)
        # A run of the publication alone, as from the UI, does not publish the failed build either.
        alone = materialized(company, "published/marts")
        assert alone.returncode == 1 and "nothing is published: the build of run" in alone.stdout
        assert company.database.stat().st_ino == published
        assert_same(company.marts(), before)
    finally:
        with rewriting(dataset, load, note):
            note.write_bytes(original)
    company.refresh()
    assert_same(company.marts(), before)


def dagster(company: Company, *arguments: str) -> subprocess.Popen[str]:
    """A Dagster command, which starts a run as Dagster's UI, schedule or daemon does."""
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


def test_run_of_the_ui_waits_until_the_command_has_published_its_build(company: Company) -> None:
    """It starts while the command, which is paused, is building. It waits, and its log names the command."""
    before = company.marts()
    process = company.start({}, "--months", "2026-09..2026-10")
    output_until(process, "Running dbt command")
    process.send_signal(signal.SIGSTOP)
    other = dagster(company, "asset", "materialize", "--select", "marts/dim_owner")
    waiting = output_until(other, "waiting for ")
    process.send_signal(signal.SIGCONT)
    assert f"waiting for a refresh by the command (process {process.pid})" in waiting
    assert "Running dbt command" not in waiting
    output, _ = process.communicate()
    rest, _ = other.communicate()
    assert process.returncode == 0 and other.returncode == 0, output[-3000:] + rest[-3000:]
    # The models downstream of dim_owner were not built with it, so this warehouse is not published before a whole refresh.
    alone = materialized(company, "published/marts")
    assert alone.returncode == 1 and "built a part of the ledger without all that is made of it" in alone.stdout
    assert_same(company.marts(), before)
    company.refresh()
    assert_same(company.marts(), before)


def newest_totals(company: Company) -> str:
    """The load that delivered Atlas's newest invoice."""
    with duckdb.connect(str(company.home / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select load_id from lake.current_slices where dataset = 'raw_atlas' order by slice_id desc limit 1"
        ).fetchone()
    assert found is not None
    return str(found[0])


def test_full_disk_is_reported_in_one_line_and_the_publication_stays(company: Company) -> None:
    """RLIMIT_FSIZE simulates a full disk: no file may grow to the size that the warehouse needs.

    Dagster's own records are smaller than the limit.
    """
    before = company.marts()
    limit_bytes = (company.home / "warehouse.duckdb").stat().st_size * 3 // 4

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

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
    assert_same(company.marts(), before)
    company.refresh()
    assert_same(company.marts(), before)
