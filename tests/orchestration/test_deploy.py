"""The files for systemd and containers: what they start exists, and the units are valid."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ingestion.settings import PROJECT_ROOT
from orchestration.cli.main import costowner
from orchestration.schedules import daily_refresh

DEPLOY = PROJECT_ROOT / "deploy"
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))


def unit(file: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(file.read_text())
    return parsed


@pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.name)
def test_service_starts_a_command_that_exists_as_a_user_without_rights(file: Path) -> None:
    service = unit(file)["Service"]
    executable, name, *arguments = shlex.split(service["ExecStart"])
    assert executable == "/opt/costowner/bin/costowner"
    costowner.commands[name].make_context(name, arguments)
    assert service["User"] == "costowner" and service["CapabilityBoundingSet"] == ""
    assert service["Environment"] == f"COSTOWNER_HOME={service['ReadWritePaths']}"


def test_timer_refreshes_when_the_schedule_of_the_ui_would() -> None:
    minute, hour, *_ = str(daily_refresh.cron_schedule).split()
    timer = unit(DEPLOY / "systemd" / "costowner.timer")["Timer"]
    assert (
        timer["OnCalendar"] == f"*-*-* {int(hour):02d}:{int(minute):02d}:00 UTC" and timer["Persistent"] == "yes"
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_units_are_valid(tmp_path: Path) -> None:
    for file in (DEPLOY / "systemd").iterdir():
        # The command is installed on the machine that the units are for.
        (tmp_path / file.name).write_text(file.read_text().replace("/opt/costowner/bin/costowner", "/bin/true"))
    units = sorted(tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_container_runs_as_a_user_without_rights_from_files_that_exist() -> None:
    lines = (DEPLOY / "container" / "Containerfile").read_text().splitlines()
    copied = [
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    ]
    assert copied and all((PROJECT_ROOT / name).exists() for name in copied)
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users and users[-1] not in ("0", "root")
