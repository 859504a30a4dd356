"""Runs that the command executes in its process stand in the UI where all others do: under the code location."""

from pathlib import Path
from uuid import uuid4

import dagster as dg
import yaml

from ingestion.settings import PROJECT_ROOT
from orchestration.code_location import CODE_LOCATION, execute_here

# By this tag Dagster's job page and overview find the runs of a job; the timeline reads the run's origin.
REPOSITORY = ".dagster/repository"


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
def flaky(context: dg.AssetExecutionContext) -> None:
    if context.retry_number == 0:
        raise ValueError("the first try")


@dg.asset
def steady() -> None: ...


@dg.asset
def broken() -> None:
    raise ValueError("each try")


def job(*assets: dg.AssetsDefinition) -> dg.JobDefinition:
    defined = dg.define_asset_job("landing", executor_def=dg.in_process_executor)
    return dg.Definitions(assets=assets, jobs=[defined]).resolve_job_def("landing")


def test_run_is_filed_under_the_code_location(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        done = execute_here(job(flaky, steady), instance, str(uuid4()), {"of": "the command"}, {})
        of_job = dg.RunsFilter(job_name="landing", tags={REPOSITORY: f"__repository__@{CODE_LOCATION}"})
        (run,) = instance.get_runs(of_job)
        assert run.run_id == done.run_id and run.tags["of"] == "the command" and run.is_success
        assert run.remote_job_origin is not None
        assert run.remote_job_origin.repository_origin.get_selector().location_name == CODE_LOCATION
    assert done.success and [event.step_key for event in done.events if event.is_step_up_for_retry] == ["flaky"]


def test_code_location_has_the_name_that_dagster_dev_gives_it() -> None:
    (location,) = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())["load_from"]
    assert location["python_module"]["module_name"] == CODE_LOCATION
    assert "location_name" not in location["python_module"]


def test_part_of_a_job_is_executed_alone_and_an_error_is_a_failed_run(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        both = job(steady, broken)
        assert execute_here(both, instance, str(uuid4()), {}, {}, [dg.AssetKey("steady")]).success
        failed = execute_here(both, instance, str(uuid4()), {}, {})
        assert not failed.success and any(event.is_step_failure for event in failed.events)
