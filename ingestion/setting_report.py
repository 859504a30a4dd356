"""The state and origin of every setting, and the page `docs/settings.md`, written by `python -m ingestion.setting_report`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from ingestion.errors import SettingError
from ingestion.lake.contract import Source
from ingestion.setting_table import ABOUT, HIDDEN, SETTINGS, without_credentials
from ingestion.settings import PROJECT_ROOT, is_required, look_up, typed
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
There `sources.vercel.token` is `SOURCES__VERCEL__TOKEN`. A source without its required settings is skipped.
"""
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
    name = f"sources.{source.name}.{declared.name}"
    return _row(name, TYPES.get(str(declared.type), "text"), shown, declared.metadata[ABOUT], not declared.repr)


def _row(name: str, kind: str, default: str, description: str, is_secret: bool) -> str:
    return f"| `{name}` | {kind} | {default} | {'secret: ' if is_secret else ''}{description} |"


if __name__ == "__main__":
    PAGE.write_text(settings_page())
