"""dbt never outlives the process that started it, and gets no credential of it but the one of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from ingestion.setting_table import GIVEN_TO_DBT, SETTINGS, SPARK_PASSWORD
from ingestion.settings import PROJECT_ROOT, Home, environment_name
from ingestion.sources.catalog import SOURCES
from orchestration.dbt.command import needed
from orchestration.dbt.engine import Engine
from orchestration.dbt.project import DBT_COMMAND, LedgerCli, dbt_project
from orchestration.dbt.project_files import DBT_PROJECT
from orchestration.dbt.rows import QueryError, query_of

# A process like dbt's, whose parent kills itself while it works.
CHILD = "import orchestration.dbt.command as p, signal; p.end_with_parent(); print('works', flush=True); signal.pause()"
PARENT = f"""
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE)
print(child.stdout.readline().decode(), flush=True)
os.dup2(child.stdout.fileno(), 0)
os.kill(os.getpid(), signal.SIGKILL)
"""
# Whatever a setting may hold, and what other programs of the machine keep in the environment.
PLANTED = {
    **{setting.name: "https://canary/of-32-characters-or-more" for setting in SETTINGS if setting.is_secret},
    **{environment_name(setting): "canary" for source in SOURCES for setting in source.secrets},
    **dict.fromkeys(
        (
            *(
                "SOURCES__AWS__EXPORT_URL",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
                "https_proxy",
                "HTTPS_PROXY",
            ),
            *("DBT_ENV_SECRET_OTHER", "DBT_CLOUD_API_KEY", "PGPASSWORD", "GITHUB_TOKEN", "MONGO_URI", "GEHEIM"),
        ),
        "canary",
    ),
}
ENGINES = ("duckdb", "spark", "spark_session")


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


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows a process's environment on Linux only")
def test_dbt_on_duckdb_runs_without_any_credential(read_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    invocation = LedgerCli.of(dbt_project()).cli(
        ["list", "--select", "fact_cost"], target_path=Engine("duckdb").target_folder(read_home)
    )
    events = invocation.stream_raw_events()
    next(events)  # dbt itself prints it: it has begun, and reads the project now
    found = Path(f"/proc/{invocation.process.pid}/environ").read_text()
    list(events)
    assert "COSTOWNER_WAREHOUSE=" in found and "PATH=" in found
    assert "canary" not in found
    assert invocation.process.returncode == 0


@pytest.fixture
def spark_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment for Spark whose dbt writes what it gets from the environment to the file that is returned."""
    folder, written = tmp_path / "spark" / "bin", tmp_path / "environment.json"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    dbt = folder / "dbt"
    dbt.write_text(
        f"#!{sys.executable}\nimport json, os, pathlib\n"
        f"pathlib.Path({str(written)!r}).write_text(json.dumps(dict(os.environ)))\n"
    )
    dbt.chmod(0o700)
    monkeypatch.setenv("COSTOWNER_SPARK_ENVIRONMENT", str(tmp_path / "spark"))
    return written


@pytest.mark.parametrize(
    ("engine", "lake", "expected"),
    [
        ("spark", None, {SPARK_PASSWORD.name}),
        ("spark", "s3a://bucket/lake", {SPARK_PASSWORD.name}),
        ("spark_session", None, set()),
        ("spark_session", "s3a://bucket/lake", {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}),
    ],
)
def test_dbt_on_spark_gets_the_password_of_its_cluster_or_the_key_of_its_lake_and_no_other(
    engine: str,
    lake: str | None,
    expected: set[str],
    read_home: Home,
    spark_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = dbt_project()
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COSTOWNER_ENGINE", engine)
    if lake:
        monkeypatch.setenv("COSTOWNER_SPARK_LAKE", lake)
    if engine == "spark_session":
        monkeypatch.setattr("shutil.which", lambda name: name)
    LedgerCli.of(project).cli(["build"], target_path=read_home.root / "spark").wait()
    built_with = json.loads(spark_environment.read_text())
    assert {name for name, value in built_with.items() if "canary" in value} == expected
    with pytest.raises(QueryError):  # this dbt shows no rows
        query_of(read_home, Engine(engine))("select 1")
    asked_with = json.loads(spark_environment.read_text())
    assert {name for name, value in asked_with.items() if "canary" in value} == expected


def test_dbt_gets_every_variable_that_its_project_reads() -> None:
    files = chain(
        DBT_PROJECT.glob("macros/**/*.sql"), DBT_PROJECT.glob("models/**/*.sql"), DBT_PROJECT.glob("*.yml")
    )
    read = {name for file in files for name in re.findall(r"env_var\(\s*['\"](\w+)['\"]", file.read_text())}
    assert GIVEN_TO_DBT | {SPARK_PASSWORD.name} <= read
    got = {name for engine in ENGINES for name in needed({**dict.fromkeys(read, "x"), "COSTOWNER_ENGINE": engine})}
    assert read <= got


def test_setting_that_is_secret_reaches_dbt_only_where_it_is_the_password_of_spark() -> None:
    secret = {setting.name for setting in SETTINGS if setting.is_secret}
    for engine in ENGINES:
        got = needed({**dict.fromkeys(secret, "x"), "COSTOWNER_ENGINE": engine}).keys() & secret
        assert got == ({SPARK_PASSWORD.name} if engine == "spark" else set())


def test_dbt_keeps_what_the_machine_and_its_user_set_for_every_program() -> None:
    kept = (
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "PYTHONPATH",
        "LD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "DBT_DEBUG",
    )
    assert needed({**os.environ, **dict.fromkeys(kept, "x")}).items() >= dict.fromkeys(kept, "x").items()
