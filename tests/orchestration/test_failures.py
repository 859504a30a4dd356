"""What a failed landing says: our own words, however deep dlt wrapped them, and a retry where that can help."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import SettingError, VendorError
from ingestion.lake import Rows, Slice, Source, land
from ingestion.settings import Home
from orchestration.assets.failure import explained, is_of_one_source, one_line
from tests.ingestion.test_lake import CHARGES, NOW, WINDOW, NoSettings, vendor


def failing(error: Exception) -> Source:
    def slices(*args: Any) -> Iterable[Slice]:
        def read() -> Iterable[Rows]:
            try:
                raise ValueError("line 1 column 9")
            except ValueError as cause:
                raise error from cause

        yield Slice("a", "2026-11", datetime(2026, 11, 1), NOW, read)  # noqa: DTZ001 - never written

    return Source("vendor", "Vendor", "", NoSettings, (CHARGES,), slices, vendor, 36)


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

    source = Source("vendor", "Vendor", "", NoSettings, (CHARGES,), slices, vendor, 36)
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
    of_dbt = "Compilation Error in operation x (./dbt_project.yml)\n  the reason\n\n  > called by y"
    assert one_line(of_dbt) == "Compilation Error in operation x (./dbt_project.yml): the reason"
    of_profile = "Runtime Error\n  Compilation Error\n    Could not render x: Could not convert it"
    assert one_line(of_profile) == "Compilation Error: Could not render x: Could not convert it"
