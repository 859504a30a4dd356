"""What a refresh ends with: whether every source is in what was published."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

import dagster as dg

from ingestion.lake.contract import Source
from ingestion.settings import Home, look_up
from orchestration.checks.evidence import warned
from orchestration.publication.holding import current_holds, held_periods

PUBLISHED = dg.AssetKey(["published", "marts"])
# The tag of a build: the run whose landing it follows.
LANDING_TAG = "costowner/landing"
DELIVERED = "every_slice_was_delivered"
# In the metadata of the check below: how many sources or slices were refused.
REFUSED = "refused"
EVERY_SOURCE = dg.AssetCheckSpec(
    "every_source_was_refreshed",
    asset=PUBLISHED,
    description=(
        "All that the vendors had to deliver was landed before this publication. Where it was not, the rest is "
        "published all the same, and the run fails so that somebody looks. A held delivery counts as missing."
    ),
)


def reasons(refused: Iterable[Sequence[str]]) -> list[str]:
    """Why slices were refused, from (slice, reason): each reason once, with the first slice that it refused."""
    slices_by_reason: dict[str, list[str]] = {}
    for slice_id, reason in refused:
        slices_by_reason.setdefault(reason, []).append(slice_id)
    return [
        f"{slices[0]}{f' and {len(slices) - 1} more' if len(slices) > 1 else ''}: {reason}"
        for reason, slices in slices_by_reason.items()
    ]


def silence(source: Source) -> str:
    """What to look at where a source is set up and delivers nothing: the settings that it has."""
    names = [f"sources.{source.name}.{field.name}" for field in fields(source.settings)]
    given = ", ".join(name for name in names if look_up(name) is not None)
    return f"{source.title} is set up ({given}) and has never delivered anything: check whether these name what it bills"


def not_delivered(context: dg.AssetCheckExecutionContext) -> list[str]:
    """What could not be landed, a line each: by the run whose landing this build follows, or by this run itself."""
    records = context.instance.get_records_for_run(
        context.run.tags.get(LANDING_TAG, context.run.run_id), of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    found = []
    for record in records:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        check = event.asset_check_evaluation_data
        if check.check_name == DELIVERED and not check.passed:
            refused = check.metadata["refused"].value
            source = check.asset_key.path[0].removeprefix("raw_")
            found += [f"{source}, {line}" for line in reasons(refused)] if isinstance(refused, list) else []
    return found


@dg.multi_asset_check(specs=[EVERY_SOURCE])
def every_source_was_refreshed(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    refused, held = not_delivered(context), held_periods(current_holds(Home.from_environment()))
    missing = [*refused, *held.values()]
    yield dg.AssetCheckResult(
        asset_key=PUBLISHED,
        check_name=EVERY_SOURCE.name,
        passed=not missing,
        metadata={
            REFUSED: dg.IntMetadataValue(len(refused)),
            "missing": dg.JsonMetadataValue(missing),
            **warned(held),
        },
    )
    if missing:
        more = f" (and {len(missing) - 1} more, see the check)" if len(missing) > 1 else ""
        raise dg.Failure(f"published without what is refused or held: {missing[0]}{more}", allow_retries=False)


CHECKS = [every_source_was_refreshed]
