"""The command `refresh` without its pauses between attempts, after landings of one source each with settings of their own.

    python -m tests.faults.refresh_at_once CASES.json [OPTION…]

CASES.json is a list of a source's name and its settings, environment variables. The test of canaries runs it.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from unittest import mock

import dagster as dg

from ingestion.access import s3_client
from ingestion.settings import Home
from ingestion.sources.catalog import SOURCES
from orchestration.assets import raw
from orchestration.cli.main import main
from orchestration.environment import prepare
from orchestration.run_lock import RUN_LOCK, RunLock


def land(name: str, settings: dict[str, str], instance: dg.DagsterInstance) -> None:
    """Land a source with some settings and no others of its own, as its step does."""
    (source,) = (one for one in SOURCES if one.name == name)
    prefix = f"SOURCES__{name.upper()}__"
    others = {key: value for key, value in os.environ.items() if not key.startswith(prefix)}
    with mock.patch.dict(os.environ, {**others, **settings}, clear=True):
        dg.materialize(
            [raw.raw_assets(source)],
            partition_key="2026-10",
            instance=instance,
            resources={RUN_LOCK: RunLock()},
            raise_on_error=False,
        )


if __name__ == "__main__":
    random.uniform = lambda *span: 0.0  # type: ignore[assignment]
    raw.AGAIN = dg.RetryPolicy(max_retries=0)
    s3_client.ATTEMPTS = 1
    cases = json.loads(Path(sys.argv.pop(1)).read_text())
    prepare(Home.from_environment())
    with dg.DagsterInstance.get() as opened:
        for case in cases:
            land(*case, opened)
    sys.argv.insert(1, "refresh")
    sys.exit(main())
