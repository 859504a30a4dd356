"""Which engine builds the ledger: DuckDB, embedded, or Apache Spark. One setting chooses it, COSTOWNER_ENGINE.

What differs between them in SQL is in `dbt_project/macros/engine/`; how dbt is run on each is here, and how their
marts are read in `warehouse.py`. The assets, checks, schedules and the publication are the same.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ingestion.errors import SettingError
from ingestion.settings import PROJECT_ROOT, Home

SETTING = "COSTOWNER_ENGINE"
BETWEEN_TRIES = 10  # seconds
DUCKDB, SPARK, SPARK_SESSION = "duckdb", "spark", "spark_session"


@dataclass(frozen=True)
class Engine:
    """An engine, by the name of its target in `dbt_project/profiles.yml`."""

    name: str

    @classmethod
    def from_environment(cls) -> Engine:
        """The engine that COSTOWNER_ENGINE names; DuckDB where it is not set."""
        name = os.environ.get(SETTING) or DUCKDB
        if name not in (DUCKDB, SPARK, SPARK_SESSION):
            raise SettingError(
                f"{SETTING}={name}: there are {DUCKDB} (embedded), {SPARK} (a cluster's Thrift server) and "
                f"{SPARK_SESSION} (Spark in this process); see docs/scaling.md"
            )
        return cls(name)

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
        environment = Path(os.environ.get("COSTOWNER_SPARK_ENVIRONMENT") or PROJECT_ROOT / ".venv-spark")
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
        host = os.environ.get("COSTOWNER_SPARK_HOST") or "127.0.0.1"
        port = os.environ.get("COSTOWNER_SPARK_PORT") or "10000"
        retries = int(os.environ.get("COSTOWNER_SPARK_RETRIES") or 5)
        for attempt in range(retries + 1):
            try:
                socket.create_connection((host, int(port)), timeout=BETWEEN_TRIES).close()
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
            "COSTOWNER_LAKE_PATH": os.environ.get("COSTOWNER_SPARK_LAKE") or str(home.lake),
            "COSTOWNER_EXPORT_PATH": os.environ.get("COSTOWNER_SPARK_EXPORT") or str(self.export_folder(home)),
            "COSTOWNER_SPARK_HOME": str(home.root / "spark"),
        }


def duckdb_memory() -> str:
    """How much memory DuckDB may use before it spills to disk (also in dbt's profile)."""
    return os.environ.get("COSTOWNER_DUCKDB_MEMORY", "4GB")
