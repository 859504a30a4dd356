"""Folders for downloads: private, removed at the end, and after a process that was killed by the next one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ingestion.scratch import JUST_MADE, remove_abandoned, scratch
from ingestion.settings import PROJECT_ROOT

KILLED = """
import os, signal
from ingestion.scratch import scratch
with scratch("llm_gateway") as folder:
    (folder / "a.jsonl.part").write_text("CANARY PROMPT")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def made_before(folder: Path) -> None:
    moment = folder.stat().st_mtime - 2 * JUST_MADE
    os.utime(folder, (moment, moment))


def test_folder_is_private_and_gone_at_the_end(temporary: Path) -> None:
    with scratch("llm") as folder:
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700 and not list(folder.iterdir())
    assert not list(temporary.iterdir())


def test_folder_of_a_killed_process_is_removed_and_one_in_use_is_not(temporary: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    left = Path(done.stdout.strip())
    assert (left / "a.jsonl.part").exists()
    assert remove_abandoned() == 0, "so new a folder may not be locked yet"
    others = temporary / "costowner-demo"
    others.mkdir()
    (others / "precious").touch()
    link = temporary / "costowner-link"
    link.symlink_to(others)
    with scratch("llm") as used:
        for folder in (left.parent, used.parent, others):
            made_before(folder)
        assert remove_abandoned() == 1
        assert used.exists() and not left.parent.exists() and (others / "precious").exists() and link.is_symlink()
