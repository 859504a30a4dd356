"""The message of a failed landing: ours, however deeply dlt wrapped it, and a retry if one can help."""

from __future__ import annotations

import errno
import json
import re
import subprocess
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation
from dagster_dbt.errors import DagsterDbtError
from packaging.version import Version

from ingestion.errors import SettingError, VendorError
from ingestion.lake.contract import Rows, Slice, Source
from ingestion.lake.pipeline import land
from ingestion.settings import Home
from orchestration.assets.failure import causes, explained, in_our_words, is_of_one_source, one_line
from orchestration.dbt.engine import Engine
from orchestration.dbt.failure import why_it_failed
from orchestration.dbt.invocation import LedgerInvocation
from tests.faults.search import found_below
from tests.ingestion.test_lake import CHARGES, NOW, WINDOW, NoSettings


def failing(error: Exception) -> Source:
    def slices(*args: Any) -> Iterable[Slice]:
        def read() -> Iterable[Rows]:
            try:
                raise ValueError("line 1 column 9")
            except ValueError as cause:
                raise error from cause

        yield Slice("a", "2026-11", datetime(2026, 11, 1), NOW, read)  # noqa: DTZ001 - never written

    return Source("vendor", "Vendor", "", NoSettings, (CHARGES,), slices)


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (VendorError("Vendor: /x did not answer in JSON"), True),
        (SettingError("check sources.vendor.token"), False),
    ],
)
def test_failure_of_a_landing_is_told_in_our_words(tmp_path: Path, error: Exception, retried: bool) -> None:
    with pytest.raises(Exception) as caught:
        land(Home(tmp_path), failing(error), NoSettings(), WINDOW, NOW)
    assert caught.value is not error, "dlt wraps what its resources raise"
    assert explained(caught.value) == (str(error), retried)


def test_failure_that_is_not_ours_is_told_by_its_root() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as cause:
            raise RuntimeError("load failed") from cause
    except RuntimeError as error:
        message, again = explained(error)
        assert message.startswith("OSError: No space left on device in tests/orchestration/") and not again
        assert not is_of_one_source(error), "every other source needs the disk too"


def test_failure_of_a_library_is_named_by_kind_and_place_without_its_text(tmp_path: Path) -> None:
    def slices(*args: Any) -> Iterable[Slice]:
        return [Slice("a", "2026-11", int("a prompt"), NOW, list)]  # type: ignore[arg-type]

    source = Source("vendor", "Vendor", "", NoSettings, (CHARGES,), slices)
    with pytest.raises(ValueError, match="a prompt") as caught:
        land(Home(tmp_path), source, NoSettings(), WINDOW, NOW)
    message, again = explained(caught.value)
    assert re.fullmatch(r"ValueError in tests/orchestration/test_failures\.py, line \d+", message) and not again
    assert is_of_one_source(caught.value)


def test_failure_is_told_in_one_line() -> None:
    log = "Traceback …\n  File x\nRuntime Error in model a\n  IO Error: No space left on device\n\n  compiled code at …\n"
    assert one_line(log) == "IO Error: No space left on device"
    assert one_line("check sources.vercel.token") == "check sources.vercel.token"
    assert one_line("") == "failed"
    of_registry = (
        "the registry in r has errors:\nowners.yml, line 2: x\nowners.yml, line 3: y\nbudgets.yml, line 1: z"
    )
    assert one_line(of_registry) == "the registry in r has errors: owners.yml, line 2: x (and 2 more)"
    of_dbt = "Compilation Error in operation x (./dbt_project.yml)\n  the reason\n\n  > called by y"
    assert one_line(of_dbt) == "Compilation Error in operation x (./dbt_project.yml): the reason"
    of_profile = "Runtime Error\n  Compilation Error\n    Could not render x: Could not convert it"
    assert one_line(of_profile) == "Compilation Error: Could not render x: Could not convert it"


