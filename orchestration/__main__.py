"""`python -m orchestration refresh | scoreboard | prune | purge | ui`, on the installation that COSTOWNER_HOME names."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from datetime import timedelta

from ingestion.errors import IngestionError
from ingestion.settings import PROJECT_ROOT, Home, Month, Window, utc_now
from orchestration.environment import prepare


def _refresh(home: Home, arguments: argparse.Namespace) -> int:
    try:
        return _run_refresh(home, arguments)
    except Exception as error:
        # It failed outside of a run, which would have raised the alert itself.
        from orchestration.alerts import failure_alert
        from orchestration.assets.failure import explained

        cause = explained(error)[0]
        failure_alert("refresh", [cause], None)
        print(f"refresh failed: {cause}", file=sys.stderr)
        return 1


def _run_refresh(home: Home, arguments: argparse.Namespace) -> int:
    from orchestration.history import window_for
    from orchestration.refresh import refresh

    window = window_for(home)
    if arguments.months:
        first, _, last = arguments.months.partition("..")
        window = Window(Month.parse(first), Month.parse(last or first))
    print(f"refresh of {window.first} to {window.last} in {home.root}", flush=True)
    outcome = refresh(home, window, lambda line: print(line, flush=True))
    if outcome.failure:
        print(f"refresh failed after {outcome.seconds:.0f} s: {outcome.failure}", file=sys.stderr)
        return 1
    print(f"refresh done in {outcome.seconds:.0f} s", flush=True)
    return 0


def _scoreboard(home: Home, arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from orchestration.scoreboard import show

    if not home.database.exists():
        print(f"nothing is published in {home.published} yet: run `make run` or `make refresh`", file=sys.stderr)
        return 1
    show(home, Console(width=None if sys.stdout.isatty() else 120))
    return 0


def _prune(home: Home, arguments: argparse.Namespace) -> int:
    from orchestration.prune import prune

    days = int(os.environ.get("COSTOWNER_RETENTION_DAYS", "35"))
    removed = prune(home, utc_now(), timedelta(days=days))
    print(f"removed {len(removed)} files that no slice of the last {days} days needs")
    return 0


def _purge(home: Home, arguments: argparse.Namespace) -> int:
    from orchestration.purge import purge

    print(f"prompts: {purge(home, utc_now())}")
    return 0


def _ui(home: Home, arguments: argparse.Namespace) -> int:
    # The UI has no password of its own: loopback only.
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(arguments.port)]
    os.chdir(PROJECT_ROOT)
    # A shell's job in the background ignores SIGINT, and Dagster takes SIGTERM for it: nothing would end the UI.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(sys.executable, [*command, "-w", "workspace.yaml"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m orchestration", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    refreshing = commands.add_parser("refresh", help="land what changed, build the ledger, check it, publish it")
    refreshing.add_argument("--months", help="YYYY-MM or YYYY-MM..YYYY-MM (default: the open ones; first all)")
    commands.add_parser("scoreboard", help="who spends what, and whether it adds up")
    commands.add_parser("prune", help="remove lake files that no current or retained slice needs")
    commands.add_parser("purge", help="delete prompts that are too old or that no policy lets be kept")
    ui = commands.add_parser("ui", help="the Dagster UI on 127.0.0.1")
    ui.add_argument("--port", type=int, default=3000)
    arguments = parser.parse_args()
    try:
        home = Home.from_environment()
        prepare(home)
        actions = {"refresh": _refresh, "scoreboard": _scoreboard, "prune": _prune, "purge": _purge, "ui": _ui}
        return actions[arguments.command](home, arguments)
    except IngestionError as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
