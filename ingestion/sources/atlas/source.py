"""MongoDB Atlas as a source: a slice is an invoice; projects and clusters are listed whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.contract import Known, LedgerSource, Part, Remark, Rows, Slice, Source, Stated
from ingestion.lake.lists import NotListed, of_each
from ingestion.lake.records import moment, record
from ingestion.lake.rejected import Rejected
from ingestion.setting_table import about
from ingestion.settings import Month, Window
from ingestion.sources.atlas.client import BASE_URL, Atlas, authentication
from ingestion.sources.atlas.invoices import invoice_rows, line_rows, stated_total
from ingestion.sources.atlas.shape import (
    CLAIM_KINDS,
    CLUSTERS,
    INVOICES,
    LINE_ITEMS,
    PAYMENTS,
    PENDING,
    PROJECT_TEAMS,
    PROJECTS,
    TABLES,
    billed,
    cluster_row,
    payment_remark,
    payment_rows,
    project_row,
    project_team_row,
)


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


def slices(settings: AtlasSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The invoices whose month is in the window, oldest first; then projects and clusters."""
    auth = authentication(
        settings.client_id, settings.client_secret, settings.public_key, settings.private_key, settings.base_url
    )
    atlas = Atlas(auth, settings.org_id, settings.base_url)
    found, unreadable, count = [], Rejected(), 0
    # Of headers that can't be read: their invoices stay as they were delivered last.
    left: set[str | None] = set()
    for count, listed_invoice in enumerate(atlas.invoices(), start=1):
        where = f"Atlas invoices, record {count}"
        before = len(unreadable.records)
        with unreadable.aside(where, lambda invoice=listed_invoice: billed(invoice, "amountBilledCents")):  # type: ignore[misc]
            header = record(listed_invoice, where)
            if not header.get("id") or not header.get("startDate"):
                raise BadInput(f"{where}: no id or no startDate")
            start = moment(header["startDate"], f"{where}, startDate")
            if start in window:
                found.append((start, header))
        if len(unreadable.records) > before:
            has_id = isinstance(listed_invoice, dict) and listed_invoice.get("id")
            left.add(str(listed_invoice["id"]) if has_id else None)
    unreadable.check(count - len(unreadable.records))
    # An invoice that is listed is a slice, also where another one links to it.
    invoices = frozenset(str(header["id"]) for _, header in found) | frozenset(name for name in left if name)
    for start, header in sorted(found, key=lambda pair: (pair[0], str(pair[1]["id"]))):

        def read(identifier: str = str(header["id"])) -> Iterable[Part]:
            where = f"Atlas invoice {identifier}"
            invoice = atlas.invoice(identifier)
            rejected = Rejected()
            lines = line_rows(invoice, where, invoices, rejected)
            payments = payment_rows(invoice, where, rejected)
            yield Rows(INVOICES, invoice_rows(invoice, where, invoices))
            yield Rows(LINE_ITEMS, lines)
            yield Rows(PAYMENTS, payments)
            stated = stated_total(invoice, where, invoices)
            if stated is not None and lines:
                yield Stated(LINE_ITEMS, str(lines[0]["currency"]), stated)
            yield from rejected.parts()
            remark = payment_remark(invoice, payments)
            if remark:
                yield Remark(remark)

        status = str(header.get("statusName"))
        yield Slice(
            id=f"invoice|{settings.org_id}|{header['id']}",
            billing_period=str(Month.of(start)),
            start=start,
            end=Month.of(start).end,
            read=read,
            version=f"{status}|{header.get('updated')}",
            version_proves=status != PENDING and bool(header.get("updated")),
        )
    # A pending invoice may close under another id: what is listed no more is emptied, or it would count twice.
    listed = {f"invoice|{settings.org_id}|{identifier}" for identifier in invoices}
    for note in known.values() if None not in left else ():
        gone = note.slice_id.startswith(f"invoice|{settings.org_id}|") and note.slice_id not in listed
        if gone and note.billing_period and window.first <= Month.parse(note.billing_period) <= window.last:
            month = Month.parse(note.billing_period)
            yield Slice(note.slice_id, note.billing_period, month.start, month.end, list)
    if unreadable.records or f"invoices|{settings.org_id}" in known:
        yield Slice(f"invoices|{settings.org_id}", None, window.start, now, unreadable.parts)
    yield Slice(f"projects|{settings.org_id}", None, window.start, now, lambda: _projects(atlas))
    yield Slice(f"clusters|{settings.org_id}", None, window.start, now, lambda: _clusters(atlas))


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
