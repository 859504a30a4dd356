"""A month of AWS from the delivered export to the published ledger, compared with a bare load of the same files.

    python -m benchmarks.aws_speed --rows 1000000 10000000
    python -m benchmarks.aws_speed --months 12 --rows 1000000     # one restated month
    python -m benchmarks.aws_speed --others --rows 1000000        # also dlt alone, and pandas

Every figure is a whole process in the same run, on an existing installation. Quote the ratios to the bare load, a
`create table as select *` of all columns by DuckDB alone. "Published" is the moment when `marts.duckdb` is in its place;
Parquet files follow. "Nothing changed" is the same refresh again. Peak memory is the sum of all processes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.cur import EXPORT, write_month
from benchmarks.peak_memory import measure
from ingestion.settings import Home, Month

LAST = Month(2026, 10)
MEMORY = "4GB"

BARE = """
import sys, duckdb
with duckdb.connect(sys.argv[2]) as c:
    c.execute("set preserve_insertion_order = false; set memory_limit = '{memory}'")
    c.execute(f"create table lines as select * from read_parquet('{{sys.argv[1]}}/**/*.parquet', union_by_name = true)")
"""

# dlt alone: Arrow batches into a DuckDB destination, then the cost by team in SQL.
DLT = """
import sys, os, dlt, duckdb, pyarrow.parquet as pq
from pathlib import Path
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
@dlt.resource(name="lines", write_disposition="replace")
def lines():
    for file in sorted(Path(sys.argv[1]).rglob("*.parquet")):
        for batch in pq.ParquetFile(file).iter_batches(100_000):
            yield batch
pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(sys.argv[2]), dataset_name="raw",
                        pipelines_dir=sys.argv[2] + ".dlt")
pipeline.run(lines())
with duckdb.connect(sys.argv[2]) as c:
    c.execute("create table by_team as select resource_tags ->> 'user_team' as team, sum(line_item_unblended_cost) as cost "
              "from raw.lines group by 1")
"""

PANDAS = """
import sys, pandas as pd
from pathlib import Path
lines = pd.concat(pd.read_parquet(file) for file in sorted(Path(sys.argv[1]).rglob("*.parquet")))
team = lines["resource_tags"].map(lambda tags: dict(tags).get("user_team") if tags is not None else None)
lines.groupby(team)["line_item_unblended_cost"].sum().to_csv(sys.argv[2])
"""


class Report:
    """A table of seconds, with the ratio of each to the first line."""

    def __init__(self) -> None:
        self.first: float | None = None
        print("| lines | what | seconds | of the bare load | peak memory |\n|---|---|---|---|---|")

    def line(self, rows: int, what: str, seconds: float, peak: float | None = None) -> None:
        self.first = self.first or seconds
        size = f"{peak:.1f} GB" if peak is not None else ""
        print(f"| {rows:,} | {what} | {seconds:.1f} | {seconds / self.first:.2f} x | {size} |", flush=True)


def refresh(home: Path, export: Path | None, months: int) -> tuple[float, float, float]:
    """A refresh of AWS alone: seconds until the database is published, total seconds, peak memory."""
    started = time.time()
    total, peak = measure(
        [sys.executable, "-m", "orchestration", "refresh"],
        {
            "COSTOWNER_HOME": str(home),
            "SOURCES__AWS__EXPORT_URL": str(export or ""),
            "COSTOWNER_NOW": f"{LAST}-31T12:00:00+00:00",
            "COSTOWNER_HISTORY_START": str(LAST.plus(1 - months)),
            "COSTOWNER_DUCKDB_MEMORY": MEMORY,
        },
    )
    return Home(home).database.stat().st_mtime - started, total, peak


def python(script: str, *arguments: Path) -> list[str]:
    return [sys.executable, "-c", script.format(memory=MEMORY) if script is BARE else script, *map(str, arguments)]


def compare(root: Path, rows: int, months: int, others: bool) -> None:
    report, export = Report(), root / EXPORT
    every = [LAST.plus(-back) for back in range(months)]
    for month in every:
        write_month(root, month, rows)
    report.line(rows * months, "bare load", *measure(python(BARE, export, root / "bare.duckdb")))
    (root / "bare.duckdb").unlink()
    home = root / "home"
    refresh(home, None, months)  # an existing installation without a bill
    published, total, peak = refresh(home, export, months)
    report.line(rows * months, "export to published fact_cost", published, peak)
    report.line(rows * months, "the same, and the marts as Parquet", total)
    _, total, _ = refresh(home, export, months)
    report.line(rows * months, "nothing changed", total)
    if months > 1:
        write_month(root, LAST, rows, issue=2)
        published, total, peak = refresh(home, export, months)
        report.line(rows, f"one of {months} months restated", published, peak)
        report.line(rows, "the same, and the marts as Parquet", total)
    if others:
        for what, script in (("dlt alone, Arrow into DuckDB", DLT), ("a pandas script", PANDAS)):
            report.line(rows * months, f"{what}: cost by team", *measure(python(script, export, root / "other")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="lines of each month")
    parser.add_argument("--months", type=int, default=1)
    parser.add_argument("--others", action="store_true")
    arguments = parser.parse_args()
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory(prefix="costowner-aws-speed-") as folder:
            compare(Path(folder), rows, arguments.months, arguments.others)
    return 0


if __name__ == "__main__":
    sys.exit(main())
