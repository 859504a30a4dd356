"""A file is replaced whole or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.atomic_write import atomic_write
from ingestion.settings import PROJECT_ROOT

KILLED = """
import os, signal, sys
from pathlib import Path
from ingestion.atomic_write import atomic_write
with atomic_write(Path(sys.argv[1])) as draft:
    draft.write_text("hal")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    file = tmp_path / "state.json"
    file.write_text("before")
    return file


@pytest.mark.parametrize("durable", [True, False])
def test_written_file_replaces_its_target_and_leaves_no_draft(target: Path, durable: bool) -> None:
    with atomic_write(target, durable=durable) as draft:
        draft.write_text("after")
        assert target.read_text() == "before"
    assert target.read_text() == "after" and list(target.parent.iterdir()) == [target]


def test_failed_write_leaves_the_target_and_no_draft(target: Path) -> None:
    with pytest.raises(RuntimeError), atomic_write(target) as draft:
        draft.write_text("hal")
        raise RuntimeError
    assert target.read_text() == "before" and list(target.parent.iterdir()) == [target]


def test_killed_write_leaves_the_target_and_the_next_one_is_whole(target: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, target], cwd=PROJECT_ROOT, check=False)
    assert done.returncode == -signal.SIGKILL and target.read_text() == "before"
    with atomic_write(target) as draft:
        draft.write_text("after")
    assert target.read_text() == "after" and list(target.parent.iterdir()) == [target]


def test_durable_write_reaches_the_disk_before_it_replaces(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("os.fsync", lambda _: seen.append(target.read_text()))
    with atomic_write(target) as draft:
        draft.write_text("after")
    assert seen == ["before", "after"], "the draft, and then the folder that names it"
