"""`costowner refresh`: its progress and its log, and which sources it lands."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from click.testing import CliRunner

from ingestion.errors import SettingError
from ingestion.settings import Home, Month, Window, secrets_of
from ingestion.sources.catalog import SOURCES
from orchestration.backfill_state import window_for
from orchestration.cli.main import costowner
from orchestration.cli.progress import KEPT, Progress, RefreshLog, refresh_log
from orchestration.cli.refresh import assets_of
from orchestration.partitions import history_start, open_window

NOW = datetime(2026, 10, 3, 6, tzinfo=UTC)
CANARY = "canary-4711"
RUN_ID = str(uuid4())
MODELS = [dg.AssetKey(["marts", f"m{number}"]) for number in range(8)]


@dg.multi_asset(
    name="raw_vercel", specs=[dg.AssetSpec(["raw_vercel", name]) for name in ("charges", "deliveries")]
)
def landed(context: dg.AssetExecutionContext) -> object:
    context.log.warning("Vercel: busy; asked again in 60 seconds")
    for name, rows in (("charges", 1234), ("deliveries", 7)):
        slices = dg.JsonMetadataValue({"delivered": 3, "refused": 1})
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["raw_vercel", name]),
            metadata={"dagster/partition_row_count": dg.IntMetadataValue(rows), "slices": slices},
        )


@dg.multi_asset(name="ledger", specs=[dg.AssetSpec(key) for key in MODELS])
def built() -> object:
    for key in MODELS:
        yield dg.MaterializeResult(asset_key=key)


@dg.asset
def broken() -> None:
    raise ValueError(f"a library quotes {CANARY}")


@pytest.fixture
def home(tmp_path: Path, environment: None) -> Home:
    for name in [name for name in os.environ if name.startswith(("SOURCES__", "COSTOWNER_"))]:
        del os.environ[name]
    os.environ["COSTOWNER_NOW"] = NOW.isoformat()
    return Home(tmp_path)


def run(home: Home, *assets: dg.AssetsDefinition) -> tuple[list[str], str]:
    """What a run of these assets shows, and what its log holds."""
    shown: list[str] = []
    log = RefreshLog(home, NOW)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_event_listener(RUN_ID, Progress(log, shown.append, set(MODELS)))
        definitions = dg.Definitions(assets=assets, jobs=[dg.define_asset_job("job")])
        definitions.resolve_job_def("job").execute_in_process(
            instance=instance, run_id=RUN_ID, raise_on_error=False
        )
    log.close()
    return shown, log.path.read_text()


def without_seconds(lines: list[str]) -> list[str]:
    return [line.rpartition(";")[0] if line.endswith(" s") else line for line in lines]


def test_each_step_is_a_line_as_it_ends_and_warnings_are_shown(home: Home) -> None:
    shown, log = run(home, landed, built)
    assert sorted(without_seconds(shown)) == sorted(
        [
            "  Vercel: busy; asked again in 60 seconds",
            "  Vercel: 3 delivered, 1 refused; 1,234 rows",
            "  ledger: 2 of 8 tables and views",
            "  ledger: 4 of 8 tables and views",
            "  ledger: 6 of 8 tables and views",
            "  ledger: 8 tables and views, 0 checks",
        ]
    )
    assert "WARNING raw_vercel: Vercel: busy" in log and log.count("STEP_SUCCESS") == 2


def test_step_that_fails_is_shown_and_its_traceback_stays_out_of_the_log(home: Home) -> None:
    shown, log = run(home, broken)
    assert without_seconds(shown) == ["  broken: failed"]
    assert "STEP_FAILURE" in log and "Traceback" not in log


def test_log_holds_no_secret_and_is_its_users_alone(home: Home) -> None:
    os.environ["SOURCES__VERCEL__TOKEN"] = CANARY
    os.environ["SOURCES__LLM_GATEWAY__MONGO_URI"] = f"mongodb://user:{CANARY}-too@host/"
    os.umask(0o077)
    with refresh_log(home, NOW) as log:
        print(f"dbt printed {CANARY} and {CANARY}-too")
    text = log.path.read_text()
    assert text == "dbt printed *** and ***\n"
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600 and log.path.name == "refresh-20261003T060000Z.log"


def test_every_secret_setting_is_kept_out_of_the_log(home: Home) -> None:
    for source in SOURCES:
        for setting in source.secrets:
            os.environ[setting.upper().replace(".", "__")] = f"{CANARY}-{setting}"
        expected = {f"{CANARY}-{setting}" for setting in source.secrets}
        assert secrets_of(source.settings, source.name) == expected


@pytest.mark.parametrize(
    "address",
    [
        f"https://user:{CANARY}@host/path",
        f"https://user:{CANARY}/with?odd@signs@host/path",
        f"https://host/path?X-Amz-Signature={CANARY}",
        f"a=https://host:443/x,b=https://user:{CANARY}@host/",
        f"https://user:{CANARY.replace('-', '%2D')}@host/",
    ],
)
def test_credentials_in_an_address_are_kept_out_of_the_log(home: Home, address: str) -> None:
    os.environ["SOURCES__LLM_GATEWAY__LITELLM_API_URL"] = address
    os.environ["COSTOWNER_ALERT_WEBHOOK"] = f"https://hooks.example.com/{CANARY}"
    with refresh_log(home, NOW) as log:
        print(f"a library printed {address} and https://hooks.example.com/{CANARY}")
    assert CANARY not in log.path.read_text().replace("%2D", "-")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device of a full disk is Linux's")
def test_log_on_a_full_disk_does_not_fail_the_refresh(home: Home) -> None:
    log = RefreshLog(home, NOW)
    log.path.unlink()
    log.path.symlink_to("/dev/full")
    full = RefreshLog(home, NOW)
    full.write("lost\n")
    full.flush()
    full.close()
    assert log.path.is_symlink()


def test_last_logs_are_kept_and_older_ones_removed(home: Home) -> None:
    for days in range(KEPT + 5):
        RefreshLog(home, NOW + timedelta(days=days)).close()
    names = sorted(file.name for file in (home.root / "logs").iterdir())
    assert len(names) == KEPT and names[0] == "refresh-20261008T060000Z.log"


def test_refresh_of_a_source_lands_it_with_the_registry_and_declares_the_others(home: Home) -> None:
    keys = assets_of(home, ("vercel",)) or []
    assert {key.path[0] for key in keys} == {"raw_vercel", "raw_registry"}
    declared = {folder.parent.name for folder in home.lake.glob("*/_contract")}
    assert declared == {source.dataset for source in SOURCES} - {"raw_vercel", "raw_registry"}
    assert assets_of(home, ()) is None


def test_refresh_of_a_source_takes_the_history_that_this_source_lacks(home: Home) -> None:
    os.environ.update(SOURCES__VERCEL__TOKEN="t", SOURCES__VERCEL__TEAM_ID="team")
    current = open_window()
    assert window_for(home, ("vercel",)) == Window(history_start(), current.last)
    assert window_for(home, ("aws",)) == current == Window(Month(2026, 9), Month(2026, 10))


def test_unknown_source_is_wrong_usage_and_near_names_are_shown(home: Home) -> None:
    done = CliRunner().invoke(costowner, ["refresh", "--source", "vercl"])
    assert done.exit_code == 2 and "there is no source 'vercl'; did you mean 'vercel'?" in done.output
    assert not list(home.root.iterdir())


def test_wrong_month_is_one_line_before_anything_starts(home: Home) -> None:
    os.environ["COSTOWNER_HOME"] = str(home.root)
    with pytest.raises(SettingError, match="write YYYY-MM"):
        Month.parse("2026-13")
    done = CliRunner().invoke(costowner, ["refresh", "--months", "2026-13"])
    assert done.exit_code == 1 and "'2026-13' is not a month" in done.output and "Traceback" not in done.output
