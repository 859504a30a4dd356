"""Peak memory of a command and all processes that it starts, on Linux.

    python -m benchmarks.peak_memory -- make run

Adds up the resident memory of the process tree, ten times a second (`measure`: twice). Shared memory (libraries) counts in each process. To
count it once, the kernel would have to read every page, which takes a tenth of a core for four gigabytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from ingestion.settings import PROJECT_ROOT


def tree(root: int) -> set[int]:
    """A process and all its descendants."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # the process has ended
        parents[int(stat.parent.name)] = int(after_name[1])
    found, new = {root}, {root}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def memory(process: int) -> int:
    """The resident memory of a process in bytes; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure(command: list[str], environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Seconds and peak memory (GB) of a command, run in the project. Raises with its last lines if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            peak = max(peak, sum(memory(one) for one in tree(process.pid)))
            time.sleep(0.5)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode:
        raise RuntimeError(output[-3000:])
    return seconds, peak / 1e9


def main() -> int:
    command = sys.argv[sys.argv.index("--") + 1 :]
    process = subprocess.Popen(command)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(memory(one) for one in tree(process.pid)))
        time.sleep(0.1)
    print(f"peak memory: {peak / 1e9:.2f} GB")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
