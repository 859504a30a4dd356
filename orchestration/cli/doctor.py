"""`costowner doctor`: whether an installation is sound. It reads, and changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import click
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ingestion.errors import IngestionError, described
from ingestion.lake.integrity import lost
from ingestion.locks import RUN, holder_of
from ingestion.setting_report import secrets_in, setting_states, unknown_settings
from ingestion.setting_table import SPARK_SESSION
from ingestion.settings import PROJECT_ROOT, Home, utc_now
from ingestion.sources.catalog import DATASETS, SOURCES
from orchestration.cli.output import print_json
from orchestration.cli.registry import check
from orchestration.cli.sources import NOT_SET_UP, SET_UP, WRONG, state_of
from orchestration.dbt.command import needed
from orchestration.dbt.engine import Engine
from orchestration.layout import unfinished_restore

OK, WARNING, BROKEN = "ok", "warning", "broken"
# Those that a question about an installation begins with; the others show only where they are wrong.
SHOWN = ("costowner", "dagster", "dbt-core", "dbt-duckdb", "duckdb", "dlt")
LATE = timedelta(hours=26)
JAVA = 17


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `way_out` is what to do where it is not ok."""

    name: str
    state: str
    detail: str
    way_out: str | None = None

    @property
    def is_broken(self) -> bool:
        return self.state == BROKEN


def examine(home: Home) -> list[Finding]:
    """All findings, in the order in which they are worth reading."""
    parts: tuple[tuple[str, Callable[[Home], Iterator[Finding]]], ...] = (
        ("versions", _versions),
        ("engine", _engine),
        ("settings", _settings),
        ("registry", _registry),
        ("lake", _lake),
        ("disk", _disk),
        ("locks", _locks),
        ("last refresh", _last_refresh),
    )
    findings = []
    for name, part in parts:
        try:
            findings += list(part(home))
        except IngestionError as error:
            findings.append(Finding(name, BROKEN, str(error)))
        except Exception as error:  # one part that fails must not hide the others
            findings.append(Finding(name, BROKEN, described(error)))
    return findings


def _versions(home: Home) -> Iterator[Finding]:
    requirements, python = _requirements()
    installed = {
        "costowner": _version("costowner") or "a checkout",
        **{name: _version(name) for name in SHOWN[1:]},
    }
    wrong = [
        f"{requirement.name} {_version(requirement.name) or 'is missing'} (needs {requirement.specifier})"
        for requirement in requirements
        if not _fits(requirement)
    ]
    if platform.python_version() not in python:
        wrong.append(f"Python {platform.python_version()} (needs {python})")
    listed = ", ".join(f"{name} {version or 'missing'}" for name, version in installed.items())
    yield Finding(
        "versions",
        BROKEN if wrong else OK,
        "; ".join(wrong) or f"Python {platform.python_version()}, {listed}",
        "install what requirements.lock pins" if wrong else None,
    )


def _requirements() -> tuple[list[Requirement], SpecifierSet]:
    """What the package declares to need, without its extras: of the wheel, or of a checkout."""
    try:
        about = metadata.metadata("costowner")
        lines, python = metadata.requires("costowner") or [], about["Requires-Python"]
    except metadata.PackageNotFoundError:
        project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
        lines, python = project["dependencies"], project["requires-python"]
    found = [Requirement(line) for line in lines]
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})], SpecifierSet(python)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _fits(requirement: Requirement) -> bool:
    installed = _version(requirement.name)
    return installed is not None and requirement.specifier.contains(installed, prereleases=True)


def _engine(home: Home) -> Iterator[Finding]:
    engine = Engine.from_environment()
    if not engine.is_spark:
        yield Finding("engine", OK, f"{engine.name}, embedded")
        return
    yield Finding("engine", OK, f"{engine.name}, dbt in {engine.dbt.parent}")  # raises where it is missing
    if engine.name == SPARK_SESSION:
        done = subprocess.run(
            ["java", "-version"], env=needed(os.environ), capture_output=True, text=True, check=False
        )
        shown = (done.stderr.splitlines() or ["java does not start"])[0]
        is_new = not done.returncode and _java_release(shown) >= JAVA
        yield Finding("java", OK if is_new else BROKEN, shown, None if is_new else f"install Java {JAVA} or later")


def _java_release(shown: str) -> int:
    """17 of `openjdk version "17.0.2" …`; 0 of anything else."""
    number = shown.partition('"')[2].partition(".")[0]
    return int(number) if number.isdecimal() else 0


