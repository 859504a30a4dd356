"""Where an installation keeps its things, which months a run covers, how a source finds its settings.

Credentials and endpoints come through dlt's own configuration: `.dlt/secrets.toml`, `.dlt/config.toml`
or the environment (`SOURCES__VERCEL__TOKEN`).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, Field, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import dlt
from dlt.common.configuration.providers import ConfigProvider
from dlt.common.configuration.providers.toml import TomlProviderReadException

from ingestion import setting_table as table
from ingestion.errors import SettingError

# The folder that holds the packages: a checkout of this repository, or the environment that the wheel is installed in.
PROJECT_ROOT = Path(__file__).resolve().parent.parent
# What is shipped beside the code: the dbt project and the registry's templates. The wheel keeps them in one folder.
SHIPPED = PROJECT_ROOT / "costowner" if (PROJECT_ROOT / "costowner").is_dir() else PROJECT_ROOT
# `costowner init` marks an installation's folder with this file.
MARKER = ".costowner"


def _checkout() -> Path | None:
    """The checkout of this repository that the code runs from; None where it is installed as a package."""
    return PROJECT_ROOT if (PROJECT_ROOT / "pyproject.toml").exists() else None


def _installation_around(folder: Path) -> Path | None:
    """The installation that a folder is, or lies in."""
    return next((parent for parent in (folder, *folder.parents) if (parent / MARKER).exists()), None)


@dataclass(frozen=True)
class Home:
    """The folder of one installation: its lake, warehouse, state and publication.

    The sample company and one's own data have different homes, so they can't meet.
    """

    root: Path

    @classmethod
    def at(cls, folder: str | Path) -> Home:
        """The installation at a path. Raises SettingError where its absolute path is none that an installation can have."""
        root = Path(folder).resolve()
        table.HOME.parse(str(root))
        return cls(root)

    @classmethod
    def from_environment(cls) -> Home:
        """`COSTOWNER_HOME`, else the installation that the working directory lies in, else `var/own` of a checkout.

        Raises SettingError where there is none of them, and as `at` does.
        """
        configured = table.HOME.given()
        if configured:
            return cls.at(configured)
        if installation := _installation_around(Path.cwd()):
            return cls.at(installation)
        if checkout := _checkout():
            return cls.at(checkout / "var" / "own")
        raise SettingError(
            "no installation here: change to its folder, set COSTOWNER_HOME to it, or make one with `costowner init FOLDER`"
        )

    @property
    def is_installation(self) -> bool:
        """Whether `costowner init` made this folder: it has its own registry and settings."""
        return (self.root / MARKER).exists()

    @property
    def lake(self) -> Path:
        """The root of the lake: `<lake>/raw_<source>/<table>/<load id>.<file id>.parquet`."""
        configured = table.LAKE.given()
        return Path(configured).resolve() if configured else self.root / "lake"

    @property
    def dlt(self) -> Path:
        """dlt's working folder: one pipeline a source."""
        return self.root / "dlt"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that dbt writes. Nobody reads it but dbt: readers have the publication."""
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """What BI tools read."""
        configured = table.PUBLISHED.given()
        return Path(configured).resolve() if configured else self.root / "published"

    @property
    def database(self) -> Path:
        """The published marts as a DuckDB file, replaced in one step."""
        return self.published / "marts.duckdb"

    @property
    def owners(self) -> Path:
        """What is published for one owner each: a folder an owner."""
        return self.published / "owners"

    @property
    def registry(self) -> Path:
        """The customer's declarations: owners, rules, pools, budgets."""
        configured = table.REGISTRY.given()
        if configured:
            return Path(configured).resolve()
        return (self.root if self.is_installation else SHIPPED) / "registry"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"


def utc_now() -> datetime:
    """The current instant, or `COSTOWNER_NOW` (ISO 8601, for tests and simulations)."""
    return table.NOW.given() or datetime.now(UTC)


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month, in UTC unless a source states another time zone."""

    year: int
    month: int

    @classmethod
    def parse(cls, value: str) -> Month:
        """From `YYYY-MM`."""
        try:
            table.MONTH.parse(value)
        except ValueError:
            raise SettingError(f"{value!r} is not a month: write YYYY-MM") from None
        return cls(int(value[:4]), int(value[5:]))

    @classmethod
    def of(cls, moment: datetime) -> Month:
        return cls(moment.year, moment.month)

    def plus(self, months: int) -> Month:
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first instant after the month."""
        return self.plus(1).start

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class Window:
    """The billing months that a run asks the vendors about: first and last, both included."""

    first: Month
    last: Month

    @property
    def start(self) -> datetime:
        return self.first.start

    @property
    def end(self) -> datetime:
        """The first instant after the window."""
        return self.last.end

    @property
    def months(self) -> list[Month]:
        count = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        return [self.first.plus(index) for index in range(count)]

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


