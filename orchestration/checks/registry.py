"""Whether the ownership rules do something: held against what was just published."""

from __future__ import annotations

import dagster as dg

from ingestion.settings import Home
from orchestration.assets.failure import in_our_words
from orchestration.checks.evidence import warned
from orchestration.checks.refresh import PUBLISHED
from orchestration.cli.registry import check


@dg.asset_check(
    asset=PUBLISHED,
    name="ownership_rules_match",
    description=(
        "Every ownership rule matches a charge or a request of the last three billing months. `costowner registry check` lists "
        "those that do not, with the money beside them."
    ),
)
@in_our_words()
def ownership_rules_match() -> dg.AssetCheckResult:
    report = check(Home.from_environment())
    return dg.AssetCheckResult(
        passed=not report.unmatched,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{len(report.unmatched)} rules match nothing, the first: {next(iter(report.unmatched.values()))}"
            if report.unmatched
            else None
        ),
        metadata={
            "rules": dg.IntMetadataValue(len(report.unmatched)),
            **warned(report.unmatched),
        },
    )


CHECKS = [ownership_rules_match]
