"""The lines of the sample company's CUR, a billing period at a time, each with its true owner.

Daily lines of every service, with a Savings Plan and a Reserved Instance; untagged resources; accounts of their own and a
shared one. What comes once a month (fees, tax, discounts, refunds) is in `aws_month.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from sample_company.aws.base import REGION, RI_ARN, SHARED_ACCOUNT, SP_ARN, TEAM_ACCOUNTS, Line, base, charge
from sample_company.aws.bedrock import bedrock_lines, picture_line
from sample_company.aws.monthly_lines import RESERVED_HOURS, RI_RATE, USED_HOURS, discounted, monthly, restatement
from sample_company.company import SERVICES
from sample_company.world import World, first_of_month, month_of

SPIKE_SERVICE = "event-stream"
NODES = 6  # of the Kubernetes cluster


@dataclass(frozen=True)
class Kind:
    """A kind of daily usage: what CUR calls it, and what it costs a day for a service of size 1."""

    product: str
    usage_type: str
    operation: str
    family: str
    unit: str
    rate: float
    units: float
    arn: str


KINDS = (
    Kind(
        "AmazonEC2", "EUC1-BoxUsage:m6i.large", "RunInstances", "Compute Instance", "Hrs", 0.115, 48, "instance/i-"
    ),
    Kind(
        "AmazonEC2", "EUC1-EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "Storage", "GB-Mo", 0.0952, 6.5, "volume/vol-"
    ),
    Kind("AmazonS3", "EUC1-TimedStorage-ByteHrs", "StandardStorage", "Storage", "GB-Mo", 0.0245, 20, "bucket/"),
    Kind(
        "AWSLambda",
        "EUC1-Lambda-GB-Second",
        "Invoke",
        "Serverless",
        "Lambda-GB-Second",
        0.0000166667,
        42000,
        "function:",
    ),
    Kind(
        "AmazonCloudWatch",
        "EUC1-DataProcessing-Bytes",
        "PutLogEvents",
        "Data Payload",
        "GB",
        0.63,
        1.4,
        "log-group:",
    ),
)


# What the price list has of an instance: its family, cores and memory.
INSTANCES = {
    "m6i.large": ("General purpose", "2", "8 GiB"),
    "db.r6g.large": ("Memory optimized", "2", "16 GiB"),
}
# Has reserved capacity for its instance, which it switches off at weekends.
RESERVED_CAPACITY_SERVICE = "search-indexer"


def spike_days(world: World) -> tuple[date, date]:
    """A consumer loops through the NAT gateway for three days of the month before the last."""
    first = first_of_month(world.until, -1).replace(day=19)
    return first, first + timedelta(days=2)


def _account(team: str) -> str:
    return TEAM_ACCOUNTS.get(team, SHARED_ACCOUNT)


def _size(world: World, service: str) -> float:
    return world.rng("aws-size", service).uniform(0.4, 2.6)


def _is_tagged(world: World, service: str, kind: Kind) -> bool:
    """About one resource in twenty in the shared account carries no tags."""
    return world.rng("aws-tagged", service, kind.usage_type).random() > 0.05


def _resource(world: World, service: str, account: str, kind: Kind) -> str:
    short = world.token("aws-resource", service, kind.usage_type, length=12)
    return f"arn:aws:{kind.product[6:].lower()}:{REGION}:{account}:{kind.arn}{service}-{short}"


def adopted(world: World) -> tuple[str, str]:
    """An untagged resource of the shared account, which the registry gives an owner by its ARN; and that owner."""
    for service in SERVICES:
        for kind in KINDS:
            if _account(service.team) == SHARED_ACCOUNT and not _is_tagged(world, service.id, kind):
                return _resource(world, service.id, SHARED_ACCOUNT, kind), service.team
    raise LookupError("every resource of this world is tagged: choose another seed")


def _usage(world: World, day: date, service: str, team: str, kind: Kind) -> Line:
    rng = world.rng("aws", day, service, kind.usage_type)
    weekend = 0.7 if day.weekday() >= 5 else 1.0
    amount = round(kind.units * _size(world, service) * weekend * rng.uniform(0.9, 1.1), 8)
    account = _account(team)
    tags = [("user_team", team), ("user_service", service)] if _is_tagged(world, service, kind) else []
    cost = round(amount * kind.rate, 10)
    instance = kind.usage_type.rpartition(":")[2]
    described, attributes = _instance(instance) if instance in INSTANCES else ({}, [])
    return {
        **base(world, day, f"{day}|{service}|{kind.usage_type}"),
        "line_item_line_item_type": "Usage",
        "line_item_line_item_description": f"${kind.rate} per {kind.unit} in {REGION}",
        "line_item_product_code": kind.product,
        "line_item_usage_type": kind.usage_type,
        "line_item_operation": kind.operation,
        "line_item_resource_id": _resource(world, service, account, kind),
        "line_item_usage_account_id": account,
        "line_item_usage_account_name": "shared-prod" if account == SHARED_ACCOUNT else f"{team}-prod",
        "line_item_usage_amount": amount,
        "line_item_unblended_cost": cost,
        "line_item_unblended_rate": str(kind.rate),
        "pricing_public_on_demand_cost": cost,
        "pricing_public_on_demand_rate": str(kind.rate),
        "pricing_unit": kind.unit,
        "pricing_term": "OnDemand",
        "product_sku": world.token("sku", kind.usage_type, length=16).upper(),
        "pricing_rate_code": world.token("rate", kind.usage_type, length=16).upper(),
        "product_servicecode": kind.product,
        "product_product_family": kind.family,
        **described,
        "resource_tags": tags,
        "cost_category": [("environment", "production")],
        "product": [("product_name", kind.product), *attributes],
    }


def _instance(instance: str) -> tuple[Line, list[tuple[str, str]]]:
    """What CUR has of an instance: in columns, and in the map of the product's other attributes."""
    family, cores, memory = INSTANCES[instance]
    attributes = [("vcpu", cores), ("memory", memory)]
    if not instance.startswith("db."):
        attributes.append(("operating_system", "Linux"))
    return {"product_instance_family": family, "product_instance_type": instance}, attributes


