"""`costowner ui`: what becomes of the process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from orchestration.cli.main import main


def test_ui_that_was_started_in_the_background_can_be_ended(
    tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell has its background jobs ignore SIGINT; what Dagster inherits ignored, it ignores as SIGTERM too."""
    inherited = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path))
    monkeypatch.setattr(os, "execv", lambda *_: inherited.append(signal.getsignal(signal.SIGINT)))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        monkeypatch.setattr("sys.argv", ["costowner", "ui"])
        main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert inherited == [signal.SIG_DFL]
