"""The jobs. A refresh is two runs: landing, and then a build of what the deliveries changed."""

from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ingestion.settings import Home, Window, utc_now
from orchestration.assets.failure import in_our_words
from orchestration.assets.ledger import MODELS_OF_TODAY
from orchestration.assets.publication import PUBLISHED_ASSETS
from orchestration.assets.raw import RAW_ASSETS
from orchestration.checks.ledger import CHECKS
from orchestration.checks.prompts import no_gateway_ships_prompts
from orchestration.dbt.change_detection import ChangeDetection
from orchestration.dbt.engine import Engine
from orchestration.retention.purge import purge
from orchestration.retention.traces import purge_traces
from orchestration.retention.verify import set_damaged_aside
from orchestration.run_lock import RUN_LOCK, RunLock

# The tag of a run by the command.
COMMAND_TAG = "costowner/command"

RAW = dg.AssetSelection.assets(*RAW_ASSETS)

LANDING = dg.define_asset_job(
    "landing",
    selection=RAW,
    executor_def=dg.in_process_executor,
    description="Land what changed at the vendors. The sensor `build_after_landing` starts the build.",
)
BUILD = dg.define_asset_job(
    "build",
    selection=dg.AssetSelection.all() - RAW,
    executor_def=dg.in_process_executor,
    description="Build the ledger (dbt finds the billing periods that changed), check it and publish it.",
)
BUILD_OF_TODAY = dg.define_asset_job(
    "build_of_today",
    selection=dg.AssetSelection.assets(*MODELS_OF_TODAY, *PUBLISHED_ASSETS)
    | dg.AssetSelection.checks(*CHECKS, no_gateway_ships_prompts),
    executor_def=dg.in_process_executor,
    description=(
        "For a landing that changed nothing: build only the models that depend on the refresh or on the date, "
        "run the ledger's checks and publish."
    ),
)
REFRESH = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Landing and build in one run, to be started by hand.",
)


def range_tags(window: Window) -> dict[str, str]:
    """The tags by which one run covers a range of billing months."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: str(window.first),
        ASSET_PARTITION_RANGE_END_TAG: str(window.last),
    }


def job_after_landing(home: Home) -> str:
    """The name of the job that builds what the last landings changed."""
    changes = ChangeDetection(home, Engine.from_environment())
    return BUILD.name if changes.has_changes() else BUILD_OF_TODAY.name


@dg.op(
    required_resource_keys={RUN_LOCK},
    description="Deletes prompts that are too old or that the policy does not allow, from the lake's files too.",
)
@in_our_words()
def purge_prompts(context: dg.OpExecutionContext) -> None:
    home = Home.from_environment()
    context.log.info(str(purge_traces(home, datetime.now(UTC), context.instance)))
    context.log.info(str(purge(home, utc_now())))


@dg.op(
    required_resource_keys={RUN_LOCK},
    description="Reads every file of the lake back, and sets aside what is not as its manifest lists it (SHA-256).",
)
@in_our_words()
def verify_the_lake(context: dg.OpExecutionContext) -> None:
    found = set_damaged_aside(Home.from_environment())
    for line in found:
        context.log.error(line)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise dg.Failure(f"{found[0]}{more}", allow_retries=False)


@dg.job(
    name="verify",
    executor_def=dg.in_process_executor,
    resource_defs={RUN_LOCK: RunLock()},
    description="Bit rot: every file of the lake is held against its SHA-256. What is damaged is requested again.",
)
def VERIFY() -> None:
    verify_the_lake()


@dg.job(
    name="purge",
    executor_def=dg.in_process_executor,
    resource_defs={RUN_LOCK: RunLock()},
    description="Retention of prompts: deletes what registry/prompt_policy.yml does not allow to be kept.",
)
def PURGE() -> None:
    purge_prompts()
