"""A vendor's lists beside its bill (projects, clusters, teams): where one can't be had, the bill lands without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ingestion.access.http import Answer, Client
from ingestion.access.session import without_query
from ingestion.errors import BadInput, VendorError
from ingestion.lake.contract import NoData
from ingestion.lake.records import record
from ingestion.lake.rejected import Rejected

Row = TypeVar("Row")
# How vendors answer for what the plan does not have, the role may not read, or is gone.
WITHOUT_ACCESS = frozenset({402, 403, 404, 410})
# How they answer for what is not there (any longer).
GONE = frozenset({404, 410})


class NotListed(NoData):
    """The vendor has no such list for this plan or this role; `status` is that of its answer."""

    def __init__(self, where: str, status: int, credentials: str) -> None:
        super().__init__(
            f"{where} answered {status}: the plan does not have it, or {credentials} may not read it; the bill lands without it"
        )
        self.status = status


def list_answer(
    http: Client,
    path: str,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    without_access: frozenset[int] = WITHOUT_ACCESS,
) -> Answer:
    """The answer of a list. Raises NotListed where there is no access to it, and BadInput where the vendor does not give it."""
    try:
        answer = http.request("GET", path, params=params, headers=headers, accept_statuses=without_access)
    except VendorError as error:
        raise BadInput(str(error)) from None
    if answer.status_code in without_access:
        raise NotListed(f"{http.vendor}: {without_query(answer.url)}", answer.status_code, http.credentials)
    return answer


def list_page(
    http: Client,
    path: str,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    without_access: frozenset[int] = WITHOUT_ACCESS,
) -> dict[str, Any]:
    """A page of a list, as its JSON object. Raises as `list_answer`, and BadInput where it is none."""
    answer = list_answer(http, path, params, headers, without_access)
    try:
        return http.parsed(answer)
    except VendorError as error:
        raise BadInput(str(error)) from None


def of_each(
    rejected: Rejected,
    keys: Iterable[str],
    listed: Callable[[str], Iterable[Any]],
    place: str,
    row: Callable[[dict[str, Any], str, str], Row],
) -> list[Row]:
    """The rows of a list that is asked for once for each key: a group's projects, a project's clusters.

    What is gone between two calls has none. `row` takes a record, its key and its place. A record that can't be read is
    set aside; raises BadInput where none of all lists can be read.
    """
    before = len(rejected.records)
    rows: list[Row] = []
    for key in keys:
        try:
            for number, found in enumerate(listed(key), start=1):
                where = f"{place} {key}, record {number}"
                with rejected.aside(where):
                    rows.append(row(record(found, where), key, where))
        except NotListed as reason:
            if reason.status not in GONE:
                raise
    rejected.check(len(rows), since=before)
    return rows
