"""The environment in which dbt and Dagster run: one installation's paths, and no telemetry."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from string import Template

from ingestion.atomic_write import atomic_write
from ingestion.locks import exclusive_lock
from ingestion.scratch import remove_abandoned
from ingestion.setting_table import check_settings
from ingestion.settings import Home
from orchestration.dbt.engine import Engine
from orchestration.dbt.project_files import DBT_PROJECT, project_digest
from orchestration.publication.access import access, given_access
from orchestration.repair import repair_dagster

# The umask of an installation: what it creates is its user's alone.
PRIVATE = stat.S_IRWXG | stat.S_IRWXO
# Folders on the way to the publication.
PASSED_THROUGH = 0o711
# What a refresh creates in an installation's folder, beside the publication.
OWN_ENTRIES = ("lake", "dlt", "dagster", "dbt_target*", "dbt_logs", "logs", "spark", "warehouse.duckdb*")

QUIET = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
}


def _has_acl(path: Path) -> bool:
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except (AttributeError, OSError):
        return False  # not Linux, or a file system without


def _close(entry: Path, allowed: int = 0) -> None:
    """Take a file or folder of this user's from everybody else, but for what a mode allows."""
    found = entry.stat()
    # With an ACL the group's bits are its mask: who was granted access on purpose keeps it.
    closed = (stat.S_IRWXO if _has_acl(entry) else PRIVATE) & ~allowed
    if found.st_mode & closed and found.st_uid == os.getuid():
        entry.chmod(stat.S_IMODE(found.st_mode) & ~closed)


def _apply_access(home: Home) -> None:
    """Where the setting names who may read the publication: open its folder to them, and close it to others at once.

    Of what it holds, the next publication opens what this leaves closed. An owner's folder has grants of its own.
    """
    given = given_access()
    if given is None:
        return
    found = home.published.stat()
    if found.st_uid == os.getuid() and not _has_acl(home.published):
        home.published.chmod(given.published | found.st_mode & stat.S_ISGID)
    _close(home.published, given.published)
    for entry in home.published.iterdir():
        if not entry.is_symlink() and entry != home.owners:
            with suppress(FileNotFoundError):  # a publication that runs replaces its files
                _close(entry, given.folder if entry.is_dir() else given.file)


def _without_core_dumps() -> None:
    """A core dump of this process or of a child would hold every key in clear."""
    with suppress(ImportError, OSError, ValueError):  # not everywhere, and not where the system forbids it
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def keep_to_oneself() -> None:
    """From here on this process and its children create files that are their user's alone, and dump no core."""
    os.umask(PRIVATE)
    _without_core_dumps()


def _make_private(home: Home) -> None:
    """Make an installation's folders: its user's alone, but for what is published.

    The installation's own folder can be passed through, so that readers come to the publication in it, and not be listed.
    What an earlier release left open to others is closed.
    """
    home.published.parent.parent.mkdir(parents=True, exist_ok=True)
    home.root.parent.mkdir(parents=True, exist_ok=True)
    keep_to_oneself()
    for folder, mode in (
        (home.root, PASSED_THROUGH),
        (home.published.parent, PASSED_THROUGH),
        (home.published, access().published),
    ):
        with suppress(FileExistsError):  # and another process may make it just now
            folder.mkdir()
            folder.chmod(mode)
    _close(home.root, PASSED_THROUGH)
    _apply_access(home)
    for folder in (home.lake, home.dagster, home.dlt):
        folder.mkdir(parents=True, exist_ok=True)
    for name in OWN_ENTRIES:
        for entry in home.root.glob(name):
            with suppress(FileNotFoundError):  # a build that runs removes files of its own
                _close(entry)


def prepare(home: Home) -> None:
    """Make an installation's folders and set what its processes read from the environment.

    From here on this process and its children create files that are their user's alone (umask 077).
    Raises SettingError where a setting has a wrong value.
    """
    check_settings()
    _make_private(home)
    remove_abandoned()
    settings = Template((Path(__file__).parent / "dagster.yaml").read_text())
    # JSON is YAML: a path of any characters stays one text.
    text = settings.safe_substitute(HOME_OF_DAGSTER=json.dumps(str(home.dagster)))
    if home.is_installation:
        # dlt reads the settings of this installation, wherever the command is called.
        os.environ["DLT_PROJECT_DIR"] = str(home.root)
    target = home.dagster / "dagster.yaml"
    with exclusive_lock(home, "environment"):
        for line in repair_dagster(home):
            sys.stderr.write(f"{line}\n")
        if not target.exists() or target.read_text() != text:
            with atomic_write(target) as draft:
                draft.write_text(text)
    # dagster-dbt looks for dbt on the PATH; the one beside this Python is the one that the lock file pins.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join((beside, os.environ.get("PATH", "")))
    os.environ.update(
        QUIET | Engine.from_environment().environment(home),
        COSTOWNER_HOME=str(home.root),
        DAGSTER_HOME=str(home.dagster),
        DBT_PROFILES_DIR=str(DBT_PROJECT),
        DBT_LOG_PATH=str(home.root / "dbt_logs"),
        # What dbt writes into its file beyond this is a tenth of a small build; all SQL stands in its target folder.
        DBT_LOG_LEVEL_FILE=os.environ.get("DBT_LOG_LEVEL_FILE") or "info",
        COSTOWNER_PROJECT_DIGEST=project_digest(),
    )
