"""The map of the project names what exists."""

from __future__ import annotations

import re

from ingestion.settings import PROJECT_ROOT

MAP = (PROJECT_ROOT / "docs" / "architecture.md").read_text()


def test_every_model_on_the_map_exists() -> None:
    models = {file.stem for file in (PROJECT_ROOT / "dbt_project" / "models").rglob("*.sql")}
    named = set(re.findall(r"\b(?:(?:stg|int)_\w+?__\w+|(?:fact|dim)_\w+)\b", MAP))
    named = {name.removesuffix("\\n") for name in named}
    assert named and named <= models, named - models


def test_every_path_on_the_map_exists() -> None:
    paths = {
        path for path in re.findall(r"`([\w./]+/[\w./]*)`", MAP) if "NAME" not in path and "published" not in path
    }
    roots = (PROJECT_ROOT, PROJECT_ROOT / "dbt_project" / "models")
    missing = {path for path in paths if not any((root / path).exists() for root in roots)}
    assert paths and not missing, missing
