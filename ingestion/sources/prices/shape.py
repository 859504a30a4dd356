"""The price book's tables, and how prices that hold for a while become rows of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ingestion.lake.columns import Table, integer, number, text
from ingestion.lake.columns import date as day
from ingestion.sources.prices.cards import Card

PRICE_BOOKS = Table(
    "price_books",
    "One row a version of the price book.",
    (
        text("price_book_version", "the library's version, and a digest of the registry's overrides"),
        text("library_version", "version of genai-prices, which brings the list prices"),
        integer("override_count", "overrides of the registry that are in it"),
        integer("price_count", "its prices"),
    ),
)
PRICES = Table(
    "prices",
    "One row a price of a model, of a service tier, for the place, days, hours and sizes of request for which it holds.",
    (
        text("price_book_version", "version of the price book"),
        text("provider", "provider, as genai-prices names it"),
        text("model_id", "model, as genai-prices names it (or the registry, of a model of one's own)"),
        text("service_tier", "tier as served: standard, batch, flex, priority, fast"),
        text("region", "place of inference that has prices of its own, in lower case; NULL every other"),
        text("price_key", "what is priced: input_mtok, cache_read_mtok, cache_write_mtok (5 minutes) …"),
        integer("context_min_tokens", "holds for more input tokens than this; NULL from none"),
        integer("context_max_tokens", "holds for up to so many input tokens; NULL without end"),
        number("usd", "USD for `per` units"),
        integer("per", "units that the price is for: 1,000,000 tokens, 1,000 pieces, 3,600 seconds"),
        day("valid_from", "the first UTC day on which it holds"),
        day("valid_to", "the first UTC day on which it no longer holds"),
        integer("weekday_from", "the first UTC day of the week on which it holds, Monday 1"),
        integer(
            "weekday_to", "the first UTC day of the week on which it no longer holds, Sunday 7; 8 through Sunday"
        ),
        integer("day_second_from", "the first second of the UTC day at which it holds"),
        integer("day_second_to", "the first second of the UTC day at which it no longer holds"),
    ),
)
MODEL_ALIASES = Table(
    "model_aliases",
    "One row a model as requests or reports name it: which model of the price book that is.",
    (
        text("price_book_version", "version of the price book"),
        text("provider", "provider, as the request names it"),
        text("raw_model", "model, as the request names it"),
        text("price_provider", "provider in the price book; NULL where the model is unknown"),
        text("price_model_id", "model in the price book; NULL where it is unknown"),
        text("resolved_by", "registry, library, library_without_provider, library_without_path, or unknown"),
    ),
)
TABLES = (PRICE_BOOKS, PRICES, MODEL_ALIASES)

PLACES = Decimal("0.000000000001")


def price_rows(version: str, cards: Iterable[Card]) -> Iterator[dict[str, Any]]:
    """A row a price. All prices of a card are cut at the same sizes of request, so that they can stand side by side.

    A price is rounded to 12 places: the library has a few that were once floats (0.19999999999999998).
    """
    for card in cards:
        starts = sorted({start for price in card.prices.values() for start, _ in price.steps})
        for least, most in zip([None, *starts], [*starts, None], strict=True):
            for key, price in sorted(card.prices.items()):
                yield {
                    "price_book_version": version,
                    "provider": card.provider,
                    "model_id": card.model_id,
                    "service_tier": card.service_tier,
                    "region": card.region,
                    "price_key": key,
                    "context_min_tokens": least,
                    "context_max_tokens": most,
                    "usd": price.above(least).quantize(PLACES, ROUND_HALF_UP),
                    "per": price.per,
                    "valid_from": card.valid_from,
                    "valid_to": card.valid_to,
                    "weekday_from": card.weekday_from,
                    "weekday_to": card.weekday_to,
                    "day_second_from": card.second_from,
                    "day_second_to": card.second_to,
                }
