"""The least memory that DuckDB needs for a full build of the ledger, by the number of AWS lines.

    python -m benchmarks.memory_floor --rows 300000 3000000 --memory 256MB 384MB 512MB 768MB 1GB

Each line is an installation that is refreshed for the first time with `COSTOWNER_DUCKDB_MEMORY` as given: whether the ledger was
published, after how many seconds, how much was spilled to disk at most, and how much memory all processes had at most. For each
number of lines it begins with the least memory and ends with the first that was enough.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.cur import EXPORT, write_month
from benchmarks.peak_memory import measure
from ingestion.settings import Home, Month

MONTH = Month(2026, 10)


def spilled(home: Home) -> int:
    """The bytes of DuckDB's files beside the warehouse that hold what memory does not."""
    total = 0
    for file in home.root.glob("*.duckdb.tmp/*"):
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue  # removed meanwhile
    return total


def first_refresh(home: Home, export: Path, memory: str) -> tuple[bool, float, float, float]:
    """Whether a first refresh published, its seconds, the most that was spilled and the peak memory of its processes, in GB."""
    most, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.2):
            most = max(most, spilled(home))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    peak = 0.0
    try:
        _, peak = measure(
            [sys.executable, "-m", "orchestration", "refresh"],
            {
                "COSTOWNER_HOME": str(home.root),
                "SOURCES__AWS__EXPORT_URL": str(export),
                "COSTOWNER_NOW": f"{MONTH}-31T12:00:00+00:00",
                "COSTOWNER_HISTORY_START": str(MONTH),
                "COSTOWNER_DUCKDB_MEMORY": memory,
            },
        )
    except RuntimeError as error:
        if "memory" not in str(error).lower():
            raise
    finally:
        ended.set()
        watcher.join()
    return home.database.exists(), time.perf_counter() - started, most / 1e9, peak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[300_000, 3_000_000])
    parser.add_argument("--memory", nargs="+", default=["256MB", "384MB", "512MB", "768MB", "1GB"])
    arguments = parser.parse_args()
    print("| lines | memory | published | seconds | spilled | peak of all processes |\n|---|---|---|---|---|---|")
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory(prefix="costowner-memory-") as folder:
            write_month(Path(folder), MONTH, rows)
            for memory in arguments.memory:
                home = Home(Path(folder) / "home")
                shutil.rmtree(home.root, ignore_errors=True)
                published, seconds, spill, peak = first_refresh(home, Path(folder) / EXPORT, memory)
                print(
                    f"| {rows:,} | {memory} | {'yes' if published else 'no'} | {seconds:.0f} | {spill:.1f} GB | {peak:.1f} GB |",
                    flush=True,
                )
                if published:
                    break
    return 0


if __name__ == "__main__":
    sys.exit(main())
