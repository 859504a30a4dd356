"""Pages of every vendor's lists: one that is cut off, goes in circles or never ends is refused with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from requests.auth import HTTPBasicAuth

from ingestion.access.paging import MOST_EMPTY, MOST_PAGES, Pages
from ingestion.errors import BadInput
from ingestion.sources.atlas.client import PAGE, Atlas
from ingestion.sources.llm_gateway.client import PAGE_SIZE, SpendLogs
from ingestion.sources.llm_providers.anthropic.client import Anthropic
from ingestion.sources.llm_providers.openai.client import OpenAi
from ingestion.sources.vercel.client import Vercel

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
Read = Callable[[Any], Iterator[Any]]


class Answers:
    """A client whose pages are given; the last one is answered for ever, `changing` makes each a new one."""

    vendor = "Vendor"

    def __init__(self, *pages: dict[str, Any], changing: Callable[[int], dict[str, Any]] | None = None) -> None:
        self.pages, self.changing, self.asked = pages, changing, 0

    def json(self, path: str, **_: Any) -> Any:
        self.asked += 1
        if self.changing:
            return self.changing(self.asked)
        return self.pages[min(self.asked, len(self.pages)) - 1]

    def request(self, method: str, path: str, **_: Any) -> Any:
        answer = self.json(path)
        return type("Response", (), {"ok": True, "status_code": 200, "answer": answer})

    def parsed(self, response: Any) -> Any:
        return response.answer


def openai(answers: Any) -> Iterator[Any]:
    client = OpenAi("key", "http://localhost")
    client.http = answers
    return client.costs(START, END)


def openai_list(answers: Any) -> Iterator[Any]:
    client = OpenAi("key", "http://localhost")
    client.http = answers
    return client.projects()


def anthropic(answers: Any) -> Iterator[Any]:
    client = Anthropic("key", "http://localhost")
    client.http = answers
    return client.costs(START, END)


def anthropic_list(answers: Any) -> Iterator[Any]:
    client = Anthropic("key", "http://localhost")
    client.http = answers
    return client.organization("workspaces")


def claude_code(answers: Any) -> Iterator[Any]:
    client = Anthropic("key", "http://localhost")
    client.http = answers
    return client.claude_code(START)


def vercel(answers: Any) -> Iterator[Any]:
    client = Vercel("token", "team")
    client.http = answers
    return client.projects()


def bucket(number: int) -> dict[str, Any]:
    return {
        "start_time": number,
        "starting_at": f"2026-11-{number:02d}T00:00:00Z",
        "results": [],
        "id": str(number),
    }


def page(number: int, cursor: Any, has_more: bool = True) -> dict[str, Any]:
    """A page in the words of all of them."""
    found = [bucket(number)]
    listed = {"data": found, "projects": found, "pagination": {"next": cursor}}
    return {**listed, "has_more": has_more, "next_page": cursor, "last_id": cursor}


LISTS = [openai, openai_list, anthropic, anthropic_list, claude_code]


@pytest.mark.parametrize("read", LISTS)
@pytest.mark.parametrize("cursor", [None, ""])
def test_page_that_says_there_is_more_and_has_no_cursor_is_refused(read: Read, cursor: Any) -> None:
    with pytest.raises(BadInput, match=r"page 1: there is more, and no cursor leads to it"):
        list(read(Answers(page(1, cursor))))


@pytest.mark.parametrize("read", [*LISTS, vercel])
def test_cursor_that_comes_again_is_refused(read: Read) -> None:
    answers = Answers(page(1, "a"), page(2, "b"), page(3, "a"), page(4, None, False))
    with pytest.raises(BadInput, match=r"page 3: its cursor came before"):
        list(read(answers))
    assert answers.asked == 3


@pytest.mark.parametrize("read", [*LISTS, vercel])
def test_same_page_for_ever_is_refused(read: Read) -> None:
    answers = Answers(changing=lambda number: page(1, f"cursor {number}"))
    with pytest.raises(BadInput, match=r"page 2: the same records"):
        list(read(answers))
    assert answers.asked == 2


@pytest.mark.parametrize("read", [*LISTS, vercel])
def test_empty_pages_without_end_are_refused(read: Read) -> None:
    def empty(number: int) -> dict[str, Any]:
        return {**page(1, f"cursor {number}"), "data": [], "projects": []}

    answers = Answers(changing=empty)
    with pytest.raises(BadInput, match="refused as endless"):
        list(read(answers))
    assert answers.asked == MOST_EMPTY + 1


@pytest.mark.parametrize("read", [*LISTS, vercel])
def test_list_whose_pages_lead_on_is_read_whole(read: Read) -> None:
    assert len(list(read(Answers(page(1, "a"), page(2, "b"), page(3, None, False))))) == 3


def test_pages_that_differ_for_ever_end_at_a_limit() -> None:
    pages = Pages("Vendor", "/list")
    with pytest.raises(BadInput, match=r"Vendor: /list: page \d+ does not end the list"):
        for number in range(MOST_PAGES + 2):
            pages.take([number])
            pages.follow(number, True)
    assert pages.number == MOST_PAGES + 1


def test_atlas_page_without_records_is_refused_while_its_count_says_more() -> None:
    client = Atlas(HTTPBasicAuth("id", "secret"), "org")
    found = [{"id": str(number)} for number in range(PAGE)]
    client.http = Answers({"results": found, "totalCount": PAGE + 1}, {"results": [], "totalCount": PAGE + 1})  # type: ignore[assignment]
    with pytest.raises(BadInput, match=rf"page 2: no records, 1 of {PAGE + 1} are missing"):
        list(client.projects())
    client.http = Answers({"results": found, "totalCount": 10 * PAGE})  # type: ignore[assignment]
    with pytest.raises(BadInput, match="the same records"):
        list(client.projects())
    # Without a count a full page is not the last.
    client.http = Answers({"results": found}, {"results": found[:1]})  # type: ignore[assignment]
    assert len(list(client.projects())) == PAGE + 1


def test_spend_logs_page_without_rows_is_refused_while_more_pages_are_counted() -> None:
    rows = [{"request_id": str(number)} for number in range(PAGE_SIZE)]
    answers = Answers({"data": rows, "total_pages": 3}, {"data": [], "total_pages": 3})
    with pytest.raises(BadInput, match="page 2 of 3 has no rows"):
        list(SpendLogs(answers).pages(START, END))  # type: ignore[arg-type]
    answers = Answers({"data": rows, "total_pages": 3})
    with pytest.raises(BadInput, match="the same records"):
        list(SpendLogs(answers).pages(START, END))  # type: ignore[arg-type]
    assert list(SpendLogs(Answers({"data": [], "total_pages": 0})).pages(START, END)) == [[]]  # type: ignore[arg-type]
