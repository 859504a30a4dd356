"""`costowner doctor`: what is broken is found and named with a way out; nothing is changed and no secret is shown."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from ingestion.lake.pipeline import land
from ingestion.locks import RUN, exclusive_lock, holder_of
from ingestion.settings import Home, Month, Window
from ingestion.sources.registry import SOURCE as REGISTRY
from ingestion.sources.registry.source import RegistrySettings
from orchestration.cli import doctor
from orchestration.cli.main import costowner
from tests.orchestration.small_ledger import write_registry

CANARY = "canary-4711"
RULE = "id: account, claim: aws_account, value: '111', owner: search"
OCTOBER = Window(Month(2026, 10), Month(2026, 10))


@pytest.fixture
def home(tmp_path: Path, environment: None) -> Home:
    """An installation whose registry is landed."""
    for name in [name for name in os.environ if name.startswith(("SOURCES__", "COSTOWNER_"))]:
        del os.environ[name]
    os.environ.update(COSTOWNER_HOME=str(tmp_path / "home"), COSTOWNER_REGISTRY=str(tmp_path / "registry"))
    found = Home(tmp_path / "home")
    write_registry(found.registry, RULE)
    settings = RegistrySettings(str(found.registry))
    land(found, REGISTRY, settings, OCTOBER, datetime(2026, 10, 2, tzinfo=UTC))
    return found


def findings() -> tuple[int, dict[str, dict[str, Any]], str]:
    done = CliRunner().invoke(costowner, ["doctor", "--json"])
    return done.exit_code, {finding["name"]: finding for finding in json.loads(done.stdout)}, done.output


def rules_file(home: Home) -> Path:
    (file,) = (home.lake / "raw_registry" / "ownership_rules").glob("*.parquet")
    return file


def test_sound_installation_has_nothing_broken_and_is_left_as_it_is(home: Home) -> None:
    before = {file: file.stat().st_mtime_ns for file in home.root.rglob("*")}
    code, found, _ = findings()
    states = {name: finding["state"] for name, finding in found.items()}
    assert code == 0 and states.pop("last refresh") == "warning" and set(states.values()) == {"ok"}, found
    assert {file: file.stat().st_mtime_ns for file in home.root.rglob("*")} == before


@pytest.mark.parametrize("damage", ["torn", "lost", "fewer rows"])
def test_lake_without_what_its_notes_promise_is_broken(home: Home, damage: str) -> None:
    file = rules_file(home)
    if damage == "torn":
        file.write_bytes(file.read_bytes()[:100])
    elif damage == "lost":
        file.unlink()
    else:
        pq.write_table(pq.read_table(file, partitioning=None).slice(1), file)
    code, found, _ = findings()
    assert code == 1 and found["lake"]["state"] == "broken"
    assert f"raw_registry/ownership_rules/{file.name}: " in found["lake"]["detail"]
    assert "backup" in found["lake"]["way_out"]


def test_wrong_setting_is_broken_and_its_secret_is_not_shown(home: Home) -> None:
    os.environ["SOURCES__VERCEL__TOKEN"] = CANARY
    code, found, output = findings()
    assert code == 1 and found["sources"]["state"] == "broken" and "team_id" in found["sources"]["detail"]
    assert CANARY not in output


def test_broken_registry_and_unknown_engine_do_not_hide_each_other(home: Home) -> None:
    write_registry(home.registry, RULE.replace("search", "serch"))
    os.environ["COSTOWNER_ENGINE"] = "sparc"
    code, found, _ = findings()
    assert code == 1
    assert "COSTOWNER_ENGINE=sparc" in found["engine"]["detail"] and "'serch'" in found["registry"]["detail"]
    assert found["lake"]["state"] == "ok"


def test_holder_of_the_run_lock_is_named_with_its_time(home: Home) -> None:
    assert holder_of(home, RUN) is None
    with exclusive_lock(home, RUN, "a refresh by the command"):
        _, found, _ = findings()
        _, since = holder_of(home, RUN) or ("", None)
    assert f"run is held by a refresh by the command (process {os.getpid()}) since" in found["locks"]["detail"]
    assert since == datetime.fromtimestamp((home.dlt / "run.lock").stat().st_mtime, UTC)
    assert holder_of(home, RUN) is None


def test_package_of_another_version_is_broken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: "0.9" if name == "duckdb" else real(name))
    code, found, _ = findings()
    assert code == 1 and "duckdb 0.9 (needs ==" in found["versions"]["detail"]


def test_full_disk_is_broken_before_a_publication_finds_out(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.warehouse.write_bytes(b"x" * 2000)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    code, found, _ = findings()
    assert code == 1 and found["disk"]["state"] == "broken" and "prune" in found["disk"]["way_out"]


@pytest.mark.parametrize(
    ("shown", "release"),
    [('openjdk version "17.0.2" 2022-01-18', 17), ('java version "1.8.0"', 1), ("no java", 0)],
)
def test_release_of_java_is_read_from_what_it_shows(shown: str, release: int) -> None:
    assert doctor._java_release(shown) == release
