"""The alert of a run: one, with each step that failed, its cause, the new warnings, and what stays published.

A warning raises an alert once. A check may name the *subjects* that it warns of in its metadata (WARNED): a source, a rule,
a held billing period. A subject that nobody was alerted of is a new warning; one that went away and comes back is new again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from ingestion.settings import Home
from orchestration.alerts import alert
from orchestration.assets.failure import causes
from orchestration.checks.evidence import WARNED
from orchestration.checks.refresh import DELIVERED, EVERY_SOURCE, PUBLISHED, REFUSED
from orchestration.state_file import read_state, write_state

log = logging.getLogger("costowner.alerts")
# The events that a run's alert is made of.
EVENTS = {
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
}
# How many new warnings an alert lists.
LISTED = 20
# By check: the subjects that an alert was raised for.
ALERTED = "alerted.json"

# By check: a line for each subject.
Warned = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class NewWarning:
    """A line that a check warns of, and that nobody was alerted of."""

    check: str
    line: str


def alert_of_run(
    home: Home, what: str, events: Sequence[dg.DagsterEvent], *, succeeded: bool, run_id: str, cause: str = ""
) -> None:
    """Raise the alert of a run that ended: it failed, or warns of something new.

    A run that published all but what is held has failed too; each hold raises an alert once. `cause` is of a failure outside
    of all steps.
    """

    def send(new: Sequence[NewWarning]) -> bool:
        if succeeded or (not new and _failed_for_holds_only(events)):
            return not new or alert(f"Costowner: {what} warns", "\n".join([*_listed(new), _place(run_id)]))
        found = causes(events) or [cause or "failed without a message"]
        # The failure may name it already.
        more = [one for one in new if not any(one.line in cause for cause in found)]
        return failure_alert(home, what, [*found, *_listed(more)], run_id, _is_published(events))

    alert_once(home, warnings_of(events), send)


def failure_alert(
    home: Home, what: str, lines: Sequence[str], run_id: str | None = None, is_published: bool = False
) -> bool:
    """Raise the alert of a failure: its causes, a line each, what readers have now, and the run. True if it was sent."""
    run = [_place(run_id)] if run_id else []
    return alert(f"Costowner: {what} failed", "\n".join([*lines, _what_readers_have(home, is_published), *run]))


def alert_once(home: Home, found: Warned, send: Callable[[Sequence[NewWarning]], bool]) -> None:
    """Call `send` with the warnings that nobody was alerted of; what it sent is not new any more."""
    file = home.root / ALERTED
    kept = read_state(file)
    # The disk may have damaged the file: what is no list of texts is none.
    known = {
        check: {subject for subject in subjects if isinstance(subject, str)}
        for check, subjects in (kept.items() if isinstance(kept, dict) else ())
        if isinstance(subjects, list)
    }
    new = [
        NewWarning(check, line)
        for check, lines in found.items()
        for subject, line in lines.items()
        if subject not in known.get(check, ())
    ]
    is_sent = send(new)
    known |= {
        check: set(lines) if is_sent else set(lines) & known.get(check, set()) for check, lines in found.items()
    }
    now = {check: sorted(subjects) for check, subjects in sorted(known.items()) if subjects}
    if now != (kept or {}):
        try:
            write_state(file, now)
        except OSError as error:
            log.error("%s can't be written (%s): the next run raises the same alerts", file, error.strerror)


def warnings_of(events: Iterable[dg.DagsterEvent]) -> Warned:
    """What the checks of a run warn of, by check; one that passed warns of nothing.

    What made a step fail is no warning. Nor are the slices that a landing refused: the build after it fails for them.
    """
    events = list(events)
    failed = {event.step_key for event in events if event.is_step_failure}
    found: dict[str, Mapping[str, str]] = {}
    for check, step in _checks(events):
        name = name_of(check.asset_check_key)
        subjects = check.metadata.get(WARNED)
        is_refusal = check.check_name == DELIVERED and check.severity == dg.AssetCheckSeverity.ERROR
        if check.passed:
            found[name] = {}
        elif subjects is not None and isinstance(subjects.value, Mapping):
            found[name] = {str(subject): str(line) for subject, line in subjects.value.items()}
        elif step not in failed and not is_refusal:
            found[name] = {"": check.description or "failed"}
    return found


def name_of(check: dg.AssetCheckKey) -> str:
    """A check as people call it."""
    return f"{check.name} on {check.asset_key.path[-1]}"


def _checks(events: Iterable[dg.DagsterEvent]) -> list[tuple[dg.AssetCheckEvaluation, str | None]]:
    """The evaluations of checks, each with its step."""
    return [
        (event.asset_check_evaluation_data, event.step_key)
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]


def _failed_for_holds_only(events: Sequence[dg.DagsterEvent]) -> bool:
    """Whether nothing failed but the last check of a refresh, which found deliveries that are held and none refused."""
    failed = [event.step_key for event in events if event.is_step_failure]
    complaints = [
        step
        for check, step in _checks(events)
        if check.check_name == EVERY_SOURCE.name and not check.passed and not check.metadata[REFUSED].value
    ]
    return bool(failed) and failed == complaints


def _is_published(events: Iterable[dg.DagsterEvent]) -> bool:
    return any(event.is_step_materialization and event.asset_key == PUBLISHED for event in events)


def _what_readers_have(home: Home, is_published: bool) -> str:
    if not home.database.exists():
        return "Nothing is published yet."
    if is_published:
        return "All else is published."
    at = datetime.fromtimestamp(home.database.stat().st_mtime, UTC)
    return f"The publication of {at:%Y-%m-%d %H:%M} UTC stays up."


def _listed(new: Sequence[NewWarning]) -> list[str]:
    """New warnings for people, a line each, and how many more there are."""
    lines = [f"new warning: {one.check}: {one.line}" for one in new[:LISTED]]
    return [*lines, f"and {len(new) - LISTED} more: see the checks"] if len(new) > LISTED else lines


def _place(run_id: str) -> str:
    return f"Run {run_id} in the Dagster UI."
