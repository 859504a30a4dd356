"""`costowner sources`: each source, set up or not, what is missing, and how new its data are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import click
from rich.console import Console
from rich.table import Table

from ingestion.errors import SettingError
from ingestion.lake.contract import Source
from ingestion.lake.notes import known_notes
from ingestion.setting_report import unknown_settings
from ingestion.settings import Home, how_to_set_up, resolve, utc_now
from ingestion.sources.catalog import SOURCES
from orchestration.cli.output import print_json

SET_UP, NOT_SET_UP, WRONG = "set up", "not set up", "wrong settings"
FRESH, STALE = "fresh", "stale"


@dataclass(frozen=True)
class SourceState:
    """A source of an installation. Times are UTC; None where it has delivered nothing.

    `set_up_by` names the settings that set it up; None where it is.
    """

    name: str
    title: str
    state: str
    problem: str | None
    set_up_by: str | None
    slices: int
    last_extract: datetime | None
    newest_charge: datetime | None
    freshness: str | None


def state_of(home: Home, source: Source, now: datetime) -> SourceState:
    """What the settings and the lake hold of a source; no vendor is asked."""
    try:
        settings, problem = resolve(source.settings, source.name), None
        state = SET_UP if source.is_set_up(settings) else NOT_SET_UP
    except SettingError as error:
        state, problem = WRONG, str(error)
    known = known_notes(home, source.dataset).values()
    newest = max((note.newest_charge_at for note in known if note.newest_charge_at), default=None)
    freshness, allowed = None, source.freshness_sla_hours
    if newest and allowed is not None:
        freshness = FRESH if now - newest <= timedelta(hours=allowed) else STALE
    return SourceState(
        source.name,
        source.title,
        state,
        problem,
        how_to_set_up(source.settings, source.name) if state == NOT_SET_UP else None,
        len(known),
        max((note.extracted_at for note in known), default=None),
        newest,
        freshness,
    )


def print_sources(home: Home, as_json: bool) -> None:
    """A table, or a JSON list, of all sources."""
    unknown = unknown_settings()
    states = [state_of(home, source, utc_now()) for source in SOURCES]
    if as_json:
        print_json([asdict(state) for state in states])
        return
    table = Table(title=f"sources of {home.root}", title_justify="left", header_style="bold", pad_edge=False)
    for heading in ("source", "state", "last extract (UTC)", "newest charge (UTC)", "freshness"):
        table.add_column(heading)
    for state in states:
        table.add_row(
            state.title,
            state.state,
            f"{state.last_extract:%Y-%m-%d %H:%M}" if state.last_extract else "-",
            f"{state.newest_charge:%Y-%m-%d %H:%M}" if state.newest_charge else "-",
            state.freshness or "-",
        )
    Console().print(table)
    for state in states:
        if state.problem:
            click.echo(state.problem)
        elif state.set_up_by:
            click.echo(f"{state.title} is not set up: {state.set_up_by}")
    for line in unknown:
        click.echo(f"{line}; it does nothing")
