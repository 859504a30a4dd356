"""Why something failed, in words that are fit to show, and whether trying again can help."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import dagster as dg

from ingestion.errors import IngestionError, VendorError, described, interruption_of, is_of_the_machine

# In the metadata of a build that failed: the periods that it held. The next build publishes all the others.
HELD = "held"


def newly_held(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """The periods that a failed build held, a line each; none where it held none."""
    for event in events:
        data = event.step_failure_data.user_failure_data if event.is_step_failure else None
        held = data.metadata.get(HELD) if data else None
        if held is not None and isinstance(held.value, list):
            return [str(line) for line in held.value]
    return []


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from: dlt wraps what its resources raise, and ours have causes too."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def is_of_one_source(error: BaseException) -> bool:
    """Whether the source failed (its vendor, its settings, its input), and not the machine that all sources share."""
    return not any(is_of_the_machine(link) for link in _chain(error))


def explained(error: BaseException) -> tuple[str, bool]:
    """The message of ingestion's own error in the chain, else the kind and place of its root; and whether to try again.

    A vendor that does not answer may do so later. Wrong settings and a broken registry stay as they are.
    """
    chain = list(_chain(error))
    known = next((link for link in chain if isinstance(link, IngestionError)), None)
    if known is None:
        return described(chain[-1]), False
    return str(known), isinstance(known, VendorError)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Decorates a step's function: what it raises is a failure with a message that is fit to keep and to show.

    Dagster keeps the text of an error and of all that it was raised from; a library quotes there what it could not read.
    """
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        if interruption := interruption_of(error):
            raise interruption from None
        raise dg.Failure(explained(error)[0], allow_retries=False) from None


def one_line(text: str) -> str:
    """A failure in one line: the last line that names an error, out of what may be a whole log of dbt.

    Of a list of problems below a heading, the first one, and how many there are.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(" has errors:"):
        return f"{lines[0]} {lines[1]}" + (f" (and {len(lines) - 2} more)" if len(lines) > 2 else "")
    named = [place for place, line in enumerate(lines) if "error" in line.lower()]
    if not named:
        return (lines or ["failed"])[-1]
    heading = lines[named[-1]]
    # dbt heads what went wrong with where it did: `Compilation Error in model x (models/x.sql)`.
    reason = lines[named[-1] + 1 : named[-1] + 2] if re.match(r"\w+ Error( in |$)", heading) else []
    return ": ".join([heading, *reason])


def step_name(event: dg.DagsterEvent) -> str:
    """The step of an event, as people call it: a source by its name."""
    return (event.step_key or "the run").removeprefix("raw_")


def causes(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """Why the steps of a run failed, a line each, the first one first: the step, and its cause as a whole.

    A step that runs a check failed because of what the check found.
    """
    found: list[str] = []
    checks: dict[str, str] = {}
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed and event.step_key:
                place = f"{check.check_name} on {check.asset_key.path[-1]}"
                checks[event.step_key] = f"check {place}: {check.description or 'failed'}"
        elif event.is_step_failure:
            found.append(_cause(event, checks.get(event.step_key or "")))
    return found


def _cause(event: dg.DagsterEvent, check: str | None) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return f"{step_name(event)}: {one_line(data.user_failure_data.description)}"
    if check:
        return check
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return f"{step_name(event)}: {one_line(error.message if error else '')}"
