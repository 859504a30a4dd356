"""Whether there is anything new for the ledger: a refresh that brings nothing costs next to nothing.

What the ledger is made of is put into two digests: the deliveries (which one of every slice counts, and the lake's files)
and the logic (the dbt project's files, the versions of dbt and DuckDB). They are kept, once all that was built of them is
published. While nobody else has written the warehouse, dbt builds what `Scope` says, and the rest is said to be up to date.
"""

from __future__ import annotations

import hashlib
import json
from enum import Enum
from importlib.metadata import version

import yaml

from ingestion.lake.contract import DELIVERY_TOTALS
from ingestion.lake.notes import known_notes
from ingestion.settings import Home
from ingestion.sources.catalog import SOURCES
from orchestration.build_state import warehouse_version
from orchestration.engine import Engine
from orchestration.environment import DBT_PROJECT, project_digest, stamps

TOOLS = ("dbt-core", "dbt-duckdb", "duckdb")


class Scope(Enum):
    """How much of the ledger a refresh has to build."""

    TODAY = "what tells of the refresh itself or of today"  # `meta: {refresh: always}`; there is no news
    DELIVERIES = "what is made of deliveries"
    EVERYTHING = "everything"


class Logic:
    """Which logic (`logic_version` of dbt_project.yml) an installation's tables were built by.

    Another one builds every period anew anyway, and may give a table other columns: dbt makes the tables anew then. What
    earlier revisions recorded is kept (`fact_cost_revision` is never rebuilt).
    """

    def __init__(self, home: Home, engine: Engine) -> None:
        self._file = engine.target_folder(home) / "logic_version"

    @staticmethod
    def current() -> str:
        return str(yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())["vars"]["logic_version"])

    def is_new(self) -> bool:
        return not self._file.exists() or self._file.read_text() != self.current()

    def built(self) -> None:
        self._file.write_text(self.current())


class News:
    """What the ledger was last built of, beside what it would be built of now.

    `begin` before a build, `published` after its publication; a build that ends in between is not remembered.
    """

    def __init__(self, home: Home, engine: Engine) -> None:
        self._home, self._engine = home, engine
        folder = engine.target_folder(home)
        self._kept, self._begun = folder / "published_of.json", folder / "built_of.json"

    def begin(self, whole: bool) -> Scope:
        """What has to be built. To be asked before a build, by who writes the warehouse.

        A build of a part (`whole` is false) builds what it was asked to, and says nothing of the rest.
        """
        of = {"deliveries": self._deliveries(), "logic": self._logic()}
        known = json.loads(self._kept.read_text()) if self._kept.exists() else {}
        self._kept.unlink(missing_ok=True)
        self._begun.unlink(missing_ok=True)
        if not whole:
            return Scope.EVERYTHING
        self._begun.parent.mkdir(parents=True, exist_ok=True)
        self._begun.write_text(json.dumps(of))
        # Of a cluster's tables nobody here can say who else has written them.
        of_ours = not self._engine.is_spark and known.get("warehouse") == warehouse_version(self._home)
        if not of_ours or known.get("logic") != of["logic"]:
            return Scope.EVERYTHING
        return Scope.TODAY if known["deliveries"] == of["deliveries"] else Scope.DELIVERIES

    def published(self) -> None:
        """All that was built since `begin` is published."""
        if self._begun.exists():
            kept = {**json.loads(self._begun.read_text()), "warehouse": warehouse_version(self._home)}
            self._begun.unlink()
            self._kept.write_text(json.dumps(kept))

    def _logic(self) -> str:
        return repr([project_digest(), *((tool, version(tool)) for tool in TOOLS)])

    def _deliveries(self) -> str:
        content = hashlib.sha256()
        for source in SOURCES:
            for slice_id, note in known_notes(self._home, source.dataset).items():
                content.update(f"{source.dataset}|{slice_id}|{note.load_id}\n".encode())
            # A file that anybody else changes, removes or restores is news as well: the checks have to see it.
            for table in (*source.tables, DELIVERY_TOTALS):
                content.update(stamps(self._home.lake / source.dataset, (f"{table.name}/**/*.parquet",)))
        return content.hexdigest()
