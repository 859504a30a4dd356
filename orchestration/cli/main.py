"""`costowner …` and `python -m orchestration …`: everything that the owner of an installation does.

Exit codes: 0 done, 1 failed with one line on stderr that names the way out, 2 wrong usage.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from ingestion.errors import IngestionError, SettingError
from ingestion.setting_table import HOME, RETENTION_DAYS
from ingestion.settings import PROJECT_ROOT, Home, Month, Window, utc_now
from orchestration.environment import prepare

DEMO = "costowner-demo"

demo_option = click.option(
    "--demo", is_flag=True, help="On a made-up sample company, in a folder of its own; never mixes with your data."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="costowner")
def costowner() -> None:
    """Every dollar of cloud, SaaS and AI spend, with its owner and the evidence for it.

    \b
    A look at it, on a made-up company:
      costowner refresh --demo
      costowner ui --demo
    \b
    Your own data:
      costowner init bills        an installation in the folder bills
      cd bills                    then declare owners in registry/, and sources in .dlt/
      costowner sources           which source is set up, and what is missing
      costowner refresh           land, build, check, publish
      costowner status            who spends what

    An installation is the folder that COSTOWNER_HOME names, or the one that you stand in.
    """


@costowner.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make an installation in FOLDER: registry and settings to fill in, each commented."""
    from orchestration.cli.init import make_installation

    make_installation(folder.resolve())
    click.echo(
        f"made {folder}: declare owners in registry/, sources in .dlt/secrets.toml; then `costowner sources`"
    )


@costowner.command()
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for scripts.")
@demo_option
def sources(as_json: bool, demo: bool) -> None:
    """Which sources are set up, what is missing, and how new their data are."""
    from orchestration.cli.sources import print_sources

    with _installation(demo) as home:
        print_sources(home, as_json)


@costowner.command()
@click.option(
    "--months", metavar="MONTHS", help="YYYY-MM or YYYY-MM..YYYY-MM. Default: the open months; all at first."
)
@demo_option
def refresh(months: str | None, demo: bool) -> None:
    """Land what changed, build the ledger, check it and publish it."""
    with _installation(demo) as home:
        sys.exit(_refresh(home, months))


@costowner.command()
@demo_option
def status(demo: bool) -> None:
    """Who spends what, how it is owned, and whether it adds up."""
    from rich.console import Console

    from orchestration.scoreboard import show

    with _installation(demo, plays=False) as home:
        if not home.database.exists():
            raise SettingError(f"nothing is published in {home.published} yet: run `costowner refresh`")
        show(home, Console(width=None if sys.stdout.isatty() else 120))


@costowner.command()
@click.option("--port", default=3000, show_default=True)
@demo_option
def ui(port: int, demo: bool) -> None:
    """The Dagster UI on 127.0.0.1: lineage, checks, freshness; its daemon runs the schedule."""
    # The UI has no password of its own: loopback only.
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port)]
    command += ["-m", "orchestration.definitions"]
    with _installation(demo) as home:
        os.chdir(home.root if home.is_installation or demo else PROJECT_ROOT)
        if demo:
            from sample_company.__main__ import run as run_beside

            # The vendors answer from this process.
            sys.exit(run_beside(command, os.environ))
        _become_ui(command)


@costowner.command()
def prune() -> None:
    """Remove files of the lake that no current or retained slice needs."""
    from orchestration.prune import prune as remove

    with _installation(demo=False) as home:
        days = RETENTION_DAYS.value()
        removed = remove(home, utc_now(), timedelta(days=days))
    click.echo(f"removed {len(removed)} files that no slice of the last {days} days needs")


@costowner.command()
def purge() -> None:
    """Delete prompts that are past their date, or that no policy allows."""
    from orchestration.purge import purge as delete

    with _installation(demo=False) as home:
        click.echo(f"prompts: {delete(home, utc_now())}")


@contextmanager
def _installation(demo: bool, plays: bool = True) -> Iterator[Home]:
    """The installation, its environment prepared. `plays`: whether a demo's vendors answer while the context lasts."""
    if not demo:
        home = Home.from_environment()
        prepare(home)
        yield home
        return
    home = Home(Path(HOME.given() or DEMO).resolve())
    # No setting of one's own reaches the demo, and no credential its log.
    for name in [name for name in os.environ if name.startswith("SOURCES__")]:
        del os.environ[name]
    os.environ["COSTOWNER_HOME"] = str(home.root)
    os.environ["DLT_PROJECT_DIR"] = str(home.root)
    # Its whole history is a few megabytes.
    os.environ.setdefault("COSTOWNER_DUCKDB_MEMORY", "700MB")
    if not plays:
        prepare(home)
        yield home
        return
    try:
        from sample_company.stage import staged
    except ModuleNotFoundError as missing:
        raise SettingError(f"--demo needs {missing.name}: install costowner[demo]") from missing
    with staged(home.root / "world") as stage:
        os.environ.update(stage.environment)
        prepare(home)
        click.echo(f"sample company (made up) in {home.root}")
        yield home


def _refresh(home: Home, months: str | None) -> int:
    try:
        return _run_refresh(home, months)
    except Exception as error:
        # It failed outside of a run, which would have raised the alert itself.
        from orchestration.alerts import failure_alert
        from orchestration.assets.failure import explained

        cause = explained(error)[0]
        failure_alert("refresh", [cause], None)
        click.echo(f"refresh failed: {cause}", err=True)
        return 1


def _run_refresh(home: Home, months: str | None) -> int:
    from orchestration.backfill_state import window_for
    from orchestration.refresh import refresh as run

    window = window_for(home)
    if months:
        first, _, last = months.partition("..")
        window = Window(Month.parse(first), Month.parse(last or first))
    click.echo(f"refresh of {window.first} to {window.last} in {home.root}")
    outcome = run(home, window, click.echo)
    if outcome.failure:
        click.echo(f"refresh failed after {outcome.seconds:.0f} s: {outcome.failure}", err=True)
        return 1
    click.echo(f"refresh done in {outcome.seconds:.0f} s")
    return 0


def _become_ui(command: list[str]) -> None:
    # A shell's job in the background ignores SIGINT, and Dagster takes SIGTERM for it: nothing would end the UI.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(command[0], command)


def run() -> None:
    """The entry point of the command `costowner`."""
    sys.exit(main())


def main() -> int:
    """Run the command line. Gives the exit code."""
    try:
        costowner.main(standalone_mode=False)
    except IngestionError as error:
        click.echo(f"costowner: {error}", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    return 0
