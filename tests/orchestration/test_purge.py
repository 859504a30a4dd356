"""Purging prompts: what must go goes from the lake's files, what may stay stays, whenever it is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingestion.settings import Home
from ingestion.sources.llm_prompts.shape import LLM_PROMPTS
from ingestion.sources.registry.client import RegistryError
from orchestration.retention.purge import DRAFT, overdue, purge
from tests.ingestion.test_llm_prompts import (
    KEY,
    MAIL,
    NOW,
    POLICY,
    ROOT,
    WORDS,
    holds,
    landed,
    log,
    registry,
    rows,
    slp,
)

__all__ = ["log", "registry"]  # fixtures
Declare, Write = Callable[..., Path], Callable[..., None]
LATER = NOW + timedelta(days=12)  # 2 December: what is of the 18th or before must be gone


@pytest.fixture
def home(tmp_path: Path, registry: Declare, log: Write) -> Home:
    """Three loads: of the 17th, of the 18th and 19th, of the 19th."""
    registry(POLICY)
    made = Home(tmp_path / "home")
    log(slp(17, "support", day=17))
    landed(made)
    log(slp(18, "support", day=18), slp(19, "support", day=19))
    landed(made)
    log(slp(20, "support", day=19), name="batch_11-00-01_late")
    landed(made)
    assert len(files(made)) == 3
    return made


def files(home: Home) -> list[Path]:
    return sorted((home.lake / "raw_llm_prompts" / "llm_prompts").glob("*.parquet"))


def requests(home: Home) -> set[str]:
    return {row["request_id"] for row in rows(home)}


def test_what_is_too_old_goes_with_its_file_and_the_rest_stays(home: Home) -> None:
    assert overdue(home, NOW) == [] and purge(home, NOW).rows == 0
    assert len(overdue(home, LATER)) == 2
    done = purge(home, LATER)
    assert (done.rows, done.files_removed, done.files_rewritten) == (6, 1, 1)
    assert requests(home) == {"r19", "r20"} and overdue(home, LATER) == []
    for file in files(home):
        assert pq.read_schema(file).equals(LLM_PROMPTS.schema)
    assert purge(home, LATER).rows == 0


def test_withdrawn_policy_purges_all_that_was_kept_under_it(home: Home, registry: Declare) -> None:
    registry({**POLICY, "workflow": "other"})
    assert len(overdue(home, NOW)) == 3
    purge(home, NOW)
    assert holds(home, WORDS, KEY, MAIL) == [] and overdue(home, NOW) == []


def test_policy_that_begins_later_or_keeps_for_less_purges_what_it_no_longer_covers(
    home: Home, registry: Declare
) -> None:
    registry({**POLICY, "valid_from": "2026-11-18"})
    purge(home, NOW)
    assert requests(home) == {"r18", "r19", "r20"}
    registry({**POLICY, "retention_days": 2})
    purge(home, NOW)
    assert requests(home) == {"r19", "r20"}


def test_longer_retention_does_not_prolong_what_was_promised(home: Home, registry: Declare) -> None:
    registry({**POLICY, "retention_days": 300})
    purge(home, LATER)
    assert requests(home) == {"r19", "r20"}


def test_broken_registry_is_told_and_what_is_past_its_own_date_goes_all_the_same(
    home: Home, registry: Declare
) -> None:
    registry({"workflow": "support"})
    with pytest.raises(RegistryError):
        purge(home, LATER)
    assert requests(home) == {"r19", "r20"}


def test_purged_rows_do_not_come_back_with_the_next_landing(home: Home, registry: Declare, log: Write) -> None:
    purge(home, LATER)
    log(slp(21, "support", day=17), name="batch_very_late")
    landed(home, LATER)
    assert requests(home) == {"r19", "r20"}


def test_where_nothing_was_ever_kept_there_is_nothing_to_do(tmp_path: Path, registry: Declare) -> None:
    assert purge(Home(tmp_path / "new"), NOW).rows == 0 and overdue(Home(tmp_path / "new"), NOW) == []


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from ingestion.settings import Home
from orchestration.retention.purge import purge
home, now, registry, event = sys.argv[1:]

def at(name, arguments):
    path = str(arguments[0]) if arguments else ""
    if name == event and "llm_prompts" in path and path.endswith((".parquet", ".purging")):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(at)
purge(Home(Path(home)), datetime.fromisoformat(now), Path(registry))
"""


@pytest.mark.parametrize("event", ["os.rename", "os.remove"])
def test_killed_purge_loses_nothing_leaves_nothing_half_and_the_next_one_ends_it(
    home: Home, registry: Declare, event: str
) -> None:
    """Killed before its first rename (the draft is written), and before its first removal."""
    before = {row["request_id"]: row["text_redacted"] for row in rows(home)}
    command = [sys.executable, "-c", KILLED, str(home.root), LATER.isoformat(), str(registry(POLICY)), event]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    if event == "os.rename":
        assert list((home.lake / "raw_llm_prompts" / "llm_prompts").glob(f"*{DRAFT}"))
    after = {row["request_id"]: row["text_redacted"] for row in rows(home)}  # every file can be read
    assert {"r19", "r20"} <= set(after) <= set(before) and after.items() <= before.items()
    assert overdue(home, LATER)
    purge(home, LATER)
    assert requests(home) == {"r19", "r20"} and overdue(home, LATER) == []
    assert {row["retention_until"] for row in rows(home)} == {date(2026, 12, 3)}


def test_leftover_of_a_killed_landing_is_seen_and_goes(home: Home) -> None:
    left = home.dlt / "llm_prompts" / "normalize" / "1.5" / "new_jobs" / "llm_prompts.abc.0.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(files(home)[0].read_bytes())
    assert overdue(home, NOW) == ["llm_prompts.abc.0.parquet: left by a run that was killed"]
    purge(home, NOW)
    assert not left.exists() and overdue(home, NOW) == []
    landed(home, datetime(2026, 11, 21, tzinfo=UTC))


def test_half_a_file_of_a_killed_landing_is_seen_and_goes(home: Home) -> None:
    half = files(home)[0].with_name("1700000000.5.abc.parquet")
    half.write_bytes(files(home)[0].read_bytes()[:200])
    assert overdue(home, NOW) == ["1700000000.5.abc.parquet: left by a run that was killed"]
    assert purge(home, NOW).files_removed == 1
    assert len(files(home)) == 3 and overdue(home, NOW) == []
