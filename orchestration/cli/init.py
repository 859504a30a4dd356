"""`costowner init`: a folder with all that an installation needs from its owner, commented, and nothing set up yet."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ingestion.errors import SettingError
from ingestion.lake.contract import Source
from ingestion.setting_table import ABOUT
from ingestion.settings import MARKER, SHIPPED, is_required
from ingestion.sources import registry
from ingestion.sources.catalog import SOURCES

SCHEMAS = Path(registry.__file__).parent / "schema"
# Where the templates of this repository find their schemas; an installation has them beside its files.
IN_THIS_REPOSITORY, IN_AN_INSTALLATION = "../ingestion/sources/registry/schema/", "schema/"
PASSED_THROUGH = 0o711
PRIVATE = 0o700
OTHERS_WRITE = 0o022

IGNORED = """\
# Keys, data and what is built from them. Only the registry and the settings without secrets belong to git.
.dlt/secrets.toml
/lake/
/dlt/
/dagster/
/dbt_target*/
/dbt_logs/
/logs/
/spark/
/warehouse.duckdb*
/published/
/locks/
"""
WORKSPACE = """\
# For commands of Dagster in this folder, as `dagster definitions validate`; `costowner ui` needs no such file.
load_from:
  - python_module: orchestration.definitions
"""
SECRETS = """\
# Settings of the sources. Remove the # of those that you use; a source without its required settings is skipped.
# Each may stand in the environment instead: sources.vercel.token is SOURCES__VERCEL__TOKEN.
# Only your user may read this file, and git ignores it.
"""


def make_installation(folder: Path) -> None:
    """Make an installation in a folder that does not exist, or is empty. Raises SettingError for any other."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingError(f"{folder} exists and is not empty: name a new folder")
    # Who writes the registry decides who owns what.
    os.umask(os.umask(OTHERS_WRITE) | OTHERS_WRITE)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(PASSED_THROUGH)
    _write_registry(folder / "registry")
    settings = folder / ".dlt"
    settings.mkdir(mode=PRIVATE)
    (settings / "secrets.toml").touch(mode=0o600)
    (settings / "secrets.toml").write_text(settings_template())
    (folder / ".gitignore").write_text(IGNORED)
    (folder / "workspace.yaml").write_text(WORKSPACE)
    # Last: a folder without it is no installation.
    (folder / MARKER).write_text(f"# An installation of Costowner, made by version {_version()}.\n")


def _write_registry(folder: Path) -> None:
    folder.mkdir()
    shutil.copytree(SCHEMAS, folder / "schema", ignore=shutil.ignore_patterns("__pycache__"))
    for template in sorted((SHIPPED / "registry").glob("*.yml")):
        text = template.read_text().replace(IN_THIS_REPOSITORY, IN_AN_INSTALLATION)
        (folder / template.name).write_text(
            text.replace(IN_THIS_REPOSITORY.removeprefix("../"), IN_AN_INSTALLATION)
        )


def settings_template() -> str:
    """A section a source with every setting that it takes, commented out: TOML."""
    return "\n".join([SECRETS, *(_section(source) for source in SOURCES if fields(source.settings))])


def _section(source: Source) -> str:
    about = (source.settings.__doc__ or "").strip().splitlines()
    lines = [f"# {source.title}", *(f"# {line.strip()}".rstrip() for line in about), f"[sources.{source.name}]"]
    for declared in fields(source.settings):
        note = "required" if is_required(declared) else "optional"
        lines.append(f"# {declared.metadata[ABOUT]}")
        lines.append(f"# {declared.name} = {_example(declared.type, declared.default)}  # {note}")
    return "\n".join(lines) + "\n"


def _example(hint: Any, default: Any) -> str:
    if hint == "bool":
        return str(default is True).lower()
    if hint == "int":
        return str(default) if isinstance(default, int) else "0"
    if hint == "tuple[str, ...]":
        return "[]"
    return f'"{default}"' if isinstance(default, str) else '""'


def _version() -> str:
    try:
        return version("costowner")
    except PackageNotFoundError:
        return "a checkout"
