"""The state and origin of every setting, and the page `docs/settings.md`, written by `python -m ingestion.setting_report`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ingestion.errors import SettingError, near_misses
from ingestion.lake.contract import Source
from ingestion.setting_table import ABOUT, GIVEN_TO_DBT, HIDDEN, SETTINGS, without_credentials
from ingestion.settings import PROJECT_ROOT, enables, environment_name, is_required, look_up, settings_files, typed
from ingestion.sources.catalog import SOURCES

PAGE = PROJECT_ROOT / "docs" / "settings.md"
ENVIRONMENT, DEFAULT, NOT_SET = "environment", "default", "not set"
DLT_ENVIRONMENT = "Environment Variables"

HEAD = """\
# Settings

`make generate` writes this page from the declarations in Python. `costowner doctor` lists the settings that are set.

## The installation

These settings are environment variables. A wrong value ends a command with one line that names the setting and its allowed
values.

| setting | type | default | description |
|---|---|---|---|
"""
SOURCES_HEAD = """
Downloads are stored in `TMPDIR` while they are read. It needs space for one billing period of the largest export.

## The sources

The settings of the sources come from `.dlt/secrets.toml` or `.dlt/config.toml` of the installation, or from the environment.
There `sources.vercel.token` is `SOURCES__VERCEL__TOKEN`. A source without its required settings is
skipped; if it has none, so is one without any of the settings that are marked "one of these".
"""
CLOSE = 0.6
SEE = "; docs/settings.md lists all"
TYPES = {"tuple[str, ...]": "list", "int": "whole number", "bool": "switch"}


@dataclass(frozen=True)
class SettingState:
    """A setting in this process. `value` is `HIDDEN` for a secret that is set, None for a setting without a value.

    `origin` is `environment`, `secrets.toml`, `config.toml`, `default` or `not set`; `problem` explains a wrong value.
    """

    name: str
    value: str | None
    origin: str
    problem: str | None = None

    @property
    def is_set(self) -> bool:
        return self.origin not in (DEFAULT, NOT_SET)


def setting_states() -> list[SettingState]:
    """Every setting of the installation and of its sources, in the order of `docs/settings.md`; no value is refused."""
    return [*_installation_states(), *(state for source in SOURCES for state in _source_states(source))]


def _installation_states() -> Iterator[SettingState]:
    for setting in SETTINGS:
        text = setting.text()
        if text is None:
            yield SettingState(setting.name, setting.default, DEFAULT if setting.default else NOT_SET)
            continue
        problem = None
        try:
            setting.parse(text)
        except SettingError as error:
            problem = str(error)
        yield SettingState(setting.name, setting.shown(text), ENVIRONMENT, problem)


def _source_states(source: Source) -> Iterator[SettingState]:
    for declared in fields(source.settings):
        name = f"sources.{source.name}.{declared.name}"
        found = look_up(name)
        if found is None:
            default = _default(declared)
            yield SettingState(name, default, DEFAULT if default else NOT_SET)
            continue
        value, origin = found
        problem = None
        try:
            typed(name, declared.type, value)
        except SettingError as error:
            problem = str(error)
        shown = without_credentials(str(value)) if declared.repr else HIDDEN
        yield SettingState(name, shown, ENVIRONMENT if origin == DLT_ENVIRONMENT else origin, problem)


def _default(declared: Field[Any]) -> str | None:
    return None if declared.default in (MISSING, None, ()) else str(declared.default)


def unknown_settings(environment: Mapping[str, str] = os.environ) -> list[str]:
    """What is written like a setting and is none, so that it does nothing; each with what may be meant. No values."""
    return [
        *_unknown_in_environment(environment),
        *(line for file in settings_files() for line in _unknown_in(file)),
    ]


def _unknown_in_environment(environment: Mapping[str, str]) -> Iterator[str]:
    known = {setting.name for setting in SETTINGS} | GIVEN_TO_DBT
    for name in sorted(environment):
        if name.upper().startswith("COSTOWNER_") and name not in known:
            short = {one.removeprefix("COSTOWNER_"): one for one in known - GIVEN_TO_DBT}
            close = get_close_matches(name.upper().removeprefix("COSTOWNER_"), short, n=1, cutoff=CLOSE)
            yield f"{name} is no setting{_did_you_mean(short[one] for one in close)}"
        elif name.upper().startswith("SOURCES__"):
            _, source, *rest = name.lower().split("__")
            meant = _meant(source, "__".join(rest))
            if meant is not None:
                yield f"{name} is no setting{_did_you_mean(environment_name(f'sources.{key}') for key in meant)}"
            elif name != name.upper():
                yield f"{name} is no setting{_did_you_mean([name.upper()])}"


def _unknown_in(file: Path) -> Iterator[str]:
    for section, content in tomllib.loads(file.read_text(encoding="utf-8")).items():
        if section != "sources":
            if near := near_misses(section.lower(), ["sources"]):
                yield f"{file}: the section [{section}] is no setting{near}"
            continue
        for source, given in content.items() if isinstance(content, dict) else ():
            for name in given if isinstance(given, dict) else [""]:
                meant = _meant(source, name)
                if meant is not None:
                    key = f"sources.{source}.{name}".rstrip(".")
                    yield f"{file}: {key} is no setting{_did_you_mean(f'sources.{one}' for one in meant)}"


def secrets_in(file: Path) -> list[str]:
    """The settings of sources in a file of settings that are secret, and those whose address has credentials; no values."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8")).get("sources", {})
    except (OSError, ValueError):
        return []
    sections = given if isinstance(given, dict) else {}
    return [
        f"sources.{source.name}.{declared.name}"
        for source in SOURCES
        for declared in fields(source.settings)
        if isinstance(section := sections.get(source.name), dict)
        and (value := section.get(declared.name))
        and (not declared.repr or without_credentials(str(value)) != str(value))
    ]


