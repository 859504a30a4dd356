"""AWS as the sample company sees it: a CUR 2.0 export in the Data Exports layout, one Parquet file a billing period."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sample_company.aws import bedrock
from sample_company.aws.base import PAYER, SP_ARN, TEAM_ACCOUNTS, Line
from sample_company.aws.columns import SCHEMA
from sample_company.aws.lines import SPIKE_SERVICE, adopted, lines, spike_days
from sample_company.company import TEAM_BY_ID
from sample_company.world import Label, Spike, World, at, first_of_month

EXPORT = "sample-cur2"


def write_export(world: World, as_of: date, folder: Path) -> None:
    """Write the periods whose content changed: data first, then the manifest, which commits them."""
    for month in world.months(as_of):
        content = [line for line, _, _ in lines(world, month, as_of)]
        execution = hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()[:32]
        manifest = folder / EXPORT / "metadata" / f"BILLING_PERIOD={month}" / f"{EXPORT}-Manifest.json"
        if manifest.exists() and json.loads(manifest.read_text())["executionId"] == execution:
            continue
        name = f"{EXPORT}/data/BILLING_PERIOD={month}/{EXPORT}-00001.snappy.parquet"
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        columns = {
            field.name: pa.array([line.get(field.name) for line in content], field.type) for field in SCHEMA
        }
        pq.write_table(pa.table(columns, SCHEMA), target, compression="snappy")
        manifest.parent.mkdir(parents=True, exist_ok=True)
        first = date.fromisoformat(f"{month}-01")
        manifest.write_text(
            json.dumps(
                {
                    "executionId": execution,
                    "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{PAYER}:export/{EXPORT}",
                    "account": PAYER,
                    "billingPeriod": {
                        "start": f"{first}T00:00:00.000Z",
                        "end": f"{first_of_month(first, 1)}T00:00:00.000Z",
                    },
                    "columns": [{"name": field.name, "type": str(field.type)} for field in SCHEMA],
                    "dataFiles": [f"s3://sample-bucket/exports/{name}"],
                    "contentType": "application/vnd.apache.parquet",
                    "compression": "SNAPPY",
                },
                indent=2,
            )
        )
        # A world that is written again is the same world, also to who looks at the files' times.
        written = at(as_of, 4).timestamp()
        for file in (target, manifest):
            os.utime(file, (written, written))


def _effective(line: Line) -> Decimal:
    kind = line["line_item_line_item_type"]
    if kind == "SavingsPlanCoveredUsage":
        return Decimal(repr(line["savings_plan_savings_plan_effective_cost"]))
    if kind == "DiscountedUsage":
        return Decimal(repr(line["reservation_effective_cost"]))
    if kind == "SavingsPlanRecurringFee":
        total, used = line["savings_plan_total_commitment_to_date"], line["savings_plan_used_commitment"]
        return Decimal(repr(total)) - Decimal(repr(used))
    net = line.get("line_item_net_unblended_cost")
    return Decimal(repr(line["line_item_unblended_cost"] if net is None else net))


def labels(world: World, as_of: date) -> Iterator[Label]:
    """Whose each line of usage is, and the Savings Plan's unused part. Fees, tax, credits, discounts and what repeats
    other lines (negations, pods) carry no label."""
    for month in world.months(as_of):
        for line, owner, shows in lines(world, month, as_of):
            kind = line["line_item_line_item_type"]
            if line.get("split_line_item_parent_resource_id") or kind == "SavingsPlanNegation":
                continue
            if owner:
                yield Label("aws", line["identity_line_item_id"], owner, _effective(line), shows)
    yield from bedrock.gateway_labels(world, as_of)


def spikes(world: World) -> list[Spike]:
    first, last = spike_days(world)
    return [Spike("aws", first, last, "data-platform", SPIKE_SERVICE, "a consumer looped through the NAT gateway")]


def registry_rules(world: World) -> list[dict[str, object]]:
    """Tags decide; then what names a resource, a profile or a commitment; then the account, where a team has one of its
    own; what the payer is billed for is shared."""
    rules: list[dict[str, object]] = [
        {"id": "aws-team-tag", "claim": "aws_tag:team", "match": "owner", "owner": "*", "priority": 50},
    ]
    rules += bedrock.registry_rules(world)
    resource, owner = adopted(world)
    rules += [
        {"id": "aws-resource-adopted", "claim": "aws_resource", "value": resource, "owner": owner},
        # Who buys commitments answers for what of them is not used.
        {"id": "aws-savings-plan", "claim": "aws_commitment", "value": SP_ARN, "owner": "infra"},
    ]
    rules += [
        {"id": f"aws-account-{team}", "claim": "aws_account", "value": account, "owner": team}
        for team, account in TEAM_ACCOUNTS.items()
    ]
    rules.append(
        {"id": "aws-payer", "claim": "aws_account", "value": PAYER, "owner": "aws-shared", "priority": 900}
    )
    return rules


def registry_pools(world: World) -> list[dict[str, object]]:
    """Support, tax, discounts and unused commitments: by what each team spends."""
    return [{"owner": "aws-shared", "method": "proportional", "members": sorted(TEAM_BY_ID)}]


def pool_owners() -> list[dict[str, object]]:
    return [{"id": "aws-shared", "kind": "shared pool", "name": "AWS fees, tax and discounts", "steward": "infra"}]


def settings(folder: Path) -> dict[str, str]:
    """The environment under which ingestion finds the export."""
    return {"SOURCES__AWS__EXPORT_URL": str(folder / EXPORT)}
