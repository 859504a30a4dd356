"""dbt in a process that has read the project before there is anything to build: its start takes longer than small builds.

    python orchestration/dbt_process.py --target duckdb

Run by the Python of the environment whose dbt it is, so it needs nothing of this project (`ready_dbt.py` starts it).
One line of standard input is the command, a list of arguments as JSON; the events of dbt go to standard output as
from `dbt` itself. No line: it ends. The exit code is dbt's: 0 done, 1 something failed, 2 dbt could not run.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

# Objects made before Python looks for cycles among them: dbt and Dagster make many, and hardly a cycle.
OBJECTS_BETWEEN_COLLECTIONS = 50_000
PR_SET_PDEATHSIG = 1  # of Linux's prctl


def settle_heap() -> None:
    """After the imports: what there is by now stays, and no collection looks at it; the next ones are seldom."""
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    gc.enable()


def leave(code: int) -> NoReturn:
    """End this process, whose work is closed and written: to take its heap apart would take up to a second and more."""
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    os._exit(code)


def end_with_parent() -> None:
    """Have the system end this process with the one that started it, also when that is killed: it would go on to write the
    warehouse without the lock, which went with the other. (Linux; elsewhere it ends at its next event.)"""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(2)


def main() -> int:
    end_with_parent()
    gc.disable()
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    # What keeps it from reading the project, the command will meet as well, and say.
    silent = ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    read = dbtRunner().invoke(["parse", *silent, *sys.argv[1:]]).result
    settle_heap()
    line = sys.stdin.readline()
    if not line:
        return 0
    done = dbtRunner(manifest=read if isinstance(read, Manifest) else None).invoke(json.loads(line))
    if done.exception:
        # All others it has said.
        if isinstance(done.exception, DbtUsageException):
            sys.stdout.write(f"{done.exception}\n")
        return 2
    # The manifest that dbt would write beside it, half a second, is the one that was read.
    if isinstance(done.result, RunExecutionResult):
        done.result.write(str(Path(os.environ["DBT_TARGET_PATH"]) / "run_results.json"))
    return 0 if done.success else 1


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 2
    leave(code)
