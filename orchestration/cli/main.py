"""`costowner …` and `python -m orchestration …`: everything that the owner of an installation does.

Exit codes: 0 done, 1 failed with one line on stderr that names the way out, 2 wrong usage, 130 interrupted by a signal.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ingestion.errors import IngestionError, SettingError, interruption_of, near_misses, of_the_system
from ingestion.setting_table import HOME, RETENTION_DAYS, RUNS_KEPT
from ingestion.settings import PROJECT_ROOT, SHIPPED, Home, Month, Window, utc_now
from orchestration.cli.output import json_option, print_json
from orchestration.environment import prepare

DEMO = "costowner-demo"
# The exit code of a program that a signal ended, as shells give it for Ctrl-C.
INTERRUPTED = 130

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
      costowner registry check    whether owners and rules do what they are meant to
      costowner refresh           land, build, check, publish
      costowner status            who spends what
      costowner budgets           what is spent of each budget, and what the month will cost
      costowner forecast          what the month, the quarter or 90 days will cost
      costowner incidents         what was far from its expected cost, and what drove it
      costowner why OWNER         why a month costs more or less than the one before
      costowner explain CHARGE    why a charge has its owner
      costowner doctor            whether the installation is sound

    An installation is the folder that COSTOWNER_HOME names, or the one that you stand in.
    """


