"""The sample company's registry, as its people would write it: YAML files in the world's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sample_company import atlas, vercel
from sample_company.aws import export
from sample_company.company import DEPARTMENTS, SERVICES, TEAMS
from sample_company.llm import other_products, requests
from sample_company.llm.models import BATCH_FACTOR, ROTATION, inference_profile
from sample_company.world import World

VENDORS: tuple[Any, ...] = (export, vercel, atlas, requests, other_products)

# Budgets of a month in USD: that of mobile is too small for its months, that of growth nearly.
BUDGETS = {
    "search": "2800.00",
    "checkout": "3600.00",
    "mobile": "1450.00",
    "growth": "1250.00",
    "support": "2500.00",
    "payments": "2400.00",
    "data-platform": "2200.00",
    "ml-platform": "2600.00",
    "infra": "3500.00",
    "security": "500.00",
}


def owners(world: World) -> list[dict[str, object]]:
    """Departments, teams, services (one changed hands), shared pools, and nobody."""
    found: list[dict[str, object]] = [
        {"id": f"dept-{key}", "kind": "team", "name": f"{name} (department)"} for key, name in DEPARTMENTS.items()
    ]
    found += [
        {
            "id": team.id,
            "kind": "team",
            "name": team.name,
            "parent": f"dept-{team.department}",
            "cost_center": team.cost_center,
            "contact": team.contact,
            "aliases": [team.name, f"team-{team.id}"],
        }
        for team in TEAMS
    ]
    for service in SERVICES:
        before, after = world.team_of(service.id, world.start), world.team_of(service.id, world.until)
        base: dict[str, object] = {"id": f"svc-{service.id}", "kind": "service", "name": service.id}
        if before == after:
            found.append({**base, "parent": before, "aliases": [service.id]})
        else:
            found.append({**base, "parent": before, "valid_to": world.handover, "aliases": [service.id]})
            found.append({**base, "parent": after, "valid_from": world.handover})
    found.append({"id": "unowned", "kind": "unowned", "name": "Unowned", "steward": "infra"})
    for vendor in VENDORS:
        found += vendor.pool_owners()
    return found


def write_registry(world: World, folder: Path) -> None:
    """Write the six files; a file whose text is the same keeps its time."""
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, dict[str, list[dict[str, object]]]] = {
        "owners.yml": {"owners": owners(world)},
        "ownership_rules.yml": {"rules": [rule for vendor in VENDORS for rule in vendor.registry_rules(world)]},
        "allocation_pools.yml": {"pools": [pool for vendor in VENDORS for pool in vendor.registry_pools(world)]},
        "budgets.yml": {
            "budgets": [
                {
                    "id": f"{team.id}-monthly",
                    "owner": team.id,
                    "monthly_amount": BUDGETS[team.id],
                    "currency": "USD",
                }
                for team in TEAMS
            ],
        },
        "prompt_policy.yml": {"prompt_logging": []},
        "prices.yml": {
            "price_overrides": [
                {
                    "provider": "anthropic",
                    "model": "*",
                    "service_tier": "batch",
                    "multiplier": str(BATCH_FACTOR),
                    "only_where_missing": True,
                    "reason": "Message Batches API: half price",
                }
            ],
            "model_names": [
                {"provider": model.provider, "name": inference_profile(model), "model": model.wire}
                for model in ROTATION
                if model.provider == "bedrock"
            ],
        },
    }
    for name, declared in content.items():
        text = "# The sample company's declarations (made up).\n" + yaml.safe_dump(
            declared, sort_keys=False, allow_unicode=True
        )
        file = folder / name
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
