"""A long life in a short time: daily refreshes of a small company for many days, with faults, and what is left of them.

    python -m benchmarks.soak --home DIR --days 400 --seed 1

Each simulated day is one `costowner refresh` at 06:00 of that day, a prune follows every seventh day, and on every third day
something happens (`FAULTS`), chosen by the printed seed. A line a day goes to DIR/soak.csv, a plot of it to DIR/soak.svg. At the
end the marts are held against those of an installation that refreshed once over the whole history: `except all`, both ways.

A run that is interrupted goes on with the day that it had begun. The company is two vendors with an API (Vercel, Atlas), its
registry and the price book: a day costs what a build costs that changes little, and hardly grows with what the vendors show.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks.plot import lines_as_svg
from ingestion.lake.contract import HISTORY_DATASET
from ingestion.settings import PROJECT_ROOT, Home
from sample_company import atlas, registry, vercel
from sample_company.server import serving
from sample_company.stage import SEED
from sample_company.world import State, World
from tests.end_to_end.conftest import RUN_TIMES
from tests.end_to_end.installation import OF_DELIVERIES
from tests.faults.power import tear

FIRST = date(2025, 6, 20)
MONTHS_BEFORE = 2
PRUNE_EVERY, FAULT_EVERY = 7, 3
YEAR = timedelta(days=365)


@dataclass
class Day:
    """A line of the CSV. Files and bytes are those at the end of the day; `exit_code` is that of the day's last refresh."""

    day: str
    fault: str
    exit_code: int
    refresh_seconds: float
    refresh_cpu_seconds: float
    pruned: bool
    lake_files: int
    lake_bytes: int
    warehouse_bytes: int
    dagster_files: int
    dagster_bytes: int