class Configured(Protocol):
    """A frozen dataclass whose fields are a source's settings; those without a default are required."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Spec = TypeVar("Spec", bound=Configured)


TYPED: dict[str, table.Kind[Any]] = {"int": table.WHOLE, "bool": table.SWITCH}


def _not_toml(path: Path) -> str | None:
    """Where a file is not TOML; None where it is. Never what stands there: it may be a key."""
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return "not UTF-8"
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line \d+, column \d+", str(error))
        return f"{place[0] if place else 'the end of the file'}: not TOML"
    return None


def _providers() -> list[ConfigProvider]:
    """Where dlt finds settings. Raises SettingError, which names the file and the line, where one is not TOML."""
    try:
        return list(dlt.config.config_providers)
    except TomlProviderReadException as error:
        paths = [path for path in map(Path, error.full_paths) if path.is_file()]
        problems = [f"{path}: {problem}" for path in paths if (problem := _not_toml(path))]
        raise SettingError(
            f"{'; '.join(problems) or error.file_name + ' cannot be read'}; a text stands in quotes, a section in [brackets]"
        ) from None


def settings_files() -> list[Path]:
    """The files of settings that this installation has. Raises SettingError as `look_up` does."""
    # First: where a file is not TOML, dlt has no context either.
    _providers()
    folder = Path(dlt.current.run_context().settings_dir)
    return [file for name in ("secrets.toml", "config.toml") if (file := folder / name).is_file()]


def look_up(key: str) -> tuple[object, str] | None:
    """A source's setting by its exact key, and dlt's name of the place that it comes from; None where it is not set.

    dlt's own resolution also tries shorter keys, down to a bare `TOKEN`; one vendor's secret must never be offered to
    another.
    """
    *sections, name = key.split(".")
    for provider in _providers():
        value, _ = provider.get_value(name, Any, None, *sections)
        if value is not None and value != "":
            return value, provider.name
    return None


def typed(name: str, hint: Any, value: object) -> object:
    if hint == "tuple[str, ...]":
        items = value if isinstance(value, list) else str(value).split(",")
        return tuple(str(item).strip() for item in items if str(item).strip())
    kind = TYPED.get(hint)
    if kind is None:
        return str(value)
    try:
        return kind.parse(str(value))
    except (ValueError, KeyError):
        # Not its value: a secret may stand in the wrong place.
        raise SettingError(f"{name}: {kind.allowed}") from None


def environment_name(key: str) -> str:
    """The environment variable of a source's setting: `sources.vercel.token` is SOURCES__VERCEL__TOKEN."""
    return key.replace(".", "__").upper()


def is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def enables(field: Field[Any]) -> bool:
    """Whether a source without required settings is set up by this one."""
    return bool(field.metadata.get(table.ENABLES))


def how_to_set_up(spec: type[Configured], source: str) -> str:
    """The settings that set up a source, for people."""
    for label, chosen in (("set", is_required), ("set one of", enables)):
        if names := [f"sources.{source}.{declared.name}" for declared in fields(spec) if chosen(declared)]:
            return f"{label} {', '.join(names)}"
    return "nothing has to be set"


def resolve(spec: type[Spec], source: str) -> Spec | None:
    """The settings of a source, from dlt's configuration under `sources.<source>`.

    None where none of the required settings is given: the source is not set up, and is skipped.
    Raises SettingError, which names the setting and never its value, where only some are given, one is malformed, or one lacks
    the setting that it needs. Fields may be `str`, `str | None`, `int`, `bool` or `tuple[str, ...]`; `about` describes them.
    """
    given: dict[str, object] = {}
    missing: list[str] = []
    required = 0
    for declared in fields(spec):
        key = f"sources.{source}.{declared.name}"
        found = look_up(key)
        required += is_required(declared)
        if found is not None:
            given[declared.name] = typed(key, declared.type, found[0])
        elif is_required(declared):
            missing.append(f"{key} (environment: {environment_name(key)})")
    if missing and len(missing) == required:
        return None
    for declared in fields(spec):
        needed = declared.metadata.get(table.NEEDS)
        if needed and declared.name in given and needed not in given:
            key = f"sources.{source}.{needed}"
            missing.append(f"{key} (environment: {environment_name(key)}), which {declared.name} needs")
    if missing:
        raise SettingError(f"{source}: missing setting {', '.join(missing)}")
    return spec(**given)


def secrets_of(spec: type[Configured], source: str) -> set[str]:
    """The secret values that a source is given, and the credentials in its addresses: what no log may hold."""
    found: set[str] = set()
    for declared in fields(spec):
        given = look_up(f"sources.{source}.{declared.name}")
        if given is None:
            continue
        values = given[0] if isinstance(given[0], list) else [given[0]]
        for value in map(str, values):
            found |= table.credentials_in(value)
            if not declared.repr and value:
                found.add(value)
    return found
