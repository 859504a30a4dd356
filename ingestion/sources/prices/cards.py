"""Price cards: what a model costs in a service tier and at a place, on which days and at which hours.

The library's own rule picks the prices of a moment (`ModelInfo.get_prices`); here it is asked once for every stretch of
days and hours within which nothing changes. Conditions that vendors publish and the library lacks are laid over them
(`published.py`), then the registry's overrides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise, product
from typing import Any

from ingestion.sources.registry.globs import matches

ALWAYS = date(1970, 1, 1)
FOREVER = date(9999, 12, 31)
STANDARD = "standard"
# Days of the week as ISO 8601 counts them, Monday 1, the last one excluded.
WEEK = (1, 8)
DAY_SECONDS = 86_400
# Service tiers, and the words of the library for the prices of one (its `price_variants`): OpenAI's, Anthropic's.
TIERS: dict[str, tuple[dict[str, str], ...]] = {
    "batch": ({"processing": "batch"},),
    "flex": ({"service_tier": "flex"},),
    "priority": ({"service_tier": "priority"},),
    "fast": ({"service_tier": "fast"}, {"speed": "fast"}),
}
# The library's word for an endpoint of a place, `mistral/eu`.
ROUTE = "route"


@dataclass(frozen=True)
class Price:
    """USD for `per` units; from more than `start` input tokens on, the price of that step instead, for all of them."""

    base: Decimal
    per: int
    steps: tuple[tuple[int, Decimal], ...] = ()

    def above(self, tokens: int | None) -> Decimal:
        """The price of requests with more input tokens than that."""
        found = self.base
        for start, price in self.steps:
            if tokens is not None and tokens >= start:
                found = price
        return found

    def times(self, factor: Decimal) -> Price:
        steps = tuple((start, price * factor) for start, price in self.steps)
        return replace(self, base=self.base * factor, steps=steps)


Prices = dict[str, Price]


@dataclass(frozen=True)
class Card:
    """The prices of a model in a tier, for the days, days of the week and seconds of the day for which they hold.

    `region` is a place of inference with prices of its own; None is any other.
    """

    provider: str
    model_id: str
    service_tier: str
    region: str | None
    valid_from: date
    valid_to: date
    weekday_from: int
    weekday_to: int
    second_from: int
    second_to: int
    prices: Prices


@dataclass(frozen=True)
class Override:
    """A condition on prices. `price_key` None is every price of tokens, `service_tier` None every tier.

    Without `regions`, `weekdays` (ISO, UTC) and `seconds` (of the UTC day, from and to) it holds at every place and time.
    """

    provider: str
    model: str
    price_key: str | None
    service_tier: str | None
    multiplier: Decimal | None
    price: Decimal | None
    only_where_missing: bool
    valid_from: date
    valid_to: date
    regions: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    seconds: tuple[int, int] = (0, DAY_SECONDS)

    def holds(self, region: str | None, day: date, weekday: int, second: int) -> bool:
        return (
            (not self.regions or region in self.regions)
            and self.valid_from <= day < self.valid_to
            and (not self.weekdays or weekday in self.weekdays)
            and self.seconds[0] <= second < self.seconds[1]
        )

    def is_of(self, provider: str, model_id: str) -> bool:
        return self.provider == provider and matches(model_id, self.model)

    def keys(self, prices: Mapping[str, Price]) -> list[str]:
        """The prices, of some, that it is about."""
        if self.price_key is not None:
            return [self.price_key]
        return [key for key in prices if key.endswith("_mtok")]


def _per(price_key: str) -> int:
    from genai_prices.units import _get_registry

    return int(_get_registry().unit_for_price_key(price_key).per)


def _prices(model_price: Any) -> Prices:
    """The library's prices of a moment."""
    found = {}
    for key, value in vars(model_price).items():
        if isinstance(value, Decimal):
            found[key] = Price(value, _per(key))
        elif value is not None:
            steps = tuple((tier.start, tier.price) for tier in value.tiers)
            found[key] = Price(value.base, _per(key), steps)
    return found


def _free(model_id: str) -> Prices:
    """A model that is listed without any price has none, unless its name marks it as free."""
    if not model_id.endswith(":free"):
        return {}
    return {key: Price(Decimal(0), 1_000_000) for key in ("input_mtok", "output_mtok")}


def _place(when: Mapping[str, str]) -> str | None:
    """The place that a variant of the library is of, if any."""
    return when[ROUTE].rpartition("/")[2].lower() if set(when) == {ROUTE} else None


def _listed(model: Any, tier: str, region: str | None, moment: datetime) -> Prices | None:
    """What the library lists for a tier at a place and moment; None where it has no price for the tier."""
    variants = [
        variant.when
        for variant in model.price_variants or ()
        if variant.constraint is None or variant.constraint.active(moment)
    ]
    if tier == STANDARD:
        route = next((when for when in variants if region is not None and _place(when) == region), None)
        return _prices(model.get_prices(moment, route)) or _free(model.id)
    wanted = next((when for when in TIERS[tier] if when in variants), None)
    return _prices(model.get_prices(moment, wanted)) if wanted else None


