"""What FOCUS wants beside the money of a CUR line, on both engines: instances, capacity reservations, commitments."""

from __future__ import annotations

import json

import pytest

from tests.engines import Sql
from tests.macros.render import rendered


def text(value: str | None) -> str:
    return "cast(null as string)" if value is None else f"'{value}'"


def answer(engine: Sql, call: str, **columns: str | None) -> str | None:
    """The value of a macro's SQL on one row. From a row, because an engine evaluates literals when it plans."""
    row = ", ".join(f"{text(value)} as {name}" for name, value in columns.items())
    ((found,),) = engine.rows(f"select {rendered(call, engine.name)} as found from (select {row}) as line")
    assert found is None or isinstance(found, str)
    return found


# Type, cores and system as AWS gives them, and what the charge has: series, type, cores, system.
INSTANCES = [
    ("m6i.large", "2", "Linux", ("m6i", "m6i.large", 2, "Linux")),
    ("db.r6g.large", "2", "", ("r6g", "db.r6g.large", 2, None)),
    ("cache.t4g.micro", "2", "NA", ("t4g", "cache.t4g.micro", 2, None)),
    ("u-6tb1.112xlarge", "448", None, ("u-6tb1", "u-6tb1.112xlarge", 448, None)),
    ("m5.large.search", "2", None, ("m5", "m5.large.search", 2, None)),
    # Nothing is guessed: not the cores, nor the series of a type that has none.
    ("dc2.large", None, None, ("dc2", "dc2.large", None, None)),
    ("m6i.large", "", None, ("m6i", "m6i.large", None, None)),
    ("m6i.large", "0.25", None, ("m6i", "m6i.large", None, None)),
    ("m6i.large", "02", None, ("m6i", "m6i.large", 2, None)),
    ("strange", "NA", None, (None, "strange", None, None)),
    (None, "2", "Linux", None),
]


@pytest.mark.parametrize(("instance", "cores", "system", "details"), INSTANCES)
def test_instance_of_a_line_is_in_its_price_details(
    engine: Sql,
    instance: str | None,
    cores: str | None,
    system: str | None,
    details: tuple[str | None, str | None, int | None, str | None] | None,
) -> None:
    call = 'aws_instance_details("instance", "cores", "system")'
    found = answer(engine, call, instance=instance, cores=cores, system=system)
    expected = details and dict(
        zip(("InstanceSeries", "InstanceType", "CoreCount", "OperatingSystem"), details, strict=True)
    )
    assert (found and json.loads(found)) == (expected and {key: value for key, value in expected.items() if value})


RESERVATION = "arn:aws:ec2:eu-central-1:1:capacity-reservation/cr-0a"
CAPACITY = [
    # Status and ARN as AWS gives them, usage type, resource, and what the charge has.
    ("Used", RESERVATION, "EUC1-BoxUsage:m6i.large", "i-1", ("Used", RESERVATION)),
    ("Unused", RESERVATION, "EUC1-UnusedBox:m6i.large", RESERVATION, ("Unused", RESERVATION)),
    ("UNUSED", RESERVATION, "UnusedDed:m6i.large", RESERVATION, ("Unused", RESERVATION)),
    ("Reserved", RESERVATION, "Reservation:m6i.large", RESERVATION, (None, RESERVATION)),
    ("Cancelled", RESERVATION, "BoxUsage:m6i.large", RESERVATION, (None, RESERVATION)),
    (None, RESERVATION, "BoxUsage:m6i.large", "i-1", (None, RESERVATION)),
    # Exports without the columns.
    (None, None, "EUC1-UnusedBox:m6i.large", RESERVATION, ("Unused", RESERVATION)),
    (None, None, "UnusedBox:m6i.large", "cr-0a", ("Unused", "cr-0a")),
    (None, None, "UnusedBox:m6i.large", None, (None, None)),
    (None, None, "BoxUsage:m6i.large", "i-1", (None, None)),
    (None, None, None, None, (None, None)),
    ("Used", None, "BoxUsage:m6i.large", "i-1", (None, None)),
]


