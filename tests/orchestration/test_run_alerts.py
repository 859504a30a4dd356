"""The alert of a run: one for what failed, one for each new warning and hold, and no second one of the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

from ingestion.settings import Home
from orchestration.assets.failure import HELD
from orchestration.checks.evidence import warned
from orchestration.checks.refresh import EVERY_SOURCE, PUBLISHED, REFUSED
from orchestration.code_location import execute_here
from orchestration.jobs import COMMAND_TAG
from orchestration.run_alerts import ALERTED, LISTED, alert_of_run, alert_once
from orchestration.sensors import run_failed, run_warns
from sample_company.server import Request, Response, Route, serving


class Webhook:
    """The texts that a webhook took; while it is down it answers 503."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_down = False

    def answer(self, request: Request) -> Response:
        if self.is_down:
            return Response(503)
        self.texts.append(json.loads(request.body)["text"])
        return Response(200)

    def new(self) -> list[str]:
        found, self.texts = self.texts, []
        return found


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    found = Webhook()
    with serving([Route("POST", "/hook", found.answer)]) as base:
        monkeypatch.setenv("COSTOWNER_ALERT_WEBHOOK", f"{base}/hook")
        yield found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path))
    return Home(tmp_path)


@dg.asset(key=PUBLISHED)
def published() -> None: ...


def last_check(refused: int = 0, held: tuple[str, ...] = ()) -> dg.AssetChecksDefinition:
    """The last check of a refresh, which found so many refused slices, and these periods held."""

    @dg.multi_asset_check(specs=[EVERY_SOURCE])
    def every_source_was_refreshed() -> Iterator[dg.AssetCheckResult]:
        lines = {period: f"{period}: held" for period in held}
        yield dg.AssetCheckResult(
            asset_key=PUBLISHED,
            check_name=EVERY_SOURCE.name,
            passed=not (refused or held),
            metadata={REFUSED: dg.IntMetadataValue(refused), **warned(lines)},
        )
        if refused or held:
            first = next(iter(lines.values()), "vercel, a slice: HTTP 500")
            raise dg.Failure(f"published without what is refused or held: {first}", allow_retries=False)

    return every_source_was_refreshed


def warning_check(subjects: dict[str, str] | None, passed: bool = False) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=PUBLISHED)
    def looks_odd() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            description=None if passed else "3 rows",
            metadata=warned(subjects or {}),
        )

    return looks_odd


def run(
    home: Home,
    *definitions: dg.AssetsDefinition | dg.AssetChecksDefinition,
    instance: dg.DagsterInstance | None = None,
) -> tuple[dg.ExecuteInProcessResult, str]:
    result = dg.materialize([published, *definitions], instance=instance, raise_on_error=False)
    alert_of_run(home, "refresh", result.all_events, succeeded=result.success, run_id=result.run_id)
    return result, result.run_id


def test_run_that_failed_raises_one_alert_with_step_cause_and_what_stays_published(
    home: Home, webhook: Webhook
) -> None:
    @dg.asset
    def raw_vercel() -> None:
        raise dg.Failure("Vercel: HTTP 401; check sources.vercel.token", allow_retries=False)

    result = dg.materialize([raw_vercel], raise_on_error=False)
    for expected in ("Nothing is published yet.", "The publication of 2026-"):
        alert_of_run(home, "refresh", result.all_events, succeeded=False, run_id=result.run_id)
        (text,) = webhook.new()
        assert text.splitlines()[:2] == [
            "Costowner: refresh failed",
            "vercel: Vercel: HTTP 401; check sources.vercel.token",
        ]
        assert text.splitlines()[2].startswith(expected) and result.run_id in text.splitlines()[3]
        home.published.mkdir(exist_ok=True)
        home.database.touch()


def test_run_that_failed_outside_of_its_steps_names_the_cause(home: Home, webhook: Webhook) -> None:
    alert_of_run(home, "run of landing", [], succeeded=False, run_id="r", cause="the process was killed")
    (text,) = webhook.new()
    assert "\nthe process was killed\n" in text


def test_hold_raises_one_alert_and_a_second_hold_another_one(home: Home, webhook: Webhook) -> None:
    home.published.mkdir()
    home.database.touch()
    run(home, last_check(held=("focus, 2026-10, adds_up",)))
    (text,) = webhook.new()
    assert text.count("focus, 2026-10, adds_up: held") == 1 and "All else is published." in text
    run(home, last_check(held=("focus, 2026-10, adds_up",)))
    assert webhook.new() == [], "it stands, and somebody was alerted"
    run(home, last_check(held=("aws, 2026-10, adds_up", "focus, 2026-10, adds_up")))
    (text,) = webhook.new()
    assert "aws, 2026-10, adds_up: held" in text and "new warning" not in text
    run(home, last_check())
    assert webhook.new() == []
    run(home, last_check(held=("focus, 2026-10, adds_up",)))
    assert len(webhook.new()) == 1, "it was lifted, and came back"


def test_refused_slice_raises_an_alert_at_each_run_also_beside_a_hold(home: Home, webhook: Webhook) -> None:
    for _ in range(2):
        run(home, last_check(refused=1, held=("focus, 2026-10, adds_up",)))
        assert len(webhook.new()) == 1


