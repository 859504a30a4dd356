"""Which sources have their whole history in the lake: the next refresh lands that of the others.

So a vendor that fails on an installation's first day, a source that is set up later, and a history that is made longer
are caught up with, and nobody has to think of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

from ingestion.errors import SettingError
from ingestion.lake.contract import Source
from ingestion.lake.integrity import lost
from ingestion.settings import Home, Month, Window, resolve
from ingestion.sources.catalog import SOURCES
from orchestration.partitions import history_start, open_window
from orchestration.state_file import read_state, write_state


def _file(home: Home, source: Source) -> Path:
    # Beside the data: to remove a dataset removes this note too.
    return home.lake / source.dataset / "_contract" / "history.json"


def _given(settings: object) -> dict[str, int]:
    """Which settings a source has, and how many entries each: another key or export has a history of its own.

    Names only: values may be secret, and an address may change without the history behind it.
    """
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}  # type: ignore[arg-type]
    return {
        name: len(value) if isinstance(value, tuple) else str(value).count(",") + 1
        for name, value in values.items()
        if value not in (None, ())
    }


def _known(home: Home, source: Source) -> dict[str, Any]:
    return dict(read_state(_file(home, source)) or {})


def _has(known: dict[str, Any], settings: object, first: Month) -> bool:
    return known.get("of") == _given(settings) and Month.parse(known["first"]) <= first


def landed(home: Home, source: Source, settings: object, window: Window) -> None:
    """Note that a source has delivered all of a window up to today, nothing of it refused."""
    if window.last < open_window().last or _has(_known(home, source), settings, window.first):
        return
    write_state(_file(home, source), {"first": str(window.first), "of": _given(settings)})


def _is_lacking(home: Home, source: Source) -> bool:
    try:
        settings = resolve(source.settings, source.name)
    except SettingError:
        return False  # its landing reports it
    return source.is_set_up(settings) and not _has(_known(home, source), settings, history_start())


def lacking(home: Home) -> list[str]:
    """The sources that are set up and whose history is not in the lake, or not wholly."""
    return [source.name for source in SOURCES if _is_lacking(home, source)]


def window_for(home: Home, only: Collection[str] = ()) -> Window:
    """The months that a refresh (of some sources only) requests: the open ones, or the whole history while one lacks it.

    Where a delivery in the lake is damaged, from its month on.
    """
    current = open_window()
    if any(name in only or not only for name in lacking(home)):
        return Window(history_start(), current.last)
    damaged = [month for month in _damaged_months(home, only) if month <= current.last]
    return Window(min([current.first, *damaged]), current.last)


def _damaged_months(home: Home, only: Collection[str]) -> list[Month]:
    """The months of deliveries that are damaged: they are requested again."""
    sources = [source for source in SOURCES if source.name in only or not only]
    periods = {one.billing_period for source in sources for one in lost(home, source.dataset).values()}
    return [Month.parse(period) for period in periods if period]
