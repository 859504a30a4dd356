"""Closed months after a later delivery: a new workspace tag moves cost between owners, a new price book changes nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from sample_company.llm.other_products import EVAL_TEAM, EVAL_WORKSPACE
from tests.end_to_end.conftest import FIRST, Company

pytestmark = pytest.mark.slow

# August closed on 1 October, before the first price book. September closes on 1 November, with the first book.
REPRICED, CLOSED, OPEN = "2026-08", "2026-09", "2026-10"
SECOND_DAY = "2026-11-02T06:00:00+00:00"
DOUBLE = {"provider": "openai", "model": "*", "multiplier": "2", "reason": "the discount of the contract ended"}
ANTHROPIC = "SOURCES__LLM_PROVIDERS__ANTHROPIC_"
BY_OWNER = (
    "select billing_month, sub_account_id, owner_id, sum(billed_cost) from fact_cost "
    "where evidence_value like 'anthropic_workspace_tag:team=%' group by all order by all"
)
REQUESTS = (
    "select llm_request_key, billing_month, provider, pricing_status, computed_list_cost, cache_savings, "
    "price_book_version from fact_llm_request order by llm_request_key"
)


@pytest.fixture(scope="module")
def company(staged_company: Callable[[str, date], Company]) -> Iterator[Company]:
    """An installation with the gateway's logs, Anthropic's reports and its own registry, refreshed once."""
    company = staged_company("closed-months", FIRST)
    staged = company.stage.environment
    used = ("SOURCES__LLM_GATEWAY__LITELLM", ANTHROPIC)
    company.settings = {name: "" for name in staged if name.startswith("SOURCES__") and not name.startswith(used)}
    shutil.copytree(staged["COSTOWNER_REGISTRY"], company.home / "registry")
    company.settings["COSTOWNER_REGISTRY"] = str(company.home / "registry")
    rule = {"id": "tag-search", "claim": "anthropic_workspace_tag:team", "value": "search", "owner": "search"}
    declare(company, "ownership_rules.yml", "rules", rule)
    company.refresh("--months", f"{REPRICED}..{OPEN}")
    yield company
    company.stage.state.workspace_tags.clear()


def declare(company: Company, name: str, key: str, entry: dict[str, Any]) -> None:
    """Add an entry to a file of the registry."""
    file = Path(company.settings["COSTOWNER_REGISTRY"]) / name
    content = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**content, key: [*content.get(key, []), entry]}))


def test_new_workspace_tag_moves_the_cost_of_all_its_months_and_is_a_restatement(company: Company) -> None:
    before = company.query(BY_OWNER)
    assert {row[:3] for row in before} == {
        (month, EVAL_WORKSPACE, EVAL_TEAM) for month in (REPRICED, CLOSED, OPEN)
    }
    company.stage.state.workspace_tags[EVAL_WORKSPACE] = {"team": "search"}
    company.refresh("--months", OPEN)
    assert company.query(BY_OWNER) == [(month, account, "search", cost) for month, account, _, cost in before]
    moved = company.query(
        """
        select billing_month, was_closed, owner_id, sum(billed_change), min(reason), min(changed_slices)
        from fact_restatement group by all order by all
        """
    )
    assert [row[:4] for row in moved] == [
        (month, month < OPEN, owner, change)
        for month, _, _, cost in before
        for owner, change in ((EVAL_TEAM, -cost), ("search", cost))
    ]
    assert {row[4] for row in moved} == {"delivery"}
    assert all(re.fullmatch(r"anthropic\|workspaces: #\w{12} -> #\w{12}", row[5]) for row in moved)


def test_closed_month_keeps_its_price_book_until_the_registry_reprices_it(company: Company) -> None:
    first = company.query(REQUESTS)
    ((book, newest),) = company.query(
        "select distinct price_book_version, newest_price_book_version from llm_price_revision"
    )
    assert {row[6] for row in first} == {book} and book == newest
    assert {row[1:3] for row in first if row[4]} >= {
        (month, name) for month in (REPRICED, CLOSED, OPEN) for name in ("openai", "anthropic")
    }

    declare(company, "prices.yml", "price_overrides", DOUBLE)
    reprice = {"month": REPRICED, "as_of": date(2026, 11, 2), "reason": "the contract had this price in August"}
    declare(company, "prices.yml", "reprice", reprice)
    company.settings["COSTOWNER_NOW"] = SECOND_DAY
    company.refresh("--months", OPEN)
    ((other,),) = company.query("select distinct newest_price_book_version from llm_price_revision")
    assert other != book

    # Request for request: the closed month is unchanged to the last digit, the open and the repriced month have the new book.
    def repriced(row: tuple[Any, ...]) -> tuple[Any, ...]:
        key, month, provider, status, cost, savings, _ = row
        factor = 2 if provider == "openai" else 1
        return (key, month, provider, status, cost and cost * factor, savings and savings * factor, other)

    assert company.query(REQUESTS) == [row if row[1] == CLOSED else repriced(row) for row in first]

    # llm_price_revision shows the effect that the new book would have on the closed month; the other months have it already.
    list_cost, increase = (
        sum((row[4] for row in first if row[1] == CLOSED and row[2] in names and row[4]), Decimal(0))
        for names in ({row[2] for row in first}, {"openai"})
    )
    revisions = company.query(
        "select billing_month, price_book_version, is_superseded, computed_list_cost, newest_list_cost, difference, "
        "repriced_as_of from llm_price_revision order by 1"
    )
    named, closed, opened = revisions
    assert increase > 0 and closed == (CLOSED, book, True, list_cost, list_cost + increase, increase, None)
    for row, month, as_of in ((named, REPRICED, date(2026, 11, 2)), (opened, OPEN, None)):
        assert row[:3] == (month, other, False) and row[3] == row[4] and row[5:] == (0, as_of)
