"""The sample company, refreshed end to end by the user's commands, once for all tests of the folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.settings import PROJECT_ROOT
from sample_company.stage import Stage, staged

UNTIL = date(2026, 10, 24)
# The previous month is restated between these two days, nine days after it closed.
FIRST, SECOND = date(2026, 10, 6), date(2026, 10, 25)

# Columns that depend on the time of a run, not on its data.
RUN_TIMES = {
    "extracted_at",
    "last_extracted_at",
    "window_start",
    "window_end",
    "load_id",
    # What the delivery before was depends on how often a slice was requested.
    "previous_load_id",
    "previous_row_count",
    "is_current",
    "state",
} | {
    # These hold load ids.
    "charges_fingerprint",
    "ledger_fingerprint",
    "requests_fingerprint",
    "others_fingerprint",
    "rules_fingerprint",
    "known_at",
}


# A version may be made of load ids, or of the numbers of landings: those of killed refreshes count too.
SHOWN = {
    "vendor_version": r"regexp_replace(regexp_replace(vendor_version, '\d{9,}\.\d+', 'load', 'g'), '\": \d+', '\": landing', 'g')"
}

Marts = dict[str, list[tuple[Any, ...]]]


def assert_same(found: Marts, expected: Marts) -> None:
    """The same rows in each mart. Names those that differ, each with a row: pytest's comparison of all rows would not end."""
    differing = {}
    for name in sorted(found.keys() | expected.keys()):
        ours, theirs = found.get(name, []), expected.get(name, [])
        if ours != theirs:
            pairs = (pair for pair in zip_longest(ours, theirs) if pair[0] != pair[1])
            differing[name] = (len(ours), len(theirs), next(pairs))
    assert not differing, str(differing)[:4000]


@dataclass
class Company:
    """An installation that refreshes from a staged sample company, on its own date. Several share one stage."""

    stage: Stage
    home: Path
    as_of: date
    outputs: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.stage.environment,
            "COSTOWNER_HOME": str(self.home),
            # The least that DuckDB needs, whatever the size (docs/scaling.md).
            "COSTOWNER_DUCKDB_MEMORY": "800MB",
            **self.settings,
        }

    @property
    def database(self) -> Path:
        return self.home / "published" / "marts.duckdb"

    def show(self, as_of: date) -> None:
        """Set this installation's date."""
        self.as_of = as_of
        self.stage.show(as_of)

    def start(self, settings: Mapping[str, str] | None = None, *arguments: str) -> subprocess.Popen[str]:
        """Start a refresh as `make refresh` does, with its whole log on stdout."""
        if self.stage.state.as_of != self.as_of:
            self.stage.show(self.as_of)
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration", "refresh", "--verbose", *arguments],
            env={**self.environment, **(settings or {})},
            cwd=PROJECT_ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def refresh(self, *arguments: str) -> str:
        """Refresh; it must succeed. Gives its output."""
        process = self.start(None, *arguments)
        output, _ = process.communicate()
        self.outputs.append(output)
        assert process.returncode == 0, output[-4000:]
        return output

    def fail(self, settings: Mapping[str, str]) -> str:
        """Refresh with other settings; it must fail. Gives its output."""
        process = self.start(settings)
        output, _ = process.communicate()
        self.outputs.append(output)
        assert process.returncode == 1, output[-4000:]
        return output

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of every published table, without the columns that depend on the time of a run."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            found = {}
            for (name,) in connection.execute("select table_name from duckdb_tables() order by 1").fetchall():
                described = connection.execute(f'describe "{name}"').fetchall()
                names = [row[0] for row in described if row[0] not in RUN_TIMES]
                columns = ", ".join(SHOWN.get(column, f'"{column}"') for column in names)
                found[name] = connection.execute(f'select {columns} from "{name}" order by all').fetchall()
            return found

    def types(self) -> dict[str, list[tuple[str, str]]]:
        """The columns and types of every published table and view."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            names = connection.execute(
                "select table_name from information_schema.tables where table_schema = 'main' order by 1"
            ).fetchall()
            return {
                name: [(row[0], row[1]) for row in connection.execute(f'describe "{name}"').fetchall()]
                for (name,) in names
            }


def output_until(process: subprocess.Popen[str], marker: str) -> str:
    """The output of a process up to the line with `marker`. The process continues; the caller reads the rest."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if marker in line:
            return "".join(lines)
    raise AssertionError(f"no line with {marker!r}: {''.join(lines)[-4000:]}")


class Reader:
    """A BI tool that connects and queries in a loop while the context lasts. It must never see an error or half a state."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.errors: list[str] = []
        self.reads = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        # Many times a second, without taking a whole core.
        while not self._ended.wait(0.02):
            try:
                ((facts, statement),) = self.company.query(
                    "select (select sum(billed_cost) from fact_cost), (select sum(billed_cost) from owner_statement)"
                )
                if facts != statement:
                    self.errors.append(f"mixed state: {facts}, {statement}")
                self.reads += 1
            except duckdb.Error as error:
                self.errors.append(str(error))

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *caught: object) -> None:
        self._ended.set()
        self._thread.join()


@pytest.fixture(scope="session")
def staged_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, date], Company]]:
    """Creates installations that share one sample company."""
    root = tmp_path_factory.mktemp("company")
    with staged(root / "world", until=UNTIL, as_of=FIRST) as stage:

        def company(name: str, as_of: date) -> Company:
            stage.show(as_of)
            return Company(stage, root / name, as_of)

        yield company


@pytest.fixture(scope="session")
def company(staged_company: Callable[[str, date], Company]) -> Company:
    """Refreshed on the first day (whole history) and on the second (open months, one of them restated)."""
    found = staged_company("home", FIRST)
    found.refresh()
    found.show(SECOND)
    found.refresh()
    return found