def test_warning_raises_one_alert_for_each_subject(home: Home, webhook: Webhook) -> None:
    run(home, last_check(), warning_check({"aws": "aws: 3 rows"}))
    (text,) = webhook.new()
    assert text.startswith("Costowner: refresh warns\nnew warning: looks_odd on marts: aws: 3 rows\nRun ")
    run(home, last_check(), warning_check({"aws": "aws: 4 rows"}))
    assert webhook.new() == []
    run(home, last_check(), warning_check({"aws": "aws: 5 rows", "atlas": "atlas: 1 row"}))
    (text,) = webhook.new()
    assert "atlas: 1 row" in text and "aws" not in text
    run(home, last_check())
    run(home, last_check(), warning_check({"aws": "aws: 5 rows"}))
    assert webhook.new() == [], "a run without the check changes nothing"
    run(home, last_check(), warning_check(None, passed=True))
    run(home, last_check(), warning_check({"aws": "aws: 5 rows"}))
    assert len(webhook.new()) == 1


def test_check_without_subjects_is_one_warning(home: Home, webhook: Webhook) -> None:
    for expected in (1, 0):
        run(home, warning_check(None))
        assert len(webhook.new()) == expected


def test_new_warning_of_a_run_that_failed_is_in_its_one_alert(home: Home, webhook: Webhook) -> None:
    run(home, last_check(refused=1), warning_check({"aws": "aws: 3 rows"}))
    (text,) = webhook.new()
    assert "refresh failed" in text and "new warning: looks_odd on marts: aws: 3 rows" in text


def test_alert_that_the_webhook_refused_is_raised_again(home: Home, webhook: Webhook) -> None:
    webhook.is_down = True
    run(home, warning_check({"aws": "aws: 3 rows"}))
    webhook.is_down = False
    run(home, warning_check({"aws": "aws: 3 rows"}))
    assert len(webhook.new()) == 1


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "null", '{"looks_odd on marts": ["aws"]', "\x00", "1"),
        *(f'{{"looks_odd on marts": {value}}}' for value in ("null", "1", '"aws"', "[1]", "[[]]", '{"aws": 1}')),
    ],
)
def test_damaged_note_of_alerts_costs_a_second_alert(home: Home, webhook: Webhook, content: str) -> None:
    (home.root / ALERTED).write_text(content)
    run(home, warning_check({"aws": "aws: 3 rows"}))
    assert len(webhook.new()) == 1
    run(home, warning_check({"aws": "aws: 3 rows"}))
    assert webhook.new() == []


def test_long_list_of_warnings_is_cut_with_their_number(home: Home, webhook: Webhook) -> None:
    run(home, warning_check({str(number): f"line {number}" for number in range(LISTED + 3)}))
    (text,) = webhook.new()
    assert text.count("new warning") == LISTED and "and 3 more" in text


def test_full_disk_keeps_no_alert_back(home: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orchestration.run_alerts.write_state", full)
    run(home, warning_check({"aws": "aws: 3 rows"}))
    assert len(webhook.new()) == 1


@pytest.mark.parametrize("by_command", [True, False])
def test_sensors_raise_the_alerts_of_runs_that_the_command_did_not_start(
    home: Home, webhook: Webhook, by_command: bool
) -> None:
    """The command's runs stand under the same code location, and it raises their alerts itself."""
    tags = {COMMAND_TAG: "refresh"} if by_command else {}
    for check, sensor, title in (
        (last_check(refused=1), run_failed, "run of job failed"),
        (warning_check({"aws": "aws: 3 rows"}), run_warns, "run of job warns"),
    ):
        job = dg.Definitions(
            assets=[published],
            asset_checks=[check],
            jobs=[dg.define_asset_job("job", executor_def=dg.in_process_executor)],
        ).resolve_job_def("job")
        with dg.DagsterInstance.local_temp(str(home.root)) as instance:
            done = execute_here(job, instance, str(uuid4()), tags, {})
            context = dg.build_run_status_sensor_context(
                sensor_name=sensor.name,
                dagster_event=next(
                    event
                    for event in done.events
                    if (event.is_job_event and event.is_job_failure) or event.is_job_success
                ),
                dagster_instance=instance,
                dagster_run=instance.get_run_by_id(done.run_id) or pytest.fail("no such run"),
            )
            sensor(context if done.success else context.for_run_failure())
        assert [title in text for text in webhook.new()] == ([] if by_command else [True])


def test_build_that_held_leaves_the_alert_to_the_build_without_what_is_held(home: Home, webhook: Webhook) -> None:
    @dg.op
    def ledger() -> None:
        raise dg.Failure(
            "a test failed", metadata={HELD: dg.JsonMetadataValue(["focus: held"])}, allow_retries=False
        )

    @dg.job
    def build() -> None:
        ledger()

    instance = dg.DagsterInstance.ephemeral()
    failed = build.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="run_failed",
        dagster_event=failed.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=failed.dagster_run,
    )
    assert isinstance(run_failed(context.for_run_failure()), dg.SkipReason)
    assert webhook.new() == []


def test_warning_of_a_stale_source_in_a_check_and_in_the_sensor_is_one(home: Home, webhook: Webhook) -> None:
    found = {"newest_charge_is_within_the_sla on source_freshness": {"aws": "aws: 50 h old"}}
    lines: list[str] = []

    def send(new: object) -> bool:
        lines.append(str(new))
        return True

    alert_once(home, found, send)
    alert_once(home, found, send)
    assert "50 h old" in lines[0] and lines[1] == "[]"
