"""Installations for the tests of the orchestration."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.lake.pipeline import declare
from ingestion.settings import Home
from ingestion.sources.catalog import LAKE
from orchestration.dbt.project import dbt_project
from orchestration.environment import prepare


@pytest.fixture
def environment() -> Iterator[None]:
    """What a test sets in the environment, also by `prepare`, is gone after it; so is the umask."""
    before, umask = dict(os.environ), os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def prepared_home(tmp_path: Path, environment: None) -> Home:
    """An installation in which nothing was done yet."""
    home = Home(tmp_path)
    prepare(home)
    return home


@pytest.fixture(scope="session")
def root_of_read_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("read_home")


@pytest.fixture
def read_home(root_of_read_home: Path, environment: None) -> Home:
    """An installation without a bill whose dbt project was read: once, by the first test that asks for it."""
    home = Home(root_of_read_home)
    os.environ["COSTOWNER_HOME"] = str(home.root)
    dbt_project()
    for source in LAKE:
        declare(home, source)
    return home
