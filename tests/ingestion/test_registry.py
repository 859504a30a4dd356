"""The registry: good declarations land as rows; each kind of mistake is named with its file, line and way out."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import SettingError
from ingestion.lake.people import hashed
from ingestion.lake.pipeline import land
from ingestion.settings import PROJECT_ROOT, Home, Month, Window
from ingestion.sources.catalog import CLAIM_KINDS
from ingestion.sources.registry import SOURCE
from ingestion.sources.registry.check import problems
from ingestion.sources.registry.client import read
from ingestion.sources.registry.shape import (
    DEFAULT_CLAIM_KEYS,
    claim_key_rows,
    model_name_rows,
    owner_rows,
    pool_rows,
    rule_rows,
)
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
            {"ownership_rules": rules("{id: r, claim: aws_account, value: v, owner: ghost}")},
            "ownership_rules.yml, line 2: owner 'ghost'",
        ),
        (
            {"claim_keys": "claim_keys:\n  - {claim: tag, key: team}\n  - {claim: tag, key: team}\n"},
            "claim_keys.yml, line 3: the tag key 'team' is named twice (also claim_keys.yml, line 2)",
        ),
        (
            {
                "ownership_rules": rules(
                    "{id: a, claim: aws_account, value: v, owner: search, valid_to: 2026-10-20}",
                    "{id: b, claim: aws_account, value: v, owner: platform, valid_from: 2026-10-16}",
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
                    "{id: r, claim: aws_account, value: v, owner: search}",
                    "{id: r, claim: aws_account, value: w, owner: search}",
                )
            },
            "rule id 'r' is used twice",
        ),
        ({"ownership_rules": rules("{id: r, claim: aws_account, owner: search}")}, "needs a value"),
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
        (
            {"owners": "owners:\n  - {id: a, kind: tribe, name: A}\n"},
            "owners.yml, line 2: kind: 'tribe' is not one of team",
        ),
        (
            {"owners": "owners:\n  - {id: a, kind: team, name: A, colour: red}\n"},
            "owners.yml, line 2: unknown field 'colour'",
        ),
        ({"ownership_rules": "rules:\n  - {id: a\n"}, "ownership_rules.yml, line 3: not YAML"),
        (
            {"claim_keys": "claim_keys:\n  - {claim: label, key: a}\n"},
            "claim_keys.yml, line 2: claim: 'label' is not one of tag",
        ),
        (
            {"claim_keys": 'claim_keys:\n  - {claim: tag, key: "a\'b"}\n'},
            'claim_keys.yml, line 2: key: "a\'b" is not as it must be: the key as the vendor',
        ),
    ],
)
def test_file_that_breaks_its_schema_is_refused(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    with pytest.raises(SettingError) as caught:
        read(folder(tmp_path, **files))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("claim", "keys", "expected"),
    [
        (
            "aws_acount",
            "[]",
            "unknown kind of claim 'aws_acount', so it never matches; did you mean 'aws_account'",
        ),
        (
            "weather",
            "[]",
            "unknown kind of claim 'weather', so it never matches; there are anthropic_workspace_tag, ",
        ),
        ("aws_account:prod", "[]", "aws_account takes no key, so it never matches; did you mean 'aws_account'?"),
        ("aws_tag", "[]", "aws_tag needs a key, as in aws_tag:team"),
        ("aws_tag:tema", "[]", "the tag 'tema', because claim_keys.yml does not name it; did you mean 'team'?"),
        ("aws_tag:Team", "[]", "did you mean 'team'?"),
        ("aws_tag:team", "[{claim: tag, key: squad}]", "; add {claim: tag, key: team} there"),
        ("aws_cost_category:teams", "[]", "the cost category 'teams', because"),
        ("aws_cost_category:team", "[{claim: tag, key: team}]", "the cost category 'team', because"),
        ("atlas_tag:squad", "[]", "the tag 'squad'"),
        ("anthropic_workspace_tag:squad", "[]", "the tag 'squad'"),
        ("focus_tag:squad", "[{claim: tag, key: squad}]", None),
        ("aws_principal_tag:cost_center", "[]", None),
        ("aws_cost_category:team", "[]", None),
        ("signed_actor", "[]", None),
    ],
)
def test_rule_on_a_claim_that_no_charge_can_make_is_an_error(
    tmp_path: Path, claim: str, keys: str, expected: str | None
) -> None:
    files = {
        "ownership_rules": f"rules:\n  - id: r\n    owner: search\n    claim: {claim}\n    value: x\n",
        "claim_keys": f"claim_keys: {keys}\n",
    }
    found = problems(read(folder(tmp_path, **files)))
    assert len(found) == (expected is not None)
    for problem in found:
        assert problem.startswith("ownership_rules.yml, line 4: rule 'r'") and expected in problem


def test_every_kind_of_tag_has_keys() -> None:
    """A kind without them takes no key, so a rule on `<kind>:team` would be refused."""
    follows = [kind for kind in CLAIM_KINDS if "follows the colon" in kind.description]
    assert [kind for kind in CLAIM_KINDS if kind.keys] == follows


def test_mistake_is_named_with_the_line_of_its_value(tmp_path: Path) -> None:
    """Entries over several lines, each with a mistake in a value of its own."""
    files = {
        "ownership_rules": (
            "rules:\n"
            "  - id: r\n"  # 2
            "    claim: aws_account\n"
            "    value: '1'\n"
            "    owner: serch\n"  # 5
            "  - id: r\n"  # 6
            "    claim: aws_account\n"
            "    value: '2'\n"
            "    owner: search\n"
            "    valid_from: 2026-10-02\n"
            "    valid_to: 2026-10-01\n"  # 11
        ),
        "allocation_pools": (
            "pools:\n  - owner: shared\n    method: even\n    members:\n      - search\n      - platfrom\n"  # 6
        ),
        "budgets": (
            "budgets:\n"
            "  - {id: b, owner: search, valid_to: 2026-07-01}\n"
            "  - id: b\n"  # 3
            "    owner: search\n"
            "    valid_from: 2026-06-30\n"
        ),
    }
    found = [problem.split(": ")[0] for problem in problems(read(folder(tmp_path, **files)))]
    assert found == [
        "ownership_rules.yml, line 11",
        "ownership_rules.yml, line 5",
        "ownership_rules.yml, line 6",
        "allocation_pools.yml, line 6",
        "budgets.yml, line 3",
    ]


def test_each_declaration_within_another_one_is_named(tmp_path: Path) -> None:
    lines = [("", ""), (", valid_from: 2026-01-01", ", valid_to: 2026-02-01"), (", valid_from: 2026-03-01", "")]
    budgets = "".join(f"  - {{id: b, owner: search{first}{last}}}\n" for first, last in lines)
    found = problems(read(folder(tmp_path, budgets=f"budgets:\n{budgets}")))
    assert [problem.split(": ")[0] for problem in found] == ["budgets.yml, line 3", "budgets.yml, line 4"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("owners.yml", b"owners:\n  - {id: a, kind: team, name: M\xfcller}\n", "owners.yml, line 2: not UTF-8"),
        ("owners.yml", b"owners:\n  - {id: a, kind: team, name: 'A\x07'}\n", "owners.yml, line 2: not YAML: the character #x07"),
        ("owners.yml", b"owners:\n  - id: a\n    kind: team\n", "owners.yml, line 2: it lacks the required name"),
        ("owners.yml", b"owners: &all\n  - *all\n", "owners.yml, line 1: a value that contains itself"),
        ("owners.yml", b"- {id: a}\n", "owners.yml, line 1: the file: what stands here is not a mapping of fields"),
        (
            "owners.yml",
            b"owners:\n  - id: a\n    kind: team\n    name: A\n    id: b\n",
            "owners.yml, line 5: 'id' is named twice (also line 2)",
        ),
        ("ownership_rules.yml", b"rules: []\nrules: []\n", "ownership_rules.yml, line 2: 'rules' is named twice"),
        (
            "ownership_rules.yml",
            b"rules:\n  - id: r\n    claim: aws_account\n    value: 123\n    owner: search\n",
            "ownership_rules.yml, line 4: value: 123 is not a text: put it in quotes",
        ),
        (
            "ownership_rules.yml",
            b"rules:\n  - id: r\n    claim: source\n    value: x\n    owner: search\n    valid_from: 2026-02-30\n",
            "ownership_rules.yml, line 6: '2026-02-30' is not a day",
        ),
        (
            "ownership_rules.yml",
            b"rules:\n  - id: r\n    claim: source\n    value: x\n    owner: search\n    valid_from: '2026-02-30'\n",
            "ownership_rules.yml, line 6: valid_from: '2026-02-30' is not a day",
        ),
        (
            "allocation_pools.yml",
            b"pools:\n  - owner: shared\n    method: even\n    members:\n      - 5\n",
            "line 5: 5 is neither a text nor a mapping",
        ),
        (
            "allocation_pools.yml",
            b"pools:\n  - owner: shared\n    method: fixed\n    members:\n      - {owner: search}\n",
            "line 5: it lacks the required share",
        ),
        (
            "prices.yml",
            b"price_overrides:\n  - provider: openai\n    model: m\n    reason: r\n",
            "prices.yml, line 2: give either multiplier, or price and price_key",
        ),
        ("budgets.yml", b"budget: []\n", "budgets.yml, line 1: unknown field 'budget'; did you mean 'budgets'?"),
        ("ownership_rules.yaml", b"rules: []\n", "nothing in it holds; did you mean 'ownership_rules.yml'"),
        ("owner_rules.yml", b"rules: []\n", "did you mean 'ownership_rules.yml'"),
    ],
)  # fmt: skip
def test_file_that_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    (folder(tmp_path) / name).write_bytes(content)
    with pytest.raises(SettingError) as caught:
        read(tmp_path)
    assert any(expected in line for line in str(caught.value).splitlines()[1:]), caught.value


def test_values_are_text_however_yaml_reads_them(tmp_path: Path) -> None:
    """YAML takes 2026-10-01 for a date; a tag of that value is text."""
    lines = rules("{id: r, claim: source, value: 2026-10-01, owner: search, valid_from: 2026-10-02}")
    (row,) = rule_rows(read(folder(tmp_path, ownership_rules=lines)))
    assert (row["value"], row["valid_from"]) == ("2026-10-01", date(2026, 10, 2))


def test_fields_that_a_merge_brings_are_no_repetition(tmp_path: Path) -> None:
    lines = "rules:\n  - &one {id: a, claim: source, value: x, owner: search}\n  - {<<: *one, id: b, value: y}\n"
    assert [row["value"] for row in rule_rows(read(folder(tmp_path, ownership_rules=lines)))] == ["x", "y"]


def test_folder_that_does_not_exist_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match=r"missing: no such folder; COSTOWNER_REGISTRY or sources\.registry\.path"
    ):
        read(tmp_path / "missing")


def test_nothing_of_a_broken_registry_lands(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    path = tmp_path / "registry"
    path.mkdir()
    window, now = Window(Month(2026, 10), Month(2026, 11)), datetime(2026, 11, 23, tzinfo=UTC)
    land(home, SOURCE, RegistrySettings(str(folder(path))), window, now)
    broken: Any = RegistrySettings(
        str(folder(path, ownership_rules=rules("{id: r, claim: aws_account, value: v, owner: ghost}")))
    )
    with pytest.raises(SettingError, match="ghost"):
        land(home, SOURCE, broken, window, now)
    assert len(list((home.lake / "raw_registry" / "owners").glob("*.parquet"))) == 1


def test_template_of_the_project_is_a_valid_registry() -> None:
    assert checked(PROJECT_ROOT / "registry").owners


def test_template_works_with_other_owners_and_rules(tmp_path: Path) -> None:
    """Its other files name no owner of the template's, so that two files are all that a beginner has to replace."""
    path = tmp_path / "registry"
    shutil.copytree(PROJECT_ROOT / "registry", path)
    (path / "owners.yml").write_text(
        "owners:\n  - {id: a, kind: team, name: A}\n  - {id: b, kind: team, name: B}\n"
    )
    (path / "ownership_rules.yml").write_text(rules("{id: r, claim: 'aws_tag:team', value: x, owner: b}"))
    assert [row["owner_id"] for row in owner_rows(checked(path))] == ["a", "b", "unowned"]


