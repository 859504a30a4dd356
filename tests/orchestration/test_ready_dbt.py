"""dbt that waits for its command runs it as `dbt` does; what waits for nothing is ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.settings import PROJECT_ROOT, Home
from orchestration import ready_dbt
from orchestration.engine import Engine
from orchestration.ready_dbt import ReadyDbt, dismiss, get_ready, take

ENGINE = Engine("duckdb")


@pytest.fixture
def ready(read_home: Home) -> Iterator[ReadyDbt]:
    get_ready(read_home)
    found = take(ENGINE, ENGINE.target_folder(read_home))
    assert found
    yield found
    found.end()


def said(ready: ReadyDbt, *command: str) -> list[str]:
    """What dbt says to a command, one text an event; what it says that is no event, as it is."""
    stdout = ready.run(command).stdout
    assert stdout
    lines = [line.decode().strip() for line in stdout]
    ready.process.wait()
    return [json.loads(line)["info"]["msg"] if line.startswith("{") else line for line in lines]


def test_the_command_is_run_on_the_project_that_was_read(ready: ReadyDbt) -> None:
    manifest = ready.target / "manifest.json"
    manifest.unlink(missing_ok=True)
    lines = said(ready, "seed", "--select", "bedrock_models")
    assert any("loaded seed file" in line for line in lines), lines
    assert ready.process.returncode == 0
    assert ready.process.args[0] == str(ENGINE.dbt), "the log names the command"  # type: ignore[index]
    results = json.loads((ready.target / "run_results.json").read_text())["results"]
    assert {found["unique_id"]: found["status"] for found in results}["seed.costowner.bedrock_models"] == "success"
    assert not manifest.exists(), "it is the one that was read"


def test_what_fails_is_told_and_ends_as_dbt_does(ready: ReadyDbt) -> None:
    lines = said(ready, "test", "--select", "unique_dim_date_date_day")
    assert ready.process.returncode == 1, "\n".join(lines)
    assert any("dim_date" in line and "Error" in line for line in lines), lines


def test_a_command_that_there_is_not_is_told(ready: ReadyDbt) -> None:
    assert any("--no-such-option" in line for line in said(ready, "build", "--no-such-option"))
    assert ready.process.returncode == 2


def test_one_process_waits_and_only_one_who_asks_gets_it(read_home: Home) -> None:
    get_ready(read_home)
    get_ready(read_home)
    first = take(ENGINE, ENGINE.target_folder(read_home))
    assert first and take(ENGINE, ENGINE.target_folder(read_home)) is None
    first.end()


def test_a_project_that_changed_meanwhile_is_read_anew(read_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    get_ready(read_home)
    (waiting,) = ready_dbt._waiting
    monkeypatch.setattr(ready_dbt, "project_digest", lambda: "another")
    assert take(ENGINE, ENGINE.target_folder(read_home)) is None
    assert waiting.process.poll() is not None, "it is gone"
    get_ready(read_home)
    assert not ready_dbt._waiting, "what was not read yet is not waited with"


def test_it_ends_by_itself_where_who_started_it_is_gone(read_home: Home) -> None:
    get_ready(read_home)
    (waiting,) = ready_dbt._waiting
    assert waiting.process.stdin
    waiting.process.stdin.close()
    assert waiting.process.wait() == 0
    dismiss()
    assert not ready_dbt._waiting


def test_an_installation_whose_project_was_never_read_has_none(tmp_path: Path) -> None:
    get_ready(Home(tmp_path))
    assert take(ENGINE, ENGINE.target_folder(Home(tmp_path))) is None


# A process like dbt's, which its parent kills itself beside, in the middle of its work.
CHILD = "import orchestration.dbt_process as p, signal; p.end_with_parent(); print('works', flush=True); signal.pause()"
PARENT = f"""
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE)
print(child.stdout.readline().decode(), flush=True)
os.dup2(child.stdout.fileno(), 0)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system ends a process with its parent on Linux only")
def test_dbt_ends_with_the_process_that_started_it_also_when_that_is_killed() -> None:
    """Its standard error is the test's pipe: it is read to its end only once the child has ended too."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    output, _ = parent.communicate(timeout=60)
    assert output.strip() == "works" and parent.returncode == -9
