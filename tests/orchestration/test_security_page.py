"""docs/security.md is true: it has every secret, every place of an installation with its mode, and links that lead somewhere."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from ingestion.setting_table import SETTINGS
from ingestion.settings import PROJECT_ROOT, Home
from ingestion.sources.catalog import SOURCES
from orchestration.cli.init import make_installation
from orchestration.environment import OWN_ENTRIES, prepare

PAGE = PROJECT_ROOT / "docs" / "security.md"
TEXT = PAGE.read_text()


def test_every_secret_has_a_way_to_rotate_it() -> None:
    section = TEXT.partition("## Rotate a credential")[2].partition("\n## ")[0]
    secrets = [setting.name for setting in SETTINGS if setting.is_secret]
    for name in (*secrets, *(name for source in SOURCES for name in source.secrets)):
        assert f"`{name}`" in section, name


def test_every_source_that_is_set_up_has_its_least_privilege() -> None:
    section = TEXT.partition("## Least privilege")[2].partition("\n## ")[0]
    for source in SOURCES:
        if source.name not in ("registry", "prices"):  # files of one's own, and of a package
            assert f"../ingestion/sources/{source.name}/README.md" in section, source.name


def test_links_lead_to_files() -> None:
    places = [place.partition("#")[0] for place in re.findall(r"\]\(([^)]+)\)", TEXT)]
    assert len(places) > 10
    assert [place for place in places if not (PAGE.parent / place).exists()] == []


def test_places_and_modes_are_those_of_an_installation(
    tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "own"
    make_installation(folder)
    monkeypatch.setenv("COSTOWNER_HOME", str(folder))
    prepare(Home(folder))
    rows = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", TEXT, re.MULTILINE))
    for name in OWN_ENTRIES:
        assert {name, f"{name}/", name.rstrip("*")} & rows.keys() or name == "dbt_logs", name
    checked = 0
    for place, said in rows.items():
        path = folder / place
        if (modes := re.findall(r"0[0-7]{3}", said)) and path.exists():
            assert stat.S_IMODE(path.stat().st_mode) == int(modes[0], 8), place
            checked += 1
    assert checked >= 5
