"""`costowner init` and `costowner sources`, and which installation a command works on."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ingestion import settings
from ingestion.errors import SettingError
from ingestion.settings import PROJECT_ROOT, Home
from ingestion.sources.catalog import SOURCES
from ingestion.sources.registry.source import checked
from orchestration.cli.init import make_installation, settings_template
from orchestration.cli.main import costowner

CANARY = "canary-4711"


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    folder = tmp_path / "bills"
    make_installation(folder)
    return folder


def states(folder: Path, **given: str) -> dict[str, dict[str, Any]]:
    """What `costowner sources --json` gives of an installation, called from another folder."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestration", "sources", "--json"],
        env={**os.environ, "COSTOWNER_HOME": str(folder), "PYTHONPATH": str(PROJECT_ROOT), **given},
        cwd=folder.parent,
        text=True,
        capture_output=True,
        check=True,
    )
    return {state["name"]: state for state in json.loads(done.stdout)}


def test_new_installation_has_a_valid_registry_with_its_schemas_beside_it(installation: Path) -> None:
    assert checked(installation / "registry").owners
    for template in (installation / "registry").glob("*.yml"):
        text = template.read_text()
        assert "ingestion/" not in text.replace("ingestion/sources/prices/README.md", ""), template
        for line in text.splitlines():
            if "$schema=" in line:
                assert (template.parent / line.split("$schema=")[1]).exists(), line


def test_keys_of_a_new_installation_are_its_users_alone_and_outside_git(installation: Path) -> None:
    secrets = installation / ".dlt" / "secrets.toml"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(secrets.parent.stat().st_mode) == 0o700
    subprocess.run(["git", "init", "-q", installation], check=True)
    ignored = subprocess.run(
        ["git", "-C", installation, "check-ignore", ".dlt/secrets.toml", "lake/x", "logs/x", "warehouse.duckdb"],
        check=False,
    )
    assert ignored.returncode == 0


def test_template_of_settings_names_every_setting_of_every_source() -> None:
    lines = settings_template().splitlines()
    uncommented = [
        line.removeprefix("# ") if line.endswith(("# required", "# optional")) else line for line in lines
    ]
    sections = tomllib.loads("\n".join(uncommented))["sources"]
    declared = {source.name: {field.name for field in fields(source.settings)} for source in SOURCES}
    assert {name: set(section) for name, section in sections.items()} == {
        name: names for name, names in declared.items() if names
    }


def test_untouched_template_sets_nothing_up(installation: Path) -> None:
    set_up = {name for name, state in states(installation).items() if state["state"] == "set up"}
    assert set_up == {source.name for source in SOURCES if source.needs_no_settings}


def test_source_that_is_not_set_up_names_the_settings_that_set_it_up(installation: Path) -> None:
    found = states(installation, SOURCES__LLM_GATEWAY__PROFILE="billing")
    assert found["vercel"]["set_up_by"] == "set sources.vercel.token, sources.vercel.team_id"
    gateway = found["llm_gateway"]
    assert gateway["state"] == "not set up", "a profile alone delivers nothing"
    assert gateway["set_up_by"].startswith("set one of sources.llm_gateway.litellm_url, ")
    assert "mongo_database" not in gateway["set_up_by"]
    assert found["registry"]["set_up_by"] is None


def test_setting_that_needs_another_names_it(installation: Path) -> None:
    gateway = states(installation, SOURCES__LLM_GATEWAY__LITELLM_API_URL="http://127.0.0.1:9")["llm_gateway"]
    assert gateway["state"] == "wrong settings"
    assert "SOURCES__LLM_GATEWAY__LITELLM_API_KEY), which litellm_api_url needs" in gateway["problem"]


def test_settings_of_an_installation_are_read_from_any_folder(installation: Path) -> None:
    (installation / ".dlt" / "secrets.toml").write_text(f'[sources.vercel]\ntoken = "{CANARY}"\n')
    found = states(installation)["vercel"]
    assert found["state"] == "wrong settings"
    assert "SOURCES__VERCEL__TEAM_ID" in found["problem"] and CANARY not in json.dumps(found)
    assert states(installation, SOURCES__VERCEL__TEAM_ID="team")["vercel"]["state"] == "set up"


def test_folder_with_something_in_it_is_never_made_an_installation(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingError, match="is not empty"):
        make_installation(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]


def test_nobody_else_writes_to_a_new_installation_whatever_the_umask(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    before = os.umask(0)
    try:
        for folder in (tmp_path / "a" / "b", there):
            make_installation(folder)
    finally:
        os.umask(before)
    entries = [path for path in tmp_path.rglob("*") if path != there.parent]
    assert len(entries) > 20 and not [path for path in entries if path.stat().st_mode & 0o022]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path / "a" / "b", there)} == {0o711}


def test_command_works_on_the_installation_that_it_stands_in(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(installation / "registry")
    assert Home.from_environment().root == installation
    assert Home.from_environment().registry == installation / "registry"


def test_command_outside_of_any_installation_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "_checkout", lambda: None)
    with pytest.raises(SettingError, match="costowner init"):
        Home.from_environment()


def test_every_command_explains_itself() -> None:
    runner = CliRunner()
    for name, command in costowner.commands.items():
        shown = runner.invoke(costowner, [name, "--help"])
        assert shown.exit_code == 0 and command.help and command.help.split(".")[0][:40] in shown.output, name
        assert "Examples:" in shown.output and f"costowner {name}" in shown.output, name
    assert runner.invoke(costowner, ["refresh", "--moths", "2026-01"]).exit_code == 2
