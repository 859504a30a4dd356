"""dbt's command line, in a process that the system ends together with its parent.

    python orchestration/dbt/command.py build …

dagster-dbt starts dbt as a process of its own. A run that is killed cannot end it, and its lock goes with it: dbt would
go on writing the warehouse while the next run has the lock. The Python of the engine's environment runs this file, so it
imports nothing of the project.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # of Linux's prctl


def end_with_parent() -> None:
    """Have Linux kill this process when its parent ends. (Elsewhere dbt ends at its next line of output.)"""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(2)  # the parent ended before the call


if __name__ == "__main__":
    end_with_parent()
    from dbt.cli.main import cli

    sys.exit(cli())