class Soak:
    """The company, and the installation below a folder."""

    def __init__(self, root: Path, days: int, seed: int, base_url: str, state: State) -> None:
        self.root, self.days, self.seed = root, days, seed
        self.home, self.state = root / "home", state
        self.day = 0
        self._settings = {
            "COSTOWNER_REGISTRY": str(root / "registry"),
            "COSTOWNER_HISTORY_START": f"{state.world.start:%Y-%m}",
            "COSTOWNER_DUCKDB_MEMORY": "1GB",
            "COSTOWNER_RUNS_KEPT": "40",
            **vercel.settings(base_url),
            **atlas.settings(base_url),
        }

    def today(self) -> date:
        return FIRST + timedelta(days=self.day)

    def environment(
        self, home: Path | None = None, ahead: timedelta = timedelta(0), **more: str
    ) -> dict[str, str]:
        now = datetime.combine(self.today(), datetime.min.time(), UTC) + timedelta(hours=6) + ahead
        own = {"COSTOWNER_HOME": str(home or self.home), "COSTOWNER_NOW": now.isoformat()}
        return {**os.environ, **self._settings, **own, **more}

    def run(self, command: str, environment: dict[str, str], kill_after: float | None = None) -> int:
        """The real command; its output goes to DIR/output.log. `kill_after`: seconds, then SIGKILL for all its processes."""
        with (self.root / "output.log").open("a") as output:
            output.write(f"\n== {self.today()} {command}\n")
            output.flush()
            process = subprocess.Popen(
                [sys.executable, "-m", "orchestration", command],
                env=environment,
                cwd=PROJECT_ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                return process.wait(kill_after)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return process.wait()

    def play(self, usual_seconds: float) -> Day:
        """Play the day: its fault, its refresh, its prune."""
        self.state.as_of = self.today()
        chance = random.Random(f"{self.seed}|{self.day}")
        fault = chance.choice(sorted(FAULTS)) if self.day and self.day % FAULT_EVERY == 0 else ""
        environment = self.environment()
        if fault:
            environment = FAULTS[fault](self, chance, usual_seconds)
        before = _cpu_seconds()
        started = time.perf_counter()
        code = self.run("refresh", environment)
        seconds, cpu = time.perf_counter() - started, _cpu_seconds() - before
        pruned = self.day % PRUNE_EVERY == PRUNE_EVERY - 1
        if pruned and self.run("prune", self.environment()):
            raise SystemExit(f"{self.today()}: the prune failed, see {self.root / 'output.log'}")
        lake, dagster = _size(self.home / "lake"), _size(self.home / "dagster")
        warehouse = _size(self.home)[1] - lake[1] - dagster[1]
        return Day(
            str(self.today()), fault, code, round(seconds, 2), round(cpu, 2), pruned, *lake, warehouse, *dagster
        )

    def lake_file(self, chance: random.Random) -> Path:
        """A file of the lake that a vendor can deliver again, or that is written again."""
        found = [
            file
            for file in sorted((self.home / "lake").glob("raw_*/*/*"))
            if file.is_file()
            and file.parent.name not in ("_contract", "_damaged")
            and file.parent.parent.name != HISTORY_DATASET
        ]
        return chance.choice(found)

    def differences(self) -> list[str]:
        """Where the marts differ from those of an installation that refreshed once, a line a mart."""
        other = self.root / "undisturbed"
        shutil.rmtree(other, ignore_errors=True)
        if self.run("refresh", self.environment(other)):
            raise SystemExit(f"the undisturbed refresh failed, see {self.root / 'output.log'}")
        found = []
        with duckdb.connect() as connection:
            for name, home in (("one", self.home), ("other", other)):
                connection.execute(f"attach '{home / 'published' / 'marts.duckdb'}' as {name} (read_only)")
            marts = connection.execute(
                "select table_name from duckdb_tables() where database_name = 'one' order by 1"
            ).fetchall()
            for (mart,) in marts:
                if mart in OF_DELIVERIES:
                    continue
                names = [row[0] for row in connection.execute(f'describe one."{mart}"').fetchall()]
                columns = ", ".join(f'"{name}"' for name in names if name not in RUN_TIMES)
                one, two = (f'select {columns} from {side}."{mart}"' for side in ("one", "other"))
                counts = [
                    int((connection.execute(f"select count(*) from ({query})").fetchone() or (0,))[0])
                    for query in (f"{one} except all {two}", f"{two} except all {one}", one)
                ]
                if counts[0] or counts[1]:
                    found.append(f"{mart}: {counts[0]} rows too many and {counts[1]} too few of {counts[2]}")
        return found


Environment = dict[str, str]


def _refresh_killed(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    soak.run("refresh", soak.environment(), kill_after=chance.uniform(0.05, 1) * usual_seconds)
    return soak.environment()


def power_lost(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    """Cut a refresh off at a random moment; what it wrote and did not synchronise is torn."""
    since = time.time()
    soak.run("refresh", soak.environment(), kill_after=chance.uniform(0.05, 1) * usual_seconds)
    tear(Home(soak.home), since, chance)
    return soak.environment()


def _prune_killed(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    soak.run("prune", soak.environment(), kill_after=chance.uniform(0.1, 0.6) * usual_seconds)
    return soak.environment()


def _bit_flipped(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    file = soak.lake_file(chance)
    content = bytearray(file.read_bytes())
    place = chance.randrange(len(content) * 8)
    content[place // 8] ^= 1 << place % 8
    file.write_bytes(content)
    soak.run("verify", soak.environment())
    return soak.environment()


def _file_cut_off(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    file = soak.lake_file(chance)
    file.write_bytes(file.read_bytes()[: chance.randrange(file.stat().st_size)])
    return soak.environment()


def _file_removed(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    soak.lake_file(chance).unlink()
    return soak.environment()


def _vendor_refuses(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    setting = chance.choice(["SOURCES__VERCEL__TOKEN", "SOURCES__ATLAS__CLIENT_SECRET"])
    return soak.environment(**{setting: "rotated, and not set here yet"})


def _clock_ahead(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    return soak.environment(ahead=YEAR)


def _warehouse_deleted(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    (soak.home / "warehouse.duckdb").unlink(missing_ok=True)
    return soak.environment()


def _dagster_deleted(soak: Soak, chance: random.Random, usual_seconds: float) -> Environment:
    shutil.rmtree(soak.home / "dagster")
    return soak.environment()


# What happens before the day's refresh, and the environment of that refresh.
FAULTS: dict[str, Callable[[Soak, random.Random, float], Environment]] = {
    "refresh killed": _refresh_killed,
    "power lost": power_lost,
    "prune killed": _prune_killed,
    "bit flipped": _bit_flipped,
    "file cut off": _file_cut_off,
    "file removed": _file_removed,
    "vendor refuses": _vendor_refuses,
    "clock ahead": _clock_ahead,
    "warehouse deleted": _warehouse_deleted,
    "dagster deleted": _dagster_deleted,
}
# The refresh may fail on the day itself: the vendor refuses, has nothing of the year to come, or the build finds a
# block of the warehouse that does not hold, which is then made again.
MAY_FAIL = ("vendor refuses", "clock ahead", "power lost")


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _size(folder: Path) -> tuple[int, int]:
    """The number of files below a folder, and their bytes."""
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
    return len(sizes), sum(sizes)


def _lines(file: Path) -> list[Day]:
    if not file.exists():
        return []
    kinds = {one.name: one.type for one in fields(Day)}
    cast: dict[str, Callable[[str], object]] = {"str": str, "int": int, "float": float, "bool": "True".__eq__}
    with file.open(newline="") as opened:
        rows = [
            {name: cast[str(kinds[name])](text) for name, text in row.items()} for row in csv.DictReader(opened)
        ]
    return [Day(**row) for row in rows]  # type: ignore[arg-type]


def _write(root: Path, days: list[Day]) -> None:
    with (root / "soak.csv").open("w", newline="") as opened:
        table = csv.DictWriter(opened, [one.name for one in fields(Day)])
        table.writeheader()
        table.writerows(asdict(day) for day in days)
    plotted = {
        "refresh: CPU seconds": [day.refresh_cpu_seconds for day in days],
        "lake: files": [float(day.lake_files) for day in days],
        "lake: MB": [day.lake_bytes / 1e6 for day in days],
        "warehouse and publication: MB": [day.warehouse_bytes / 1e6 for day in days],
        "dagster: MB": [day.dagster_bytes / 1e6 for day in days],
    }
    (root / "soak.svg").write_text(lines_as_svg(plotted, [day.day for day in days]))


def _seed_of(root: Path, seed: int, days: int) -> int:
    """The seed of an interrupted run, or a new one; noted in DIR/soak.json."""
    file = root / "soak.json"
    if file.exists():
        noted = json.loads(file.read_text())
        if noted["days"] != days:
            raise SystemExit(f"{root} was begun with --days {noted['days']}: the vendors' past depends on it")
        return int(noted["seed"])
    root.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"seed": seed, "days": days}))
    return seed


@contextmanager
def small_company(root: Path, days: int, seed: int) -> Iterator[Soak]:
    """The company whose vendors answer while the context lasts, on its first day; nothing is refreshed yet."""
    until = FIRST + timedelta(days=days)
    months = (until.year - FIRST.year) * 12 + until.month - FIRST.month + MONTHS_BEFORE
    world = World(SEED, until, months)
    state = State(world, FIRST)
    registry.write_registry(world, root / "registry")
    with serving([*vercel.routes(state), *atlas.routes(state)]) as base_url:
        yield Soak(root, days, seed, base_url, state)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--home", type=Path, required=True, help="the folder of the run; an interrupted one goes on"
    )
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    root: Path = arguments.home.resolve()
    seed = _seed_of(root, arguments.seed, arguments.days)
    print(f"seed {seed}", flush=True)
    played = _lines(root / "soak.csv")
    with small_company(root, arguments.days, seed) as soak:
        for number in range(len(played), arguments.days + 1):
            soak.day = number
            usual = min((day.refresh_seconds for day in played[-10:] if not day.fault), default=30.0)
            day = soak.play(usual)
            played.append(day)
            _write(root, played)
            print(f"{day.day}: {day.refresh_seconds:.1f} s, {day.fault or '-'}, exit {day.exit_code}", flush=True)
        soak.day = arguments.days
        soak.state.as_of = soak.today()
        # The last day may have been one with a fault.
        final = soak.run("refresh", soak.environment())
        failed = [day.day for day in played if day.exit_code and day.fault not in MAY_FAIL]
        differences = soak.differences()
    for line in differences:
        print(line)
    print(
        f"{len(played)} days; refreshes that failed without a reason: {failed or 'none'}; last exit code {final}"
    )
    print(
        "the marts are those of one refresh" if not differences else "the marts differ from those of one refresh"
    )
    return 1 if differences or failed or final else 0


if __name__ == "__main__":
    sys.exit(main())