def _laid_over(listed: Prices | None, standard: Prices, tier: str, overrides: Sequence[Override]) -> Prices | None:
    """The prices of a tier with the overrides that hold: first what fills gaps, then tiers, then what is for all."""
    found = listed

    def lay(override: Override, base: Prices) -> None:
        nonlocal found
        found = dict(standard) if found is None else found
        for key in override.keys(base):
            if override.price is not None:
                found[key] = Price(override.price, _per(key))
            elif override.multiplier is not None and key in base:
                found[key] = base[key].times(override.multiplier)

    for override in overrides:
        if override.only_where_missing and override.service_tier in (None, tier):
            is_new = listed is None if override.price is None else override.price_key not in (listed or {})
            if is_new and (override.service_tier is not None or found is not None):
                lay(override, standard)
    for override in overrides:
        if not override.only_where_missing and override.service_tier == tier:
            lay(override, standard)
    for override in overrides:
        if not override.only_where_missing and override.service_tier is None and found is not None:
            lay(override, found)
    return found


def constraints(model: Any) -> Iterator[Any]:
    listed = model.prices if isinstance(model.prices, list) else []
    for conditional in (*listed, *(model.price_variants or ())):
        if conditional.constraint is not None:
            yield conditional.constraint


def _second(moment: time) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    utc = datetime.combine(date(1970, 1, 2), aware).astimezone(UTC)
    return utc.hour * 3600 + utc.minute * 60 + utc.second


def _joined(stretches: Iterable[tuple[Any, Any, Any]]) -> list[tuple[Any, Any, Any]]:
    """Stretches (from, to, what holds) that follow each other, those with the same in one."""
    found: list[tuple[Any, Any, Any]] = []
    for start, end, held in stretches:
        if found and found[-1][2] == held:
            found[-1] = (found[-1][0], end, held)
        else:
            found.append((start, end, held))
    return found


def _borders(model: Any, overrides: Sequence[Override]) -> tuple[list[date], list[int], list[int]]:
    """The days, days of the week and seconds of a day at which prices may change, first and last ones included."""
    days = {ALWAYS, FOREVER, *(day for override in overrides for day in (override.valid_from, override.valid_to))}
    weekdays = range(WEEK[0], WEEK[1] + 1) if any(override.weekdays for override in overrides) else WEEK
    seconds = {0, DAY_SECONDS, *(second for override in overrides for second in override.seconds)}
    for constraint in constraints(model):
        if hasattr(constraint, "start_date"):
            days.add(max(constraint.start_date, ALWAYS))
        else:
            seconds |= {_second(constraint.start_time), _second(constraint.end_time)}
    return sorted(days), list(weekdays), sorted(seconds)


def cards(
    provider: str, model: Any, overrides: Sequence[Override], published: Sequence[Override] = ()
) -> Iterator[Card]:
    """The cards of a model of the library (`ModelInfo`), published conditions and the registry's overrides laid over."""
    own = [override for override in overrides if override.is_of(provider, model.id)]
    vendors = [override for override in published if override.is_of(provider, model.id)]
    days, weekdays, seconds = _borders(model, [*own, *vendors])
    places = {place for variant in model.price_variants or () if (place := _place(variant.when))}
    regions = sorted(places | {region for override in (*own, *vendors) for region in override.regions})

    def at(tier: str, region: str | None, first: date, weekday: int, second: int) -> Prices | None:
        moment = datetime.combine(first, time(0), UTC) + timedelta(seconds=second)
        place = (region, first, weekday, second)

        def listed(tier: str, standard: Prices) -> Prices | None:
            current = [override for override in vendors if override.holds(*place)]
            return _laid_over(_listed(model, tier, region, moment), standard, tier, current)

        standard = listed(STANDARD, {}) or {}
        current = [override for override in own if override.holds(*place)]
        return _laid_over(listed(tier, standard), standard, tier, current)

    for region, tier in product((None, *regions), (STANDARD, *TIERS)):
        stretches = (
            (first, after, _week(partial(at, tier, region, first), weekdays, seconds))
            for first, after in pairwise(days)
        )
        for first, after, week in _joined(stretches):
            for weekday, next_weekday, day in week:
                for start, end, priced in day:
                    if priced:
                        yield Card(
                            *(provider, model.id, tier, region),
                            *(first, after, weekday, next_weekday, start, end),
                            priced,
                        )


def _week(
    at: Callable[[int, int], Prices | None], weekdays: list[int], seconds: list[int]
) -> list[tuple[Any, Any, Any]]:
    """Stretches of days of the week, each with its stretches of seconds and their prices."""
    return _joined(
        (weekday, after, _joined((start, end, at(weekday, start)) for start, end in pairwise(seconds)))
        for weekday, after in pairwise(weekdays)
    )


@dataclass(frozen=True)
class OwnModel:
    """A model that only the registry has a price for; looks like one of the library's."""

    id: str
    prices: tuple[()] = ()
    price_variants: None = None

    def get_prices(self, moment: datetime, context: object = None) -> OwnModel._Nothing:
        return OwnModel._Nothing()

    class _Nothing:
        pass


def own_models(overrides: Iterable[Override], known: set[tuple[str, str]]) -> list[tuple[str, OwnModel]]:
    """The models that overrides give a price to by their full name and that the library does not know."""
    named = {
        (override.provider, override.model)
        for override in overrides
        if override.price is not None and not set(override.model) & {"*", "?"}
    }
    return [(provider, OwnModel(model)) for provider, model in sorted(named - known)]
