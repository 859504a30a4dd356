"""An installation with files of its own, refreshed by the user's command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.settings import PROJECT_ROOT
from tests.end_to_end.conftest import RUN_TIMES

OWNERS = "owners:\n  - {id: search, kind: team, name: Search}\n  - {id: chat, kind: team, name: Chat}\n"
RULES = (
    'rules:\n  - {id: search, claim: request_workflow, match: glob, value: "wf-*", owner: search}\n'
    '  - {id: chat, claim: request_service, match: glob, value: "chat*", owner: chat}\n'
)
# They describe deliveries, and so differ with them.
OF_DELIVERIES = {
    *("fact_delivery", "fact_cost_revision", "fact_restatement", "source_freshness", "held_delivery"),
    "dim_resource",
}
OF_FILES = RUN_TIMES | {"slice_id", "delivered_slices", "content_digest"}

Row = tuple[Any, ...]


@dataclass
class Installation:
    """A folder with a registry, files of requests (`requests`), of providers' costs (`costs`) and of FOCUS (`focus`)."""

    root: Path

    def __post_init__(self) -> None:
        for folder in ("registry", "requests", "costs", "focus"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "registry" / "owners.yml").write_text(OWNERS)
        (self.root / "registry" / "ownership_rules.yml").write_text(RULES)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the command: a source whose folder is empty is not set up."""
        settings = {
            "requests": ("SOURCES__LLM_GATEWAY__CANONICAL_URL", "{}"),
            "costs": ("SOURCES__LLM_PROVIDERS__COSTS_URL", "{}"),
            "focus": ("SOURCES__FOCUS__EXPORTS", "dwh={}"),
        }
        return {
            **os.environ,
            "COSTOWNER_HOME": str(self.root / "home"),
            "COSTOWNER_REGISTRY": str(self.root / "registry"),
            "COSTOWNER_DUCKDB_MEMORY": "1GB",
            **{
                name: value.format(self.root / folder)
                for folder, (name, value) in settings.items()
                if any((self.root / folder).iterdir())
            },
        }

    def deliver_requests(self, day: datetime, number: int, lines: Iterable[str]) -> None:
        """Write a file of canonical records, a line each, into the folder of a day."""
        folder = self.root / "requests" / f"year={day:%Y}" / f"month={day:%m}" / f"day={day:%d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"part-{number}.jsonl").write_text("".join(f"{line}\n" for line in lines))

    def refresh(self, first: str, last: str) -> subprocess.CompletedProcess[str]:
        """Refresh the months from `first` to `last` (YYYY-MM)."""
        command = [sys.executable, "-m", "orchestration", "refresh", "--months", f"{first}..{last}"]
        return subprocess.run(
            command, env=self.environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
        )

    def query(self, sql: str) -> list[Row]:
        """Rows of the publication."""
        database = self.root / "home" / "published" / "marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def marts(self) -> dict[str, list[Row]]:
        """All rows of the marts but those of deliveries, without the columns that differ from run to run."""
        found = {}
        for (name,) in self.query("select table_name from duckdb_tables() order by 1"):
            if name not in OF_DELIVERIES:
                described = self.query(f'describe "{name}"')
                columns = ", ".join(f'"{row[0]}"' for row in described if row[0] not in OF_FILES)
                found[name] = self.query(f'select {columns} from "{name}" order by all')
        return found
