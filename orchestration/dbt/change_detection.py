"""Whether the ledger would be built from anything else than the published one was.

The inputs are two digests: the deliveries (the current one of every slice, and the lake's files) and the logic (the dbt
project's files, the versions of dbt and DuckDB). They are stored when a build of them is published. While they stay the
same and nobody else writes the warehouse, a refresh builds only the models that depend on the refresh or on the date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import yaml

from ingestion.lake.contract import DELIVERY_TOTALS, HOLDS
from ingestion.lake.notes import known_notes
from ingestion.settings import Home
from ingestion.sources.catalog import SOURCES
from orchestration.dbt.engine import Engine
from orchestration.dbt.project_files import DBT_PROJECT, project_digest, stamps
from orchestration.publication.build_state import warehouse_version
from orchestration.state_file import read_state, write_state

TOOLS = ("dbt-core", "dbt-duckdb", "duckdb")


def logic_digest() -> str:
    """What changes when the models may build something else of the same deliveries."""
    content = repr([project_digest(), *((tool, version(tool)) for tool in TOOLS)])
    return hashlib.sha256(content.encode()).hexdigest()


class Logic:
    """Which logic (`logic_version` of dbt_project.yml) built an installation's tables.

    Another version builds every period again, and may give a table other columns, so dbt creates all tables again.
    What earlier revisions recorded is kept (`fact_cost_revision` is never rebuilt).
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


class ChangeDetection:
    """The inputs of the published ledger, compared with the current ones.

    `begin` before a build, `published` after its publication. A build that ends in between leaves no inputs, and the
    next refresh builds everything.
    """

    def __init__(self, home: Home, engine: Engine) -> None:
        self._home, self._engine = home, engine
        folder = engine.target_folder(home)
        self._published, self._building = folder / "published_of.json", folder / "built_of.json"

    def has_changes(self) -> bool:
        """Whether anything but the refresh itself and the date differs from what was published last."""
        # Other writers of a cluster's tables leave no trace here.
        if self._engine.is_spark or not self._published.exists() or Logic(self._home, self._engine).is_new():
            return True
        current = {**self._inputs(), "warehouse": warehouse_version(self._home)}
        return bool(read_state(self._published) != current)

    def begin(self, *, represents_inputs: bool) -> None:
        """Note that a build begins. `represents_inputs`: once it is published, the ledger is that of the current inputs."""
        self._published.unlink(missing_ok=True)
        self._building.unlink(missing_ok=True)
        if represents_inputs:
            self._building.parent.mkdir(parents=True, exist_ok=True)
            write_state(self._building, self._inputs())

    def published(self) -> None:
        """Note that the build that began last is published."""
        if self._building.exists():
            inputs = read_state(self._building)
            self._building.unlink()
            if inputs is not None:
                write_state(self._published, {**inputs, "warehouse": warehouse_version(self._home)})

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Change files of the lake without changing what it delivers: what was built of it before counts as built afterwards."""
        is_built = not self.has_changes()
        yield
        if is_built:
            write_state(self._published, {**self._inputs(), "warehouse": warehouse_version(self._home)})

    def _inputs(self) -> dict[str, str]:
        return {"deliveries": self._deliveries(), "logic": logic_digest()}

    def _deliveries(self) -> str:
        content = hashlib.sha256()
        for source in SOURCES:
            for slice_id, note in known_notes(self._home, source.dataset).items():
                content.update(f"{source.dataset}|{slice_id}|{note.load_id}\n".encode())
            # A file that somebody changes, removes or restores is a change as well: the checks have to see it.
            for table in (*source.tables, DELIVERY_TOTALS, HOLDS):
                content.update(stamps(self._home.lake / source.dataset, (f"{table.name}/**/*.parquet",)))
        return content.hexdigest()
