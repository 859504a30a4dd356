"""What the sample company's CUR holds once a month: fees, tax, credits, discounts, refunds; and the month that goes net.

Up to the last month the payer's discounts are lines of their own (gross). In the last one it has an enterprise agreement, and
its export has every line's net cost as well, and the tags of accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from sample_company.aws.base import REGION, RI_ARN, SP_ARN, TEAM_ACCOUNTS, Line, charge, moment
from sample_company.world import World, first_of_month

Owned = tuple[Line, str | None, bool]

RESTATED_AFTER_DAYS = 9
# The reserved instance, an hour: an upfront and a recurring part. Of 24 hours a day 22 are used.
RI_UPFRONT, RI_RECURRING = 0.05, 0.14
RI_RATE = 0.19
RESERVED_HOURS, USED_HOURS = 24, 22
EDP_SHARE = 0.06
# The usage type of a line that has no amount of its unit: no unit price can be made of it.
NO_AMOUNT = "no-amount"
TEAM_OF_ACCOUNT = {account: team for team, account in TEAM_ACCOUNTS.items()}


def restated_month(world: World) -> date:
    """The first day of the month that changes after it closed."""
    return first_of_month(world.until, -1)


def net_month(world: World) -> date:
    """The first day of the month from which the payer has an enterprise agreement."""
    return first_of_month(world.until)


def monthly(world: World, first: date, days: int) -> Iterator[Line]:
    """What comes once a month, on its first day; `days` of it are over."""
    after = first_of_month(first, 1)
    whole = {"line_item_usage_start_date": moment(first), "line_item_usage_end_date": moment(after)}
    reserved, unused = RESERVED_HOURS * days, (RESERVED_HOURS - USED_HOURS) * days
    fee = round(reserved * RI_RECURRING, 10)
    yield {
        **charge(world, first, "ri-fee", "RIFee", "AmazonRDS", fee, "RI fee, partial upfront"),
        **whole,
        "line_item_usage_amount": float(reserved),
        "pricing_unit": "Hrs",
        "reservation_reservation_a_r_n": RI_ARN,
        "reservation_amortized_upfront_fee_for_billing_period": round(reserved * RI_UPFRONT, 10),
        "reservation_unused_amortized_upfront_fee_for_billing_period": round(unused * RI_UPFRONT, 10),
        "reservation_unused_recurring_fee": round(unused * RI_RECURRING, 10),
        "reservation_unused_quantity": float(unused),
    }
    yield {**charge(world, first, "support", "Fee", "AWSSupportBusiness", 410.0, "AWS Business Support"), **whole}
    yield {
        **charge(world, first, "flat-rate", "FlatRateSubscription", "AmazonCloudFront", 15.0, "CloudFront plan"),
        **whole,
    }
    yield {**charge(world, first, "tax", "Tax", "AmazonEC2", 187.35, "VAT"), **whole, "line_item_tax_type": "VAT"}
    yield charge(world, first, "credit", "Credit", "AmazonS3", -55.0, "Promotional credit")
    yield charge(world, first, "incentive", "MigrationIncentive", "AmazonEC2", -1.75, "A line type of tomorrow")
    # As exports of two or three columns have it: a unit, and no amount of it.
    no_amount = charge(world, first, NO_AMOUNT, "Usage", "AWSDataTransfer", 0.75, "Data transfer")
    yield {**no_amount, "line_item_usage_amount": None, "pricing_unit": "GB"}
    if first != net_month(world):
        yield charge(world, first, "bundled", "BundledDiscount", "AWSLambda", -4.2, "Bundled discount")
        yield charge(world, first, "discount", "Discount", "AmazonS3", -2.6, "Discount")
        yield charge(world, first, "private-rate", "PrivateRateDiscount", "AmazonEC2", -120.4, "Private rate card")
        yield charge(
            world, first, "volume", "RiVolumeDiscount", "AmazonRDS", -3.1, "Volume discount on reservations"
        )
        yield charge(world, first, "spp", "SppDiscount", "AmazonCloudWatch", -0.9, "Solution provider discount")
    if first == world.start:
        yield {
            **charge(world, first, "sp-upfront", "SavingsPlanUpfrontFee", "ComputeSavingsPlans", 547.5),
            "savings_plan_savings_plan_a_r_n": SP_ARN,
        }
        yield {
            **charge(world, first, "ri-upfront", "Fee", "AmazonRDS", 480.0, "RI upfront fee"),
            "reservation_reservation_a_r_n": RI_ARN,
        }
    if first == first_of_month(world.start, 1):
        yield from _refunds(world, first)


def _refunds(world: World, first: date) -> Iterator[Line]:
    """Part of the Savings Plan's upfront fee, usage of the month before, and a refund without dates."""
    text = "Refund for one-time fee for Savings Plan ID sample-sp-1"
    yield {
        **charge(world, first, "sp-refund", "Refund", "ComputeSavingsPlans", -47.5, text),
        "savings_plan_savings_plan_a_r_n": SP_ARN,
    }
    undated = charge(world, first, "undated-refund", "Refund", "AmazonCloudWatch", -1.25, "Refund")
    yield {**undated, "line_item_usage_start_date": None, "line_item_usage_end_date": None}
    past = first - timedelta(days=3)
    yield {
        **charge(world, first, "usage-refund", "Refund", "AmazonEC2", -6.25, "Refund of data transfer"),
        "line_item_usage_start_date": moment(past),
        "line_item_usage_end_date": moment(past + timedelta(days=1)),
        "line_item_usage_account_id": TEAM_ACCOUNTS["search"],
        "line_item_usage_account_name": "search-prod",
        "line_item_resource_id": f"arn:aws:ec2:{REGION}:{TEAM_ACCOUNTS['search']}:instance/i-refunded",
        "resource_tags": [("user_team", "search")],
    }


