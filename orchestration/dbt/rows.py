"""Rows of what a build made, to explain its failure: DuckDB's warehouse is read here, Spark's tables by its own dbt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from ingestion.errors import SettingError
from ingestion.scratch import scratch
from ingestion.settings import Home
from orchestration.dbt.command import needed
from orchestration.dbt.engine import Engine
from orchestration.dbt.project_files import DBT_PROJECT
from orchestration.publication.warehouse import CATALOG

COMMAND = Path(__file__).with_name("command.py")
PARSED = "partial_parse.msgpack"
PROJECT = "costowner"
LONGEST_QUERY = 900  # seconds

Row = dict[str, Any]
# Rows of a query in the engine's SQL, by column. Raises QueryError.
Query = Callable[[str], list[Row]]


class QueryError(Exception):
    """A query could not be answered; the message is for a log only."""


def query_of(home: Home, engine: Engine) -> Query:
    """How an engine's tables are asked. On Spark, every query starts a dbt of its own: some ten seconds."""
    return partial(_of_spark, home, engine) if engine.is_spark else partial(_of_duckdb, home)


def first_rows(sql: str, most: int) -> str:
    """SQL for at most so many rows of a query, on either engine: each time the same ones."""
    return f"select * from ({sql}) as found order by all limit {most}"


def relation_of(home: Home, engine: Engine, model: str) -> str:
    """A model's table or view in the engine's SQL, by dbt's manifest. Raises QueryError where that has none."""
    try:
        nodes = json.loads(engine.manifest(home).read_text())["nodes"]
        return str(nodes[f"model.{PROJECT}.{model}"]["relation_name"])
    except (OSError, ValueError, KeyError) as error:
        raise QueryError(str(error)) from error


def _of_duckdb(home: Home, sql: str) -> list[Row]:
    try:
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"attach '{home.warehouse}' as {CATALOG} (read_only)")
            found = connection.execute(sql)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _of_spark(home: Home, engine: Engine, sql: str) -> list[Row]:
    """Rows by `dbt show`, which prints them as JSON: decimals are numbers there, fit to be shown and not to be added."""
    try:
        return _shown_rows(home, engine, sql)
    except (OSError, SettingError, subprocess.TimeoutExpired) as error:
        raise QueryError(str(error)) from error


def _shown_rows(home: Home, engine: Engine, sql: str) -> list[Row]:
    with scratch("show") as folder:
        # A folder of its own, so that the results of the failed build stay; the parse is that of the build.
        if (parsed := engine.target_folder(home) / PARSED).exists():
            shutil.copy(parsed, folder)
        options: dict[str, str | Path] = {
            "--inline": f"{{% raw %}}{sql}{{% endraw %}}",
            "--limit": "-1",
            "--output": "json",
            "--target": engine.name,
            "--project-dir": DBT_PROJECT,
            "--profiles-dir": DBT_PROJECT,
            "--target-path": folder,
            "--log-path": folder,
        }
        done = subprocess.run(
            [engine.python, "-P", COMMAND, "--log-format", "json", "show", *chain.from_iterable(options.items())],
            cwd=DBT_PROJECT,
            env=needed({**os.environ, **engine.environment(home)}),
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_QUERY,
        )
    for line in done.stdout.splitlines():
        # Spark and its Java write lines of their own.
        with suppress(ValueError, LookupError, TypeError):
            event = json.loads(line)
            if event["info"]["name"] == "ShowNode":
                rows: list[Row] = json.loads(event["data"]["preview"])
                return rows
    raise QueryError(f"dbt show ended with status {done.returncode} and no rows")
