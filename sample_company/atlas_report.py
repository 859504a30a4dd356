"""The FOCUS reports of the sample company's Atlas: made on request, downloaded by a signed address."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

from sample_company.server import Request, Response, Route, json_response
from sample_company.world import State

Item = dict[str, object]
Handler = Callable[[Request], Response]
COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit",
    "ContractApplied", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "HostProviderName", "InvoiceIssuer",
    "ListCost", "ListUnitPrice", "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "PricingQuantity", "PricingUnit", "RegionId", "RegionName", "ResourceName",
    "ServiceCategory", "ServiceName", "ServiceProviderName", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId",
    "SubAccountId", "SubAccountName", "Tags", "x_AtlasSku", "x_BilledDateEnd", "x_BilledDateStart",
    "x_PricingCurrencyRate", "x_SkuCategory",
)  # fmt: skip
# By a part of a SKU's name.
SKU_CATEGORIES = {"INSTANCE": "Clusters", "BACKUP": "Backup", "ATLAS_AI": "AI Model APIs", "": "Data Transfer"}


def report(invoice: Item) -> bytes:
    """The FOCUS report of an invoice: its usage, to the digits; no support fee, tax, credit or refund."""
    rows = []
    for item in cast("list[Item]", invoice["lineItems"]):
        sku = str(item["sku"])
        if sku == "ATLAS_SUPPORT" or item["quantity"] == "n/a":
            continue
        quantity, price = Decimal(str(item["quantity"])), Decimal(str(item["unitPriceDollars"]))
        cost = quantity * price
        rows.append(
            {
                **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), cost),
                **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice", "PricingCurrencyListUnitPrice"), price),
                **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), quantity),
                **dict.fromkeys(("ConsumedUnit", "PricingUnit"), item["unit"]),
                "PricingCurrencyContractedUnitPrice": price,
                "PricingCurrencyEffectiveCost": cost,
                "PricingCurrency": "Atlas Credits",
                "x_PricingCurrencyRate": 1,
                "BillingAccountId": invoice["orgId"],
                "BillingAccountName": "Sample organization",
                "BillingCurrency": "USD",
                "BillingPeriodStart": invoice["startDate"],
                "BillingPeriodEnd": invoice["endDate"],
                "ChargeCategory": "Usage",
                "ChargeDescription": sku.replace("_", " ").title(),
                "ChargePeriodStart": item["startDate"],
                "ChargePeriodEnd": item["endDate"],
                "HostProviderName": item["cloudProvider"],
                "InvoiceIssuer": "MongoDB",
                "RegionId": "eu-west-1",
                "RegionName": "Ireland",
                "ResourceName": item.get("clusterName", ""),
                "ServiceCategory": "Databases",
                "ServiceName": "MongoDB Atlas",
                "ServiceProviderName": "MongoDB",
                "SkuId": sku,
                "SkuMeter": item["unit"],
                "SkuPriceId": f"{sku}-{price}",
                "SubAccountId": item["groupId"],
                "SubAccountName": item["groupName"],
                "Tags": json.dumps(item.get("tags") or {}),
                "x_AtlasSku": sku,
                "x_BilledDateStart": item["created"],
                "x_BilledDateEnd": item["created"],
                "x_SkuCategory": next(name for part, name in SKU_CATEGORIES.items() if part in sku),
            }
        )
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _described(found: Item, made: datetime, finished: bool) -> Item:
    return {
        "formatSpecVersion": "1.3",
        "invoiceId": found["id"],
        "reportFormat": "CSV",
        "reportId": f"{int(made.timestamp()):08x}{str(found['id'])[8:]}",
        "reportType": "FOCUS",
        "state": "SUCCEEDED" if finished else "PENDING",
    }


def routes(
    state: State,
    organization: str,
    invoices_of: Callable[[str], list[Item]],
    guarded: Callable[[Handler], Handler],
) -> list[Route]:
    """The endpoints of reports under `/atlas`, and the store of their files.

    `invoices_of` gives a month's invoices, `guarded` a handler behind the sign-in.
    """

    def associated(request: Request) -> Response:
        month = f"{int(request.one('year') or 0):04}-{int(request.one('month') or 0):02}"
        with_linked = request.one("includeLinkedOrgs") == "true"
        found = [
            {"invoiceId": one["id"], "orgId": one["orgId"]}
            for one in invoices_of(month)
            if with_linked or one["orgId"] == organization
        ]
        return json_response({"associatedInvoices": found, "month": month[5:], "year": month[:4]})

    def reported(request: Request) -> Item | None:
        """The invoice that a report is of; its organization is in the path."""
        wanted = (request.match["org"], request.match["id"])
        months = (invoices_of(month) for month in state.world.months(state.as_of))
        return next((one for found in months for one in found if (one["orgId"], one["id"]) == wanted), None)

    def listed_reports(request: Request) -> Response:
        """Somebody requested the report of a closed invoice in the console, an hour after it closed."""
        found = reported(request)
        if found is None or found["statusName"] == "PENDING":
            return json_response({"links": [], "results": [], "totalCount": 0})
        made = datetime.fromisoformat(str(found["updated"])) + timedelta(hours=1)
        return json_response({"links": [], "results": [_described(found, made, True)], "totalCount": 1})

    def request_report(request: Request) -> Response:
        found, wanted = reported(request), json.loads(request.body or b"{}")
        if found is None or (wanted.get("reportType"), wanted.get("reportFormat")) != ("FOCUS", "CSV"):
            return json_response({"error": 400, "errorCode": "INVALID_ATTRIBUTE"}, 400)
        made = datetime.combine(state.as_of, datetime.min.time(), UTC)
        return json_response(_described(found, made, False), 201)

    def finished_report(request: Request) -> Response:
        found = reported(request)
        if found is None or request.match["report"][8:] != str(found["id"])[8:]:
            return json_response({"error": 404, "errorCode": "REPORT_NOT_FOUND"}, 404)
        made = datetime.fromtimestamp(int(request.match["report"][:8], 16), UTC)
        query = "X-Amz-Expires=900&X-Amz-Signature=sample"
        address = f"http://{request.header('Host')}/atlas-reports/{found['orgId']}/{found['id']}.csv?{query}"
        addressed = {"downloadUrl": address, "expiresAt": f"{state.as_of}T18:30:00Z"}
        return json_response({**_described(found, made, True), **addressed})

    def download(request: Request) -> Response:
        # A store takes one signature alone.
        if request.header("Authorization") or request.one("X-Amz-Signature") != "sample":
            return Response(400, b"<Error><Code>InvalidArgument</Code></Error>")
        found = reported(request)
        return Response(200, report(found), {"Content-Type": "text/csv"}) if found else Response(404)

    base = "/atlas/api/atlas/v2/orgs"
    reports = f"{base}/(?P<org>[0-9a-f]{{24}})/invoices/(?P<id>[0-9a-f]{{24}})/reports"
    return [
        Route("GET", f"{base}/{organization}/associatedInvoices", guarded(associated)),
        Route("GET", reports, guarded(listed_reports)),
        Route("POST", reports, guarded(request_report)),
        Route("GET", f"{reports}/(?P<report>[0-9a-f]{{24}})", guarded(finished_report)),
        Route("GET", "/atlas-reports/(?P<org>[0-9a-f]{24})/(?P<id>[0-9a-f]{24}).csv", download),
    ]
