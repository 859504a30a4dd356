"""A CUR 2.0 export of any size, with the columns of a real payer's export, written by DuckDB.

    python -m benchmarks.cur FOLDER --rows 10000000 --months 2026-09 2026-10

It is deterministic: the number of a line determines its content. Two accounts in three have team tags. Savings Plans cover a
tenth of the lines, each with its negation. There are reservations, Bedrock, tax, credits and a support fee. Unlike the sample
company, only the shape and the sums of this export are realistic.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import duckdb

from ingestion.settings import Month
from sample_company.aws.columns import SCHEMA

EXPORT = "benchmark-cur2"
FILE_ROWS = 500_000
PAYER = "300000000001"

# `i` is the number of the line. Values from its hash `h` do not follow the order of the lines.
_LINES = """
    select
        i,
        hash(i) as h,
        hash((case when i % 20 in (6, 7) then i - 2 else i end) % {resources}) as r,
        case
            when i % 1000 = 0 then 'Tax'
            when i % 1000 = 1 then 'Credit'
            when i % 1000 = 2 then 'Fee'
            when i % 1000 = 3 then 'EdpDiscount'
            when i % 20 in (4, 5) then 'SavingsPlanCoveredUsage'
            when i % 20 in (6, 7) then 'SavingsPlanNegation'
            when i % 20 = 8 then 'DiscountedUsage'
            else 'Usage'
        end as kind,
        -- a covered line and its negation are two numbers apart and have the same amount
        case when i % 20 in (6, 7) then i - 2 else i end as pair
    from range({first}, {last}) as numbers(i)