def _in_reserved_capacity(world: World, day: date, line: Line) -> Line:
    """An instance's line as it is under a capacity reservation: its use, and at weekends the reservation without it."""
    account = line["line_item_usage_account_id"]
    short = world.token("capacity-reservation", RESERVED_CAPACITY_SERVICE, length=17)
    reservation = f"arn:aws:ec2:{REGION}:{account}:capacity-reservation/cr-{short}"
    found = {
        **line,
        "capacity_reservation_capacity_reservation_arn": reservation,
        "capacity_reservation_capacity_reservation_status": "Used",
        "capacity_reservation_capacity_reservation_type": "ODCR",
    }
    if day.weekday() < 5:
        return found
    return found | {
        "capacity_reservation_capacity_reservation_status": "Unused",
        "line_item_usage_type": line["line_item_usage_type"].replace("BoxUsage", "UnusedBox"),
        "line_item_resource_id": reservation,
    }


def node_name(node: int) -> str:
    """A Kubernetes node, by its tag `Name`."""
    return f"kubernetes-node-{node}"


def _covered(world: World, day: date) -> Iterator[Line]:
    """Kubernetes nodes under a Savings Plan: covered usage, its negation, and the day's commitment."""
    kind = KINDS[0]
    used = 0.0
    for node in range(NODES):
        line = _usage(world, day, "kubernetes", "infra", kind)
        effective = round(line["line_item_unblended_cost"] * 0.68, 10)
        used += effective
        resource = f"arn:aws:ec2:{REGION}:{_account('infra')}:instance/i-{node_name(node)}"
        plan = {"savings_plan_savings_plan_a_r_n": SP_ARN, "savings_plan_offering_type": "ComputeSavingsPlans"}
        yield {
            **line,
            **plan,
            "identity_line_item_id": world.token("aws-covered", day, node, length=32),
            "line_item_line_item_type": "SavingsPlanCoveredUsage",
            "line_item_resource_id": resource,
            # What consoles call it, and nobody owns it by.
            "resource_tags": [*line["resource_tags"], ("user_name", node_name(node))],
            "savings_plan_savings_plan_effective_cost": effective,
            "savings_plan_savings_plan_rate": 0.0782,
        }
        yield {
            **line,
            **plan,
            "identity_line_item_id": world.token("aws-negation", day, node, length=32),
            "line_item_line_item_type": "SavingsPlanNegation",
            "line_item_line_item_description": "SavingsPlanNegation used by account",
            "line_item_resource_id": None,
            "line_item_unblended_cost": -line["line_item_unblended_cost"],
            "pricing_public_on_demand_cost": -line["pricing_public_on_demand_cost"],
            "resource_tags": [],
        }
        # Split cost allocation repeats the node's cost for the pods on it.
        yield {
            **line,
            "identity_line_item_id": world.token("aws-pod", day, node, length=32),
            "line_item_operation": "EKSPod-EC2",
            "line_item_resource_id": f"arn:aws:eks:{REGION}:{_account('infra')}:pod/cluster/default/pod-{node}",
            "split_line_item_parent_resource_id": resource,
            "split_line_item_split_cost": effective,
        }
    commitment, upfront = 62.0, 1.5
    yield {
        **charge(world, day, "sp-recurring", "SavingsPlanRecurringFee", "ComputeSavingsPlans", commitment),
        "savings_plan_savings_plan_a_r_n": SP_ARN,
        "savings_plan_offering_type": "ComputeSavingsPlans",
        "savings_plan_total_commitment_to_date": commitment + upfront,
        "savings_plan_used_commitment": round(min(used, commitment + upfront), 10),
        "savings_plan_amortized_upfront_commitment_for_billing_period": upfront,
        "savings_plan_recurring_commitment_for_billing_period": commitment,
    }


