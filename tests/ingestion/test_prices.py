"""The price book: the library's prices with the registry's laid over, in versions that stay; names looked up once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from ingestion.lake.contract import DELIVERIES, Landing
from ingestion.lake.notes import known_notes
from ingestion.lake.pipeline import land
from ingestion.settings import PROJECT_ROOT, Home, Month, Window
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS
from ingestion.sources.prices import SOURCE
from ingestion.sources.prices.cards import FOREVER, Card, Override, constraints
from ingestion.sources.prices.client import book, book_version, overrides_of, own_names, price_provider, resolved
from ingestion.sources.prices.published import PUBLISHED
from ingestion.sources.prices.shape import price_rows
from ingestion.sources.prices.source import PricesSettings
from ingestion.sources.registry.check import problems
from ingestion.sources.registry.client import read
from ingestion.sources.registry.globs import matches, share_a_name

WINDOW = Window(Month(2026, 10), Month(2026, 11))
OWNERS = "owners:\n  - {id: a, kind: team, name: A}\n"


def registry(folder: Path, *overrides: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "owners.yml").write_text(OWNERS)
    listed = "".join(f"  - {line}\n" for line in overrides)
    (folder / "prices.yml").write_text(f"price_overrides:\n{listed}" if listed else "price_overrides: []\n")
    return folder


def declared(tmp_path: Path, *overrides: str) -> list[Override]:
    return overrides_of(read(registry(tmp_path / "registry", *overrides)))


def held(
    cards: list[Card], model: str, tier: str, day: date, hour: int = 0, region: str | None = None
) -> dict[str, Decimal]:
    """A model's prices on a day, at the beginning of an hour of it."""
    (card,) = (
        card
        for card in cards
        if card.model_id == model
        and card.service_tier == tier
        and card.region == region
        and card.valid_from <= day < card.valid_to
        and card.weekday_from <= day.isoweekday() < card.weekday_to
        and card.second_from <= hour * 3_600 < card.second_to
    )
    return {key: price.base for key, price in card.prices.items()}


def of(provider: str, overrides: list[Override]) -> list[Card]:
    return [card for card in book(overrides) if card.provider == provider]


def test_tier_of_the_library_comes_before_a_default_and_the_default_before_nothing(tmp_path: Path) -> None:
    """The library learned of gpt-4.1's batch price on 14 October 2026; batch was half price before."""
    half = '{provider: openai, model: "*", service_tier: batch, multiplier: "0.5", only_where_missing: true, reason: r}'
    cards = of("openai", declared(tmp_path, half))
    before, after = date(2026, 10, 13), date(2026, 10, 14)
    assert held(cards, "gpt-4.1", "batch", before) == {
        **held(cards, "gpt-4.1", "standard", before),
        "input_mtok": 1,
        "cache_read_mtok": Decimal("0.25"),
        "output_mtok": 4,
    }
    assert held(cards, "gpt-4.1", "batch", after)["cache_read_mtok"] == Decimal("0.5")
    bare = of("openai", [])
    assert not [
        card
        for card in bare
        if card.model_id == "gpt-4.1" and card.service_tier == "batch" and card.valid_from < after
    ]


def test_negotiated_price_holds_for_its_days_and_for_every_tier(tmp_path: Path) -> None:
    days = "valid_from: 2026-11-01, valid_to: 2026-12-01"
    line = '{provider: anthropic, model: claude-haiku-4-5, multiplier: "0.9", reason: r, ' + days + "}"
    plain, cards = of("anthropic", []), of("anthropic", declared(tmp_path, line))
    for tier in ("standard", "batch"):
        for day, factor in ((date(2026, 10, 31), 1), (date(2026, 11, 1), Decimal("0.9")), (date(2026, 12, 1), 1)):
            listed = held(plain, "claude-haiku-4-5", tier, day)
            found = held(cards, "claude-haiku-4-5", tier, day)
            assert found["output_mtok"] == listed["output_mtok"] * factor
            assert found["web_searches_kcount"] == listed["web_searches_kcount"], "no price of tokens"


def test_override_holds_at_its_places_days_of_the_week_and_hours(tmp_path: Path) -> None:
    when = 'regions: [EU], weekdays: [sat, sun], hours: "22:00-24:00"'
    line = '{provider: anthropic, model: claude-haiku-4-5, multiplier: "0.5", reason: r, ' + when + "}"
    plain, cards = of("anthropic", []), of("anthropic", declared(tmp_path, line))
    listed = held(plain, "claude-haiku-4-5", "standard", date(2026, 11, 27))["input_mtok"]
    friday, saturday = date(2026, 11, 27), date(2026, 11, 28)
    for day, hour, region, factor in (
        (saturday, 22, "eu", Decimal("0.5")),
        (saturday, 21, "eu", 1),
        (friday, 22, "eu", 1),
        (saturday, 22, None, 1),
    ):
        found = held(cards, "claude-haiku-4-5", "standard", day, hour, region)["input_mtok"]
        assert found == listed * factor, (day, hour, region)


