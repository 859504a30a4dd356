"""Both engines for tests of SQL: DuckDB in this process, Spark in one of its own (its environment, its Java)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pytest

from ingestion.settings import PROJECT_ROOT

SPARK_PYTHON = PROJECT_ROOT / ".venv-spark" / "bin" / "python"
HAS_SPARK = SPARK_PYTHON.exists() and shutil.which("java") is not None
# CI must never skip them: there a missing Java or environment is a failure.
needs_spark = pytest.mark.skipif(
    not HAS_SPARK and not os.environ.get("CI"),
    reason="no Java, or no .venv-spark (make spark): Spark is not tested",
)
# For a JVM that lives for minutes: its own compiler and collector would take half of the time, and the disk is waited for
# to keep a metastore that is thrown away.
SHORT_LIVED = {
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseParallelGC "
    "-Dderby.system.durability=test"
}
ENGINES = [pytest.param("duckdb", id="duckdb"), pytest.param("spark", id="spark", marks=needs_spark)]


class Sql(Protocol):
    """An engine that answers a query."""

    name: str

    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...


class DuckDb:
    name = "duckdb"

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("set timezone = 'UTC'")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


class Spark:
    """Spark in local mode, set as dbt_project's profile sets it. One query a line of JSON, one answer a line."""

    name = "spark"

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [str(SPARK_PYTHON), str(Path(__file__).with_name("spark_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **SHORT_LIVED},
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(sql) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise AssertionError(f"Spark: {answer['error']}\n{sql}")
        return [tuple(_value(value) for value in row) for row in answer["rows"]]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _value(value: Any) -> Any:
    return Decimal(value["decimal"]) if isinstance(value, dict) else value