def test_causes_of_a_run_name_step_and_reason_as_a_whole_the_first_one_first() -> None:
    long = "Vercel: " + "x" * 5000

    @dg.asset
    def raw_vercel() -> None:
        raise dg.Failure(long, allow_retries=False)

    @dg.asset
    def raw_atlas() -> None:
        raise ValueError("no description") from KeyError("canary")

    @dg.asset
    def ledger() -> None: ...

    @dg.asset_check(asset=ledger, blocking=True)
    def adds_up() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, description="atlas, 2026-10: delivered 2 USD, in the ledger 1")

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([raw_vercel], instance=instance, raise_on_error=False)
        assert causes(result.all_events) == [f"vercel: {long}"]
        result = dg.materialize([raw_atlas], instance=instance, raise_on_error=False)
        assert causes(result.all_events) == ["atlas: KeyError: 'canary'"]
        result = dg.materialize([ledger, adds_up], instance=instance, raise_on_error=False)
        found = causes(result.all_events)
    assert found == ["check adds_up on ledger: atlas, 2026-10: delivered 2 USD, in the ledger 1"]


def build_that_failed(home: Home, *results: dict[str, Any]) -> str:
    folder = Engine("duckdb").target_folder(home)
    folder.mkdir(exist_ok=True)
    (folder / "run_results.json").write_text(json.dumps({"results": results}))
    return why_it_failed(home, Engine("duckdb"), DagsterDbtError("Errors parsed from dbt logs:\n"))


def test_failed_test_is_named_with_the_rows_that_it_found(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            "create table charges as select 'atlas' as source, 'a prompt' as tag, i as cost from range(5) as n(i)"
        )
    failed = {
        "unique_id": "test.costowner.costs_are_small.abc123",
        "status": "fail",
        "failures": 4,
        "message": "Got 4 results, configured to fail if != 0",
        "compiled_code": 'select * from "warehouse"."main"."charges" where cost > 0 order by cost',
    }
    passed = {"unique_id": "model.costowner.charges", "status": "success", "message": "OK"}
    assert build_that_failed(home, passed, failed) == (
        "test costs_are_small failed: 4 rows, source=atlas, cost=1; source=atlas, cost=2; source=atlas, cost=3"
    )
    home.warehouse.unlink()
    assert build_that_failed(home, failed) == "test costs_are_small failed: 4 rows"


def test_failed_model_comes_before_the_tests_that_could_not_run_without_it(tmp_path: Path) -> None:
    test = {
        "unique_id": "test.costowner.t.1",
        "status": "error",
        "message": "Runtime Error in test t\n  Catalog Error: x",
    }
    model = {
        "unique_id": "model.costowner.m",
        "status": "error",
        "message": "Runtime Error in model m\n  IO Error: full",
    }
    assert build_that_failed(Home(tmp_path), test).startswith("test t failed: Catalog Error (dbt.log")
    assert build_that_failed(Home(tmp_path), model, test) == (
        "model m failed: Runtime Error in model m IO Error: full (and 1 more, see the checks of the ledger)"
    )


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "Runtime Error in model m\n  Conversion Error: Could not convert string 'a prompt' to INT32",
            "Conversion Error",
        ),
        (
            'Runtime Error in model m\n  Invalid Input Error: Malformed JSON, Input: "a prompt"',
            "Invalid Input Error",
        ),
        (
            "Runtime Error in model m\n  [CAST_INVALID_INPUT] The value 'a prompt' of the type",
            "[CAST_INVALID_INPUT]",
        ),
        ("Runtime Error in model m\n  Binder Error: struct pack 'a prompt'", "Binder Error"),
        ('Runtime Error in model m\n  Parser Error: syntax error near "a prompt"', "Parser Error"),
        ("a prompt", "an error"),
    ],
)
def test_error_of_a_model_is_named_without_the_data_that_it_quotes(
    tmp_path: Path, message: str, shown: str
) -> None:
    model = {"unique_id": "model.costowner.m", "status": "error", "message": message}
    found = build_that_failed(Home(tmp_path), model)
    assert found.startswith(f"model m failed: {shown} (dbt.log") and "a prompt" not in found


def test_dbt_that_did_not_come_to_its_end_is_quoted_with_what_it_printed_last(tmp_path: Path) -> None:
    nothing = DagsterDbtError("Errors parsed from dbt logs:\n\n")
    assert why_it_failed(Home(tmp_path), Engine("duckdb"), nothing).startswith(
        "dbt ended without results; dbt.log"
    )
    error = DagsterDbtError("dbt failed\n  Runtime Error\n  IO Error: Could not open warehouse.duckdb\n")
    assert why_it_failed(Home(tmp_path), Engine("duckdb"), error) == "IO Error: Could not open warehouse.duckdb"


