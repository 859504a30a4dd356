"""MongoDB Atlas as a source: a slice is an invoice; projects and clusters are listed whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.contract import Known, LedgerSource, Part, Remark, Rows, Slice, Source, Stated
from ingestion.lake.lists import GONE, NotListed, of_each
from ingestion.lake.records import moment, record
from ingestion.lake.rejected import REJECTED_RECORDS, Rejected
from ingestion.setting_table import about
from ingestion.settings import Month, Window
from ingestion.sources.atlas.client import BASE_URL, PENDING, Atlas, authentication
from ingestion.sources.atlas.focus_report import FOCUS_REPORT
from ingestion.sources.atlas.invoices import invoice_rows, line_rows, stated_total
from ingestion.sources.atlas.measurements import NOT_MEASURED, measurements
from ingestion.sources.atlas.reports import WITHOUT_REPORT, Reports
from ingestion.sources.atlas.shape import (
    CLAIM_KINDS,
    CLUSTERS,
    INVOICES,
    LINE_ITEMS,
    PAYMENTS,
    PROJECT_TEAMS,
    PROJECTS,
    billed,
    cluster_row,
    identifier,
    moment_or_none,
    payment_remark,
    payment_rows,
    project_row,
    project_team_row,
)
from ingestion.sources.atlas.usage import CLUSTER_USAGE, Cluster, address_of

TABLES = (
    INVOICES,
    LINE_ITEMS,
    PAYMENTS,
    FOCUS_REPORT,
    PROJECTS,
    PROJECT_TEAMS,
    CLUSTERS,
    CLUSTER_USAGE,
    REJECTED_RECORDS,
)
# How long a report of a pending invoice is as good as a new one.
REUSED_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class AtlasSettings:
    """An organization, and a service account or a programmatic API key of it, with the role Organization Billing Viewer."""

    org_id: str = field(metadata=about("the organization"))
    client_id: str | None = field(default=None, metadata=about("the service account's id"))
    client_secret: str | None = field(default=None, repr=False, metadata=about("the service account's secret"))
    public_key: str | None = field(
        default=None, metadata=about("the public part of an API key, instead of a service account")
    )
    private_key: str | None = field(default=None, repr=False, metadata=about("its private part"))
    focus_report: bool = field(
        default=True,
        metadata=about(
            "whether Atlas is asked for the FOCUS report of each invoice, which has regions, prices and applied credits"
        ),
    )
    database_user: str | None = field(
        default=None,
        metadata=about(
            "a database user of each project, with the role clusterMonitor: each cluster's own statistics are read"
        ),
    )
    database_password: str | None = field(
        default=None, repr=False, metadata=about("its password", needs="database_user")
    )
    measurements: bool = field(
        default=False,
        metadata=about(
            "whether the use of each cluster by day is read from Atlas's measurements: a request a database and collection"
        ),
    )
    base_url: str = field(default=BASE_URL, metadata=about("the API's address"))


def _projects(atlas: Atlas) -> list[Part]:
    """The organization's projects with the teams that have a role in them, of one moment.

    Without access to the teams the projects land alone, with a remark. A project that was deleted meanwhile has none.
    """
    rejected = Rejected()
    projects = rejected.rows(atlas.projects(), "Atlas projects", project_row)
    roles: list[dict[str, Any]] = []
    remarks: list[Part] = []
    try:
        names = {
            str(team["id"]): str(team["name"])
            for team in atlas.teams()
            if isinstance(team, dict) and team.get("id") and team.get("name")
        }
        roles = of_each(
            rejected,
            [project["project_id"] for project in projects],
            atlas.teams_of_project,
            "Atlas teams of project",
            lambda found, project, where: project_team_row(found, project, names, where),
        )
    except NotListed as reason:
        remarks.append(Remark(f"without teams: {reason}"))
    counted = Counter(row["team_id"] for row in roles)
    return [
        Rows(PROJECTS, [{**row, "has_teams": not remarks} for row in projects]),
        Rows(PROJECT_TEAMS, [{**row, "team_project_count": counted[row["team_id"]]} for row in roles]),
        *rejected.parts(),
        *remarks,
    ]


def _clusters(atlas: Atlas) -> list[Part]:
    """The clusters of every project. Where those of one can't be read, the list is not whole and does not land."""
    rejected = Rejected()
    # A project without an id is set aside with the list of projects.
    projects = [str(one["id"]) for one in atlas.projects() if isinstance(one, dict) and one.get("id")]
    found = of_each(rejected, projects, atlas.clusters, "Atlas clusters of project", cluster_row)
    return [Rows(CLUSTERS, found), *rejected.parts()]


