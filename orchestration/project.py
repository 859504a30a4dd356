"""The dbt project as Dagster sees it, with its manifest made where there is none yet.

`DbtProject.prepare_if_dev` does nothing outside `dagster dev`, so a fresh clone would have no manifest for tests,
for `dagster definitions validate` and for the command line.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from dagster_dbt import DbtProject

from ingestion.settings import Home
from orchestration.environment import DBT_PROJECT, prepare

WATCHED = ("*.sql", "*.yml", "*.csv")


def _sources_digest() -> str:
    """What the manifest was made of: names, sizes and times of the project's files."""
    content = hashlib.sha256()
    for pattern in WATCHED:
        for file in sorted(DBT_PROJECT.rglob(pattern)):
            if "target" in file.relative_to(DBT_PROJECT).parts:
                continue
            stat = file.stat()
            content.update(f"{file.relative_to(DBT_PROJECT)}:{stat.st_size}:{stat.st_mtime_ns}".encode())
    return content.hexdigest()


def dbt_project() -> DbtProject:
    """The project, its manifest up to date."""
    home = Home.from_environment()
    prepare(home)
    target = home.root / "dbt_target"
    project = DbtProject(
        project_dir=DBT_PROJECT, profiles_dir=DBT_PROJECT, target_path=target, packaged_project_dir=None
    )
    stamp, digest = Path(target) / "manifest.digest", _sources_digest()
    if not project.manifest_path.exists() or not stamp.exists() or stamp.read_text() != digest:
        project.preparer.prepare(project)
        stamp.write_text(digest)
    return project
