"""A lock of an installation: one process at a time, named to those that wait, gone with its process."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingestion.errors import SettingError
from ingestion.locks import RUN, exclusive_lock
from ingestion.settings import Home

# Another process, which holds the lock until it is ended.
HOLD = """
import sys
from pathlib import Path
from ingestion.locks import RUN, exclusive_lock
from ingestion.settings import Home
with exclusive_lock(Home(Path(sys.argv[1])), RUN, "run 4711"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holding(home: Home) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("is_killed", [False, True], ids=["that ends", "that is killed"])
def test_lock_waits_for_the_process_and_names_it(tmp_path: Path, is_killed: bool) -> None:
    home = Home(tmp_path)
    process = holding(home)
    waited: list[str] = []

    def end(holder: str) -> None:
        waited.append(holder)
        process.kill() if is_killed else process.communicate("")

    with process, exclusive_lock(home, RUN, on_wait=end):
        assert waited == [f"run 4711 (process {process.pid})"]
        assert process.wait() == (-9 if is_killed else 0), "it is over before the lock is had"


def test_lock_is_given_up_after_the_time_that_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTOWNER_WAIT_MINUTES", "0")
    home = Home(tmp_path)
    with holding(home) as process:
        with (
            pytest.raises(
                SettingError, match=f"waited 0 minutes for run 4711 .process {process.pid}.*COSTOWNER_WAIT_MINUTES"
            ),
            exclusive_lock(home, RUN),
        ):
            raise AssertionError
        process.communicate("")
    with exclusive_lock(home, RUN):
        pass


def test_lock_that_is_free_waits_for_nobody(tmp_path: Path) -> None:
    waited: list[str] = []
    with exclusive_lock(Home(tmp_path), RUN, on_wait=waited.append):
        pass
    with exclusive_lock(Home(tmp_path), RUN, on_wait=waited.append), exclusive_lock(Home(tmp_path), "other"):
        assert waited == []


def test_holder_takes_the_lock_again_and_keeps_it_to_the_end_of_the_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    taken: list[str] = []

    def take() -> None:
        with exclusive_lock(home, RUN):
            taken.append("by another thread")

    thread = threading.Thread(target=take)
    with exclusive_lock(home, RUN):
        with exclusive_lock(home, RUN), exclusive_lock(home, RUN):
            pass
        thread.start()
        with pytest.raises(ValueError, match="in between"), exclusive_lock(home, RUN):
            raise ValueError("in between")
        taken.append("by the first")
    thread.join()
    assert taken == ["by the first", "by another thread"]
