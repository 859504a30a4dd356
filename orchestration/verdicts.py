"""What every check of the ledger last said. A refresh without news says it again: a warning stands until its data change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from ingestion.settings import utc_now
from orchestration.kept import keep

FAILED_ROWS = "dagster_dbt/failed_row_count"


class Verdicts:
    """Results of the dbt tests that ran, by check, kept in the folder that dbt builds into (`verdicts.json`)."""

    def __init__(self, target: Path) -> None:
        self._file = target / "verdicts.json"

    def noting(self, events: Iterable[Any]) -> Iterator[Any]:
        """The events of a build as they are; what its checks say is noted, also where the build fails in its middle."""
        said: dict[str, dict[str, Any]] = {}
        try:
            for event in events:
                if check := check_of(event):
                    said[check.to_user_string()] = _note(event)
                yield event
        finally:
            self._kept.update(said)
            keep(self._file, self._kept)

    def standing(self, checks: Iterable[dg.AssetCheckKey]) -> Iterator[dg.AssetCheckResult]:
        """The last result of each of these checks that has one, with the time at which it was found."""
        for check in checks:
            note = self._kept.get(check.to_user_string())
            if note is not None:
                yield dg.AssetCheckResult(
                    asset_key=check.asset_key,
                    check_name=check.name,
                    passed=note["passed"],
                    severity=dg.AssetCheckSeverity[note["severity"]],
                    metadata={
                        "nothing new": True,
                        "evaluated": dg.MetadataValue.timestamp(datetime.fromisoformat(note["at"])),
                        **({} if note["failed_rows"] is None else {FAILED_ROWS: note["failed_rows"]}),
                    },
                )

    @cached_property
    def _kept(self) -> dict[str, dict[str, Any]]:
        kept: dict[str, dict[str, Any]] = json.loads(self._file.read_text()) if self._file.exists() else {}
        return kept


def check_of(event: Any) -> dg.AssetCheckKey | None:
    """The check that an event of a build is a result of; None where it is none."""
    if isinstance(event, dg.AssetCheckResult) and event.asset_key and event.check_name:
        return dg.AssetCheckKey(event.asset_key, event.check_name)
    return None


def _note(result: dg.AssetCheckResult) -> dict[str, Any]:
    failed_rows = result.metadata.get(FAILED_ROWS)
    return {
        "passed": result.passed,
        "severity": result.severity.name,
        "failed_rows": None if failed_rows is None else failed_rows.value,
        "at": utc_now().isoformat(),
    }
