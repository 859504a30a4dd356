"""The table of settings: it is complete, a wrong value is named with what is allowed, and no secret is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.errors import SettingError
from ingestion.setting_report import PAGE, setting_states, settings_page, unknown_settings
from ingestion.setting_table import (
    ABOUT,
    GIVEN_TO_DBT,
    HIDDEN,
    SETTINGS,
    SPARK_PORT,
    UI_HOSTS,
    Setting,
    check_settings,
)
from ingestion.settings import PROJECT_ROOT, environment_name
from ingestion.sources.catalog import SOURCES

BY_NAME = {setting.name: setting for setting in SETTINGS}
READERS = (
    "ingestion/**/*.py",
    "orchestration/**/*.py",
    "benchmarks/*.py",
    "dbt_project/*.yml",
    "dbt_project/macros/**/*.sql",
)
# A text that no setting of the type takes. (A host, a path of a cluster and a password may be any text.)
WRONG = {
    "folder": "s3://bucket/lake",
    "month": "2026-13",
    "whole number": "4.5",
    "port": "70000",
    "memory": "much",
    "size": "much",
    "URL": "hooks.example.com",
    "time": "yesterday",
    "switch": "perhaps",
    "name": "a b",
    "text": " ",
    "address": " ",
}
SECRET = "hunter2"


def wrong(setting: Setting[Any]) -> str:
    return WRONG.get(setting.kind.name, "none of them")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: str(setting.name))
def test_wrong_value_is_an_error_that_names_setting_value_and_what_is_allowed(
    setting: Setting[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting.name, wrong(setting))
    with pytest.raises(SettingError) as caught:
        check_settings()
    shown = HIDDEN if setting.is_secret else wrong(setting)
    assert str(caught.value) == f"{setting.name}={shown}: {setting.kind.allowed}"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: str(setting.name))
@given(text=st.text(min_size=1))
def test_any_text_is_a_value_or_a_setting_error(setting: Setting[Any], text: str) -> None:
    try:
        assert setting.parse(text) is not None
    except SettingError as error:
        assert setting.name in str(error) and setting.kind.allowed in str(error)


@pytest.mark.parametrize(
    "setting", [found for found in SETTINGS if found.default], ids=lambda found: str(found.name)
)
def test_default_is_a_value_of_its_type_and_stands_for_an_empty_one(
    setting: Setting[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting.name, "")
    assert setting.value() == setting.parse(setting.default or "")
    assert setting.given() is None


def test_every_name_in_the_code_is_in_the_table_and_the_other_way_round() -> None:
    found = {
        name
        for pattern in READERS
        for file in PROJECT_ROOT.glob(pattern)
        if "dbt_packages" not in file.parts and "target" not in file.parts
        for name in re.findall(r"\b(?:DBT_ENV_SECRET_)?COSTOWNER_[A-Z_]*[A-Z]\b", file.read_text())
    }
    assert found == GIVEN_TO_DBT | BY_NAME.keys()


def test_dbts_profile_has_the_defaults_of_the_table() -> None:
    profile = (PROJECT_ROOT / "dbt_project" / "profiles.yml").read_text()
    defaults = dict(re.findall(r"env_var\('(\w+)', '([^']*)'\)", profile))
    assert len(defaults) > 10
    assert {name: default for name, default in defaults.items() if name not in GIVEN_TO_DBT} == {
        name: BY_NAME[name].default or "" for name in defaults if name not in GIVEN_TO_DBT
    }


def test_every_setting_of_a_source_is_described() -> None:
    declared = [field for source in SOURCES for field in fields(source.settings)]
    assert len(declared) > 30 and all(field.metadata[ABOUT] for field in declared)


def test_page_of_settings_is_the_table() -> None:
    assert PAGE.read_text() == settings_page(), "python -m ingestion.setting_report writes docs/settings.md"


def test_states_name_the_origin_and_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for source in SOURCES:
        for secret in source.secrets:
            monkeypatch.setenv(environment_name(secret), SECRET)
    for setting in SETTINGS:
        if setting.is_secret:
            monkeypatch.setenv(setting.name, SECRET)
    monkeypatch.setenv("SOURCES__AWS__EXPORT_URL", f"https://me:{SECRET}@minio.example/cur?sig={SECRET}")
    states = {state.name: state for state in setting_states()}
    assert SECRET not in str(states)
    assert (
        states["sources.vercel.token"].value == HIDDEN and states["sources.vercel.token"].origin == "environment"
    )
    assert states["sources.aws.export_url"].value == "https://minio.example/cur"
    assert states["sources.vercel.team_id"].origin == "not set" and not states["sources.vercel.team_id"].is_set
    port = states[SPARK_PORT.name]
    assert (port.value, port.origin, port.is_set, port.problem) == ("10000", "default", False, None)


def test_state_of_a_wrong_value_carries_the_problem_and_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SPARK_PORT.name, "thrift")
    (state,) = (state for state in setting_states() if state.name == SPARK_PORT.name)
    assert state.value == "thrift" and state.problem == f"{SPARK_PORT.name}=thrift: {SPARK_PORT.kind.allowed}"


def test_setting_of_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_text('[sources.vercel]\nteam_id = "team_1"\n')
    show = "from ingestion.setting_report import *; print(*(s for s in setting_states() if s.name.endswith('team_id')))"
    shown = subprocess.run(
        [sys.executable, "-c", show],
        cwd=PROJECT_ROOT,
        env={**os.environ, "DLT_PROJECT_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "value='team_1', origin='secrets.toml', problem=None" in shown.stdout


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("SOURCES__AWS__EXPORT_ULR", "is no setting; did you mean SOURCES__AWS__EXPORT_URL?"),
        ("SOURCES__VERCELL__TOKEN", "is no setting; did you mean SOURCES__VERCEL__TOKEN?"),
        ("sources__vercel__token", "is no setting; did you mean SOURCES__VERCEL__TOKEN?"),
        ("SOURCES__VERCEL", "is no setting; docs/settings.md lists all"),
        ("SOURCES__WEATHER__CITY", "is no setting; docs/settings.md lists all"),
        ("COSTOWNER_HISTORY_STRAT", "is no setting; did you mean COSTOWNER_HISTORY_START?"),
        ("COSTOWNER_XYZ", "is no setting; docs/settings.md lists all"),
        ("SOURCES__VERCEL__TOKEN", None),
        ("COSTOWNER_WAREHOUSE", None),
        ("VERCEL_TOKEN", None),
    ],
)
def test_variable_like_a_setting_that_is_none_is_named_with_what_may_be_meant(
    name: str, warning: str | None
) -> None:
    assert unknown_settings({name: SECRET}) == ([f"{name} {warning}"] if warning else [])


@given(st.sampled_from(SOURCES), st.text("abc_", max_size=8))
def test_every_name_below_a_source_is_a_setting_or_named(source: Any, name: str) -> None:
    variable = environment_name(f"sources.{source.name}.{name}")
    is_known = name in {field.name for field in fields(source.settings)}
    assert (unknown_settings({variable: "x"}) == []) == is_known


def in_folder(folder: Path, files: dict[str, str], code: str) -> str:
    (folder / ".dlt").mkdir()
    for name, text in files.items():
        (folder / ".dlt" / name).write_text(text)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        env={**os.environ, "DLT_PROJECT_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_unknown_setting_of_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    files = {
        "secrets.toml": f'[sources.vercel]\ntoken = "{SECRET}"\ntaem_id = "{SECRET}"\n[sources.awss]\nexport_url = "x"\n',
        "config.toml": f'[source.aws]\nexport_url = "{SECRET}"\n[runtime]\nlog_level = "INFO"\n',
    }
    code = "from ingestion.setting_report import *; print(*unknown_settings({}), sep='\\n')"
    folder = tmp_path / ".dlt"
    assert in_folder(tmp_path, files, code).splitlines() == [
        f"{folder}/secrets.toml: sources.vercel.taem_id is no setting; did you mean sources.vercel.team_id?",
        f"{folder}/secrets.toml: sources.awss.export_url is no setting; did you mean sources.aws.export_url?",
        f"{folder}/config.toml: the section [source] is no setting; did you mean 'sources'?",
    ]


def test_file_of_settings_that_is_not_toml_is_named_with_its_line_and_without_its_text(tmp_path: Path) -> None:
    code = (
        "from ingestion.errors import SettingError\n"
        "from ingestion.settings import look_up\n"
        "try: look_up('sources.vercel.token')\n"
        "except SettingError as error: print(error)"
    )
    shown = in_folder(tmp_path, {"secrets.toml": f"[sources.vercel]\ntoken = {SECRET}\n"}, code)
    assert f"{tmp_path}/.dlt/secrets.toml: line 2, column 9: not TOML" in shown and SECRET not in shown


@pytest.mark.parametrize(
    "text", ["*", "*.example.com", "costs.example.com:443", "https://costs.example.com", "a,,b", "-a", "a..b", ""]
)
def test_host_names_are_each_a_name_without_pattern_port_or_scheme(text: str) -> None:
    assert UI_HOSTS.parse("Costs.example.com, 10.0.0.1") == ("costs.example.com", "10.0.0.1")
    with pytest.raises(SettingError):
        UI_HOSTS.parse(text)