@costowner.command(short_help="Make an installation in a folder.")
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make an installation in FOLDER: registry and settings to fill in, each commented.

    \b
    Examples:
      costowner init /srv/costowner
    """
    from orchestration.cli.init import make_installation

    make_installation(Home.at(folder).root)
    click.echo(
        f"made {folder}: declare owners in registry/, sources in .dlt/secrets.toml; then `costowner sources`"
    )


@costowner.command(short_help="Which sources are set up, and how new they are.")
@json_option
@demo_option
def sources(as_json: bool, demo: bool) -> None:
    """Which sources are set up, what is missing, and how new their data are.

    \b
    Examples:
      costowner sources
      costowner sources --json | jq '.[] | select(.freshness == "stale") | .name'
    """
    from orchestration.cli.sources import print_sources

    if not demo:
        print_sources(_located(demo), as_json)
        return
    with _installation(demo) as home:
        print_sources(home, as_json)


@costowner.group(short_help="Declarations: check owners, rules, pools.")
def registry() -> None:
    """The declarations of owners, rules, pools and budgets.

    \b
    Examples:
      costowner registry check
    """


@registry.command("check", short_help="Check them without landing.")
@json_option
@demo_option
def registry_check(as_json: bool, demo: bool) -> None:
    """Check the registry without landing it: errors, rules without effect, claims that no rule names.

    Errors end with exit code 1, warnings with 0. Once something is published, rules are held against the claims of its last
    three billing months, with the money beside what no rule names.

    \b
    Examples:
      costowner registry check
      costowner registry check --json | jq .errors      in the CI of the registry's repository
    """
    from orchestration.cli.registry import check, print_report

    report = check(_located(demo))
    print_report(report, as_json)
    sys.exit(1 if report.errors else 0)


def _known_sources(context: click.Context, option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    from ingestion.sources.catalog import SOURCES

    known = [source.name for source in SOURCES]
    for name in names:
        if name not in known:
            raise click.BadParameter(
                f"there is no source {name!r}{near_misses(name, known)} Sources: {', '.join(known)}.",
                context,
                option,
            )
    return names


@costowner.command(short_help="Land, build, check and publish.")
@click.option(
    "--months", metavar="MONTHS", help="YYYY-MM or YYYY-MM..YYYY-MM. Default: the open months; all at first."
)
@click.option(
    "--source",
    "only",
    metavar="NAME",
    multiple=True,
    callback=_known_sources,
    help="Land only this source (repeatable) and the registry, then build as usual.",
)
@click.option("--verbose", is_flag=True, help="Print the whole log, also of dbt.")
@demo_option
def refresh(months: str | None, only: tuple[str, ...], verbose: bool, demo: bool) -> None:
    """Land what changed, build the ledger, check it and publish it.

    Each step is a line as it ends. All that happens is in logs/ of the installation, in a file a refresh, of which the last 30
    are kept. A source that fails leaves its last delivery in place; the others are published, and the exit code is 1.

    \b
    Examples:
      costowner refresh
      costowner refresh --source aws --source vercel
      costowner refresh --months 2026-03..2026-05       request closed months again
    """
    with _installation(demo) as home:
        sys.exit(_refresh(home, months, only, verbose))


@costowner.command(short_help="Why a charge has its owner.")
@click.argument("charge_key", required=False)
@click.option(
    "--resource", metavar="ID", help="All charges of a resource instead: its id, its name or a part of the id."
)
@json_option
@demo_option
def explain(charge_key: str | None, resource: str | None, as_json: bool, demo: bool) -> None:
    """Why a charge has its owner: its claims, the rules that match, the one that won, its split and its delivery.

    CHARGE_KEY is a charge_key of fact_cost, its first characters, or the vendor's own charge id. Charges of a resource that
    are decided alike are explained together, the dearest first.

    \b
    Examples:
      costowner explain 7d0f4be1c2
      costowner explain --resource i-0abc123
      costowner explain --resource my-bucket --json | jq '.[].owner_id'
    """
    from orchestration.cli.explain import explain as explanations
    from orchestration.cli.explain import print_explanations

    if (charge_key is None) == (resource is None):
        raise click.UsageError("name a charge, or a resource with --resource")
    print_explanations(explanations(_located(demo), charge_key, resource), as_json)


@costowner.command(short_help="Who spends what, and how it is owned.")
@demo_option
def status(demo: bool) -> None:
    """Who spends what, how it is owned, and whether it adds up.

    \b
    Examples:
      costowner status
      costowner status --demo
    """
    from rich.console import Console

    from orchestration.cli.scoreboard import show

    home = _located(demo)
    if not home.database.exists():
        raise SettingError(f"nothing is published in {home.published} yet: run `costowner refresh`")
    show(home, Console(width=None if sys.stdout.isatty() else 120))


@costowner.command(short_help="The budgets of the month: spent, left, forecast.")
@json_option
@demo_option
def budgets(as_json: bool, demo: bool) -> None:
    """The budgets of the running month: what is spent, what is left, and what the month will have cost.

    \b
    Examples:
      costowner budgets
      costowner budgets --json | jq '.[] | select(.status == "over")'
    """
    from orchestration.cli import decide

    decide.print_budgets(decide.budgets(_located(demo)), as_json)


@costowner.command(short_help="What the month, the quarter or the next 90 days will cost.")
@click.option("--horizon", type=click.Choice(["month", "quarter", "90 days"]), default="month", show_default=True)
@click.option("--owner", help="One owner only: the id of a team.")
@json_option
@demo_option
def forecast(horizon: str, owner: str | None, as_json: bool, demo: bool) -> None:
    """What a period will have cost, with an interval that holds 80 %: all owners, each team, each source, each budget.

    \b
    Examples:
      costowner forecast
      costowner forecast --horizon quarter --owner search
    """
    from orchestration.cli import decide

    decide.print_forecasts(decide.forecasts(_located(demo), horizon, owner), as_json)


@costowner.command(short_help="What was far from its expected cost, and what drove it.")
@click.argument("incident", required=False)
@click.option("--owner", help="One owner only, or what it is responsible for.")
@click.option("--days", type=click.IntRange(min=1), default=60, show_default=True, help="Days back.")
@json_option
@demo_option
def incidents(incident: str | None, owner: str | None, days: int, as_json: bool, demo: bool) -> None:
    """Days on which a service, a resource or a workflow was far from its expected cost, or one INCIDENT with all its drivers.

    \b
    Examples:
      costowner incidents --owner search
      costowner incidents 1f3a9c02
    """
    from orchestration.cli import incidents as shown

    if incident is None:
        shown.print_incidents(*shown.incidents(_located(demo), owner, days), as_json)
    else:
        shown.print_incident(*shown.incidents(_located(demo), owner, max(days, 400)), incident, as_json)


@costowner.command(short_help="Why an owner's month costs more or less than the one before.")
@click.argument("owner")
@click.option("--month", metavar="YYYY-MM", help="The month; the newest one without it.")
@json_option
@demo_option
def why(owner: str, month: str | None, as_json: bool, demo: bool) -> None:
    """Why the month of OWNER, and of all below it, costs more or less than the same days of the month before.

    \b
    Examples:
      costowner why search
      costowner why search --month 2026-10
    """
    from orchestration.cli.why import explain as compared
    from orchestration.cli.why import print_explanation

    print_explanation(compared(_located(demo), owner, month), as_json)


@costowner.command(short_help="Whether the installation is sound.")
@json_option
@demo_option
def doctor(as_json: bool, demo: bool) -> None:
    """Whether the installation is sound: versions, disk, locks, lake, registry, settings, last refresh.

    Nothing is changed, and no setting's value is shown. Something broken ends with exit code 1, warnings with 0.

    \b
    Examples:
      costowner doctor
      costowner doctor --json | jq '.[] | select(.state != "ok")'
    """
    from orchestration.cli.doctor import examine, print_findings

    findings = examine(_located(demo))
    print_findings(findings, as_json)
    sys.exit(1 if any(finding.is_broken for finding in findings) else 0)


@costowner.command(short_help="The Dagster UI and its daemon.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=3000, show_default=True, help="0 takes a free one."
)
@demo_option
def ui(port: int, demo: bool) -> None:
    """The Dagster UI on 127.0.0.1: lineage, checks, freshness; its daemon runs the schedule.

    It answers its own page only. docs/operations.md shows how to put it behind a proxy, or a token before it.

    \b
    Examples:
      costowner ui
      costowner ui --port 3001 --demo
    """
    from orchestration.ui.serve import serve

    with _installation(demo) as home:
        # Dagster's processes find the packages of a checkout by the folder that they work in.
        os.chdir(PROJECT_ROOT if SHIPPED == PROJECT_ROOT else home.root)
        serve(port)


@costowner.command(short_help="Remove lake files that nothing needs.")
def prune() -> None:
    """Remove files of the lake that no current or retained slice needs, and compact old delivery notes; remove old runs.

    The ledger stays as it is, and the next refresh builds nothing because of it.

    \b
    Examples:
      costowner prune
      COSTOWNER_RETENTION_DAYS=90 costowner prune
    """
    import dagster as dg

    from orchestration.retention.prune import prune as remove
    from orchestration.retention.runs import prune_runs

    with _installation(demo=False) as home:
        days = RETENTION_DAYS.value()
        pruned = remove(home, utc_now(), timedelta(days=days))
        with dg.DagsterInstance.get() as instance:
            runs = prune_runs(home, instance, RUNS_KEPT.value())
    click.echo(
        f"removed {len(pruned.files)} files that no slice of the last {days} days needs, and {runs} runs; "
        f"compacted the delivery notes of {pruned.loads_compacted} loads"
    )


@costowner.command(short_help="Read the lake or a backup back and compare its SHA-256.")
@click.option(
    "--backup", "place", metavar="DIR|s3://…", help="Read the backups of this place instead of the lake."
)
@json_option
def verify(place: str | None, as_json: bool) -> None:
    """Read every file of the lake back, and compare it with the SHA-256 of its manifest.

    A file that differs is named and set aside below _damaged/ of its dataset; the next refresh requests what it held again.
    Anything found ends with exit code 1. The schedule weekly_verification does the same every Sunday.

    With --backup, every file of the backups is read, and nothing is changed.

    \b
    Examples:
      costowner verify
      costowner verify --json | jq -r '.[]'
      costowner verify --backup s3://company-backups/costowner
    """
    if place is None:
        from orchestration.retention.verify import set_damaged_aside

        with _installation(demo=False) as home:
            found = set_damaged_aside(home)
    else:
        from ingestion.access.stores import open_store
        from orchestration.backup import verify_backups

        _located(demo=False)
        found = verify_backups(open_store(place, setting="--backup"))
    if as_json:
        print_json(found)
    else:
        whole = "every file of the lake is as its manifest lists it" if place is None else "every backup is whole"
        for line in found or [whole]:
            click.echo(line)
    sys.exit(1 if found else 0)


@costowner.command(short_help="Go on without a delivery that is lost.")
@click.argument("slice_id", metavar="SLICE")
@click.option("--reason", required=True, help="Why it is lost; stands on the delivery note.")
def accept_loss(slice_id: str, reason: str) -> None:
    """Go on without the delivery of SLICE, whose file is damaged and which neither the vendor nor a backup has any longer.

    The slice counts as empty, with the reason on its delivery note (fact_delivery), until the vendor delivers it again. The
    check every_current_delivery_is_in_the_lake and `costowner doctor` name the slices that are lost.

    \b
    Examples:
      costowner accept-loss 'team_a|2024-03-07' --reason 'disk failed on 2026-11-02, no backup'
    """
    from orchestration.retention.loss import accept_loss as accept

    with _installation(demo=False) as home:
        accepted = accept(home, slice_id, reason)
    click.echo(f"{accepted.slice_id} counts as empty; `costowner refresh` publishes the ledger without it")


@costowner.command(short_help="Back up what no build brings back.")
@click.argument("place", metavar="DIR|s3://…")
@click.option("--keep", type=click.IntRange(min=1), help="How many backups stay there; default: all.")
def backup(place: str, keep: int | None) -> None:
    """Back up the lake with its history, the registry and the settings without secrets, also while a refresh runs.

    Each file is held against its SHA-256, and is written once, however many backups hold it. Left out are the warehouse and
    the publication, which a refresh builds again; secrets; and prompts, which must not outlive their date. A file that does not
    hold is named, and the exit code is 1.

    \b
    Examples:
      costowner backup /backup/costowner --keep 14
      costowner backup s3://company-backups/costowner
    """
    from ingestion.access.stores import open_store
    from orchestration.backup import back_up
    from orchestration.environment import keep_to_oneself

    keep_to_oneself()
    done = back_up(_located(demo=False), open_store(place, setting="PLACE"), utc_now(), keep)
    click.echo(str(done))
    for problem in done.problems:
        click.echo(f"  {problem}", err=True)
    sys.exit(1 if done.problems else 0)


@costowner.command(short_help="Bring a backup into an empty installation.")
@click.argument("place", metavar="DIR|s3://…")
@click.option("--backup", "name", metavar="NAME", help="Which backup; default: the newest.")
def restore(place: str, name: str | None) -> None:
    """Bring a backup into an installation that has no lake yet. Then set its secrets, and refresh.

    \b
    Examples:
      COSTOWNER_HOME=/srv/costowner costowner restore /backup/costowner
      costowner restore s3://company-backups/costowner --backup 2026-11-30T061500Z
    """
    from ingestion.access.stores import open_store
    from orchestration.backup import restore as bring_back

    with _installation(demo=False) as home:
        done = bring_back(home, open_store(place, setting="PLACE"), name)
    click.echo(
        f"restored {done.name}: {len(done.files)} files. Set the secrets in {home.root / '.dlt'}, then `costowner refresh`"
    )


@costowner.command(short_help="Delete prompts and outputs that are past their date.")
def purge() -> None:
    """Delete prompts that are past their date or that no policy allows, and outputs of runs that are older than 30 days.

    What earlier releases quoted of files in delivery notes and in Dagster's history goes too.

    \b
    Examples:
      costowner purge
    """
    from dagster import DagsterInstance

    from orchestration.retention.purge import purge as delete
    from orchestration.retention.traces import purge_traces

    with _installation(demo=False) as home:
        with DagsterInstance.get() as instance:
            traces = purge_traces(home, datetime.now(UTC), instance)
        click.echo(f"prompts: {delete(home, utc_now())}; {traces}")


@contextmanager
def _installation(demo: bool) -> Iterator[Home]:
    """The installation, its environment prepared. A demo's vendors answer while the context lasts."""
    home = _located(demo)
    if not demo:
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