def test_template_lists_the_keys_that_make_claims_by_default() -> None:
    text = (PROJECT_ROOT / "registry" / "claim_keys.yml").read_text()
    listed = re.findall(r"^#   - \{claim: (\w+), key: (\w+)\}$", text, re.MULTILINE)
    assert listed == [(claim, key) for claim, keys in DEFAULT_CLAIM_KEYS.items() for key in keys]


def test_rule_that_names_a_persons_address_in_a_focus_tag_matches_its_hash(tmp_path: Path) -> None:
    declared = rules(
        "{id: f, claim: 'focus_tag:owner', value: Jane@example.com, owner: search}",
        "{id: a, claim: 'aws_tag:owner', value: Jane@example.com, owner: search}",
        "{id: g, claim: 'focus_tag:owner', match: glob, value: 'search-*', owner: search}",
    )
    found = {row["rule_id"]: row["value"] for row in rule_rows(read(folder(tmp_path, ownership_rules=declared)))}
    assert found == {"f": hashed("jane@example.com"), "a": "Jane@example.com", "g": "search-*"}


def test_name_that_stands_for_two_models_on_one_day_is_refused_with_both_lines(tmp_path: Path) -> None:
    """Requests name it in any case, and with a gateway's path."""
    lines = (
        "price_overrides: []\nmodel_names:\n"
        "  - {provider: azure, name: chat-prod, model: gpt-5, valid_to: 2026-10-02}\n"
        "  - {provider: azure, name: azure/Chat-Prod, model: gpt-5-mini, valid_from: 2026-10-01}\n"
        "  - {provider: openai, name: chat-prod, model: gpt-5}\n"
    )
    found = problems(read(folder(tmp_path, prices=lines)))
    assert [line.partition(";")[0] for line in found] == [
        "prices.yml, line 4: the name 'chat-prod' of azure stands for two models on the same days (also prices.yml, line 3)"
    ]
    rows = model_name_rows(read(folder(tmp_path, prices=lines.replace("from: 2026-10-01", "from: 2026-10-02"))))
    assert [(row["provider"], row["name"], row["model"]) for row in rows] == [
        ("azure", "chat-prod", "gpt-5"),
        ("azure", "chat-prod", "gpt-5-mini"),
        ("openai", "chat-prod", "gpt-5"),
    ]