def _settings(home: Home) -> Iterator[Finding]:
    for setting in setting_states():
        if setting.problem:
            yield Finding(setting.name, BROKEN, setting.problem, "docs/settings.md lists all settings")
        elif setting.is_set:
            yield Finding(setting.name, OK, f"{setting.value} ({setting.origin})")
    for unknown in unknown_settings():
        yield Finding("settings", WARNING, unknown, "correct or remove it: it does nothing")
    by_state: dict[str, list[str]] = {SET_UP: [], NOT_SET_UP: [], WRONG: []}
    problems = []
    for source in SOURCES:
        state = state_of(home, source, utc_now())
        by_state[state.state].append(source.name)
        if state.problem:
            problems.append(state.problem)
    listed = "; ".join(f"{state}: {', '.join(names)}" for state, names in by_state.items() if names)
    yield Finding("sources", BROKEN if problems else OK, "; ".join([*problems, listed]))
    shared = home.root / ".dlt" / "config.toml"
    if listed := ", ".join(secrets_in(shared)):
        yield Finding(
            "secrets", WARNING, f"{shared} holds {listed}", "move it to secrets.toml, which no backup holds"
        )
    secrets = home.root / ".dlt" / "secrets.toml"
    if secrets.exists() and stat.S_IMODE(secrets.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(
            "secrets",
            WARNING,
            f"other users of this machine can read {secrets}",
            f"chmod 600 {secrets}, and replace the keys",
        )


def _registry(home: Home) -> Iterator[Finding]:
    report = check(home)
    if report.errors:
        detail = f"{len(report.errors)} errors in {report.registry}, the first: {report.errors[0]}"
        yield Finding("registry", BROKEN, detail, "costowner registry check lists all")
    elif report.warnings:
        detail = f"valid; {len(report.warnings)} declarations have no effect"
        yield Finding("registry", OK, detail, "costowner registry check lists them")
    else:
        yield Finding("registry", OK, f"valid: {report.registry}")


def _lake(home: Home) -> Iterator[Finding]:
    if unfinished := unfinished_restore(home):
        yield Finding("lake", BROKEN, unfinished)
        return
    damaged = sorted(
        f"{one.slice_id}: {one.damage}" for dataset in DATASETS for one in lost(home, dataset).values()
    )
    if damaged:
        more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
        way_out = (
            f"refresh, which requests them again; or restore these files below {home.lake} from the backup; or go on "
            "without them: costowner accept-loss"
        )
        yield Finding("lake", BROKEN, damaged[0] + more, way_out)
    else:
        yield Finding("lake", OK, "every current delivery has its files; costowner verify reads them wholly")


def _disk(home: Home) -> Iterator[Finding]:
    folder = next(parent for parent in (home.root, *home.root.parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    sizes = {"lake": _size(home.lake), "warehouse": _size(home.warehouse), "publication": _size(home.published)}
    listed = ", ".join(f"{name} {_bytes(size)}" for name, size in sizes.items())
    # A publication is written beside the one before it.
    needed = sizes["warehouse"] + sizes["publication"]
    state = BROKEN if free < sizes["warehouse"] else WARNING if free < 2 * needed else OK
    way_out = (
        None
        if state == OK
        else f"the next publication needs about {_bytes(needed)}: make room (`costowner prune`)"
    )
    yield Finding("disk", state, f"{_bytes(free)} free; {listed}", way_out)


def _size(path: Path) -> int:
    """What a file or folder takes; a file that is linked twice counts once."""
    files = (
        [path]
        if path.is_file()
        else [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    )
    return sum({status.st_ino: status.st_size for status in (file.lstat() for file in files)}.values())


def _bytes(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _locks(home: Home) -> Iterator[Finding]:
    held = []
    for name in sorted({RUN, *(file.stem for file in home.dlt.glob("*.lock"))}):
        if holder := holder_of(home, name):
            held.append(f"{name} is held by {holder[0]} since {holder[1]:%Y-%m-%d %H:%M} UTC")
    yield Finding("locks", OK, "; ".join(held) or "no run is under way")


def _last_refresh(home: Home) -> Iterator[Finding]:
    if not home.database.exists():
        yield Finding(
            "last refresh", WARNING, f"nothing is published in {home.published} yet", "costowner refresh"
        )
        return
    from orchestration.publication.build_state import BuildState

    published = datetime.fromtimestamp(home.database.stat().st_mtime, UTC)
    detail = f"published {published:%Y-%m-%d %H:%M} UTC"
    build = BuildState(home, Engine.from_environment()).last
    if build is not None and not build.is_tested:
        detail += "; the build after it did not come to its end, or a test failed in it"
        yield Finding("last refresh", WARNING, detail, "costowner refresh; its log names the cause")
    elif datetime.now(UTC) - published > LATE:
        yield Finding(
            "last refresh",
            WARNING,
            f"{detail}: older than {LATE.total_seconds() / 3600:.0f} hours",
            "costowner refresh",
        )
    else:
        yield Finding("last refresh", OK, detail)


def print_findings(findings: list[Finding], as_json: bool) -> None:
    """A line a finding, and below it the way out."""
    if as_json:
        print_json([asdict(finding) for finding in findings])
        return
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        click.echo(f"{finding.state:<8} {finding.name:<{width}}  {finding.detail}")
        if finding.way_out:
            click.echo(f"{'':<8} {'':<{width}}  → {finding.way_out}")
    broken = sum(finding.is_broken for finding in findings)
    click.echo(f"{broken} broken, {sum(finding.state == WARNING for finding in findings)} warnings")