@pytest.mark.parametrize(("status", "arn", "usage_type", "resource", "expected"), CAPACITY)
def test_capacity_reservation_is_aws_s_own_or_that_of_its_unused_part(
    engine: Sql,
    status: str | None,
    arn: str | None,
    usage_type: str | None,
    resource: str | None,
    expected: tuple[str | None, str | None],
) -> None:
    row = {"status": status, "arn": arn, "usage_type": usage_type, "resource": resource}
    status_call = 'aws_capacity_status("status", "arn", "usage_type", "resource")'
    reservation_call = 'aws_capacity_reservation("arn", "usage_type", "resource")'
    assert (answer(engine, status_call, **row), answer(engine, reservation_call, **row)) == expected


SOLD = [
    ("AmazonEC2", "EUC1-BoxUsage:m6i.large", "Savings Plan|Reserved Instance|Capacity Reservation"),
    ("AmazonEC2", "BoxUsage:m6i.large", "Savings Plan|Reserved Instance|Capacity Reservation"),
    ("AmazonEC2", "UnusedBox", "Savings Plan|Reserved Instance|Capacity Reservation"),
    ("AmazonEC2", "EUC1-SpotUsage:m6i.large", None),
    ("AmazonEC2", "EUC1-EBS:VolumeUsage.gp3", None),
    ("AWSLambda", "EU-Lambda-GB-Second", "Savings Plan"),
    ("AWSLambda", "Lambda-GB-Second-ARM", "Savings Plan"),
    ("AWSLambda", "EUC1-Request", None),
    ("AmazonECS", "USW2-Fargate-vCPU-Hours:perCPU", "Savings Plan"),
    ("AmazonRDS", "EUC1-Multi-AZUsage:db.r6g.large", "Reserved Instance"),
    ("AmazonS3", "EUC1-BoxUsage:m6i.large", None),
    ("AmazonEC2", "", None),
    ("AmazonEC2", None, None),
    (None, "BoxUsage", None),
]


@pytest.mark.parametrize(("service", "usage_type", "programs"), SOLD)
def test_commitments_that_aws_sells_follow_from_service_and_usage_type(
    engine: Sql, service: str | None, usage_type: str | None, programs: str | None
) -> None:
    call = 'aws_commitment_programs("service", "usage_type")'
    assert answer(engine, call, service=service, usage_type=usage_type) == programs


PROGRAMS = [
    ("Savings Plan|Reserved Instance", None, ["Savings Plan", "Reserved Instance"]),
    ("Savings Plan|Reserved Instance", "Savings Plan", ["Savings Plan", "Reserved Instance"]),
    ("Reserved Instance", "Savings Plan", ["Reserved Instance", "Savings Plan"]),
    (None, "Savings Plan", ["Savings Plan"]),
    (None, None, None),
]


@pytest.mark.parametrize(("programs", "commitment", "types"), PROGRAMS)
def test_programs_of_a_line_have_the_type_of_the_commitment_that_covers_it(
    engine: Sql, programs: str | None, commitment: str | None, types: list[str] | None
) -> None:
    found = answer(
        engine, 'commitment_eligibility("programs", "commitment")', programs=programs, commitment=commitment
    )
    expected = types and {"CommitmentPrograms": [{"ProgramType": name} for name in types]}
    assert (found and json.loads(found)) == expected


APPLIED = [
    ("a", "62", "USD", "true", {"ContractCommitmentAppliedCost": 62}),
    ("a", "0.0000001", None, "true", {"ContractCommitmentAppliedCost": 0.0000001}),
    ("a", "720", "Hours", "false", {"ContractCommitmentAppliedQuantity": 720, "ContractCommitmentAppliedUnit": "Hours"}),
    ("a", "720", None, "false", None),
    ("a", None, "Hours", "false", None),
    (None, "720", "Hours", "false", None),
]  # fmt: skip


@pytest.mark.parametrize(("contract", "quantity", "unit", "is_cost", "expected"), APPLIED)
def test_commitment_is_a_contract_to_which_a_cost_or_a_quantity_counts(
    engine: Sql,
    contract: str | None,
    quantity: str | None,
    unit: str | None,
    is_cost: str,
    expected: dict[str, object] | None,
) -> None:
    call = f'contract_applied("contract", "contract", "cast(quantity as decimal(38, 12))", "unit", "{is_cost}")'
    found = answer(engine, call, contract=contract, quantity=quantity, unit=unit)
    element = expected and {"ContractId": contract, "ContractCommitmentId": contract, **expected}
    assert (found and json.loads(found)) == (element and {"Elements": [element]})
