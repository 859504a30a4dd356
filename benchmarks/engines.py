"""DuckDB and Spark on the same bill of growing size: seconds and peak memory of a first refresh.

    python -m benchmarks.engines --charges 100000 1000000 --engines duckdb spark_session

The AWS lines of the sample company are repeated, each copy with its own ids, until the export has about the requested number
of lines. Everything else is the sample company. Seconds are of the whole process `python -m orchestration refresh`, with
landing and publication; quote the ratios. COSTOWNER_SPARK_MASTER (`local[1]`, `local[2]`) and COSTOWNER_SPARK_MEMORY are
passed on.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.peak_memory import measure
from ingestion.atomic_write import atomic_write
from ingestion.settings import Home
from sample_company.stage import Stage, staged

COPIED_IDS = ("identity_line_item_id", "line_item_resource_id")


def repeat_lines(stage: Stage, charges: int) -> int:
    """Repeat the lines of the export's files until there are about `charges` of them. Gives the exact number."""
    files = sorted((stage.folder / "exports").rglob("*.parquet"))
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")

        def count(file: Path) -> int:
            row = connection.execute(f"select count(*) from read_parquet('{file}')").fetchone()
            return int(row[0]) if row else 0

        copies = max(1, round(charges / sum(count(file) for file in files)))
        changed = ", ".join(f"{column} || '-' || copy as {column}" for column in COPIED_IDS)
        for file in files:
            with atomic_write(file, durable=False) as draft:
                connection.execute(
                    f"copy (select * exclude (copy) replace ({changed}) from "
                    f"(select * from read_parquet('{file}'), range({copies}) as copies(copy))) to '{draft}' "
                    "(format parquet, compression snappy)"
                )
        return sum(count(file) for file in files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--charges", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--engines", nargs="+", default=["duckdb", "spark_session"])
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 10, 24))
    arguments = parser.parse_args()
    print(
        "| AWS lines | rows of fact_cost | engine | seconds | of DuckDB's | peak memory |\n|---|---|---|---|---|---|"
    )
    for charges in arguments.charges:
        with tempfile.TemporaryDirectory(prefix="costowner-engines-") as folder:
            root = Path(folder)
            with staged(root / "world", until=arguments.until) as stage:
                lines = repeat_lines(stage, charges)
                first = None
                for engine in arguments.engines:
                    home = root / engine
                    environment = {
                        **stage.environment,
                        "COSTOWNER_HOME": str(home),
                        "COSTOWNER_ENGINE": engine,
                    }
                    seconds, peak = measure([sys.executable, "-m", "orchestration", "refresh"], environment)
                    first = first or seconds
                    with duckdb.connect(str(Home(home).database), read_only=True) as connection:
                        row = connection.execute("select count(*) from fact_cost").fetchone()
                    print(
                        f"| {lines:,} | {row[0] if row else 0:,} | {engine} | {seconds:.0f} | "
                        f"{seconds / first:.1f} x | {peak:.1f} GB |",
                        flush=True,
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
