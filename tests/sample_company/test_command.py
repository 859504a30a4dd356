"""`python -m sample_company with … -- <command>`: the command lives no longer than what it was started by."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from ingestion.settings import PROJECT_ROOT
from sample_company.__main__ import run

COMMAND = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
STARTED_BY = f"import os, sys; from sample_company.__main__ import run; run([sys.executable, '-c', {COMMAND!r}], os.environ)"


def test_who_ends_the_sample_company_ends_the_command_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTED_BY], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        command = int(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(command, 0)


def test_the_exit_code_is_the_command_s() -> None:
    assert run([sys.executable, "-c", "raise SystemExit(3)"], os.environ) == 3
