"""Incidents and what drove them in a terminal, from the published marts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

import click

from ingestion.errors import SettingError
from ingestion.settings import Home
from orchestration.cli.output import amount, print_json, print_table, publication, read

# An incident is named by so many characters of its id.
SHORT = 8
COLUMNS = """
    incident_id, owner_id, responsible_owner_id, source, service_name, level, resource_id, workflow_id, model_id, direction,
    first_day, last_day, day_count, status, billing_currency, cost, expected_cost, impact_cost
"""


@dataclass(frozen=True)
class Incident:
    """Days on which a service, a resource or a workflow of an owner was far from its expected cost, in `currency`."""

    id: str
    owner: str
    responsible: str
    source: str
    service: str
    level: str
    resource: str | None
    workflow: str | None
    model: str | None
    direction: str
    first_day: date
    last_day: date
    days: int
    status: str
    currency: str
    cost: Decimal
    expected: Decimal
    impact: Decimal

    @property
    def short(self) -> str:
        """The start of its id, by which it is named."""
        return self.id[:SHORT]

    @property
    def thing(self) -> str:
        """The service, and what of it is meant where that is less than all."""
        return ", ".join(part for part in (self.service, self.resource, self.workflow, self.model) if part)

    @property
    def span(self) -> str:
        return (
            f"{self.first_day}"
            if self.first_day == self.last_day
            else f"{self.first_day} to {self.last_day:%m-%d}"
        )


@dataclass(frozen=True)
class Driver:
    """A part of an incident's change: the cost of one value of a dimension beside the four weeks before."""

    incident: str
    rank: int
    dimension: str
    value: str | None
    value_name: str | None
    is_rest: bool
    cost: Decimal
    expected: Decimal
    change: Decimal
    share: Decimal

    @property
    def shown(self) -> str:
        """The value by its name, where it has one."""
        return "all others" if self.is_rest else self.value_name or self.value or "none"

    @property
    def percent(self) -> str:
        return f"{round(self.share * 100) + 0}%"


def incidents(home: Home, owner: str | None, days: int) -> tuple[list[Incident], dict[str, list[Driver]]]:
    """The incidents of the last days, the largest first, and the drivers of each, the first of them first."""
    with publication(home) as connection:
        found = read(
            connection,
            Incident,
            f"""
            select {COLUMNS} from fact_incident
            where (? is null or owner_id = ? or responsible_owner_id = ?)
                and last_day > (select max(as_of_day) from forecast) - ?
            order by status = 'ended', abs(impact_cost) desc, incident_id
            """,
            [owner, owner, owner, days],
        )
        drivers: dict[str, list[Driver]] = {incident.id: [] for incident in found}
        for driver in read(
            connection,
            Driver,
            """
            select incident_id, driver_rank, dimension, dimension_value, value_name, is_rest, cost, expected_cost,
                change_cost, change_share
            from incident_driver order by incident_id, driver_rank
            """,
        ):
            if driver.incident in drivers:
                drivers[driver.incident].append(driver)
    return found, drivers


def print_incidents(found: list[Incident], drivers: dict[str, list[Driver]], as_json: bool) -> None:
    """The incidents as a table with the first driver of each, or all drivers as JSON."""
    if as_json:
        print_json(
            [{**asdict(incident), "drivers": [asdict(one) for one in drivers[incident.id]]} for incident in found]
        )
        return
    if not found:
        click.echo("No incident in these days.")
        return
    print_table(
        "Incidents",
        ["incident", "owner", "days", "", "status", "what", "mostly", "currency", "cost", "expected", "change"],
        [
            (
                incident.short,
                incident.owner,
                incident.span,
                incident.direction,
                incident.status,
                incident.thing,
                next((f"{one.dimension} {one.shown} ({one.percent})" for one in drivers[incident.id]), "-"),
                incident.currency,
                amount(incident.cost),
                amount(incident.expected),
                amount(incident.impact),
            )
            for incident in found
        ],
        texts=8,
    )
    click.echo("`costowner incidents ID` shows all drivers of one.")


def print_incident(found: list[Incident], drivers: dict[str, list[Driver]], name: str, as_json: bool) -> None:
    """One incident with all its drivers; `name` is the start of its id. Raises SettingError where it names none, or several."""
    named = [incident for incident in found if incident.id.startswith(name)]
    if len(named) != 1:
        raise SettingError(
            f"{len(named) or 'no'} incidents begin with {name!r}: `costowner incidents --days 400` lists them with their ids"
        )
    if as_json:
        print_incidents(named, drivers, as_json)
        return
    incident = named[0]
    click.echo(
        f"{incident.thing} of {incident.owner}, {incident.span} ({incident.status})\n"
        f"cost {amount(incident.cost)} {incident.currency}, expected {amount(incident.expected)}: "
        f"a {incident.direction} of {amount(abs(incident.impact))}. Responsible: {incident.responsible}."
    )
    print_table(
        "What drove it, beside the same weekdays of the four weeks before",
        ["dimension", "value", "cost", "before", "change", "share"],
        [
            (
                one.dimension,
                one.shown,
                amount(one.cost),
                amount(one.expected),
                amount(one.change),
                one.percent,
            )
            for one in drivers[incident.id]
        ],
        texts=2,
    )
    click.echo("The values of a dimension add up to the change; dimensions hold the same cost.")
