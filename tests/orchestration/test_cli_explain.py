"""`costowner explain` on a ledger of a few charges: every step of the decision, from the published ledger and its own rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ingestion.errors import SettingError
from ingestion.settings import Home
from orchestration.cli.explain import explain
from orchestration.cli.main import costowner
from tests.orchestration.small_ledger import Charge, publish, write_registry

KEY, SPLIT, OTHER = "a" * 32, "b" * 32, "c" * 32
DISK = "arn:aws:ec2:::volume/vol-1"
CLAIMS = {"aws_tag:team": "checkout", "aws_account": "111", "resource_name": "checkout-db"}
RULES = (
    "id: team, claim: 'aws_tag:team', match: owner, owner: '*', priority: 50",
    "id: account, claim: aws_account, value: '111', owner: search",
    "id: name, claim: resource_name, match: glob, value: 'check*', owner: search",
    "id: longer-name, claim: resource_name, match: glob, value: 'checkout-*', owner: search",
    "id: before, claim: aws_account, value: '111', owner: checkout, priority: 1, valid_to: 2026-10-05",
)


@pytest.fixture
def home(tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COSTOWNER_REGISTRY", str(tmp_path / "registry"))
    found = Home(tmp_path / "home")
    write_registry(found.registry, *RULES)
    pool = {"rule": "shared", "pool": "shared", "method": "even", "ratio": "0.5"}
    charges = [
        Charge(KEY, CLAIMS, "10.25", "checkout", "team", resource=DISK),
        Charge("d" * 32, CLAIMS, "1", "checkout", "team", resource=DISK, day="2026-10-06"),
        Charge(SPLIT, {"source": "aws"}, "2", "search", **pool, origin=OTHER, resource="bucket-1"),
        Charge("abc" + "e" * 29, {}, "1", resource="bucket-2"),
    ]
    publish(found, charges)
    # What the files hold later does not change what a ledger was built with.
    write_registry(found.registry)
    return found


def run(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(costowner, ["explain", "--json", *arguments])
    assert done.exit_code == 0, done.output
    return list(json.loads(done.stdout))


def test_charge_is_explained_with_every_rule_and_why_it_lost(home: Home) -> None:
    (found,) = run(KEY)
    assert found["claims"] == CLAIMS and found["ownership_rule_id"] == "team" and found["owner_name"] == "Checkout"
    assert found["costs"]["effective_cost"] == "10.250000000000" and found["billing_currency"] == "USD"
    assert {rule["rule_id"]: rule["lost_because"] for rule in found["rules"]} == {
        "team": None,
        "account": "priority 50 is before 100",
        "longer-name": "priority 50 is before 100",
        "name": "priority 50 is before 100",
    }
    assert [rule["rule_id"] for rule in found["rules"]] == ["team", "account", "longer-name", "name"]
    assert (
        found["delivery"]["vendor_version"] == "v7" and found["delivery"]["extracted_at"] == "2026-10-06 06:00:00"
    )
    assert [Path(file).name for file in found["delivery"]["files"]] == ["2.1.a.parquet"]


def test_charges_of_a_resource_that_are_decided_alike_are_one_explanation(home: Home) -> None:
    (found,) = run("--resource", DISK)
    assert found["charges"] == 2 and found["costs"]["billed_cost"] == "11.250000000000"
    assert (found["first_day"], found["last_day"]) == ("2026-10-05", "2026-10-06")


def test_charge_of_a_pool_names_the_pool_its_method_and_ratio(home: Home) -> None:
    for key in (SPLIT, OTHER):
        (found,) = run(key)
        assert found["steps"] == ["shared pool shared: allocated even, ratio 0.500000000000"]


def test_first_characters_of_a_key_and_a_part_of_a_resource_are_enough(home: Home) -> None:
    assert run(KEY[:8])[0]["charge_key"] == KEY
    assert run("--resource", "volume/vol")[0]["resource_id"] == DISK


@pytest.mark.parametrize(
    ("key", "resource", "way_out"),
    [
        ("f" * 32, None, "take a charge_key .* of fact_cost"),
        (None, "arn:aws:ec2:::volumes/vol-1", f"did you mean '{DISK}'"),
        (None, "bucket", "names several resources: bucket-1, bucket-2"),
    ],
)
def test_unknown_charge_and_resource_name_the_way_out(
    home: Home, key: str | None, resource: str | None, way_out: str
) -> None:
    with pytest.raises(SettingError, match=way_out):
        explain(home, key, resource)


def test_terminal_shows_the_same_in_the_order_of_the_ledger(home: Home) -> None:
    shown = CliRunner().invoke(costowner, ["explain", KEY]).stdout
    headings = [line[2:13].strip() for line in shown.splitlines()[1:] if line[2:3].strip()]
    assert headings == ["what", "resource", "cost", "owner", "claims", "rules", "steps", "delivery"]
    assert "effective 10.25, billed 10.25 USD" in shown and "team → checkout by aws_tag:team=checkout" in shown


def test_explain_without_a_publication_names_the_way_out(home: Home) -> None:
    home.database.unlink()
    with pytest.raises(SettingError, match="run `costowner refresh`"):
        explain(home, KEY, None)