"""

_VALUES = """
    select
        *,
        timestamp '{month}-01' + to_days(cast(hash(pair) % {days} as integer)) as day,
        ['EUC1-BoxUsage:m6i.large', 'EUC1-BoxUsage:c7g.xlarge', 'EUC1-DataTransfer-Out-Bytes', 'EUC1-TimedStorage-ByteHrs',
         'EUC1-Requests-Tier1', 'EUC1-EBS:VolumeUsage.gp3', 'EUC1-InstanceUsage:db.r6g.large', 'EUC1-NatGateway-Bytes',
         'EUC1-Lambda-GB-Second', 'EUC1-NovaPro-input-tokens'][cast(r % 10 as integer) + 1] as usage_type,
        ['AmazonEC2', 'AmazonEC2', 'AWSDataTransfer', 'AmazonS3', 'AmazonS3', 'AmazonEC2', 'AmazonRDS', 'AmazonEC2',
         'AWSLambda', 'AmazonBedrock'][cast(r % 10 as integer) + 1] as service,
        ['Hrs', 'Hrs', 'GB', 'GB-Mo', 'Requests', 'GB-Mo', 'Hrs', 'GB', 'Lambda-GB-Second', '1K tokens'][cast(r % 10 as integer) + 1] as unit,
        ['0.1150000000', '0.1632000000', '0.0900000000', '0.0245000000', '0.0000054000', '0.0952000000', '0.2580000000',
         '0.0520000000', '0.0000166667', '0.0008000000'][cast(r % 10 as integer) + 1] as rate,
        (r // 10) % 40 as account,
        round(cast(hash(pair) % 24000 as double) / 1000, 6) as amount
    from lines
"""

# Columns with values. The others are NULL, as on most lines of a real export.
_COLUMNS = {
    "bill_bill_type": "'Anniversary'",
    "bill_billing_entity": "'AWS'",
    "bill_invoice_id": "'INV{month}'",
    "bill_invoicing_entity": "'Amazon Web Services, Inc.'",
    "bill_payer_account_id": f"'{PAYER}'",
    "bill_payer_account_name": "'Benchmark (payer)'",
    "bill_billing_period_start_date": "timestamp '{month}-01'",
    "bill_billing_period_end_date": "timestamp '{after}-01'",
    "identity_line_item_id": "lower(to_base64(unhex(md5(i::varchar)))) || substr(md5(h::varchar), 1, 26)",
    "identity_time_interval": "strftime(day, '%Y-%m-%dT00:00:00Z/') || strftime(day + interval 1 day, '%Y-%m-%dT00:00:00Z')",
    "line_item_availability_zone": "'eu-central-1' || chr(cast(97 + r % 3 as integer))",
    "line_item_blended_rate": "rate",
    "line_item_blended_cost": "cost",
    "line_item_currency_code": "'USD'",
    "line_item_legal_entity": "'Amazon Web Services, Inc.'",
    "line_item_line_item_description": "'$' || rate || ' per ' || unit || ' of ' || usage_type",
    "line_item_line_item_type": "kind",
    "line_item_operation": "case when service = 'AmazonEC2' then 'RunInstances' else 'Standard' end",
    "line_item_product_code": "service",
    "line_item_resource_id": "case when is_usage then 'arn:aws:' || service || ':eu-central-1:' || account || ':resource/i-' || substr(md5(r::varchar), 1, 17) end",
    "line_item_unblended_rate": "rate",
    "line_item_unblended_cost": "cost",
    "line_item_usage_account_id": "cast(310000000000 + account as varchar)",
    "line_item_usage_account_name": "'account ' || account",
    "line_item_usage_amount": "case when is_usage then amount end",
    "line_item_usage_start_date": "day",
    "line_item_usage_end_date": "day + interval 1 day",
    "line_item_usage_type": "usage_type",
    "line_item_normalized_usage_amount": "case when service = 'AmazonEC2' then amount * 4 end",
    "line_item_normalization_factor": "case when service = 'AmazonEC2' then 4 end",
    "line_item_iam_principal": "case when service = 'AmazonBedrock' then 'arn:aws:sts::' || account || ':assumed-role/app-' || r % 7 end",
    "pricing_currency": "'USD'",
    "pricing_public_on_demand_cost": "case when is_usage then round(amount * cast(rate as double), 10) end",
    "pricing_public_on_demand_rate": "rate",
    "pricing_rate_code": "substr(md5(usage_type), 1, 10) || '.JRTCKXETXF.6YS6EN2CT7'",
    "pricing_rate_id": "cast(hash(usage_type) as varchar)",
    "pricing_term": "case when kind = 'DiscountedUsage' then 'Reserved' else 'OnDemand' end",
    "pricing_unit": "unit",
    "product_from_location": "case when service = 'AWSDataTransfer' then 'EU (Frankfurt)' end",
    "product_to_location": "case when service = 'AWSDataTransfer' then 'External' end",
    "product_instance_family": "case when service in ('AmazonEC2', 'AmazonRDS') then 'General purpose' end",
    "product_instance_type": "case when service in ('AmazonEC2', 'AmazonRDS') then split_part(usage_type, ':', 2) end",
    "product_location": "'EU (Frankfurt)'",
    "product_location_type": "'AWS Region'",
    "product_operation": "'RunInstances'",
    "product_pricing_unit": "unit",
    "product_product_family": "case service when 'AmazonEC2' then 'Compute Instance' when 'AmazonS3' then 'Storage' else 'Other' end",
    "product_region_code": "'eu-central-1'",
    "product_servicecode": "service",
    "product_sku": "upper(substr(md5(usage_type), 1, 16))",
    "product_usagetype": "usage_type",
    "reservation_effective_cost": "case when kind = 'DiscountedUsage' then round(amount * cast(rate as double) * 0.62, 10) end",
    "reservation_reservation_a_r_n": "case when kind = 'DiscountedUsage' then 'arn:aws:ec2:eu-central-1:310000000000:reserved-instances/ri-' || r % 9 end",
    "savings_plan_savings_plan_a_r_n": "case when kind like 'SavingsPlan%' then 'arn:aws:savingsplans::300000000001:savingsplan/sp-' || r % 5 end",
    "savings_plan_offering_type": "case when kind like 'SavingsPlan%' then 'ComputeSavingsPlans' end",
    "savings_plan_payment_option": "case when kind like 'SavingsPlan%' then 'No Upfront' end",
    "savings_plan_savings_plan_effective_cost": "case when kind = 'SavingsPlanCoveredUsage' then round(amount * cast(rate as double) * 0.72, 10) end",
    "resource_tags": "case when account % 3 <> 0 then map(['user_team', 'user_env', 'user_application', 'aws_createdBy'], "
    "['team-' || account % 12, case when r % 4 = 0 then 'staging' else 'production' end, 'app-' || r % 60, 'role-' || r % 20]) end",
    "cost_category": "map(['business_unit'], ['unit ' || account % 5])",
    "product": "map(['product_name', 'servicename', 'region'], [service, service, 'eu-central-1'])",
}


def _select(month: Month, first: int, last: int, resources: int) -> str:
    names = {"month": str(month), "after": str(month.plus(1))}
    columns = ", ".join(
        f"cast({_COLUMNS.get(field.name, 'null').format(**names)} as {_type(field.type)}) as {field.name}"
        for field in SCHEMA
    )
    lines = _LINES.format(first=first, last=last, resources=resources)
    facts = _VALUES.format(days=(month.end - month.start).days, **names)
    return f"""
        with lines as ({lines}), facts as ({facts}), costed as (
            select
                *,
                kind in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation') as is_usage,
                case kind
                    when 'DiscountedUsage' then 0
                    when 'Tax' then 0.19
                    when 'Credit' then -0.5
                    when 'Fee' then 12.5
                    when 'EdpDiscount' then -0.031
                    when 'SavingsPlanNegation' then -round(amount * cast(rate as double), 10)
                    else round(amount * cast(rate as double), 10)
                end as cost
            from facts
        )
        select {columns} from costed
    """


def _type(kind: object) -> str:
    return {"string": "varchar", "double": "double", "timestamp[ms]": "timestamp_ms"}.get(
        str(kind), "map(varchar, varchar)"
    )


def write_month(folder: Path, month: Month, rows: int, *, issue: int = 1) -> list[Path]:
    """Write a billing period of an export: data files first, then the manifest. Another `issue` is another delivery."""
    export = folder / EXPORT
    data = export / "data" / f"BILLING_PERIOD={month}"
    data.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        for number, first in enumerate(range(0, rows, FILE_ROWS), start=1):
            file = data / f"{EXPORT}-{number:05d}.snappy.parquet"
            last = min(first + FILE_ROWS, rows)
            # Every issue has different lines, so that everything that can change does.
            begin = first + 1_000_000_000 * issue
            select = _select(month, begin, begin + last - first, max(rows // 150, 10))
            connection.execute(f"copy ({select}) to '{file}' (format parquet, compression snappy)")
            files.append(file)
    manifest = export / "metadata" / f"BILLING_PERIOD={month}" / f"{EXPORT}-Manifest.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "executionId": hashlib.sha256(f"{month}|{rows}|{issue}".encode()).hexdigest()[:32],
        "billingPeriod": {"start": f"{month}-01T00:00:00.000Z", "end": f"{month.plus(1)}-01T00:00:00.000Z"},
        "columns": [{"name": field.name, "type": str(field.type)} for field in SCHEMA],
        "dataFiles": [f"s3://benchmark/{file.relative_to(folder)}" for file in files],
    }
    manifest.write_text(json.dumps(content))
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000, help="lines of each month")
    parser.add_argument("--months", nargs="+", default=["2026-10"])
    parser.add_argument("--issue", type=int, default=1)
    arguments = parser.parse_args()
    for month in arguments.months:
        files = write_month(arguments.folder, Month.parse(month), arguments.rows, issue=arguments.issue)
        size = sum(file.stat().st_size for file in files)
        print(f"{month}: {arguments.rows:,} lines in {len(files)} files, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
