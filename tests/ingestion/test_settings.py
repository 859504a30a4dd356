"""Settings: a source without any is skipped, of one with half of them the missing ones are named."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.errors import SettingError
from ingestion.settings import MARKER, Home, Month, Window, resolve, utc_now


@dataclass(frozen=True)
class Vendor:
    token: str = field(repr=False)
    team: str
    base_url: str = "https://api.vendor.example"
    teams: tuple[str, ...] = ()
    days: int = 35
    strict: bool = False


def test_source_without_settings_is_skipped() -> None:
    assert resolve(Vendor, "vendor") is None


def test_half_set_source_names_the_missing_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__VENDOR__TEAM", "t1")
    with pytest.raises(SettingError, match=r"sources\.vendor\.token \(environment: SOURCES__VENDOR__TOKEN\)"):
        resolve(Vendor, "vendor")


def test_settings_are_read_and_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TOKEN": "0123",
        "TEAM": "t1",
        "TEAMS": "a, b",
        "DAYS": "7",
        "STRICT": "true",
    }.items():
        monkeypatch.setenv(f"SOURCES__VENDOR__{name}", value)
    settings = resolve(Vendor, "vendor")
    assert settings == Vendor("0123", "t1", teams=("a", "b"), days=7, strict=True)


def test_secret_is_not_in_the_repr_or_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__VENDOR__TOKEN", "hush")
    monkeypatch.setenv("SOURCES__VENDOR__TEAM", "t1")
    assert "hush" not in repr(resolve(Vendor, "vendor"))
    monkeypatch.setenv("SOURCES__VENDOR__DAYS", "hush")
    with pytest.raises(SettingError) as caught:
        resolve(Vendor, "vendor")
    assert "sources.vendor.days" in str(caught.value) and "hush" not in str(caught.value)


def test_another_sources_or_a_bare_token_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "someone else's")
    monkeypatch.setenv("SOURCES__TOKEN", "someone else's")
    monkeypatch.setenv("SOURCES__VENDOR__TEAM", "t1")
    with pytest.raises(SettingError, match="token"):
        resolve(Vendor, "vendor")


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "november", "2026-11-01"])
def test_month_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="write YYYY-MM"):
        Month.parse(text)


def test_window_holds_its_months_to_the_last_instant() -> None:
    window = Window(Month(2025, 12), Month(2026, 2))
    assert [str(month) for month in window.months] == ["2025-12", "2026-01", "2026-02"]
    assert datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC) in window
    assert datetime(2026, 3, 1, tzinfo=UTC) not in window
    assert Month(2026, 1).plus(-1) == Month(2025, 12)


def test_now_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTOWNER_NOW", "2026-10-05T06:00:00+02:00")
    assert utc_now() == datetime(2026, 10, 5, 4, tzinfo=UTC)
    monkeypatch.setenv("COSTOWNER_NOW", "yesterday")
    with pytest.raises(SettingError, match="ISO 8601"):
        utc_now()


def test_homes_do_not_meet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = Home.from_environment()
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path))
    other = Home.from_environment()
    for place in ("lake", "warehouse", "published", "dlt", "dagster"):
        assert getattr(own, place) != getattr(other, place)


def test_lake_in_a_bucket_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTOWNER_LAKE", "s3://bucket/lake")
    with pytest.raises(SettingError, match="give a path"):
        _ = Home.from_environment().lake


@pytest.mark.parametrize("name", ["team's", "costs*", "costs?", "[costs]", "{costs}"])
def test_installation_in_a_folder_that_sql_or_a_pattern_would_read_otherwise_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.setenv("COSTOWNER_HOME", str(folder))
    with pytest.raises(SettingError, match=r"COSTOWNER_HOME=.*give a path without"):
        Home.from_environment()
    monkeypatch.delenv("COSTOWNER_HOME")
    (folder / MARKER).touch()
    monkeypatch.chdir(folder)
    with pytest.raises(SettingError, match=r"COSTOWNER_HOME=.*give a path without"):
        Home.from_environment()


def test_installation_may_have_a_space_and_an_accent_in_its_path(tmp_path: Path) -> None:
    assert Home.at(tmp_path / "Coûts de l equipe").root == tmp_path / "Coûts de l equipe"
