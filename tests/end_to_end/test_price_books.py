"""Two price books, one after the other, as a negotiated price makes them: closed months keep the first."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.conftest import FIRST, Company

pytestmark = pytest.mark.slow

# August closed on 1 October, before there was a book; September closes on 1 November, with the first.
NAMED, CLOSED, OPEN = "2026-08", "2026-09", "2026-10"
SECOND_DAY = "2026-11-02T06:00:00+00:00"
DOUBLE = {"provider": "openai", "model": "*", "multiplier": "2", "reason": "the discount of the contract ended"}
REQUESTS = (
    "select llm_request_key, billing_month, provider, pricing_status, computed_list_cost, cache_savings, "
    "price_book_version from fact_llm_request order by llm_request_key"
)


@pytest.fixture(scope="module")
def company(staged_company: Callable[[str, date], Company]) -> Company:
    """An installation that has nothing but its gateway's logs, and a registry of its own."""
    company = staged_company("price-books", FIRST)
    names = company.stage.environment
    company.settings = {name: "" for name in names if name.startswith("SOURCES__")}
    company.settings |= {name: names[name] for name in names if name.startswith("SOURCES__LLM_GATEWAY__LITELLM")}
    shutil.copytree(names["COSTOWNER_REGISTRY"], company.home / "registry")
    company.settings["COSTOWNER_REGISTRY"] = str(company.home / "registry")
    return company


def declare(company: Company, key: str, entry: dict[str, Any]) -> None:
    """Add an entry to the registry's prices."""
    file = Path(company.settings["COSTOWNER_REGISTRY"]) / "prices.yml"
    content = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**content, key: [*content.get(key, []), entry]}))


def test_closed_month_keeps_its_price_book_until_the_registry_names_it(company: Company) -> None:
    company.refresh("--months", f"{NAMED}..{OPEN}")
    first = company.query(REQUESTS)
    ((book, newest),) = company.query(
        "select distinct price_book_version, newest_price_book_version from llm_price_revision"
    )
    assert {row[6] for row in first} == {book} and book == newest
    assert {row[1:3] for row in first if row[4]} >= {
        (month, name) for month in (NAMED, CLOSED, OPEN) for name in ("openai", "anthropic")
    }

    declare(company, "price_overrides", DOUBLE)
    declare(
        company,
        "reprice",
        {"month": NAMED, "as_of": date(2026, 11, 2), "reason": "the contract said so in August"},
    )
    company.settings["COSTOWNER_NOW"] = SECOND_DAY
    company.refresh("--months", OPEN)
    ((other,),) = company.query("select distinct newest_price_book_version from llm_price_revision")
    assert other != book

    # Request for request: the closed month as it was to the last digit, the open one and the named one at the new book.
    def priced_anew(row: tuple[Any, ...]) -> tuple[Any, ...]:
        key, month, provider, status, cost, savings, _ = row
        factor = 2 if provider == "openai" else 1
        return (key, month, provider, status, cost and cost * factor, savings and savings * factor, other)

    assert company.query(REQUESTS) == [row if row[1] == CLOSED else priced_anew(row) for row in first]

    # What pricing the closed month anew would change is told beside it; of the others there is nothing to tell.
    spent, dearer = (
        sum((row[4] for row in first if row[1] == CLOSED and row[2] in names and row[4]), Decimal(0))
        for names in ({row[2] for row in first}, {"openai"})
    )
    told = company.query(
        "select billing_month, price_book_version, is_superseded, computed_list_cost, newest_list_cost, difference, "
        "repriced_as_of from llm_price_revision order by 1"
    )
    named, closed, opened = told
    assert dearer > 0 and closed == (CLOSED, book, True, spent, spent + dearer, dearer, None)
    for row, month, as_of in ((named, NAMED, date(2026, 11, 2)), (opened, OPEN, None)):
        assert row[:3] == (month, other, False) and row[3] == row[4] and row[5:] == (0, as_of)
