"""Run a module as `python -m MODULE …` does, in a process that the system ends together with its parent.

    python orchestration/ui/module_of_parent.py dagster code-server start …

By its path, so that it works from any folder.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # In the place of this file's folder: what holds the packages.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from orchestration.dbt.command import end_with_parent

    end_with_parent()
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        sys.exit(130)  # while it still imported: the parent ends, and shows why
