"""Which ownership rules match the claims of a charge, and which one wins.

The ledger decides this in SQL (macro `resolving_claims`). A command has to explain one charge, or a rule before it is landed,
so the same order stands here in Python; an end-to-end test holds both against each other on the whole sample company.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from ingestion.settings import SHIPPED
from ingestion.sources.registry.globs import matches

# A pattern is no better evidence than a name.
NAME_PATTERN = ("name_pattern", 5)


@dataclass(frozen=True)
class Evidence:
    """What a kind of claim proves; a lower rank is better evidence."""

    kind: str
    rank: int


def claim_kinds() -> dict[str, Evidence]:
    """All kinds of claim with their evidence: the ledger's seed."""
    with (SHIPPED / "dbt_project" / "seeds" / "claim_kinds.csv").open(newline="") as file:
        return {
            row["claim_kind"]: Evidence(row["evidence_kind"], int(row["evidence_rank"]))
            for row in csv.DictReader(file)
        }


@dataclass(frozen=True)
class Rule:
    """A row of the registry's table `ownership_rules`."""

    rule_id: str
    claim: str
    match: str
    value: str
    owner_id: str
    priority: int
    valid_from: date
    valid_to: date

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Rule:
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    @property
    def is_pattern(self) -> bool:
        return self.match == "glob"

    def holds_between(self, first: date, last: date) -> bool:
        """Whether it holds on any day of a span, both ends included."""
        return self.valid_from <= last and first < self.valid_to

    def __str__(self) -> str:
        return f"{self.claim}={self.value}"


@dataclass(frozen=True)
class Match:
    """A rule that matches a claim of a charge."""

    rule: Rule
    value: str
    evidence: Evidence

    @property
    def order(self) -> tuple[int, int, bool, int, str]:
        """The lowest wins."""
        rule = self.rule
        return (rule.priority, self.evidence.rank, rule.is_pattern, -len(rule.value), rule.rule_id)

    def why_before(self, other: Match) -> str:
        """The first criterion by which this match beats another."""
        mine, theirs = self.rule, other.rule
        if mine.priority != theirs.priority:
            return f"priority {mine.priority} is before {theirs.priority}"
        if self.evidence.rank != other.evidence.rank:
            return f"evidence rank {self.evidence.rank} is before {other.evidence.rank}"
        if mine.is_pattern != theirs.is_pattern:
            return "an exact value is before a pattern"
        if len(mine.value) != len(theirs.value):
            return "the longer value is more specific"
        return "rule ids decide a draw"


class Rules:
    """The rules of a registry, by the claims that they match."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = list(rules)
        self._kinds = claim_kinds()
        self._exact: dict[tuple[str, str], list[Rule]] = defaultdict(list)
        self._patterns: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            if rule.is_pattern:
                self._patterns[rule.claim].append(rule)
            else:
                self._exact[rule.claim, rule.value].append(rule)

    def evidence_of(self, rule: Rule) -> Evidence | None:
        """What a match of this rule proves; None where its kind of claim is unknown: then it never matches."""
        found = self._kinds.get(rule.claim.partition(":")[0])
        if found is None or not rule.is_pattern:
            return found
        kind, rank = NAME_PATTERN
        return Evidence(kind, max(found.rank, rank))

    def matching(self, kind: str, value: str, first: date, last: date) -> list[Match]:
        """The matches of one claim on any day of a span."""
        candidates = [
            *self._exact.get((kind, value), []),
            *(rule for rule in self._patterns.get(kind, []) if matches(value, rule.value)),
        ]
        return [
            Match(rule, value, evidence)
            for rule in candidates
            if rule.holds_between(first, last) and (evidence := self.evidence_of(rule)) is not None
        ]

    def ranked(self, claims: Mapping[str, str], day: date) -> list[Match]:
        """All matches of a charge's claims on its day; the first one decides who owns it."""
        found = [match for kind, value in claims.items() for match in self.matching(kind, value, day, day)]
        return sorted(found, key=lambda match: match.order)
