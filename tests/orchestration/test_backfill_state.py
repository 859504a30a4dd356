"""A source that has not delivered its history is asked for it again, until it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.lake.pipeline import declare
from ingestion.settings import Home, Month, Window, resolve
from ingestion.sources.catalog import SOURCES
from ingestion.sources.vercel import SOURCE
from orchestration.backfill_state import lacking, landed, window_for

WHOLE, OPEN = Window(Month(2026, 1), Month(2026, 11)), Window(Month(2026, 10), Month(2026, 11))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An installation with Vercel, all of whose sources have delivered everything."""
    monkeypatch.setenv("COSTOWNER_NOW", "2026-11-25T06:00:00+00:00")
    monkeypatch.setenv("COSTOWNER_HISTORY_START", "2026-01")
    monkeypatch.setenv("SOURCES__VERCEL__TOKEN", "a-token")
    monkeypatch.setenv("SOURCES__VERCEL__TEAM_ID", "team_a")
    home = Home(tmp_path)
    for source in SOURCES:
        declare(home, source)
        if source is not SOURCE:
            deliver(home, source.name, WHOLE)
    return home


def deliver(home: Home, name: str, window: Window) -> None:
    source = next(source for source in SOURCES if source.name == name)
    settings = resolve(source.settings, name)
    if settings is not None:
        landed(home, source, settings, window)


def test_source_that_failed_on_the_first_day_is_caught_up_with(home: Home) -> None:
    assert lacking(home) == ["vercel"] and window_for(home) == WHOLE
    deliver(home, "vercel", OPEN)
    assert window_for(home) == WHOLE, "the open months are not the history"
    deliver(home, "vercel", WHOLE)
    assert lacking(home) == [] and window_for(home) == OPEN


def test_months_of_long_ago_are_no_history_that_ends_today(home: Home) -> None:
    deliver(home, "vercel", Window(Month(2026, 1), Month(2026, 3)))
    assert lacking(home) == ["vercel"]


def test_history_that_is_made_longer_is_asked_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(home, "vercel", WHOLE)
    monkeypatch.setenv("COSTOWNER_HISTORY_START", "2025-06")
    assert window_for(home).first == Month(2025, 6)


def test_later_refreshes_of_open_months_take_nothing_back(home: Home) -> None:
    deliver(home, "vercel", WHOLE)
    deliver(home, "vercel", OPEN)
    assert lacking(home) == []


@pytest.mark.parametrize(
    ("setting", "value", "source"),
    [
        ("SOURCES__LLM_PROVIDERS__OPENAI_ADMIN_KEY", "sk-admin-1", "llm_providers"),
        ("SOURCES__AWS__EXPORT_URL", "/exports/bills", "aws"),
    ],
)
def test_what_is_set_up_later_has_a_history_too(
    home: Home, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, source: str
) -> None:
    deliver(home, "vercel", WHOLE)
    monkeypatch.setenv(setting, value)
    assert lacking(home) == [source]


def test_no_value_of_a_setting_is_written_down(home: Home) -> None:
    deliver(home, "vercel", WHOLE)
    assert "a-token" not in (home.lake / "raw_vercel" / "_contract" / "history.json").read_text()


def test_setting_that_is_malformed_is_left_to_the_landing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(home, "vercel", WHOLE)
    monkeypatch.delenv("SOURCES__VERCEL__TEAM_ID")
    assert lacking(home) == []


def test_source_that_is_not_set_up_lacks_no_history(home: Home) -> None:
    """None of its settings is required, so they resolve; and no landing of it would ever end the request for its history."""
    assert "llm_prompts" not in lacking(home)
