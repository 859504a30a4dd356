"""genai-prices: the list prices that the package brings along, and its matching of models by name. Offline.

The library can also fetch prices (`UpdatePrices`); that is never used: the same version gives the same prices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from ingestion.provider_names import provider_of
from ingestion.sources.prices.cards import DAY_SECONDS, Card, Override, cards, own_models
from ingestion.sources.prices.published import PUBLISHED
from ingestion.sources.registry.client import Registry
from ingestion.sources.registry.shape import ends, starts

PACKAGE = "genai-prices"
# Raise it when a change of this folder changes prices: a price book of the same name never changes.
FORMAT = 2

# The library's names of providers, where its own rules would not find them.
PROVIDERS = {
    "azure_ai": "azure",
    "bedrock": "aws",
    "fireworks_ai": "fireworks",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "voyage": "voyageai",
    "xai": "x-ai",
}


# Characters of a model's name with its path: each part is looked for in the library.
LONGEST_MODEL = 500
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def library_version() -> str:
    return version(PACKAGE)


def price_provider(name: str) -> str:
    """A provider as the library names it; what it does not know stays as it is."""
    from genai_prices.data_snapshot import find_provider_by_id, get_snapshot

    one = provider_of(name) or name.lower()
    known = PROVIDERS.get(one, one)
    found = find_provider_by_id(get_snapshot().providers, known)
    return found.id if found else known


def overrides_of(registry: Registry) -> list[Override]:
    """The registry's overrides, providers as the library names them."""
    found = []
    for entry in registry.price_overrides:
        fields = entry.fields
        found.append(
            Override(
                provider=price_provider(fields["provider"]),
                model=fields["model"],
                price_key=fields.get("price_key"),
                service_tier=fields.get("service_tier"),
                multiplier=Decimal(fields["multiplier"]) if "multiplier" in fields else None,
                price=Decimal(fields["price"]) if "price" in fields else None,
                only_where_missing=fields.get("only_where_missing", False),
                valid_from=starts(fields),
                valid_to=ends(fields),
                regions=tuple(region.lower() for region in fields.get("regions", ())),
                weekdays=tuple(WEEKDAYS.index(day) + 1 for day in fields.get("weekdays", ())),
                seconds=seconds_of(fields),
            )
        )
    return found


def seconds_of(fields: Mapping[str, Any]) -> tuple[int, int]:
    """The seconds of the UTC day from and to which an override holds (`hours: "01:00-04:00"`)."""
    if "hours" not in fields:
        return 0, DAY_SECONDS
    start, end = (int(part[:2]) * 3_600 + int(part[3:]) * 60 for part in fields["hours"].split("-"))
    return start, end


def book_version(overrides: Sequence[Override]) -> str:
    """The name of the price book that the library and some overrides make, whatever order these are declared in."""
    listed = sorted(json.dumps(astuple(override), default=str) for override in overrides)
    published = [json.dumps(astuple(override), default=str) for override in PUBLISHED]
    content = hashlib.sha256(json.dumps([FORMAT, *published, *listed]).encode()).hexdigest()
    return f"{PACKAGE} {library_version()}+{content[:8]}"


def book(overrides: Sequence[Override], published: Sequence[Override] = PUBLISHED) -> Iterator[Card]:
    """All price cards. A model that the library lists without a price has none, unless it is named free."""
    from genai_prices.data_snapshot import get_snapshot

    known = set()
    for provider in get_snapshot().providers:
        for model in provider.models:
            known.add((provider.id, model.id))
            yield from cards(provider.id, model, overrides, published)
    for own_provider, own in own_models(overrides, known):
        yield from cards(own_provider, own, overrides, published)


def _library_match(provider: str, model: str) -> tuple[str, str] | None:
    """The library's provider and id of a model; the provider may be another whose models this one offers."""
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    try:
        asked, found = snapshot.find_provider_model(model, None, price_provider(provider), None)
    except LookupError:
        return None
    offered: Iterable[Any] = (asked, *snapshot.providers)
    return next(((known.id, found.id) for known in offered if any(found is one for one in known.models)), None)


def resolved(provider: str, model: str, own: set[tuple[str, str]]) -> tuple[str | None, str | None, str]:
    """Provider and model in the price book, and how they were found; `own` are the registry's own models."""
    if len(model) > LONGEST_MODEL:
        return None, None, "unknown"
    named = price_provider(provider)
    # Gateways put providers and routes before a name, which may have a path of its own (`groq/openai/gpt-oss-120b`,
    # `bedrock/converse/us.anthropic.claude-…`): they are taken off one at a time.
    steps = model.split("/")
    names = ["/".join(steps[number:]) for number in range(len(steps))]
    for name in names:
        if (named, name) in own:
            return named, name, "registry"
    for number, name in enumerate(names):
        found = _library_match(provider, name)
        if found:
            is_offered = 0 < number < len(names) - 1
            how = (
                "library" if number == 0 else "library_without_provider" if is_offered else "library_without_path"
            )
            return (*found, how)
    return None, None, "unknown"


def own_names(overrides: Sequence[Override]) -> set[tuple[str, str]]:
    """The registry's own models."""
    from genai_prices.data_snapshot import get_snapshot

    known = {(provider.id, model.id) for provider in get_snapshot().providers for model in provider.models}
    return {(provider, model.id) for provider, model in own_models(overrides, known)}
