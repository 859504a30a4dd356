"""Consecutive daily refreshes of the sample company: compares the last with an early one.

    python -m benchmarks.daily_refreshes --days 60 --compare 10

Prints the seconds of each refresh, the ratio of the last to the compared one (the target is at most 1.3), and the number of
files that `prune` then removes. Seconds are of whole processes; quote the ratio, not the seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from ingestion.settings import PROJECT_ROOT, Home, utc_now
from orchestration.retention.prune import prune
from sample_company.stage import staged


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument(
        "--compare", type=int, default=10, help="number of the refresh to compare with the last one"
    )
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 11, 22))
    arguments = parser.parse_args()
    first = arguments.until + timedelta(days=2 - arguments.days)
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(prefix="costowner-benchmark-") as folder:
        root = Path(folder)
        with staged(root / "world", until=arguments.until, as_of=first - timedelta(days=1)) as stage:
            for number in range(arguments.days + 1):
                stage.show(first + timedelta(days=number - 1))
                environment = {**os.environ, **stage.environment, "COSTOWNER_HOME": str(root / "home")}
                started = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "orchestration", "refresh"],
                    env=environment,
                    cwd=PROJECT_ROOT,
                    check=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                seconds.append(time.perf_counter() - started)
                print(
                    f"refresh {number}: {seconds[-1]:.1f} s" + (" (whole history)" if number == 0 else ""),
                    flush=True,
                )
            os.environ["COSTOWNER_NOW"] = stage.environment["COSTOWNER_NOW"]
            home = Home(root / "home")
            removed = prune(home, utc_now(), timedelta(0))
            left = prune(home, utc_now(), timedelta(0)).files
        print(f"last ÷ refresh {arguments.compare}: {seconds[-1] / seconds[arguments.compare]:.2f}")
        print(f"prune: {removed}; {len(left)} unneeded files are left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
