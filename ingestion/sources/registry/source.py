"""The registry as a source: one slice, the whole of it, landed only if it is right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ingestion.lake.contract import Known, Rows, Slice, Source
from ingestion.setting_table import about
from ingestion.settings import Home, Window
from ingestion.sources.registry.check import problems
from ingestion.sources.registry.client import Registry, RegistryError, read
from ingestion.sources.registry.shape import (
    ALLOCATION_POOL_MEMBERS,
    ALLOCATION_POOLS,
    BUDGETS,
    CLAIM_KEYS,
    MODEL_NAMES,
    OWNERS,
    OWNERSHIP_RULES,
    PROMPT_POLICY,
    REPRICED_MONTHS,
    TABLES,
    budget_rows,
    claim_key_rows,
    model_name_rows,
    owner_rows,
    policy_rows,
    pool_rows,
    repriced_rows,
    rule_rows,
)


@dataclass(frozen=True)
class RegistrySettings:
    """Owners, rules, pools and budgets in YAML files."""

    path: str | None = field(
        default=None,
        metadata=about(
            "the folder of the YAML files; else COSTOWNER_REGISTRY, or `registry/` of the installation"
        ),
    )


def checked(folder: Path) -> Registry:
    """The registry of a folder. Raises RegistryError, which lists all that is wrong; then nothing is landed."""
    registry = read(folder)
    found = problems(registry)
    if found:
        raise RegistryError(f"the registry in {folder} has errors:\n" + "\n".join(found))
    return registry


def slices(settings: RegistrySettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """One slice. Its version is the digest of the files' text, which proves that nothing changed."""
    folder = Path(settings.path) if settings.path else Home.from_environment().registry
    registry = checked(folder)
    pools, members = pool_rows(registry)
    rows = [
        Rows(OWNERS, owner_rows(registry)),
        Rows(OWNERSHIP_RULES, rule_rows(registry)),
        Rows(CLAIM_KEYS, claim_key_rows(registry)),
        Rows(ALLOCATION_POOLS, pools),
        Rows(ALLOCATION_POOL_MEMBERS, members),
        Rows(BUDGETS, budget_rows(registry)),
        Rows(PROMPT_POLICY, policy_rows(registry)),
        Rows(MODEL_NAMES, model_name_rows(registry)),
        Rows(REPRICED_MONTHS, repriced_rows(registry)),
    ]
    yield Slice("registry", None, window.start, window.end, lambda: rows, registry.digest, version_proves=True)


SOURCE = Source(
    name="registry",
    title="Registry",
    description="The company's own declarations: owners, ownership rules, allocation pools, budgets.",
    settings=RegistrySettings,
    tables=TABLES,
    slices=slices,
    is_required=True,
    needs_no_settings=True,
    kinds=("yaml",),
)