def _invoice(
    atlas: Atlas, reports: Reports | None, header: dict[str, Any], apart: frozenset[str], now: datetime
) -> Iterator[Part]:
    """An invoice and those linked to it, but for slices of their own (`apart`), with the report of each."""
    where = f"Atlas invoice {header['id']}"
    invoice = atlas.invoice(str(header["id"]))
    rejected = Rejected()
    lines = line_rows(invoice, where, apart, rejected)
    payments = payment_rows(invoice, where, rejected)
    rows = invoice_rows(invoice, where, apart)
    yield Rows(INVOICES, rows)
    yield Rows(LINE_ITEMS, lines)
    yield Rows(PAYMENTS, payments)
    stated = stated_total(invoice, where, apart)
    if stated is not None and lines:
        yield Stated(LINE_ITEMS, str(lines[0]["currency"]), stated)
    yield from rejected.parts()
    remark = payment_remark(invoice, payments)
    if remark:
        yield Remark(remark)
    if reports:
        month = Month.of(moment(header["startDate"], where))
        # A pending invoice changes all the time, a closed one no more.
        closed = None if header.get("statusName") == PENDING else moment_or_none(header.get("updated"))
        for row in rows:
            yield from reports.parts(row["invoice_id"], month, closed or now - REUSED_FOR)


def _known_clusters(atlas: Atlas) -> list[Cluster]:
    """The clusters that exist, as they are measured."""

    def cluster(found: dict[str, Any], project_id: str, where: str) -> Cluster:
        return Cluster(project_id, str(identifier(found, where, "name")), address_of(found))

    projects = [str(one["id"]) for one in atlas.projects() if isinstance(one, dict) and one.get("id")]
    return of_each(Rejected(), projects, atlas.clusters, "Atlas clusters of project", cluster)


def _statistics(atlas: Atlas, user: str, password: str, now: datetime) -> list[Part]:
    # The driver takes its time to be imported.
    from ingestion.sources.atlas.statistics import connecting, statistics

    return statistics(_known_clusters(atlas), connecting(user, password), now)


def _measurements(atlas: Atlas, start: datetime, end: datetime) -> list[Part]:
    return measurements(atlas, _known_clusters(atlas), start, end)


def _measured(
    settings: AtlasSettings, atlas: Atlas, window: Window, known: Known, now: datetime
) -> Iterator[Slice]:
    """The use of clusters: statistics of this hour, and measurements of each month, the last time when it is over."""
    if settings.database_user and settings.database_password:
        hour = now.replace(minute=0, second=0, microsecond=0)
        read = partial(_statistics, atlas, settings.database_user, settings.database_password, now)
        yield Slice(f"statistics|{settings.org_id}|{hour:%Y-%m-%dT%H}", str(Month.of(now)), hour, now, read)
    for month in window.months if settings.measurements else ():
        if month.start < now:
            is_over = month.end + timedelta(days=1) <= now
            slice_id = f"measurements|{settings.org_id}|{month}"
            before = known.get(slice_id)
            yield Slice(
                id=slice_id,
                billing_period=str(month),
                start=month.start,
                end=min(month.end, now),
                read=partial(_measurements, atlas, month.start, min(month.end, now)),
                version="whole" if is_over else "in part",
                version_proves=is_over and not (before and NOT_MEASURED in (before.message or "")),
            )


def _headers(atlas: Atlas) -> tuple[list[Any], BadInput | NotListed | None]:
    """The invoices as Atlas lists them, and why the pending ones are not among them.

    Pending invoices have a list of their own; Atlas does not document whether they are in the list of all too.
    """
    headers = list(atlas.invoices())
    if any(isinstance(header, dict) and header.get("statusName") == PENDING for header in headers):
        return headers, None
    try:
        return [*headers, *atlas.pending_invoices()], None
    except (BadInput, NotListed) as reason:
        is_none = isinstance(reason, NotListed) and reason.status in GONE
        return headers, None if is_none else reason


