"""Which engine builds the ledger: DuckDB, embedded, or Apache Spark. One setting chooses it, COSTOWNER_ENGINE.

What differs between them in SQL is in `dbt_project/macros/engine/`; how dbt is run on each is here, and how their
marts are read in `warehouse.py`. The assets, checks, schedules and the publication are the same.
"""

from __future__ import annotations

import shutil
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ingestion import setting_table as table
from ingestion.errors import SettingError
from ingestion.setting_table import DUCKDB, SPARK, SPARK_SESSION
from ingestion.settings import PROJECT_ROOT, Home

SETTING = table.ENGINE.name
BETWEEN_TRIES = 10  # seconds


@dataclass(frozen=True)
class Engine:
    """An engine, by the name of its target in `dbt_project/profiles.yml`."""

    name: str

    @classmethod
    def from_environment(cls) -> Engine:
        """The engine that COSTOWNER_ENGINE names; DuckDB where it is not set."""
        return cls(table.ENGINE.value())

    @property
    def is_spark(self) -> bool:
        return self.name != DUCKDB

    @property
    def dialect(self) -> str:
        """Its SQL, as sqlglot names it."""
        return "spark" if self.is_spark else "duckdb"

    @property
    def dbt(self) -> Path:
        """The dbt that has this engine's adapter: Spark's lives in an environment of its own (`make spark`).

        Raises SettingError where that environment, or Java for Spark in this process, is missing.
        """
        if not self.is_spark:
            return Path(sys.executable).with_name("dbt")
        environment = Path(table.SPARK_ENVIRONMENT.given() or PROJECT_ROOT / ".venv-spark")
        found = environment / "bin" / "dbt"
        if not found.exists():
            raise SettingError(f"{SETTING}={self.name}: there is no {found}; `make spark` installs it")
        if self.name == SPARK_SESSION and not shutil.which("java"):
            raise SettingError(f"{SETTING}={self.name} needs Java 17 or later on the PATH; {SPARK} does not")
        return found

    @property
    def python(self) -> Path:
        """The Python of the environment that its dbt is installed in. Raises SettingError as `dbt` does."""
        return self.dbt.with_name("python")

    def target_folder(self, home: Home) -> Path:
        """dbt's artifacts: a folder an engine, so that dbt parses only what changed."""
        return home.root / ("dbt_target" if not self.is_spark else f"dbt_target_{self.name}")

    def manifest(self, home: Home) -> Path:
        """The manifest that Dagster reads. Builds write one of their own, which a killed one leaves torn."""
        return self.target_folder(home) / "parsed" / "manifest.json"

    def read_of(self, home: Home) -> Path:
        """The digest of the project that the manifest was read from."""
        return self.manifest(home).with_name("manifest.digest")

    def export_folder(self, home: Home) -> Path:
        """Where Spark writes the marts for the publication (macro `export_mart`)."""
        return home.root / "spark" / "export"

    def wait_until_reachable(self) -> None:
        """Where it is a cluster: knock at its Thrift server, again every ten seconds for COSTOWNER_SPARK_RETRIES times.

        Raises SettingError, which names the settings, where nobody answers.
        """
        if self.name != SPARK:
            return
        host, port, retries = table.SPARK_HOST.value(), table.SPARK_PORT.value(), table.SPARK_RETRIES.value()
        for attempt in range(retries + 1):
            try:
                socket.create_connection((host, port), timeout=BETWEEN_TRIES).close()
                return
            except OSError as error:
                if attempt == retries:
                    raise SettingError(
                        f"no Thrift server answers at {host}:{port} ({error}): start the cluster, or set "
                        "COSTOWNER_SPARK_HOST and COSTOWNER_SPARK_PORT (docs/scaling.md)"
                    ) from None
                time.sleep(BETWEEN_TRIES)

    def environment(self, home: Home) -> dict[str, str]:
        """What dbt_project reads from the environment.

        A cluster may see the lake and the export under other addresses: COSTOWNER_SPARK_LAKE, COSTOWNER_SPARK_EXPORT.
        """
        if not self.is_spark:
            return {"COSTOWNER_LAKE_PATH": str(home.lake), "COSTOWNER_WAREHOUSE": str(home.warehouse)}
        return {
            "COSTOWNER_LAKE_PATH": table.SPARK_LAKE.given() or str(home.lake),
            "COSTOWNER_EXPORT_PATH": table.SPARK_EXPORT.given() or str(self.export_folder(home)),
            "COSTOWNER_SPARK_HOME": str(home.root / "spark"),
        }
