"""The registry: good declarations land as rows; each kind of mistake is named with its file, line and way out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import SettingError
from ingestion.lake.pipeline import land
from ingestion.settings import PROJECT_ROOT, Home, Month, Window
from ingestion.sources.registry import SOURCE
from ingestion.sources.registry.check import problems
from ingestion.sources.registry.client import read
from ingestion.sources.registry.shape import claim_key_rows, owner_rows, pool_rows, rule_rows
from ingestion.sources.registry.source import RegistrySettings, checked

OWNERS = """\
owners:
  - {id: platform, kind: team, name: Platform}
  - {id: search, kind: team, name: Search, parent: platform, aliases: [Suche]}
  - {id: api, kind: service, name: API, parent: search, valid_to: 2026-10-16}
  - {id: api, kind: service, name: API, parent: platform, valid_from: 2026-10-16}
  - {id: shared, kind: shared pool, name: Shared}
"""


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in {"owners": OWNERS, **files}.items():
        (tmp_path / f"{name}.yml").write_text(text)
    return tmp_path


def rules(*lines: str) -> str:
    return "rules:\n" + "".join(f"  - {line}\n" for line in lines)


def test_owner_versions_know_their_team_and_path(tmp_path: Path) -> None:
    rows = {(row["owner_id"], row["valid_from"]): row for row in owner_rows(read(folder(tmp_path)))}
    before, after = rows[("api", date(1970, 1, 1))], rows[("api", date(2026, 10, 16))]
    assert (before["team_owner_id"], before["owner_path"]) == ("search", "platform / search / api")
    assert (after["team_owner_id"], after["owner_path"]) == ("platform", "platform / api")


def test_unowned_is_always_an_owner(tmp_path: Path) -> None:
    assert "unowned" in {row["owner_id"] for row in owner_rows(read(folder(tmp_path)))}


def test_rule_of_match_owner_is_spelled_out_for_ids_and_aliases(tmp_path: Path) -> None:
    registry = read(
        folder(tmp_path, ownership_rules=rules("{id: tag, claim: 'aws_tag:team', match: owner, owner: '*'}"))
    )
    found = {row["value"]: row["owner_id"] for row in rule_rows(registry)}
    assert found["Suche"] == found["search"] == "search"


def test_fixed_shares_are_kept(tmp_path: Path) -> None:
    pool = "pools:\n  - {owner: shared, method: fixed, members: [{owner: search, share: 2}, {owner: platform, share: 1}]}\n"
    _, members = pool_rows(read(folder(tmp_path, allocation_pools=pool)))
    assert {row["member_owner_id"]: int(row["share"]) for row in members} == {"search": 2, "platform": 1}


def test_claim_keys_keep_their_order_and_a_registry_without_the_file_has_none(tmp_path: Path) -> None:
    assert claim_key_rows(read(folder(tmp_path))) == []
    keys = "claim_keys:\n  - {claim: tag, key: squad}\n  - {claim: cost_category, key: Division A}\n  - {claim: tag, key: app}\n"
    assert claim_key_rows(read(folder(tmp_path, claim_keys=keys))) == [
        {"position": 1, "claim": "tag", "key": "squad"},
        {"position": 2, "claim": "cost_category", "key": "Division A"},
        {"position": 3, "claim": "tag", "key": "app"},
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"ownership_rules": rules("{id: r, claim: c, value: v, owner: ghost}")},
            "ownership_rules.yml, line 2: owner 'ghost'",
        ),
        (
            {"claim_keys": "claim_keys:\n  - {claim: tag, key: team}\n  - {claim: tag, key: team}\n"},
            "claim_keys.yml, line 3: the tag key 'team' is named twice (also claim_keys.yml, line 2)",
        ),
        (
            {
                "ownership_rules": rules(
                    "{id: a, claim: c, value: v, owner: search, valid_to: 2026-10-20}",
                    "{id: b, claim: c, value: v, owner: platform, valid_from: 2026-10-16}",
                )
            },
            "ownership_rules.yml, line 3: the dates of rule 'b' overlap those of 'a'",
        ),
        (
            {
                "owners": "owners:\n  - {id: a, kind: team, name: A, parent: b}\n  - {id: b, kind: team, name: B, parent: a}\n"
            },
            "the parents form a circle: a → b → a",
        ),
        ({"owners": OWNERS + "  - {id: search, kind: team, name: Twice}\n"}, "owner 'search' is declared twice"),
        (
            {
                "ownership_rules": rules(
                    "{id: r, claim: c, value: v, owner: search}", "{id: r, claim: c, value: w, owner: search}"
                )
            },
            "rule id 'r' is used twice",
        ),
        ({"ownership_rules": rules("{id: r, claim: c, owner: search}")}, "needs a value"),
        (
            {"allocation_pools": "pools:\n  - {owner: search, method: even, members: [platform]}\n"},
            "not an owner of kind 'shared pool'",
        ),
        (
            {"allocation_pools": "pools:\n  - {owner: shared, method: even, members: [shared]}\n"},
            "is a pool itself",
        ),
        (
            {
                "owners": OWNERS
                + "  - {id: x, kind: team, name: X, valid_from: 2026-02-01, valid_to: 2026-01-01}\n"
            },
            "valid_to must be after",
        ),
    ],
)
def test_mistake_is_named_with_its_place(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    assert any(expected in problem for problem in problems(read(folder(tmp_path, **files))))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"owners": "owners:\n  - {id: a, kind: tribe, name: A}\n"}, "owners.yml, line 2: 'tribe' is not one of"),
        (
            {"owners": "owners:\n  - {id: a, kind: team, name: A, colour: red}\n"},
            "owners.yml, line 2: Additional properties",
        ),
        ({"ownership_rules": "rules:\n  - {id: a\n"}, "ownership_rules.yml, line 3: not YAML"),
        (
            {"claim_keys": "claim_keys:\n  - {claim: label, key: a}\n"},
            "claim_keys.yml, line 2: 'label' is not one of",
        ),
        (
            {"claim_keys": 'claim_keys:\n  - {claim: tag, key: "a\'b"}\n'},
            'claim_keys.yml, line 2: "a\'b" does not match',
        ),
    ],
)
def test_file_that_breaks_its_schema_is_refused(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    with pytest.raises(SettingError) as caught:
        read(folder(tmp_path, **files))
    assert expected in str(caught.value)


def test_nothing_of_a_broken_registry_lands(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    path = tmp_path / "registry"
    path.mkdir()
    window, now = Window(Month(2026, 10), Month(2026, 11)), datetime(2026, 11, 23, tzinfo=UTC)
    land(home, SOURCE, RegistrySettings(str(folder(path))), window, now)
    broken: Any = RegistrySettings(
        str(folder(path, ownership_rules=rules("{id: r, claim: c, value: v, owner: ghost}")))
    )
    with pytest.raises(SettingError, match="ghost"):
        land(home, SOURCE, broken, window, now)
    assert len(list((home.lake / "raw_registry" / "owners").glob("*.parquet"))) == 1


def test_template_of_the_project_is_a_valid_registry() -> None:
    assert checked(PROJECT_ROOT / "registry").owners
