"""dbt never outlives the process that started it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ingestion.settings import PROJECT_ROOT, Home
from orchestration.dbt.engine import Engine
from orchestration.dbt.project import DBT_COMMAND, LedgerCli, dbt_project

# A process like dbt's, whose parent kills itself while it works.
CHILD = "import orchestration.dbt.command as p, signal; p.end_with_parent(); print('works', flush=True); signal.pause()"
PARENT = f"""
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE)
print(child.stdout.readline().decode(), flush=True)
os.dup2(child.stdout.fileno(), 0)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system ends a process with its parent on Linux only")
def test_dbt_ends_with_the_process_that_started_it_also_when_that_is_killed() -> None:
    """The child has the test's pipe as its standard error: reading it to the end waits until the child has ended too."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    output, _ = parent.communicate(timeout=60)
    assert output.strip() == "works" and parent.returncode == -9


def test_dagster_starts_dbt_by_that_command_and_gets_its_exit_code(read_home: Home) -> None:
    target = Engine("duckdb").target_folder(read_home)
    cli = LedgerCli.of(dbt_project())
    listing = cli.cli(
        ["list", "--quiet", "--select", "fact_cost"], raise_on_error=False, target_path=target
    ).wait()
    assert str(DBT_COMMAND) in listing.process.args and listing.process.returncode == 0
    wrong = cli.cli(["build", "--no-such-option"], raise_on_error=False, target_path=target).wait()
    assert wrong.process.returncode == 2
