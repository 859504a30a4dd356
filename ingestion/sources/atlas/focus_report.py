"""The rows of Atlas's FOCUS report, and its raw table (docs: "Access the FOCUS Cost and Usage Report").

The report has usage alone: no tax, refunds, adjustments or shortfall. Amounts come twice: in the billing currency, and in the
pricing currency, in which `PricingCurrencyEffectiveCost` is the `totalPriceCents` of the invoice's item.
"""

from __future__ import annotations

import csv
import io
import json as jsonlib
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Table, integer, json, money, number, rest, text, timestamp
from ingestion.lake.people import without_addresses
from ingestion.lake.records import moment, typed
from ingestion.lake.rejected import Rejected
from ingestion.lake.tags import tags_of

# Column of the report → column, what it is.
MONEY = {
    "BilledCost": "billed_cost",
    "EffectiveCost": "effective_cost",
    "ListCost": "list_cost",
    "ContractedCost": "contracted_cost",
    "PricingCurrencyEffectiveCost": "pricing_currency_effective_cost",
}
NUMBERS = {
    "ConsumedQuantity": "consumed_quantity",
    "PricingQuantity": "pricing_quantity",
    "ListUnitPrice": "list_unit_price",
    "ContractedUnitPrice": "contracted_unit_price",
    "PricingCurrencyListUnitPrice": "pricing_currency_list_unit_price",
    "PricingCurrencyContractedUnitPrice": "pricing_currency_contracted_unit_price",
    "x_PricingCurrencyRate": "pricing_currency_rate",
}
TIMES = {
    "BillingPeriodStart": "billing_period_start",
    "BillingPeriodEnd": "billing_period_end",
    "ChargePeriodStart": "charge_period_start",
    "ChargePeriodEnd": "charge_period_end",
    "x_BilledDateStart": "billed_date_start",
    "x_BilledDateEnd": "billed_date_end",
}
TEXTS = {
    "BillingAccountId": "billing_account_id",
    "BillingAccountName": "billing_account_name",
    "BillingCurrency": "billing_currency",
    "ChargeCategory": "charge_category",
    "ChargeDescription": "charge_description",
    "ConsumedUnit": "consumed_unit",
    "ContractApplied": "contract_applied",
    "HostProviderName": "host_provider_name",
    "InvoiceIssuerName": "invoice_issuer_name",
    "PricingCurrency": "pricing_currency",
    "PricingUnit": "pricing_unit",
    "RegionId": "region_id",
    "RegionName": "region_name",
    "ResourceName": "resource_name",
    "ServiceCategory": "service_category",
    "ServiceName": "service_name",
    "ServiceProviderName": "service_provider_name",
    "SkuId": "sku_id",
    "SkuMeter": "sku_meter",
    "SkuPriceDetails": "sku_price_details",
    "SkuPriceId": "sku_price_id",
    "SubAccountId": "sub_account_id",
    "SubAccountName": "sub_account_name",
    "x_AtlasSku": "atlas_sku",
    "x_SkuCategory": "sku_category",
}
# Another name of a column: Atlas documents the one, FOCUS 1.3 the other.
SYNONYMS = {"InvoiceIssuer": "InvoiceIssuerName"}
FIELDS = {column: name for name, column in {**MONEY, **NUMBERS, **TIMES, **TEXTS}.items()}
# What somebody may have written an address of a person into.
PERSONAL = ("charge_description", "contract_applied", "tags", "extra")
# A row without one of these has no cost, or no place among the invoice's items.
REQUIRED = ("PricingCurrencyEffectiveCost", "ChargePeriodStart", "x_AtlasSku")

FOCUS_REPORT = Table(
    "focus_report",
    "One row a row of the FOCUS 1.3 report of an invoice. It has usage alone.",
    (
        text("invoice_id", "the invoice that the report is of"),
        integer("line_number", "position in the report, from 1"),
        *(money(column, name) for name, column in MONEY.items()),
        *(number(column, name) for name, column in NUMBERS.items()),
        *(timestamp(column, name) for name, column in TIMES.items()),
        *(text(column, name) for name, column in TEXTS.items()),
        json("tags", "Tags: key to list of values"),
        json("extra", "columns that are not known by name"),
    ),
)


def report_rows(content: bytes, invoice_id: str, where: str, rejected: Rejected) -> list[dict[str, Any]]:
    """The rows of a report's CSV file; one that can't be read is set aside in `rejected`.

    Raises BadInput for a file that is no such report.
    """
    rows = []
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = [SYNONYMS.get(name.strip(), name.strip()) for name in next(lines, [])]
        absent = [name for name in REQUIRED if name not in header]
        if absent or len(set(header)) != len(header):
            raise BadInput(f"{where}: {f'no column {absent[0]}' if absent else 'a column comes twice'}")
        for number_, fields in enumerate(filter(None, lines), start=1):
            place = f"{where}, row {number_}"
            with rejected.aside(place):
                if len(fields) != len(header):
                    raise BadInput(f"{place}: {len(fields)} fields, and the header has {len(header)}")
                found = {name: value for name, value in zip(header, fields, strict=True) if value.strip()}
                rows.append(_row(found, invoice_id, number_, place))
    except (csv.Error, UnicodeDecodeError):
        raise BadInput(f"{where}: not a CSV file in UTF-8") from None
    rejected.check(len(rows))
    return rows


def _row(found: dict[str, str], invoice_id: str, line_number: int, place: str) -> dict[str, Any]:
    absent = [name for name in REQUIRED if name not in found]
    if absent:
        raise BadInput(f"{place}: no {absent[0]}")
    tags = tags_of(found.get("Tags"))
    # What can't be read as tags stays under its own name.
    known = {*MONEY, *NUMBERS, *TIMES, *TEXTS} | ({"Tags"} if tags is not None else set())
    row: dict[str, Any] = {
        "invoice_id": invoice_id,
        "line_number": line_number,
        **{column: found.get(name) for name, column in {**MONEY, **NUMBERS, **TEXTS}.items()},
        **{
            column: moment(found[name], f"{place}, {name}") if name in found else None
            for name, column in TIMES.items()
        },
        "tags": jsonlib.dumps(
            {key: value if isinstance(value, list) else [value] for key, value in (tags or {}).items()},
            sort_keys=True,
            default=str,
        ),
        "extra": rest(found, known),
    }
    row |= {column: without_addresses(row[column]) for column in PERSONAL}
    return typed(FOCUS_REPORT, row, place, FIELDS)