def _raised(reason: Exception) -> list[Part]:
    raise reason


def slices(settings: AtlasSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The invoices whose month is in the window, oldest first; then projects and clusters."""
    auth = authentication(
        settings.client_id, settings.client_secret, settings.public_key, settings.private_key, settings.base_url
    )
    atlas = Atlas(auth, settings.org_id, settings.base_url)
    reports = Reports(atlas) if settings.focus_report else None
    found, unreadable, count = [], Rejected(), 0
    headers, without_pending = _headers(atlas)
    # Of headers that can't be read: their invoices stay as they were delivered last.
    left: set[str | None] = {None} if without_pending else set()
    listed_ids: set[str] = set()
    for count, listed_invoice in enumerate(headers, start=1):
        where = f"Atlas invoices, record {count}"
        set_aside = len(unreadable.records)
        with unreadable.aside(where, lambda invoice=listed_invoice: billed(invoice, "amountBilledCents")):  # type: ignore[misc]
            header = record(listed_invoice, where)
            if not header.get("id") or not header.get("startDate"):
                raise BadInput(f"{where}: no id or no startDate")
            start = moment(header["startDate"], f"{where}, startDate")
            listed_ids.add(str(header["id"]))
            if start in window:
                found.append((start, header))
        if len(unreadable.records) > set_aside:
            has_id = isinstance(listed_invoice, dict) and listed_invoice.get("id")
            left.add(str(listed_invoice["id"]) if has_id else None)
    unreadable.check(count - len(unreadable.records))
    # An invoice that is listed is a slice, of this window or another, also where another one links to it.
    invoices = frozenset(listed_ids) | frozenset(name for name in left if name)
    for start, header in sorted(found, key=lambda pair: (pair[0], str(pair[1]["id"]))):
        status, updated = str(header.get("statusName")), header.get("updated")
        slice_id, month = f"invoice|{settings.org_id}|{header['id']}", Month.of(start)
        before = known.get(slice_id)
        has_report = not (before and WITHOUT_REPORT in (before.message or ""))
        yield Slice(
            id=slice_id,
            billing_period=str(month),
            start=start,
            end=month.end,
            read=partial(_invoice, atlas, reports, header, invoices, now),
            version=f"{status}|{updated}|report" if reports else f"{status}|{updated}",
            version_proves=status != PENDING and bool(updated) and has_report,
        )
    # A pending invoice may close under another id: what is listed no more is emptied, or it would count twice.
    listed = {f"invoice|{settings.org_id}|{identifier}" for identifier in invoices}
    for note in known.values() if None not in left else ():
        gone = note.slice_id.startswith(f"invoice|{settings.org_id}|") and note.slice_id not in listed
        if gone and note.billing_period and window.first <= Month.parse(note.billing_period) <= window.last:
            month = Month.parse(note.billing_period)
            yield Slice(note.slice_id, note.billing_period, month.start, month.end, list)
    if without_pending:
        yield Slice(f"pending|{settings.org_id}", None, window.start, now, partial(_raised, without_pending))
    if unreadable.records or f"invoices|{settings.org_id}" in known:
        yield Slice(f"invoices|{settings.org_id}", None, window.start, now, unreadable.parts)
    yield Slice(f"projects|{settings.org_id}", None, window.start, now, lambda: _projects(atlas))
    yield Slice(f"clusters|{settings.org_id}", None, window.start, now, lambda: _clusters(atlas))
    yield from _measured(settings, atlas, window, known, now)


SOURCE = Source(
    name="atlas",
    title="MongoDB Atlas",
    description="MongoDB Atlas invoices with their daily line items, projects, teams and clusters.",
    settings=AtlasSettings,
    tables=TABLES,
    slices=slices,
    ledger_sources=(LedgerSource("atlas", freshness_sla_hours=72),),
    claim_kinds=CLAIM_KINDS,
    kinds=("mongodb",),
)
