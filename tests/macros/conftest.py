"""The engines that run every macro test, started once for the folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines import ENGINES, DuckDb, Spark, Sql


@pytest.fixture(scope="session")
def spark() -> Iterator[Spark]:
    engine = Spark()
    yield engine
    engine.close()


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Sql:
    """DuckDB, then Spark."""
    if request.param == "duckdb":
        return DuckDb()
    found: Spark = request.getfixturevalue("spark")
    return found