def test_published_conditions_are_laid_over_the_list_and_the_registry_s_over_them(tmp_path: Path) -> None:
    line = '{provider: anthropic, model: claude-sonnet-4-6, multiplier: "0.9", reason: r}'
    day = date(2026, 11, 9)
    for overrides, factor in (([], 1), (declared(tmp_path, line), Decimal("0.9"))):
        cards = of("anthropic", overrides)
        listed = held(cards, "claude-sonnet-4-6", "standard", day)
        for tier, of_tier in (("standard", 1), ("batch", Decimal("0.5"))):
            found = held(cards, "claude-sonnet-4-6", tier, day, region="us")
            assert found["input_mtok"] == Decimal("3.3") * factor * of_tier
            assert found["output_mtok"] == Decimal("16.5") * factor * of_tier
        assert found["web_searches_kcount"] == listed["web_searches_kcount"], "no price of tokens"
        assert {card.region for card in cards if card.model_id == "claude-haiku-4-5"} == {None}


def test_published_conditions_are_of_listed_models_and_none_that_the_library_knows() -> None:
    """A condition that the library learns of would be laid over it twice: then it goes from `published.py`."""
    listed = list(book([], published=()))
    models = [model for provider in get_snapshot().providers for model in provider.models]
    for condition in PUBLISHED:
        assert [card for card in listed if condition.is_of(card.provider, card.model_id)], condition
    known = {"processing", "service_tier", "speed", "route", "search_type"}
    assert {key for model in models for variant in model.price_variants or () for key in variant.when} == known
    assert {type(constraint).__name__ for model in models for constraint in constraints(model)} == {
        "StartDateConstraint",
        "TimeOfDateConstraint",
    }


def test_deepseek_s_peak_hours_are_on_weekdays() -> None:
    cards = of("deepseek", [])
    monday, saturday, before = date(2026, 11, 23), date(2026, 11, 21), date(2026, 8, 22)
    prices = {
        (day, hour): held(cards, "deepseek-v4-pro", "standard", day, hour)["output_mtok"]
        for day in (monday, saturday, before)
        for hour in (0, 2, 5, 9, 10)
    }
    peak, plain = Decimal("3.96"), Decimal("1.98")
    assert [prices[monday, hour] for hour in (0, 2, 5, 9, 10)] == [plain, peak, plain, peak, plain]
    assert {prices[saturday, hour] for hour in (0, 2, 5, 9, 10)} == {plain}
    assert prices[before, 2] == peak


def test_price_of_one_s_own_model_is_all_that_is_known_of_it(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        '{provider: vllm, model: llama-internal, price_key: input_mtok, price: "0.05", reason: GPU hours}',
        '{provider: vllm, model: llama-internal, price_key: output_mtok, price: "0.1", reason: GPU hours}',
    )
    (card,) = of("vllm", found)
    assert {key: price.base for key, price in card.prices.items()} == {
        "input_mtok": Decimal("0.05"),
        "output_mtok": Decimal("0.1"),
    }
    own = own_names(found)
    assert resolved("vllm", "llama-internal", own) == ("vllm", "llama-internal", "registry")
    assert resolved("vllm", "meta/llama-internal", own) == ("vllm", "llama-internal", "registry")


@pytest.mark.parametrize(
    ("provider", "model", "found"),
    [
        ("openai", "gpt-4o-2024-08-06", ("openai", "gpt-4o", "library")),
        ("openai", "openai/gpt-5-mini-2025-08-07", ("openai", "gpt-5-mini", "library_without_path")),
        ("bedrock", "amazon.nova-pro-v1:0", ("aws", "amazon.nova-pro-v1:0", "library")),
        ("groq", "groq/openai/gpt-oss-120b", ("groq", "openai/gpt-oss-120b", "library_without_provider")),
        (
            "openrouter",
            "openrouter/anthropic/claude-sonnet-4.5",
            ("openrouter", "anthropic/claude-sonnet-4.5", "library_without_provider"),
        ),
        ("azure", "gpt-4o", ("openai", "gpt-4o", "library")),
        ("vertex_ai", "gemini-2.5-pro", ("google", "gemini-2.5-pro", "library")),
        ("openai", "gpt-5-sample-preview", (None, None, "unknown")),
        ("nobody", "gpt-4o", (None, None, "unknown")),
    ],
)
def test_names_are_those_of_the_library_s_own_matching(
    provider: str, model: str, found: tuple[str | None, str | None, str]
) -> None:
    assert resolved(provider, model, set()) == found


