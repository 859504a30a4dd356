"""Bedrock in the sample company's CUR: the gateway's models, and a notebook that calls Bedrock by itself.

Amazon's model in the usage types of AWS (`EUC1-NovaPro-input-tokens-…`), Anthropic's in those of the Marketplace
(`EUC1-MP:EUC1_InputTokenCount-Units`); IAM principals on all of them, and resource tags on none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from sample_company.aws.base import REGION, SHARED_ACCOUNT, Line, base
from sample_company.llm.models import BEDROCK_SONNET, NOVA_PRO, Model
from sample_company.llm.requests import shares
from sample_company.world import Label, World

NOTEBOOK_ROLE = "analytics-notebook"
NOTEBOOK_TEAM = "data-platform"
PICTURE_TEAM = "growth"
AWS_METERS = {
    "input": "input-tokens",
    "cached_input": "cache-read-input-token-count",
    "cache_write_5m": "cache-write-input-token-count",
    "output": "output-tokens",
}
MARKETPLACE_METERS = {
    "input": "InputTokenCount",
    "cached_input": "CacheReadInputTokenCount",
    "cache_write_5m": "CacheWriteInputTokenCount",
    "output": "OutputTokenCount",
}


def _principal(account: str, role: str, session: str) -> str:
    return f"arn:aws:sts::{account}:assumed-role/{role}/{session}"


def notebook_tokens(world: World, day: date) -> dict[str, int]:
    """What the notebook used of Claude by itself: nothing at weekends."""
    if day.weekday() >= 5:
        return {}
    rng = world.rng("notebook", day)
    return {"input": rng.randint(200_000, 700_000), "output": rng.randint(8_000, 30_000)}


def _line(
    world: World, day: date, account: str, model: Model, token_class: str, tokens: int, principal: str
) -> Line:
    """A day's tokens of one class, as AWS (thousands) or its Marketplace (millions) bills them."""
    is_marketplace = model.billing != NOVA_PRO.billing
    per = 1_000_000 if is_marketplace else 1_000
    cost = float(model.cost(token_class, tokens))
    rate = format((model.cost(token_class, per)).normalize(), "f")
    if is_marketplace:
        usage_type, service = (
            f"EUC1-MP:EUC1_{MARKETPLACE_METERS[token_class]}-Units",
            "AmazonBedrockFoundationModels",
        )
        seller = {
            "bill_billing_entity": "AWS Marketplace",
            "line_item_legal_entity": "Anthropic, PBC",
            "line_item_product_code": world.token("marketplace", model.billing, length=25),
        }
    else:
        usage_type, service = f"EUC1-{model.billing}-{AWS_METERS[token_class]}-cross-region-geo", "AmazonBedrock"
        seller = {"line_item_product_code": service}
    return {
        **base(world, day, f"{day}|bedrock|{account}|{principal}|{usage_type}"),
        **seller,
        "line_item_line_item_type": "Usage",
        "line_item_line_item_description": f"${rate} per {per:,} tokens of {model.billing}, {token_class}",
        "line_item_usage_type": usage_type,
        "line_item_operation": "InvokeModelInference",
        "line_item_resource_id": f"arn:aws:bedrock:{REGION}:{account}:inference-profile/{model.wire}",
        "line_item_usage_account_id": account,
        "line_item_usage_account_name": "shared-prod" if account == SHARED_ACCOUNT else "ml-platform-prod",
        "line_item_iam_principal": principal,
        "line_item_usage_amount": float(Decimal(tokens) / per),
        "line_item_unblended_cost": cost,
        "line_item_unblended_rate": rate,
        "pricing_public_on_demand_cost": cost,
        "pricing_public_on_demand_rate": rate,
        "pricing_unit": "1M tokens" if is_marketplace else "1K tokens",
        "pricing_term": "OnDemand",
        "product_sku": world.token("sku", usage_type, model.billing, length=16).upper(),
        "pricing_rate_code": world.token("rate", usage_type, model.billing, length=16).upper(),
        "product_servicecode": service,
        "resource_tags": [],
        "cost_category": [],
        "product": [("product_name", model.billing if is_marketplace else "Amazon Bedrock")],
    }


