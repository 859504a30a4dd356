"""`python -m sample_company with --home FOLDER -- COMMAND …`: run a command while the sample company answers.

`python -m sample_company write --home FOLDER` only writes its files.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from sample_company.stage import SEED, staged


def _arguments(given: list[str]) -> tuple[argparse.Namespace, list[str]]:
    command: list[str] = []
    if "--" in given:
        cut = given.index("--")
        given, command = given[:cut], given[cut + 1 :]
    parser = argparse.ArgumentParser(prog="python -m sample_company", description=__doc__)
    parser.add_argument("action", choices=("with", "write"))
    parser.add_argument(
        "--home", type=Path, required=True, help="the installation's folder; the world goes below it"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--until", type=date.fromisoformat, help="the last day of history (default: yesterday)")
    parser.add_argument("--as-of", type=date.fromisoformat, help="the day on which the vendors are asked")
    arguments = parser.parse_args(given)
    if (arguments.action == "with") != bool(command):
        parser.error("`with` takes a command after --, and `write` takes none")
    return arguments, command


def main() -> int:
    arguments, command = _arguments(sys.argv[1:])
    home = arguments.home.resolve()
    with staged(home / "world", arguments.seed, arguments.until, arguments.as_of) as stage:
        days = len(stage.world.days(stage.state.as_of))
        print(f"sample company (made up): {days} days from {stage.world.start} in {home / 'world'}", flush=True)
        if not command:
            return 0
        environment = {**os.environ, **stage.environment, "COSTOWNER_HOME": str(home)}
        return run(command, environment)


def run(command: list[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; who ends this process ends it too. Gives its exit code."""
    with subprocess.Popen(command, env=environment) as process:
        before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
