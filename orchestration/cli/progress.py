"""What a refresh shows while it runs: a line a step as it ends on the terminal, and everything in a log file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

import dagster as dg

from ingestion.lake.contract import DELIVERIES, DELIVERY_TOTALS
from ingestion.setting_table import SETTINGS
from ingestion.settings import Home, secrets_of
from ingestion.sources.catalog import SOURCES
from orchestration.assets.failure import causes

KEPT = 30
LEDGER = "ledger"
# In how many parts the building of the models is reported.
PARTS = 4
NOTES = (DELIVERIES.name, DELIVERY_TOTALS.name)
TITLES = {source.dataset: source.title for source in SOURCES}
# Events that only Dagster needs.
SILENT = frozenset(
    {
        dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
        dg.DagsterEventType.STEP_INPUT,
        dg.DagsterEventType.STEP_OUTPUT,
        dg.DagsterEventType.HANDLED_OUTPUT,
        dg.DagsterEventType.LOADED_INPUT,
        dg.DagsterEventType.LOGS_CAPTURED,
        dg.DagsterEventType.RESOURCE_INIT_STARTED,
        dg.DagsterEventType.RESOURCE_INIT_SUCCESS,
    }
)
# A shorter secret would blacken the log, and protect nothing.
SHORTEST_SECRET = 6


class RefreshLog:
    """`<home>/logs/refresh-<UTC time>.log`, without any secret that a setting holds. The last ones are kept.

    It is a file to write to, so that what dbt prints goes into it as well; `copy` is where all of it is printed too.
    """

    def __init__(self, home: Home, started: datetime, copy: TextIO | None = None) -> None:
        folder = home.root / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"refresh-{started.astimezone(UTC):%Y%m%dT%H%M%SZ}.log"
        secrets = {secret for source in SOURCES for secret in secrets_of(source.settings, source.name)}
        secrets |= {text for setting in SETTINGS if setting.is_secret and (text := setting.text())}
        # The longest first: one may be a part of another.
        self._secrets = sorted((one for one in secrets if len(one) >= SHORTEST_SECRET), key=len, reverse=True)
        self._copy = copy
        self._file = self.path.open("a", encoding="utf-8")
        for old in sorted(folder.glob("refresh-*.log"))[:-KEPT]:
            old.unlink(missing_ok=True)

    def write(self, text: str, is_copied: bool = True) -> int:
        shown = text
        for secret in self._secrets:
            shown = shown.replace(secret, "***")
        # A full disk costs lines of the log; what it costs the refresh, its steps report.
        with suppress(OSError):
            self._file.write(shown)
        if self._copy and is_copied:
            self._copy.write(shown)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()
        if self._copy:
            self._copy.flush()

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()


@contextmanager
def refresh_log(home: Home, started: datetime, copy: TextIO | None = None) -> Iterator[RefreshLog]:
    """A log while the context lasts; what this process prints meanwhile goes into it."""
    log = RefreshLog(home, started, copy)
    try:
        with redirect_stdout(log):
            yield log
    finally:
        log.close()


@dataclass
class _Step:
    """What is known of a step under way."""

    started: float
    # By table: of a range of months, Dagster repeats a table's event for each.
    rows: dict[str, int] = field(default_factory=dict)
    slices: dict[str, int] = field(default_factory=dict)
    is_skipped: bool = False
    built: int = 0
    checks: dict[str, bool] = field(default_factory=dict)


class Progress:
    """Listens to a run's events: all of them to the log, the end of each step to `say`. `models` are those of dbt."""

    def __init__(self, log: RefreshLog, say: Callable[[str], None], models: Collection[dg.AssetKey]) -> None:
        self._log, self._say, self._models = log, say, models
        self._steps: dict[str, _Step] = {}
        self._planned_models = 0

    def __call__(self, entry: dg.EventLogEntry) -> None:
        self._write(entry)
        event = entry.dagster_event
        if event is None:
            if int(entry.level) >= logging.WARNING:
                self._say(f"  {entry.user_message}")
            return
        kind = event.event_type
        if kind == dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
            self._planned_models += event.asset_key in self._models
            return
        key = event.step_key or ""
        if kind == dg.DagsterEventType.STEP_START:
            self._steps[key] = _Step(entry.timestamp)
            return
        step = self._steps.get(key)
        if step is None:
            return
        if kind == dg.DagsterEventType.ASSET_MATERIALIZATION:
            self._materialized(event, step)
        elif kind == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            step.checks[check.check_name] = check.passed
        elif kind in (dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE):
            title, outcome = _result(key, step)
            outcome = outcome if event.is_step_success else "failed"
            self._say(f"  {title}: {outcome}; {entry.timestamp - step.started:.1f} s")
            del self._steps[key]

    def _write(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is not None and event.event_type in SILENT:
            return
        moment = datetime.fromtimestamp(entry.timestamp, UTC)
        kind = f"{event.event_type_value} " if event else ""
        text = entry.user_message if event is None else event.message or ""
        level = logging.getLevelName(entry.level)
        self._log.write(f"{moment:%Y-%m-%d %H:%M:%S} {level} {entry.step_key or entry.job_name}: {kind}{text}\n")
        if event is not None and event.is_step_failure:
            # Not its traceback: a library's text quotes what it could not read.
            self._log.write("".join(f"  {cause}\n" for cause in causes([event])))
        self._log.flush()

    def _materialized(self, event: dg.DagsterEvent, step: _Step) -> None:
        materialization = event.step_materialization_data.materialization
        step.built += 1
        metadata = {name: value.value for name, value in materialization.metadata.items()}
        step.is_skipped = step.is_skipped or "skipped" in metadata
        rows = metadata.get("dagster/partition_row_count")
        table = materialization.asset_key.path[-1]
        if isinstance(rows, int) and table not in NOTES:
            step.rows[table] = rows
        slices = metadata.get("slices")
        if isinstance(slices, dict):
            step.slices = slices
        if event.step_key == LEDGER and self._planned_models:
            before, now = ((step.built - less) * PARTS // self._planned_models for less in (1, 0))
            if before != now < PARTS:
                self._say(f"  ledger: {step.built} of {self._planned_models} tables and views")


def _result(key: str, step: _Step) -> tuple[str, str]:
    """What to call a step, and how it ended."""
    if key in TITLES:
        if step.is_skipped or not step.built:
            return TITLES[key], "not set up"
        states = ", ".join(f"{count} {state}" for state, count in sorted(step.slices.items()))
        return TITLES[key], f"{states or 'no slices'}; {sum(step.rows.values()):,} rows"
    failed = sum(not passed for passed in step.checks.values())
    if key == LEDGER:
        outcome = f"{step.built} tables and views, {len(step.checks)} checks"
        return key, outcome + (f", {failed} failed" if failed else "")
    if step.checks:
        return f"check {', '.join(step.checks)}", "failed" if failed else "passed"
    return key.replace("__", "/"), "done"
