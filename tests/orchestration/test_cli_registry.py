"""`costowner registry check` on small registries: each mistake is found, and what does nothing is named with its money."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner

from ingestion.settings import Home
from ingestion.sources.catalog import SOURCES
from ingestion.sources.registry.globs import covers
from orchestration.checks.registry import ownership_rules_match
from orchestration.cli.main import costowner
from orchestration.cli.registry import CLAIMS_OF_REQUESTS, check
from tests.orchestration.small_ledger import OWNERS, Charge, publish, write_registry

TAG = "id: team, claim: 'aws_tag:team', match: owner, owner: '*', priority: 50"
ACCOUNT = "id: account, claim: aws_account, value: '111', owner: search"


@pytest.fixture
def home(tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch) -> Home:
    for source in SOURCES:
        monkeypatch.delenv(f"SOURCES__{source.name.upper()}__PATH", raising=False)
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COSTOWNER_REGISTRY", str(tmp_path / "registry"))
    return Home(tmp_path / "home")


def declare(home: Home, *rules: str, **files: str) -> None:
    write_registry(home.registry, *rules, **files)


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(costowner, ["registry", "check", "--json", *arguments])
    return done.exit_code, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("id: r, claim: aws_acount, value: x, owner: search", "unknown kind of claim 'aws_acount'.*'aws_account'"),
        (
            "id: r, claim: aws_account, value: x, owner: serch",
            "owner 'serch' is not declared.*did you mean 'search'",
        ),
        (
            "id: r, claim: aws_account, value: x, owner: search, prioritaet: 1",
            "line 2: unknown field 'prioritaet'; did you mean 'priority'",
        ),
        (
            "id: r, claim: aws_account, value: x, owner: search, valid_from: 2026-10-02, valid_to: 2026-10-01",
            "valid_to must be after valid_from",
        ),
    ],
)
def test_rule_that_can_never_work_is_an_error_with_the_way_out(home: Home, rule: str, error: str) -> None:
    declare(home, rule)
    code, report = run()
    assert code == 1
    assert [line for line in report["errors"] if line.startswith("ownership_rules.yml, line 2: ")]
    assert len(report["errors"]) == 1 and re.search(error, report["errors"][0]), report["errors"]


def test_budget_declared_twice_for_the_same_days_is_an_error(home: Home) -> None:
    budget = "  - {{id: b, owner: search, monthly_amount: '10', currency: USD, valid_from: {0}, valid_to: {1}}}\n"
    twice = "budgets:\n" + budget.format("2026-01-01", "2026-07-01") + budget.format("2026-06-30", "2026-12-01")
    declare(home, budgets=twice)
    assert [error for error in check(home).errors if "budget 'b' is declared twice" in error]
    declare(home, budgets=twice.replace("2026-06-30", "2026-07-01"))
    assert check(home).errors == []


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        # A wider pattern with a better priority, on all days.
        (
            "id: wide, claim: vercel_project_name, match: glob, value: 'camp*', owner: search, priority: 1",
            "id: narrow, claim: vercel_project_name, match: glob, value: 'campaign-*', owner: checkout",
            "wide",
        ),
        (
            "id: wide, claim: vercel_project_name, match: glob, value: 'camp*', owner: search, priority: 1",
            "id: narrow, claim: vercel_project_name, value: 'campaign-1', owner: checkout",
            "wide",
        ),
        # The narrower one wins by itself, or has days of its own.
        (
            "id: wide, claim: vercel_project_name, match: glob, value: 'camp*', owner: search",
            "id: narrow, claim: vercel_project_name, match: glob, value: 'campaign-*', owner: checkout",
            None,
        ),
        (
            "id: wide, claim: aws_account, match: glob, value: '1*', owner: search, priority: 1, valid_from: 2026-02-01",
            "id: narrow, claim: aws_account, value: '111', owner: checkout",
            None,
        ),
        ("id: wide, claim: 'aws_tag:team', value: x, owner: search, priority: 1", ACCOUNT, None),
    ],
)
def test_rule_that_another_always_beats_is_a_warning(
    home: Home, first: str, second: str, winner: str | None
) -> None:
    declare(home, first, second)
    found = [line for line in check(home).warnings if "never wins" in line]
    assert len(found) == (winner is not None)
    assert all("rule 'narrow' never wins: 'wide' (ownership_rules.yml, line 2)" in line for line in found), found
    assert run()[0] == 0


def test_pattern_covers_what_certainly_matches_it_alone() -> None:
    assert covers("camp*", "campaign-*") and covers("*", "a?c") and covers("a?c", "abc") and covers("a?c", "a?c")
    assert not covers("campaign-*", "camp*") and not covers("a?c", "a*c") and not covers("abc", "a?c")


def test_pool_without_rule_and_rule_outside_of_its_owner_are_warnings(home: Home) -> None:
    owners = OWNERS.replace("name: Search", "name: Search, valid_to: 2026-01-01")
    declare(home, f"{ACCOUNT}, valid_from: 2026-06-01", owners=owners)
    warnings = "\n".join(check(home).warnings)
    assert "no rule gives cost to the pool 'shared'" in warnings
    assert "rule 'account' holds on no day on which its owner 'search' is declared" in warnings
    declare(home, ACCOUNT, TAG, allocation_pools="pools: []\n")
    assert ["shared pool 'shared' is not in allocation_pools.yml" in line for line in check(home).warnings] == [
        True
    ]


def test_rules_are_held_against_the_claims_of_the_ledger(home: Home) -> None:
    """One rule has won, one matches and lost, one misspells a value, one names a kind that no charge claims."""
    declare(
        home,
        TAG,
        ACCOUNT,
        "id: typo, claim: vercel_project, value: prj_storefrnt, owner: checkout",
        "id: kind, claim: vercel_team, value: a, owner: checkout",
        "id: over, claim: aws_account, value: '999', owner: search, valid_to: 2026-01-01",
    )
    publish(
        home,
        [
            Charge("a", {"aws_tag:team": "checkout", "aws_account": "111"}, "10", "checkout", "team"),
            Charge("b", {"vercel_project": "prj_storefront"}, "3.5"),
            Charge("c", {"vercel_project": "prj_storefront"}, "4", currency="EUR"),
        ],
    )
    warnings = check(home).warnings
    assert [line.split("rule ")[1].split(" ")[0] for line in warnings] == ["'account'", "'typo'", "'kind'"]
    assert "won none; 'team' won them" in warnings[0]
    assert "did you mean 'prj_storefront'? vercel_project=prj_storefront costs 4.00 EUR, 3.50 USD" in warnings[1]
    assert "no charge makes a claim of kind 'vercel_team'" in warnings[2]


def add_request(home: Home, **columns: str) -> None:
    """A request in the publication: its columns are those that requests make claims of."""
    with duckdb.connect(str(home.database)) as connection:
        listed = [*CLAIMS_OF_REQUESTS.values(), "identity_status"]
        connection.execute(
            "create table fact_llm_request as select '2026-10' as billing_month, "
            + ", ".join(f"{repr(columns[name]) if name in columns else 'null::text'} as {name}" for name in listed)
        )


def test_rule_that_only_requests_match_does_something(home: Home) -> None:
    """Of a verified actor the signed claims count, and of no other."""
    key = "id: key, claim: llm_key, value: 8272ff, owner: checkout"
    actor = "id: actor, claim: signed_actor, match: glob, value: 'bot-*', owner: search"
    declare(home, TAG, key, actor)
    charges = [Charge("a", {"aws_tag:team": "checkout"}, "10", "checkout", "team")]
    publish(home, charges)
    assert list(check(home).unmatched) == ["key", "actor"]
    add_request(home, key_hash="8272ff", actor_id="bot-7", identity_status="asserted")
    assert list(check(home).unmatched) == ["actor"]
    publish(home, charges)
    add_request(home, key_hash="8272ff", actor_id="bot-7", identity_status="verified")
    assert check(home).unmatched == {}


def test_rules_that_match_nothing_are_a_warning_in_the_ui(home: Home) -> None:
    declare(home, TAG, ACCOUNT)
    publish(home, [Charge("a", {"aws_tag:team": "checkout"}, "10", "checkout", "team")])
    result = ownership_rules_match()
    assert isinstance(result, dg.AssetCheckResult) and not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN and result.metadata["rules"].value == 1
    assert "'account'" in str(result.description)
    publish(home, [Charge("a", {"aws_tag:team": "checkout", "aws_account": "111"}, "10", "checkout", "team")])
    result = ownership_rules_match()
    assert isinstance(result, dg.AssetCheckResult) and result.passed, "it matches, though another one wins"


def test_claims_that_no_rule_names_come_with_their_money_by_currency(home: Home) -> None:
    declare(home, TAG)
    publish(
        home,
        [
            Charge("a", {"aws_tag:team": "checkout", "source": "aws"}, "10", "checkout", "team"),
            Charge("b", {"aws_tag:team": "chekout", "source": "aws"}, "2.5"),
            Charge("c", {"aws_tag:team": "chekout", "source": "aws"}, "7", currency="EUR"),
            # Before the months that are looked at.
            Charge("d", {"aws_tag:team": "old"}, "1", day="2026-07-31"),
            *(Charge(day, {}, "0", day=day) for day in ("2026-08-01", "2026-09-01")),
        ],
    )
    code, report = run()
    assert code == 0 and report["errors"] == report["warnings"] == []
    assert report["months"] == ["2026-10", "2026-09", "2026-08"]
    found = {claim.pop("value"): claim for claim in report["claims_without_a_rule"]}
    unowned = {"USD": "2.500000000000", "EUR": "7.000000000000"}
    assert found == {
        "chekout": {"kind": "aws_tag:team", "cost": unowned, "unowned": unowned},
        "aws": {"kind": "source", "cost": {**unowned, "USD": "12.500000000000"}, "unowned": unowned},
    }


def test_registry_check_lands_nothing_and_prints_one_verdict(home: Home) -> None:
    declare(home, TAG)
    done = CliRunner().invoke(costowner, ["registry", "check"])
    assert done.exit_code == 0 and done.stdout.splitlines()[-1].endswith("is valid (0 errors, 0 warnings)")
    assert not list(home.lake.rglob("*.parquet"))
