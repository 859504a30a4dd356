"""Whose prompts may be kept, for how long: `registry/prompt_policy.yml`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from ingestion.settings import Home, resolve
from ingestion.sources.registry.shape import ends, starts
from ingestion.sources.registry.source import RegistrySettings, checked


@dataclass(frozen=True)
class Policy:
    """One workflow's permission, for requests from `valid_from` to before `valid_to`."""

    workflow: str
    purpose: str
    redaction: str
    retention_days: int
    approved_by: str
    valid_from: date
    valid_to: date

    def retention_until(self, started_at: datetime) -> date:
        """The first UTC day on which a prompt of that moment must be gone."""
        return started_at.date() + timedelta(days=self.retention_days)


@dataclass(frozen=True)
class PromptPolicy:
    """All permissions. What none of them names may not be kept."""

    policies: tuple[Policy, ...]

    def of(self, workflow: str | None, started_at: datetime) -> Policy | None:
        """The permission for a request, or None."""
        moment = started_at.date()
        return next(
            (
                policy
                for policy in self.policies
                if policy.workflow == workflow and policy.valid_from <= moment < policy.valid_to
            ),
            None,
        )

    def may_stay(self, workflow: str, started_at: datetime, retention_until: date, today: date) -> bool:
        """Whether a landed prompt may still be there: its own date and the policy as it is now both allow it."""
        policy = self.of(workflow, started_at)
        return policy is not None and today < min(retention_until, policy.retention_until(started_at))

    @property
    def workflows(self) -> list[str]:
        return sorted({policy.workflow for policy in self.policies})

    @property
    def longest_retention(self) -> timedelta:
        return timedelta(days=max((policy.retention_days for policy in self.policies), default=0))

    @property
    def digest(self) -> str:
        """Changes when any permission does."""
        return hashlib.sha256(repr(self.policies).encode()).hexdigest()


def prompt_policy(folder: Path | None = None) -> PromptPolicy:
    """The policy of a registry folder, by default of the one that is set. Raises RegistryError if it is wrong."""
    if folder is None:
        settings = resolve(RegistrySettings, "registry") or RegistrySettings()
        folder = Path(settings.path) if settings.path else Home.from_environment().registry
    return PromptPolicy(tuple(_policies(entry.fields for entry in checked(folder).prompt_logging)))


def _policies(entries: Iterable[dict[str, object]]) -> Iterable[Policy]:
    for fields in entries:
        yield Policy(
            workflow=str(fields["workflow"]),
            purpose=str(fields["purpose"]),
            redaction=str(fields.get("redaction", "standard")),
            retention_days=int(str(fields["retention_days"])),
            approved_by=str(fields["approved_by"]),
            valid_from=starts(fields),
            valid_to=ends(fields),
        )
