"""A signal ends a command with one line, wherever it strikes: between steps, in a query of DuckDB, while it waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import click
import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner

from ingestion.errors import interruption_of, is_of_the_machine
from ingestion.lake.contract import Rows, Slice, Source
from ingestion.lake.notes import known_notes
from ingestion.lake.pipeline import land
from ingestion.locks import RUN, exclusive_lock
from ingestion.settings import PROJECT_ROOT, Home
from orchestration.assets.failure import in_our_words
from orchestration.cli.main import INTERRUPTED, costowner
from orchestration.code_location import execute_here
from tests.ingestion.test_lake import CHARGES, NOW, WINDOW, NoSettings

# On one thread: where DuckDB's other threads do all of a query, it looks for signals when they are done.
ENDLESS = "select sum(i % 7) from range(1000000000000) as numbers(i)"
LINE = "costowner: interrupted; nothing is lost, and what is published stays. Run it again."


@contextmanager
def interrupted() -> Iterator[None]:
    """Ctrl-C comes while the context lasts, and what runs in it has no end of its own."""
    threading.Timer(0.2, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_query_that_a_signal_ends_is_known_by_its_interruption() -> None:
    with pytest.raises(RuntimeError) as caught, interrupted(), duckdb.connect() as connection:
        connection.execute("set threads = 1").execute(ENDLESS).fetchall()
    assert isinstance(interruption_of(caught.value), KeyboardInterrupt) and is_of_the_machine(caught.value)
    assert interruption_of(RuntimeError("Query interrupted")) is None


def test_landing_that_a_signal_ends_refuses_no_slice_and_lands_nothing(tmp_path: Path) -> None:
    def read() -> list[Rows]:
        with interrupted(), duckdb.connect() as connection:
            connection.execute("set threads = 1").execute(ENDLESS).fetchall()
        return []

    def slices(*_: object) -> list[Slice]:
        return [Slice("a", "2026-11", datetime(2026, 11, 1), NOW, read)]  # noqa: DTZ001 - never written

    home, source = Home(tmp_path), Source("vendor", "Vendor", "", NoSettings, (CHARGES,), slices)
    with pytest.raises(Exception) as caught:
        land(home, source, NoSettings(), WINDOW, NOW)
    assert isinstance(interruption_of(caught.value), KeyboardInterrupt)
    assert known_notes(home, source.dataset) == {}


def test_check_that_a_signal_ends_is_no_failed_check() -> None:
    with pytest.raises(KeyboardInterrupt), in_our_words():
        with interrupted(), duckdb.connect() as connection:
            connection.execute("set threads = 1").execute(ENDLESS).fetchall()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_that_a_signal_ends_has_failed_and_goes_no_further(tmp_path: Path, number: signal.Signals) -> None:
    executed: list[str] = []

    @dg.asset
    def first() -> None:
        executed.append("first")
        signal.raise_signal(number)

    @dg.asset
    def second() -> None:
        executed.append("second")

    job = dg.define_asset_job("landing", executor_def=dg.in_process_executor)
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    try:
        with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
            resolved = dg.Definitions(assets=[first, second], jobs=[job]).resolve_job_def("landing")
            with pytest.raises(KeyboardInterrupt):
                execute_here(resolved, instance, str(uuid4()), {}, {})
            (run,) = instance.get_runs()
    finally:
        for one, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(one, handler)
    assert run.status == dg.DagsterRunStatus.FAILURE and executed == ["first"]


def _as_from_a_terminal() -> None:
    """The tests may run in the background or under nohup, where these signals are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_command_that_a_signal_ends_prints_one_line(tmp_path: Path, number: signal.Signals) -> None:
    """While it waits for another run: what it prints then shows that it came so far."""
    with exclusive_lock(Home(tmp_path), RUN, "a test"):
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration", "prune"],
            cwd=PROJECT_ROOT,
            env={**os.environ, "COSTOWNER_HOME": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_as_from_a_terminal,  # noqa: PLW1509 - one thread
        )
        assert process.stderr is not None
        waits = next(line for line in process.stderr if line.startswith("waiting for a test"))
        process.send_signal(number)
        _, errors = process.communicate()
    assert waits and process.returncode == INTERRUPTED, errors
    assert errors.strip() == LINE


def test_refresh_that_a_signal_ends_where_nobody_watches_raises_an_alert(
    prepared_home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted_at_once(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestration.cli.main._run_refresh", interrupted_at_once)
    done = CliRunner().invoke(costowner, ["refresh"], standalone_mode=False)
    assert isinstance(done.exception, click.Abort)
    assert "refresh failed: interrupted by a signal" in caplog.text


def command_of_no_home(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command on a home that nobody can write, not even root."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "COSTOWNER_HOME": "/sys/costowner"},
        capture_output=True,
        text=True,
        check=False,
    )


of_linux = pytest.mark.skipif(not Path("/sys").is_dir(), reason="Linux's /sys is read-only to everyone")


@of_linux
@pytest.mark.parametrize("command", [["refresh"], ["prune"], ["init", "/sys/costowner/home"]])
def test_home_that_cannot_be_written_is_one_line(command: list[str]) -> None:
    done = command_of_no_home(*command)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("costowner: /sys/costowner") and "this user may write" in line


@of_linux
@pytest.mark.parametrize("command", [["status"], ["sources"], ["doctor"]])
def test_command_that_only_reads_needs_no_home_to_write(command: list[str]) -> None:
    done = command_of_no_home(*command)
    assert "Traceback" not in done.stderr and "this user may write" not in done.stderr, done.stderr