def test_cards_of_a_model_and_tier_never_overlap_and_the_standard_one_has_no_gap() -> None:
    held: dict[tuple[str, str, str, str | None], list[Card]] = {}
    for card in book([]):
        held.setdefault((card.provider, card.model_id, card.service_tier, card.region), []).append(card)
    for (_, _, tier, _), cards in held.items():
        area = sum(
            (card.valid_to - card.valid_from).days
            * (card.weekday_to - card.weekday_from)
            * (card.second_to - card.second_from)
            for card in cards
        )
        corners = {(card.valid_from, card.weekday_from, card.second_from) for card in cards}
        assert len(corners) == len(cards)
        if tier == "standard":
            assert area == (FOREVER - date(1970, 1, 1)).days * 7 * 86_400
    assert len(held) > 2_000


def test_prices_of_a_card_stand_at_the_same_steps() -> None:
    """gemini-2.5-pro doubles above 200,000 tokens; its searches cost the same on both sides."""
    rows = [row for row in price_rows("v", of("google", [])) if row["model_id"] == "gemini-2.5-pro"]
    current = [row for row in rows if row["service_tier"] == "standard" and row["valid_to"] == FOREVER]
    steps: dict[str, list[tuple[int | None, int | None]]] = {}
    for row in current:
        steps.setdefault(row["price_key"], []).append((row["context_min_tokens"], row["context_max_tokens"]))
    assert {tuple(found) for found in steps.values()} == {((None, 200_000), (200_000, None))}


def test_version_of_the_book_is_that_of_what_is_in_it(tmp_path: Path) -> None:
    one = '{provider: openai, model: "a", multiplier: "0.5", reason: r}'
    other = '{provider: openai, model: "b", multiplier: "0.5", reason: r}'
    versions = [
        book_version(declared(tmp_path / str(place), *lines))
        for place, lines in enumerate([(), (one,), (one, other), (other, one)])
    ]
    assert versions[2] == versions[3] and len(set(versions)) == 3
    assert all(version.startswith("genai-prices ") for version in versions)


@pytest.fixture
def landed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Landing]:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("COSTOWNER_HOME", str(home.root))
    day = iter(range(1, 29))

    def land_prices(*overrides: str) -> Landing:
        folder = registry(tmp_path / "registry", *overrides)
        settings = PricesSettings(registry=str(folder))
        return land(home, SOURCE, settings, WINDOW, datetime(2026, 11, next(day), tzinfo=UTC))

    return land_prices


def requests(home: Home, load: str, landing: int, *models: str) -> None:
    """A load of requests, as the gateway's source leaves it. Its id is a time of the machine's clock."""
    folder = home.lake / "raw_llm_gateway"
    (folder / "_dlt_loads").mkdir(parents=True, exist_ok=True)
    (folder / "llm_requests").mkdir(exist_ok=True)
    rows = [{"provider": "openai", "request_model": "asked", "response_model": model} for model in models]
    pq.write_table(LLM_REQUESTS.rows("s", rows), folder / "llm_requests" / f"{load}.x.parquet")
    note = {"state": "delivered", "load_id": load, "extracted_at": datetime(2026, 11, 23, tzinfo=UTC)}
    (folder / "deliveries").mkdir(exist_ok=True)
    notes = DELIVERIES.rows("s", [{**note, "landing_sequence": landing}])
    pq.write_table(notes, folder / "deliveries" / f"{load}.y.parquet")
    (folder / "_dlt_loads" / f"s__{load}.jsonl").write_text(f'{{"load_id": "{load}", "status": 0}}\n')


def aliases(home: Home, version: str) -> set[tuple[Any, ...]]:
    load = known_notes(home, "raw_prices")[f"models|{version}"].load_id
    (file,) = (home.lake / "raw_prices" / "model_aliases").glob(f"{load}.*.parquet")
    return {
        (row["raw_model"], row["price_model_id"])
        for row in pq.read_table(file, partitioning=None).to_pylist()
        if row["price_book_version"] == version
    }