def _reserved(world: World, day: date) -> Line:
    """The ticket desk's database, on a reserved instance."""
    kind = Kind(
        "AmazonRDS",
        "EUC1-InstanceUsage:db.r6g.large",
        "CreateDBInstance:0021",
        "Database Instance",
        "Hrs",
        0.282,
        RESERVED_HOURS,
        "db:",
    )
    line = _usage(world, day, "ticket-desk", "support", kind)
    return {
        **line,
        "line_item_line_item_type": "DiscountedUsage",
        "line_item_usage_amount": float(USED_HOURS),
        "line_item_unblended_cost": 0.0,
        "line_item_unblended_rate": "0",
        "pricing_public_on_demand_cost": round(USED_HOURS * kind.rate, 10),
        "pricing_term": "Reserved",
        "reservation_reservation_a_r_n": RI_ARN,
        "reservation_effective_cost": round(USED_HOURS * RI_RATE, 10),
        "resource_tags": [("user_team", "support"), ("user_service", "ticket-desk")],
    }


@lru_cache(maxsize=16)
def lines(world: World, month: str, as_of: date) -> tuple[tuple[Line, str | None, bool], ...]:
    """A billing period's lines as of a date: each with its true owner (None: everybody's) and whether that shows."""
    found: list[tuple[Line, str | None, bool]] = []
    first = date.fromisoformat(f"{month}-01")
    known_resource, _ = adopted(world)
    spike_from, spike_to = spike_days(world)
    for day in world.days(as_of):
        if month_of(day) != month:
            continue
        for service in SERVICES:
            team = world.team_of(service.id, day)
            for kind in KINDS:
                line = _usage(world, day, service.id, team, kind)
                if service.id == RESERVED_CAPACITY_SERVICE and kind.family == "Compute Instance":
                    line = _in_reserved_capacity(world, day, line)
                shows = (
                    bool(line["resource_tags"])
                    or line["line_item_usage_account_id"] != SHARED_ACCOUNT
                    or line["line_item_resource_id"] == known_resource
                )
                found.append((line, team, shows))
        spot = _usage(world, day, "search-indexer", "search", KINDS[0])
        found.append(
            (
                {
                    **spot,
                    "identity_line_item_id": world.token("aws-spot", day, length=32),
                    "line_item_usage_type": "EUC1-SpotUsage:m6i.large",
                    "line_item_unblended_cost": round(spot["line_item_unblended_cost"] * 0.31, 10),
                },
                "search",
                True,
            )
        )
        if spike_from <= day <= spike_to:
            nat = Kind(
                "AmazonEC2",
                "EUC1-NatGateway-Bytes",
                "NatGateway",
                "NAT Gateway",
                "GB",
                0.052,
                9000,
                "natgateway/nat-",
            )
            line = _usage(world, day, SPIKE_SERVICE, "data-platform", nat)
            found.append((line, "data-platform", True))
        found += [
            (line, "infra", line["line_item_line_item_type"] != "SavingsPlanNegation")
            for line in _covered(world, day)
        ]
        found.append((_reserved(world, day), "support", True))
        found += bedrock_lines(world, day)
        found.append(picture_line(world, day))
    if found:
        days = len([day for day in world.days(as_of) if month_of(day) == month])
        found += [(line, None, False) for line in monthly(world, first, days)]
        found += [(line, None, False) for line in restatement(world, first, as_of)]
    return tuple(discounted(world, first, found))