def restatement(world: World, first: date, as_of: date) -> Iterator[Line]:
    """A refund that AWS adds to the restated month, nine days after it closed."""
    if first == restated_month(world) and as_of >= first_of_month(first, 1) + timedelta(days=RESTATED_AFTER_DAYS):
        line = charge(world, first, "refund", "Refund", "AmazonCloudWatch", -37.5, "Refund of log ingestion")
        yield {**line, "bill_bill_type": "Refund", "bill_invoice_id": f"REF{first:%Y%m}"}


def _net(line: Line) -> Line:
    """A line with its net cost: the agreement is for what AWS itself sells on demand, except Bedrock."""
    cost = line["line_item_unblended_cost"]
    is_discounted = (
        line["line_item_line_item_type"] == "Usage"
        and line["bill_billing_entity"] == "AWS"
        and line["product_servicecode"] != "AmazonBedrock"
    )
    team = TEAM_OF_ACCOUNT.get(line["line_item_usage_account_id"])
    return {
        **line,
        "tags": [("accountTag/team", team)] if team else [],
        "line_item_net_unblended_cost": round(cost * (1 - EDP_SHARE), 10) if is_discounted else cost,
        "reservation_net_effective_cost": line.get("reservation_effective_cost"),
        "reservation_net_unused_amortized_upfront_fee_for_billing_period": line.get(
            "reservation_unused_amortized_upfront_fee_for_billing_period"
        ),
        "reservation_net_unused_recurring_fee": line.get("reservation_unused_recurring_fee"),
        "savings_plan_net_savings_plan_effective_cost": line.get("savings_plan_savings_plan_effective_cost"),
    }


def discounted(world: World, first: date, found: Iterable[Owned]) -> Iterator[Owned]:
    """The lines of a month; of the one with the agreement with their net costs, and the discount that they add up to."""
    if first != net_month(world):
        yield from found
        return
    discount = Decimal(0)
    for line, owner, shows in found:
        net = _net(line)
        if net.get("split_line_item_parent_resource_id") is None:
            gross_cost, net_cost = line["line_item_unblended_cost"], net["line_item_net_unblended_cost"]
            discount += Decimal(repr(gross_cost)) - Decimal(repr(net_cost))
        yield net, owner, shows
    if discount:
        line = charge(world, first, "edp", "EdpDiscount", "AmazonEC2", -float(discount), "Enterprise discount")
        # Its own net cost repeats what the other lines' net costs hold: who adds it as well counts it twice.
        yield {**line, "line_item_net_unblended_cost": -float(discount)}, None, False