def _meant(source: str, name: str) -> list[str] | None:
    """The settings that may be meant by a source's setting, as `vercel.token`; None where it is one."""
    names = {one.name: [declared.name for declared in fields(one.settings)] for one in SOURCES}
    if source in names:
        if name in names[source]:
            return None
        return [f"{source}.{one}" for one in get_close_matches(name.lower(), names[source], n=1, cutoff=CLOSE)]
    close = get_close_matches(source.lower(), names, n=1, cutoff=CLOSE)
    return [f"{one}.{name}" for one in close if name in names[one]]


def _did_you_mean(names: Iterable[str]) -> str:
    listed = " or ".join(names)
    return f"; did you mean {listed}?" if listed else SEE


def settings_page() -> str:
    """The page of all settings, as Markdown."""
    lines = [HEAD.rstrip("\n")]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else setting.otherwise
        lines.append(_row(setting.name, setting.kind.name, default, setting.description, setting.is_secret))
    lines.append(SOURCES_HEAD.rstrip("\n"))
    for source in SOURCES:
        if fields(source.settings):
            lines += ["", f"### {source.title}", "", (source.settings.__doc__ or "").strip(), ""]
            lines += ["| setting | type | default | description |", "|---|---|---|---|"]
            lines += [_source_row(source, declared) for declared in fields(source.settings)]
    return "\n".join(lines) + "\n"


def _source_row(source: Source, declared: Field[Any]) -> str:
    default = _default(declared)
    shown = "required" if is_required(declared) else f"`{default}`" if default else ""
    if enables(declared) and not default:
        shown = "one of these"
    name = f"sources.{source.name}.{declared.name}"
    return _row(name, TYPES.get(str(declared.type), "text"), shown, declared.metadata[ABOUT], not declared.repr)


def _row(name: str, kind: str, default: str, description: str, is_secret: bool) -> str:
    return f"| `{name}` | {kind} | {default} | {'secret: ' if is_secret else ''}{description} |"


if __name__ == "__main__":
    PAGE.write_text(settings_page())