def test_library_that_quotes_what_it_read_is_kept_by_kind_and_place(tmp_path: Path) -> None:
    """Dagster keeps an error with its causes: the failing step of a check and of a required source alike."""
    word = "a prompt of somebody"

    @dg.asset
    def ledger() -> None: ...

    @dg.asset_check(asset=ledger)
    @in_our_words()
    def adds_up() -> dg.AssetCheckResult:
        try:
            int(word)
        except ValueError as error:
            raise KeyError(word) from error
        return dg.AssetCheckResult(passed=True)

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        result = dg.materialize([ledger, adds_up], instance=instance, raise_on_error=False)
        assert not result.success
        (cause,) = causes(result.all_events)
    assert re.fullmatch(r"ledger_adds_up: ValueError in tests/orchestration/test_failures\.py, line \d+", cause), (
        cause
    )
    assert found_below(tmp_path, [word]) == set()


def test_failure_that_says_enough_passes_as_it_is() -> None:
    with pytest.raises(dg.Failure, match="nothing is published") as caught, in_our_words():
        raise dg.Failure("nothing is published: no build", allow_retries=False)
    assert caught.value.description == "nothing is published: no build"
    with pytest.raises(dg.Failure, match=r"IOException: IO Error: .*no-such-folder"), in_our_words():
        duckdb.connect("/no-such-folder/warehouse.duckdb")


# Lines that dbt prints as it runs: the level and name of an event, and its text.
PRINTED = [
    ("info", "MainReportVersion", "Running with dbt=1.11.0"),
    ("error", "LogModelResult", "1 of 2 ERROR creating sql table model main.charges [ERROR in 0.01s]"),
    ("error", "LogTestResult", "2 of 2 FAIL 4 costs_are_small [FAIL 4 in 0.01s]"),
    (
        "error",
        "RunResultError",
        "  Runtime Error in model charges (models/marts/charges.sql)\n"
        "  Conversion Error: Could not convert string 'a prompt' to INT32\n  LINE 1: select 'a prompt'",
    ),
    ("error", "RunResultFailure", "Failure in test costs_are_small (tests/costs_are_small.sql)"),
    ("error", "RunResultError", "  Got 4 results, configured to fail if != 0"),
    (
        "error",
        "MainEncounteredError",
        "Encountered an error:\n[CAST_INVALID_INPUT] The value 'a prompt' of the type",
    ),
    ("error", "RunResultError", "  Runtime Error in model x (models/x.sql)\n  IO Error: No space left on device"),
]


def test_what_dbt_prints_quotes_no_data(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = [
        json.dumps({"info": {"level": level, "name": name, "msg": text}, "data": {}})
        for level, name, text in PRINTED
    ]
    lines.insert(3, "org.apache.spark.SparkException: The value 'a prompt' of the type")
    (tmp_path / "printed").write_text("\n".join(lines))
    process = subprocess.Popen(["sh", "-c", "cat printed; exit 1"], stdout=subprocess.PIPE, cwd=tmp_path)
    started = DbtCliInvocation(
        process,
        {},
        DagsterDbtTranslator(),
        tmp_path,
        tmp_path,
        raise_on_error=True,
        cli_version=Version("1.11"),
    )
    with pytest.raises(DagsterDbtError) as caught:
        LedgerInvocation.of(started).wait()
    printed = capfd.readouterr().out
    assert "a prompt" not in printed + str(caught.value)
    assert printed.splitlines() == [
        "Running with dbt=1.11.0",
        "1 of 2 ERROR creating sql table model main.charges [ERROR in 0.01s]",
        "2 of 2 FAIL 4 costs_are_small [FAIL 4 in 0.01s]",
        "Runtime Error in model charges (models/marts/charges.sql): Conversion Error (dbt.log in the installation's "
        "dbt_target has its text, which may quote data)",
        "Failure in test costs_are_small (tests/costs_are_small.sql)",
        "  Got 4 results, configured to fail if != 0",
        "[CAST_INVALID_INPUT] (dbt.log in the installation's dbt_target has its text, which may quote data)",
        "Runtime Error in model x (models/x.sql): IO Error: No space left on device",
    ]
    assert "a prompt" in (tmp_path / "other_output.log").read_text(), "Java's own lines are kept beside dbt's log"
