"""A refresh without news tells of every model, in the order that Dagster wants, and as early as it may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_dbt.errors import DagsterDbtError

from orchestration.translator import LedgerTranslator
from orchestration.unchanged import left_alone, with_the_rest
from orchestration.verdicts import Verdicts

RAW, SLICES, CHARGES, OWNERS, STATEMENT = (
    dg.AssetKey(["ledger", name]) for name in ("raw", "slices", "charges", "owners", "statement")
)
UNCHANGED = {RAW, CHARGES, STATEMENT}
CHECKED = dg.AssetCheckSpec("adds_up", asset=STATEMENT)
SEEN = dg.AssetCheckSpec("has_owners", asset=OWNERS)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(RAW, skippable=True),
        dg.AssetSpec(SLICES, deps=[RAW], skippable=True),
        dg.AssetSpec(CHARGES, deps=[SLICES], skippable=True),
        dg.AssetSpec(OWNERS, skippable=True),
        dg.AssetSpec(STATEMENT, deps=[CHARGES, OWNERS], skippable=True),
    ],
    check_specs=[CHECKED, SEEN],
)
def ledger() -> Iterator[Any]:
    yield from ()


def output_of(key: dg.AssetKey) -> dg.Output[Any]:
    return dg.Output(None, ledger.get_output_name_for_asset_key(key), metadata={"built": True})


def result_of(check: dg.AssetCheckSpec) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(asset_key=check.asset_key, check_name=check.name, passed=True)


def told(events: Iterator[Any]) -> Iterator[tuple[str, str]]:
    """Each event: the last part of its asset's key, and whether it was built, nothing new, or a check's name."""
    for event in events:
        if isinstance(event, dg.Output):
            (said,) = event.metadata
            yield str(event.output_name).split("__")[-1], said
        else:
            yield event.asset_key.path[-1], str(event.check_name)


def test_models_are_told_after_what_they_are_made_of_and_no_later_than_need_be(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path)
    list(verdicts.noting(iter([result_of(CHECKED), result_of(SEEN)])))
    asked: list[str] = []

    def build() -> Iterator[Any]:
        for event in (output_of(OWNERS), result_of(SEEN), output_of(SLICES)):
            asked.append(event.output_name if isinstance(event, dg.Output) else str(event.check_name))
            yield event

    found = told(with_the_rest(build(), ledger, UNCHANGED, verdicts))
    assert next(found) == ("raw", "nothing new") and not asked, "nothing of dbt is waited for that need not be"
    assert list(found) == [
        ("owners", "built"),
        ("slices", "built"),
        ("charges", "nothing new"),
        ("statement", "nothing new"),
        ("owners", "has_owners"),
        ("statement", "adds_up"),
    ]


def test_a_build_that_fails_tells_what_it_built_and_fails(tmp_path: Path) -> None:
    def build() -> Iterator[Any]:
        yield output_of(OWNERS)
        raise DagsterDbtError("a model could not be built")

    found: list[tuple[str, str]] = []
    with pytest.raises(DagsterDbtError, match="could not be built"):
        for event in told(with_the_rest(build(), ledger, UNCHANGED, Verdicts(tmp_path))):
            found.append(event)
    assert ("owners", "built") in found


def test_what_dbt_leaves_alone_is_what_is_not_of_the_refresh_itself() -> None:
    def node(name: str, refresh: str | None) -> dict[str, Any]:
        meta = {"refresh": refresh} if refresh else {}
        return {
            "resource_type": "model",
            "name": name,
            "schema": "marts",
            "config": {"schema": "marts", "meta": meta},
        }

    manifest = {
        "nodes": {"a": node("fact_cost", "on_news"), "b": node("dim_date", "always"), "c": node("a_test", None)}
    }
    assert left_alone(manifest, LedgerTranslator()) == {dg.AssetKey(["marts", "fact_cost"])}
