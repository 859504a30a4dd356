"""Commands that are started at once on one installation: one runs at a time, all end well, and nothing is doubled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak import small_company
from ingestion.settings import PROJECT_ROOT


def at_once(environment: dict[str, str], *commands: list[str]) -> list[tuple[int, str]]:
    """Exit code and output of commands that are started together."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "orchestration", *command],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in commands
    ]
    outputs = [process.communicate()[0] for process in started]
    return [(process.returncode, output) for process, output in zip(started, outputs, strict=True)]


def test_commands_that_write_take_turns(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    environment = {**os.environ, "COSTOWNER_HOME": str(tmp_path / "home")}
    found = at_once(environment, ["prune"], ["prune"], ["verify"], ["backup", str(tmp_path / "backup")])
    assert [code for code, _ in found] == [0, 0, 0, 0], found


@pytest.mark.whole
@pytest.mark.timeout(1800)
def test_refreshes_prune_and_backup_at_once_make_one_ledger(tmp_path: Path) -> None:
    with small_company(tmp_path, 3, seed=24) as soak:
        assert soak.run("refresh", soak.environment()) == 0
        for soak.day in range(1, 4):
            soak.state.as_of = soak.today()
            commands = (["refresh"], ["refresh"], ["prune"], ["verify"], ["backup", str(tmp_path / "backup")])
            found = at_once(soak.environment(), *commands)
            assert [code for code, _ in found] == [0] * len(commands), found
            assert any("waiting for" in output for _, output in found)
        assert soak.differences() == []
        (tmp_path / "restored").mkdir()
        restored = {**soak.environment(), "COSTOWNER_HOME": str(tmp_path / "restored")}
        assert at_once(restored, ["restore", str(tmp_path / "backup")])[0][0] == 0
