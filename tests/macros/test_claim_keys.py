"""The keys that make claims: the registry's, in its order, or the built-in lists if the registry has none."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from tests.macros.render import rendered

DEFAULT_TAGS = "['team', 'owner', 'service', 'application', 'cost_center']"


def keys(macro: str, rows: Sequence[tuple[str, str]], execute: bool = True) -> str:
    def run_query(_: str) -> SimpleNamespace:
        return SimpleNamespace(rows=rows)

    return rendered(f"{macro}()", ref=lambda name: name, run_query=run_query, execute=execute).strip()


@pytest.mark.parametrize(
    ("rows", "tags", "categories"),
    [
        ([], DEFAULT_TAGS, "['team']"),
        ([("tag", "squad"), ("tag", "app")], "['squad', 'app']", "[]"),
        ([("cost_category", "Division"), ("tag", "squad")], "['squad']", "['Division']"),
    ],
)
def test_declared_keys_replace_the_default(rows: Sequence[tuple[str, str]], tags: str, categories: str) -> None:
    assert keys("claim_tag_keys", rows) == tags
    assert keys("claim_cost_categories", rows) == categories


def test_parsing_reads_no_table_and_uses_the_default() -> None:
    assert keys("claim_tag_keys", [("tag", "squad")], execute=False) == DEFAULT_TAGS