def _gateway_lines(world: World, day: date) -> Iterator[tuple[Line, dict[tuple[str, bool], Decimal]]]:
    """A day's lines of the gateway, each with what it cost of which team, and whether the team shows."""
    for (account, model, _, token_class), teams in shares(world, day).items():
        if model.provider == "bedrock":
            tokens = int(sum(teams.values(), Decimal(0)) / model.cost(token_class, 1))
            principal = _principal(account, "llm-gateway", "gateway")
            yield _line(world, day, account, model, token_class, tokens, principal), teams


def _notebook_line(world: World, day: date, token_class: str, tokens: int) -> Line:
    principal = _principal(SHARED_ACCOUNT, NOTEBOOK_ROLE, "rosa")
    line = _line(world, day, SHARED_ACCOUNT, BEDROCK_SONNET, token_class, tokens, principal)
    # The role has a tag of its own, of a key that makes claims and that no rule asks for.
    return {**line, "resource_tags": [("iamPrincipal/application", "notebooks")]}


def bedrock_lines(world: World, day: date) -> Iterator[tuple[Line, str | None, bool]]:
    """A day's lines, each with its owner. The gateway's are many teams': `gateway_labels` names them."""
    for line, _ in _gateway_lines(world, day):
        yield line, None, False
    for token_class, tokens in notebook_tokens(world, day).items():
        yield _notebook_line(world, day, token_class, tokens), NOTEBOOK_TEAM, True


def _picture_profile(world: World) -> str:
    profile = world.token("inference-profile", PICTURE_TEAM, length=12)
    return f"arn:aws:bedrock:{REGION}:{SHARED_ACCOUNT}:application-inference-profile/{profile}"


def picture_line(world: World, day: date) -> tuple[Line, str | None, bool]:
    """A day's pictures, which are of no tokens: called through an application inference profile, whose owner is known."""
    pictures = world.rng("pictures", day).randint(20, 60)
    cost = round(pictures * 0.01, 10)
    line = {
        **base(world, day, f"{day}|bedrock|pictures"),
        "line_item_line_item_type": "Usage",
        "line_item_line_item_description": "$0.01 per image of Titan Image Generator",
        "line_item_product_code": "AmazonBedrock",
        "line_item_usage_type": "EUC1-TitanImage-T2I-1024-Standard",
        "line_item_operation": "InvokeModelInference",
        "line_item_resource_id": _picture_profile(world),
        "line_item_usage_account_id": SHARED_ACCOUNT,
        "line_item_usage_account_name": "shared-prod",
        "line_item_iam_principal": _principal(SHARED_ACCOUNT, "illustrator", "worker"),
        "line_item_usage_amount": float(pictures),
        "line_item_unblended_cost": cost,
        "line_item_unblended_rate": "0.01",
        "pricing_public_on_demand_cost": cost,
        "pricing_public_on_demand_rate": "0.01",
        "pricing_unit": "Count",
        "pricing_term": "OnDemand",
        "product_sku": world.token("sku", "pictures", length=16).upper(),
        "pricing_rate_code": world.token("rate", "pictures", length=16).upper(),
        "product_servicecode": "AmazonBedrock",
        "resource_tags": [],
        "cost_category": [],
        "product": [("product_name", "Amazon Bedrock")],
    }
    return line, PICTURE_TEAM, True


def gateway_labels(world: World, as_of: date) -> Iterator[Label]:
    """Whose the gateway's Bedrock lines are: the requests' teams, by what their tokens cost."""
    for day in world.days(as_of):
        for line, teams in _gateway_lines(world, day):
            for (team, known), amount in sorted(teams.items()):
                yield Label("aws", line["identity_line_item_id"], team, amount, known)


def registry_rules(world: World) -> list[dict[str, object]]:
    """The notebook has no tags and no account of its own: its role shows its owner; of the pictures, their profile."""
    return [
        {
            "id": "aws-profile-pictures",
            "claim": "aws_inference_profile",
            "value": _picture_profile(world),
            "owner": PICTURE_TEAM,
        },
        {
            "id": "aws-iam-analytics-notebook",
            "claim": "aws_iam_principal",
            "match": "glob",
            "value": f"arn:aws:sts::*:assumed-role/{NOTEBOOK_ROLE}/*",
            "owner": NOTEBOOK_TEAM,
        },
    ]