def _located(demo: bool) -> Home:
    """The installation, for commands that only read: no folder is made, and settings are found from anywhere."""
    if not demo:
        home = Home.from_environment()
        if home.is_installation:
            os.environ["DLT_PROJECT_DIR"] = str(home.root)
        return home
    home = Home.at(HOME.given() or DEMO)
    # No setting of one's own reaches the demo, and no credential its log.
    for name in [name for name in os.environ if name.startswith("SOURCES__")]:
        del os.environ[name]
    os.environ["COSTOWNER_HOME"] = str(home.root)
    os.environ["DLT_PROJECT_DIR"] = str(home.root)
    # The registry as its world was last written.
    os.environ["COSTOWNER_REGISTRY"] = str(home.root / "world" / "registry")
    # Its whole history is a few megabytes.
    os.environ.setdefault("COSTOWNER_DUCKDB_MEMORY", "1GB")
    return home


def _refresh(home: Home, months: str | None, only: tuple[str, ...], verbose: bool) -> int:
    try:
        return _run_refresh(home, months, only, verbose)
    except KeyboardInterrupt:
        if not sys.stderr.isatty():  # nobody watches
            from orchestration.run_alerts import failure_alert

            failure_alert(home, "refresh", ["interrupted by a signal; the next refresh goes on where it ended"])
        raise
    except Exception as error:
        if interruption := interruption_of(error):
            raise interruption from None
        # It failed outside of a run, which would have raised the alert itself.
        from orchestration.assets.failure import explained
        from orchestration.run_alerts import failure_alert

        cause = explained(error)[0]
        failure_alert(home, "refresh", [cause])
        click.echo(f"refresh failed: {cause}", err=True)
        return 1