def test_book_lands_once_and_an_earlier_one_stays(tmp_path: Path, landed: Callable[..., Landing]) -> None:
    home = Home(tmp_path / "home")
    assert landed().rows["prices"] > 7_000
    assert landed().states == {"unchanged": 2}
    assert landed('{provider: openai, model: "*", multiplier: "0.9", reason: r}').rows["prices"] > 7_000
    books = [slice_id for slice_id in known_notes(home, "raw_prices") if slice_id.startswith("book|")]
    assert len(books) == 2


def test_models_are_looked_up_in_new_loads_and_known_ones_again_for_a_new_book(
    tmp_path: Path, landed: Callable[..., Landing]
) -> None:
    home = Home(tmp_path / "home")
    first, second = (
        book_version([]),
        book_version(declared(tmp_path, '{provider: openai, model: "*", multiplier: "0.9", reason: r}')),
    )
    requests(home, "1000.1", 1, "gpt-4o-2024-08-06", "mystery")
    assert landed().rows["model_aliases"] == 2
    assert aliases(home, first) == {("gpt-4o-2024-08-06", "gpt-4o"), ("mystery", None)}
    # What was looked through is not opened again: a file that is broken since is not noticed.
    (old,) = (home.lake / "raw_llm_gateway" / "llm_requests").glob("1000.1.*")
    old.write_bytes(b"broken")
    requests(home, "999.9", 2, "gpt-5")  # the clock was set back
    landed()
    assert aliases(home, first) == {("gpt-4o-2024-08-06", "gpt-4o"), ("mystery", None), ("gpt-5", "gpt-5")}
    landed('{provider: openai, model: "*", multiplier: "0.9", reason: r}')
    assert aliases(home, second) == aliases(home, first)


def test_load_that_is_not_complete_names_no_models(tmp_path: Path, landed: Callable[..., Landing]) -> None:
    home = Home(tmp_path / "home")
    requests(home, "1000.1", 1, "gpt-5")
    (home.lake / "raw_llm_gateway" / "_dlt_loads" / "s__1000.1.jsonl").unlink()
    assert "model_aliases" not in landed().rows


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            (
                '{provider: openai, model: "gpt-*", multiplier: "0.9", reason: r}',
                '{provider: openai, model: "*-mini", multiplier: "0.8", reason: r}',
            ),
            "prices.yml, line 3: the price override of '*-mini' overlaps that of 'gpt-*' (prices.yml, line 2)",
        ),
        (
            (
                '{provider: openai, model: gpt-5, service_tier: batch, multiplier: "0.9", valid_to: 2026-10-02, reason: r}',
                '{provider: openai, model: gpt-5, price_key: input_mtok, price: "1", valid_from: 2026-10-01, reason: r}',
            ),
            "line 3: the price override of 'gpt-5' overlaps",
        ),
        (
            (
                '{provider: openai, model: gpt-5, multiplier: "1", valid_from: 2026-10-02, valid_to: 2026-10-01, reason: r}',
            ),
            "prices.yml, line 2: valid_to must be after valid_from",
        ),
        (
            (
                '{provider: openai, model: gpt-5, multiplier: "0.9", regions: [EU, us], weekdays: [sat], reason: r}',
                '{provider: openai, model: gpt-5, multiplier: "0.8", regions: [eu], hours: "01:00-02:00", reason: r}',
            ),
            "line 3: the price override of 'gpt-5' overlaps",
        ),
        (
            ('{provider: openai, model: gpt-5, multiplier: "0.9", hours: "22:00-02:00", reason: r}',),
            "prices.yml, line 2: hours 22:00-02:00 end before they begin",
        ),
    ],
)
def test_overrides_that_contradict_each_other_are_refused(
    tmp_path: Path, lines: tuple[str, ...], expected: str
) -> None:
    assert any(expected in problem for problem in problems(read(registry(tmp_path, *lines))))


def test_overrides_of_other_days_tiers_models_or_layers_stand_side_by_side(tmp_path: Path) -> None:
    lines = (
        '{provider: openai, model: gpt-5, service_tier: batch, multiplier: "0.9", valid_to: 2026-10-01, reason: r}',
        '{provider: openai, model: gpt-5, service_tier: batch, multiplier: "0.8", valid_from: 2026-10-01, reason: r}',
        '{provider: openai, model: gpt-5, service_tier: flex, multiplier: "0.8", reason: r}',
        '{provider: openai, model: "gpt-4*", multiplier: "0.8", reason: r}',
        '{provider: openai, model: "*", service_tier: batch, multiplier: "0.5", only_where_missing: true, reason: r}',
        '{provider: mistral, model: m, regions: [eu], multiplier: "0.9", reason: r}',
        '{provider: mistral, model: m, regions: [us], weekdays: [sat, sun], multiplier: "0.9", reason: r}',
        '{provider: mistral, model: m, regions: [us], weekdays: [mon], hours: "00:00-08:00", multiplier: "0.8", reason: r}',
        '{provider: mistral, model: m, regions: [us], weekdays: [mon], hours: "08:00-24:00", multiplier: "0.7", reason: r}',
    )
    assert not problems(read(registry(tmp_path, *lines)))


