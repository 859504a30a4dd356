"""Purging prompts: what is too old, or what no policy lets be kept any longer, leaves the lake's files.

The rest of the lake is append-only; this one dataset is not. A file is rewritten without the rows that must go and
put in the old one's place in one step, or removed where nothing of it may stay. So a purge that is killed has done
each file wholly or not at all, and the next one does the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.atomic_write import atomic_write
from ingestion.lake.manifest import rewriting
from ingestion.lake.notes import complete_loads, load_of
from ingestion.locks import exclusive_lock
from ingestion.settings import Home
from ingestion.sources.llm_prompts import SOURCE
from ingestion.sources.llm_prompts.policy import PromptPolicy, prompt_policy
from ingestion.sources.llm_prompts.shape import LLM_PROMPTS
from ingestion.sources.registry.client import RegistryError
from orchestration.layout import writing

# Not `.parquet`: no reader takes it for data.
DRAFT = ".purging"


@dataclass(frozen=True)
class Purged:
    """What a purge did."""

    rows: int
    files_rewritten: int
    files_removed: int

    def __str__(self) -> str:
        return (
            f"{self.rows} rows deleted, {self.files_rewritten} files rewritten, {self.files_removed} files removed"
        )


def _folder(home: Home) -> Path:
    return home.lake / SOURCE.dataset / LLM_PROMPTS.name


def _files(home: Home) -> list[Path]:
    return sorted(_folder(home).glob("*.parquet"))


def _may_stay(rows: pa.Table, policy: PromptPolicy | None, today: date) -> list[bool]:
    """Of each row whether it may stay. Without a policy that can be read, its own date decides."""
    columns = (rows["workflow"], rows["started_at"], rows["retention_until"])
    kept = []
    for workflow, started_at, until in zip(*(column.to_pylist() for column in columns), strict=True):
        if workflow is None or started_at is None or until is None:
            kept.append(False)
        elif policy is None:
            kept.append(today < until)
        else:
            kept.append(policy.may_stay(workflow, started_at, until, today))
    return kept


def _leftovers(home: Home) -> Iterator[Path]:
    """Copies outside of the data files: drafts of a killed purge, and the files of loads that never ended."""
    yield from sorted(_folder(home).glob(f"*{DRAFT}"))
    # dlt's working folder; what it needs to know it learns from the lake again.
    yield from sorted((home.dlt / SOURCE.name).glob(f"**/{LLM_PROMPTS.name}.*.parquet"))


def purge(home: Home, now: datetime, registry: Path | None = None) -> Purged:
    """Delete what must be gone by `now`, of the registry that is set or of the folder given.

    Raises RegistryError where the policy can't be read, once all that is past its own date is deleted.
    """
    policy: PromptPolicy | None
    broken: RegistryError | None = None
    if not _folder(home).is_dir():
        return Purged(0, 0, 0)
    try:
        policy = prompt_policy(registry)
    except RegistryError as error:
        policy, broken = None, error
    rows = rewritten = removed = 0
    with ExitStack() as locks:
        # Neither a landing nor a build may look at a file that goes.
        locks.enter_context(writing(home, "a purge of prompts"))
        locks.enter_context(exclusive_lock(home, SOURCE.name, "a purge of prompts"))
        for left in _leftovers(home):
            left.unlink(missing_ok=True)
        complete = complete_loads(home.lake / SOURCE.dataset)
        for file in _files(home):
            if load_of(file) not in complete:
                # No landing is running: it was killed, and may have left half a file.
                file.unlink()
                removed += 1
                continue
            found = pq.read_table(file, partitioning=None)
            kept = _may_stay(found, policy, now.date())
            if all(kept) and kept:
                continue
            rows += kept.count(False)
            with rewriting(_folder(home).parent, load_of(file), file):
                if any(kept):
                    with atomic_write(file, DRAFT) as draft:
                        pq.write_table(found.filter(pa.array(kept)), draft)
                    rewritten += 1
                else:
                    file.unlink()
                    removed += 1
    if broken:
        raise broken
    return Purged(rows, rewritten, removed)


def overdue(home: Home, now: datetime, registry: Path | None = None) -> list[str]:
    """What a purge would have had to delete by `now`, a line a file: read from the files themselves.

    Raises RegistryError where the policy can't be read.
    """
    if not _folder(home).is_dir():
        return []
    policy = prompt_policy(registry)
    found = [f"{left.name}: left by a run that was killed" for left in _leftovers(home)]
    complete = complete_loads(home.lake / SOURCE.dataset)
    for file in _files(home):
        if load_of(file) not in complete:
            found.append(f"{file.name}: left by a run that was killed")
            continue
        kept = _may_stay(pq.read_table(file, partitioning=None), policy, now.date())
        if not all(kept):
            found.append(f"{file.name}: {kept.count(False)} rows are too old or outside of the policy")
    return found
