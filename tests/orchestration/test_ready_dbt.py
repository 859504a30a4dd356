"""dbt that waits for its command runs it as `dbt` does; what waits for nothing is ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.lake import declare
from ingestion.settings import Home
from ingestion.sources import SOURCES
from orchestration import ready_dbt
from orchestration.engine import Engine
from orchestration.project import dbt_project
from orchestration.ready_dbt import ReadyDbt, dismiss, get_ready, take

ENGINE = Engine("duckdb")
SET_BY_PREPARE = (
    *("COSTOWNER_HOME", "COSTOWNER_LAKE_PATH", "COSTOWNER_WAREHOUSE"),
    *("DAGSTER_HOME", "DBT_PROFILES_DIR", "DBT_LOG_PATH"),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def home(root: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An installation whose project was read: by the first test that asks for it."""
    for name in SET_BY_PREPARE:
        monkeypatch.setenv(name, str(root))  # put back afterwards
    dbt_project()
    for source in SOURCES:
        declare(Home(root), source)
    return Home(root)


@pytest.fixture
def ready(home: Home) -> Iterator[ReadyDbt]:
    get_ready(home)
    found = take(ENGINE, ENGINE.target_folder(home))
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
    lines = said(ready, "seed", "--select", "bedrock_models")
    assert any("loaded seed file" in line for line in lines), lines
    assert ready.process.returncode == 0
    assert ready.process.args[0] == str(ENGINE.dbt), "the log names the command"  # type: ignore[index]
    results = json.loads((ready.target / "run_results.json").read_text())["results"]
    assert {found["unique_id"]: found["status"] for found in results}["seed.costowner.bedrock_models"] == "success"
    assert not (ready.target / "manifest.json").exists(), "it is the one that was read"


def test_what_fails_is_told_and_ends_as_dbt_does(ready: ReadyDbt) -> None:
    lines = said(ready, "test", "--select", "unique_dim_date_date_day")
    assert ready.process.returncode == 1, "\n".join(lines)
    assert any("dim_date" in line and "Error" in line for line in lines), lines


def test_a_command_that_there_is_not_is_told(ready: ReadyDbt) -> None:
    assert any("--no-such-option" in line for line in said(ready, "build", "--no-such-option"))
    assert ready.process.returncode == 2


def test_one_process_waits_and_only_one_who_asks_gets_it(home: Home) -> None:
    get_ready(home)
    get_ready(home)
    first = take(ENGINE, ENGINE.target_folder(home))
    assert first and take(ENGINE, ENGINE.target_folder(home)) is None
    first.end()


def test_a_project_that_changed_meanwhile_is_read_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    get_ready(home)
    (waiting,) = ready_dbt._waiting
    monkeypatch.setattr(ready_dbt, "project_digest", lambda: "another")
    assert take(ENGINE, ENGINE.target_folder(home)) is None
    assert waiting.process.poll() is not None, "it is gone"
    get_ready(home)
    assert not ready_dbt._waiting, "what was not read yet is not waited with"


def test_it_ends_by_itself_where_who_started_it_is_gone(home: Home) -> None:
    get_ready(home)
    (waiting,) = ready_dbt._waiting
    assert waiting.process.stdin
    waiting.process.stdin.close()
    assert waiting.process.wait() == 0
    dismiss()
    assert not ready_dbt._waiting


def test_an_installation_whose_project_was_never_read_has_none(tmp_path: Path) -> None:
    get_ready(Home(tmp_path))
    assert take(ENGINE, ENGINE.target_folder(Home(tmp_path))) is None