@pytest.mark.parametrize(
    "line",
    [
        "{provider: openai, model: gpt-5, multiplier: 0.5, reason: a float}",
        '{provider: openai, model: gpt-5, price: "1", reason: which price}',
        '{provider: openai, model: gpt-5, multiplier: "0.5", price_key: input_mtok, price: "1", reason: both}',
        '{provider: openai, model: gpt-5, multiplier: "0.5"}',
        '{provider: openai, model: gpt-5, multiplier: "0.5", weekdays: [saturday], reason: an unknown day}',
        '{provider: openai, model: gpt-5, multiplier: "0.5", hours: "1:00-25:00", reason: no time}',
        '{provider: openai, model: gpt-5, multiplier: "0.5", regions: [], reason: nowhere}',
    ],
)
def test_override_that_breaks_the_schema_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(Exception, match=r"prices.yml, line 2"):
        read(registry(tmp_path, line))


def test_overrides_of_the_guide_are_accepted(tmp_path: Path) -> None:
    guide = (PROJECT_ROOT / "ingestion" / "sources" / "prices" / "README.md").read_text()
    (listed,) = (block for block in guide.split("```yaml\n") if block.startswith("price_overrides:"))
    folder = registry(tmp_path)
    (folder / "prices.yml").write_text(listed.partition("```")[0])
    assert not problems(read(folder))


def test_version_of_the_book_is_also_that_of_published_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    before = book_version([])
    monkeypatch.setattr("ingestion.sources.prices.client.PUBLISHED", PUBLISHED[1:])
    assert book_version([]) != before


def test_template_has_the_documented_defaults() -> None:
    cards = list(book(overrides_of(read(PROJECT_ROOT / "registry"))))
    openai, anthropic = ([card for card in cards if card.provider == name] for name in ("openai", "anthropic"))
    day = date(2026, 6, 1)
    assert (
        held(openai, "gpt-5", "flex", day)["input_mtok"] * 2
        == held(openai, "gpt-5", "standard", day)["input_mtok"]
    )
    assert held(anthropic, "claude-opus-4-1", "priority", day) == held(
        anthropic, "claude-opus-4-1", "standard", day
    )
    assert held(anthropic, "claude-opus-4-1", "batch", day)["output_mtok"] == Decimal("37.5")


patterns = st.text("ab*?", max_size=6)


@given(patterns, patterns, st.text("ab", max_size=5))
def test_patterns_that_match_the_same_name_share_it(one: str, other: str, name: str) -> None:
    assert share_a_name(one, other) == share_a_name(other, one)
    if matches(name, one) and matches(name, other):
        assert share_a_name(one, other)


@given(st.text("ab*?", max_size=4), st.text("ab?", max_size=4))
def test_patterns_that_share_no_name_match_none_of_the_names_that_there_are(one: str, other: str) -> None:
    """Without a star the other pattern has few names: all are tried."""
    names = [""]
    for letter in other:
        names = [name + choice for name in names for choice in ("abc" if letter == "?" else letter)]
    assert share_a_name(one, other) == any(matches(name, one) for name in names)


def test_every_provider_of_the_library_is_found_by_its_own_id() -> None:
    from genai_prices.data_snapshot import get_snapshot

    ids = [provider.id for provider in get_snapshot().providers]
    assert [price_provider(name) for name in ids] == ids


@pytest.mark.parametrize(
    ("provider", "model", "found"),
    [
        (
            "bedrock",
            "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ("aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        ("amazon_bedrock", "amazon.nova-pro-v1:0", ("aws", "amazon.nova-pro-v1:0")),
        (
            "vertex_ai",
            "projects/p/locations/l/publishers/google/models/gemini-2.5-pro",
            ("google", "gemini-2.5-pro"),
        ),
        ("gemini", "models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("anthropic.messages", "claude-3-7-sonnet-latest", ("anthropic", "claude-3-7-sonnet-latest")),
    ],
)
def test_prefixes_of_a_gateway_are_taken_off_one_at_a_time(
    provider: str, model: str, found: tuple[str, str]
) -> None:
    assert resolved(provider, model, set())[:2] == found
