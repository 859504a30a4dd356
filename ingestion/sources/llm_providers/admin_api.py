"""What the providers' admin APIs share: daily buckets by pages, lists by cursor, closed days."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ingestion.access.http import Client
from ingestion.access.paging import Pages
from ingestion.errors import VendorError
from ingestion.lake.contract import NoData

Bucket = tuple[datetime, list[dict[str, Any]]]


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Grouping:
    """What a report is asked to be grouped by, and the headers that this needs."""

    groups: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()


def get(
    http: Client, path: str, params: Any, headers: dict[str, str], accepted: frozenset[int]
) -> tuple[int, Any]:
    response = http.request("GET", path, params=params, headers=headers, accept_statuses=accepted)
    if not response.ok:
        return response.status_code, None
    return response.status_code, http.parsed(response)


def daily_buckets(
    http: Client,
    path: str,
    span: Sequence[tuple[str, Any]],
    groupings: Sequence[Grouping],
    limit: int,
    absent: frozenset[int] = frozenset(),
) -> Iterator[dict[str, Any]]:
    """The daily buckets of a report, page by page. The providers page alike; `limit` counts buckets.

    Groupings are tried from the finest on: the vendor answers 400 for a group that it does not know, which is
    warned of. Raises NoData for a status in `absent`: the report is not there for this organization.
    """
    for number, grouping in enumerate(groupings):
        asked: list[tuple[str, Any]] = [
            *span,
            ("bucket_width", "1d"),
            ("limit", limit),
            *(("group_by[]", group) for group in grouping.groups),
        ]
        headers = dict(grouping.headers)
        is_last = number == len(groupings) - 1
        status, answer = get(http, path, asked, headers, absent if is_last else absent | {400})
        if status in absent:
            raise NoData(f"{http.vendor}: {path} answered {status}: the report is not there for this organization")
        if answer is None:
            _log.warning(
                "%s: %s does not take the groups %s: asked for %s only",
                http.vendor,
                path,
                ", ".join(grouping.groups),
                ", ".join(groupings[number + 1].groups),
            )
            continue
        pages = Pages(http.vendor, path)
        while True:
            yield from pages.take(answer["data"])
            page = pages.follow(answer.get("next_page"), answer.get("has_more"))
            if page is None:
                return
            answer = http.json(path, params=[*asked, ("page", page)], headers=headers)


def listed(
    http: Client, path: str, cursor: str, extra: dict[str, Any], is_optional: bool
) -> Iterator[dict[str, Any]]:
    """A list, page by page; nothing, with a warning, where an optional one answers 404."""
    params: dict[str, Any] = {"limit": 100, **extra}
    pages = Pages(http.vendor, path)
    while True:
        status, answer = get(http, path, params, {}, frozenset({404}) if is_optional else frozenset())
        if status == 404:
            _log.warning("%s: %s is not there for this organization", http.vendor, path)
            return
        yield from pages.take(answer["data"])
        # `last_id` is on the last page too.
        after = pages.follow(answer.get("last_id"), bool(answer.get("has_more")))
        if after is None:
            return
        params[cursor] = after


def closed_days(start: datetime, end: datetime, now: datetime) -> list[datetime]:
    """The UTC days of a span that are over: reports of a running day are partial and jump."""
    last = min(end, now.replace(hour=0, minute=0, second=0, microsecond=0))
    return [start + timedelta(days=offset) for offset in range(max((last - start).days, 0))]


def within(buckets: Iterator[Bucket], days: list[datetime], vendor: str) -> dict[datetime, list[dict[str, Any]]]:
    """The results by day.

    Raises VendorError for a bucket that was not asked for (windows would be shifted), BadInput for one that comes twice.
    """
    asked = set(days)
    found: dict[datetime, list[dict[str, Any]]] = {}
    for day, results in buckets:
        if day not in asked:
            raise VendorError(f"{vendor}: answered with a bucket of {day:%Y-%m-%d %H:%M}, which was not asked for")
        if day in found:
            raise VendorError(
                f"{vendor}: answered with the bucket of {day:%Y-%m-%d} twice: it would be counted twice"
            )
        found[day] = list(results)
    return found
