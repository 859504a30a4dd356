"""What every test shares: telemetry off, no setting of the machine's owner in reach, and who runs beside whom."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
os.environ["DO_NOT_TRACK"] = "1"

# Whole refreshes, beside those of another worker, on a machine that may be slow: a test that hangs ends all the same.
SLOW_TEST_SECONDS = 3600
# Files of tests that share what is dear to make, one sample company that is refreshed: they go to one worker.
SHARING = {
    "tests/end_to_end/test_faults.py": "company",
    "tests/end_to_end/test_focus_conformance.py": "company",
    "tests/end_to_end/test_sample_company.py": "company",
}
# Files that take longest, in this order before the others of their folder: no worker is left alone with one at the end.
LONGEST = (
    *SHARING,
    "tests/end_to_end/test_engines.py",
    "tests/end_to_end/test_focus.py",
    "tests/end_to_end/test_slicing.py",
    "tests/end_to_end/test_closed_months.py",
)


@pytest.fixture(autouse=True)
def handlers_of_signals_stay() -> Iterator[None]:
    """What a test, or the command that it runs in this process, does to a signal, no process of a later test inherits."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


class WholeFiles(LoadFileScheduling):
    """What a worker (`pytest -n`) takes: a file of tests, or the files that share."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return SHARING.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    return WholeFiles(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") is not None and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SLOW_TEST_SECONDS))
    first = next((place for place, item in enumerate(items) if _file(item).startswith("tests/end_to_end/")), 0)
    items[first:] = sorted(items[first:], key=_place)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _place(item: pytest.Item) -> int:
    file = _file(item)
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees no credential, home or clock but its own."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "COSTOWNER_", "AWS_")):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