def _run_refresh(home: Home, months: str | None, only: tuple[str, ...], verbose: bool) -> int:
    from ingestion.setting_report import unknown_settings
    from orchestration.assets.ledger import ledger
    from orchestration.backfill_state import window_for
    from orchestration.cli.progress import Progress, refresh_log
    from orchestration.cli.refresh import refresh as run

    window = window_for(home, only)
    if months:
        first, _, last = months.partition("..")
        window = Window(Month.parse(first), Month.parse(last or first))
    terminal = sys.stdout

    def say(line: str) -> None:
        click.echo(line, file=terminal)
        log.write(f"{line}\n", is_copied=False)

    with refresh_log(home, datetime.now(UTC), terminal if verbose else None) as log:
        named = f" of {', '.join(only)}" if only else ""
        say(f"refresh{named} of {window.first} to {window.last} in {home.root}")
        for unknown in unknown_settings():
            say(f"  warning: {unknown}; it does nothing")
        outcome = run(home, window, say, only, Progress(log, say, ledger.keys), verbose)
        if outcome.failure:
            log.write(f"refresh failed after {outcome.seconds:.0f} s: {outcome.failure}\n", is_copied=False)
            click.echo(
                f"refresh failed after {outcome.seconds:.0f} s: {outcome.failure} (log: {log.path})", err=True
            )
            return 1
        say(f"refresh done in {outcome.seconds:.0f} s")
        return 0


def run() -> None:
    """The entry point of the command `costowner`."""
    sys.exit(main())


def main() -> int:
    """Run the command line. Gives the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C: what is open is closed, and dbt ends too. `nohup` keeps its meaning.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        costowner.main(standalone_mode=False)
    except OSError as error:
        line = of_the_system(error)
        if line is None:
            raise
        click.echo(f"costowner: {line}", err=True)
        return 1
    except IngestionError as error:
        click.echo(f"costowner: {error}", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("costowner: interrupted; nothing is lost, and what is published stays. Run it again.", err=True)
        return INTERRUPTED
    return 0
