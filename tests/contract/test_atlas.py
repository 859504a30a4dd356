"""The sample company's Atlas against models that are generated from Atlas's own OpenAPI: every record, and no field beyond."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyatlassdk.admin import AtlasAdminClient
from pyatlassdk.admin.models.invoice_report_request import InvoiceReportRequest
from pydantic import BaseModel

from sample_company import atlas
from sample_company.server import serving
from sample_company.world import State, World

WORLD = World(7, date(2026, 11, 9))
AS_OF = date(2026, 11, 10)
ACCOUNT = {"client_id": atlas.CLIENT_ID, "client_secret": atlas.CLIENT_SECRET}
KEY = {"public_key": atlas.PUBLIC_KEY, "private_key": atlas.PRIVATE_KEY}


@pytest.fixture(scope="module", params=[ACCOUNT, KEY], ids=["service account", "API key"])
def client(request: pytest.FixtureRequest) -> Iterator[AtlasAdminClient]:
    with serving(atlas.routes(State(WORLD, AS_OF), is_odd=False)) as base:
        addresses = {"base_url": f"{base}/atlas/api/atlas/v2", "oauth_token_url": f"{base}/atlas/api/oauth/token"}
        with AtlasAdminClient(**request.param, **addresses) as found:
            yield found


def unknown_fields(value: Any) -> set[str]:
    """The fields that a record and those in it have, and their models do not."""
    if isinstance(value, list):
        return {name for item in value for name in unknown_fields(item)}
    if not isinstance(value, BaseModel):
        return set()
    inner = {name for field in type(value).model_fields for name in unknown_fields(getattr(value, field))}
    return {f"{type(value).__name__}.{name}" for name in value.model_extra or {}} | inner


def test_invoices_and_their_lines_are_as_documented(client: AtlasAdminClient) -> None:
    months = WORLD.months(AS_OF)
    listed = client.invoices.list_org_invoices(atlas.ORG)
    assert [invoice.id for invoice in listed.results] == [atlas.invoice_id(month) for month in months]
    for month, header in zip(months, listed.results, strict=True):
        invoice = client.invoices.get_org_invoice(header.id, atlas.ORG)
        assert len(invoice.line_items) == len(atlas.line_items(WORLD, month, AS_OF))
        assert len(invoice.payments) == len(invoice.linked_invoices) == (invoice.status_name == "PAID")
        assert not unknown_fields(invoice) and not unknown_fields(header)


def test_projects_teams_and_clusters_are_as_documented(client: AtlasAdminClient) -> None:
    projects = client.organizations.get_org_groups(atlas.ORG).results
    teams = client.teams.list_org_teams(atlas.ORG).results
    assert {project.id for project in projects} == {atlas.CORE, atlas.ANALYTICS} and len(teams) == len(atlas.TEAMS)
    for project in projects:
        clusters = client.clusters.list_group_clusters(project.id).results
        roles = client.teams.list_group_teams(project.id).results
        assert clusters and roles
        assert not unknown_fields([project, *clusters, *roles, *teams])


def test_reports_are_as_documented(client: AtlasAdminClient) -> None:
    month = WORLD.months(AS_OF)[0]
    associated = client.invoices.get_org_associated_invoices(
        atlas.ORG, include_linked_orgs=True, month=int(month[5:]), year=int(month[:4])
    )
    assert {found.org_id for found in associated.associated_invoices} == {atlas.ORG, atlas.LINKED_ORG}
    for found in associated.associated_invoices:
        body = InvoiceReportRequest(report_type="FOCUS", report_format="CSV", format_spec_version="1.3")
        requested = client.invoices.create_org_invoice_report(found.invoice_id, found.org_id, body)
        listed = client.invoices.list_org_invoice_reports(found.invoice_id, found.org_id).results
        report = client.invoices.get_org_invoice_report(found.invoice_id, found.org_id, requested.report_id)
        assert requested.state == "PENDING" and report.state == "SUCCEEDED" and report.download_url and listed
        assert not unknown_fields([associated, requested, report, *listed])


def test_measurements_of_clusters_are_as_documented(client: AtlasAdminClient) -> None:
    period = {"start": datetime(2026, 11, 1, tzinfo=UTC), "end": datetime(2026, 11, 4, tzinfo=UTC)}
    monitoring, collections = client.monitoring_and_logs, client.collection_level_metrics
    processes = monitoring.list_group_processes(atlas.ANALYTICS).results
    primary = next(found for found in processes if found.type_name == "REPLICA_PRIMARY" and "events" in found.id)
    databases = monitoring.list_group_process_databases(atlas.ANALYTICS, primary.id).results
    sizes = [
        monitoring.get_group_process_database_measurements(
            found.database_name,
            atlas.ANALYTICS,
            primary.id,
            granularity="P1D",
            m=["DATABASE_STORAGE_SIZE"],
            **period,
        )
        for found in databases
    ]
    view = ("events", "PRIMARY")
    ranked = collections.get_group_cluster_coll_stat_namespaces(*view, atlas.ANALYTICS, **period)
    times = [
        collections.list_group_cluster_coll_stat_measurements(
            *view, collection, database, atlas.ANALYTICS, metrics=["TOTAL_LATENCY"], **period
        )
        for database, _, collection in (name.partition(".") for name in ranked.ranked_namespaces)
    ]
    assert len(processes) % 3 == 0 and len(databases) == 3 and len(times) == 6
    assert {len(found.measurements[0].data_points) for found in sizes} == {3}
    assert not unknown_fields([*processes, *databases, *sizes, ranked, *times])
