"""The list price of a request: the SQL gives the price of genai-prices, for every model in it, on both engines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot

from ingestion.sources.prices.cards import TIERS
from ingestion.sources.prices.client import book
from ingestion.sources.prices.shape import MODEL_ALIASES, PLACES, PRICES, price_rows
from tests.engines import Sql
from tests.macros.render import rendered_model

VERSION = "book"
FIRST, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 365 * 4
COUNTS = (
    *("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens"),
    *("reasoning_tokens", "input_audio_tokens", "input_image_tokens", "input_video_tokens"),
    *("output_audio_tokens", "output_image_tokens", "output_video_tokens", "web_search_count"),
)
REQUESTS = "int_llm_requests__deduplicated"
REQUEST_FIELDS = pa.schema(
    [
        pa.field("id", pa.int64()),
        *(
            pa.field(name, pa.string())
            for name in ("provider", "request_model", "response_model", "served_model", "served_tier", "region")
        ),
        *(pa.field(name, pa.string()) for name in ("billing_month", "usage_source")),
        *(pa.field(name, pa.bool_()) for name in ("is_batch", "is_billed")),
        pa.field("reported_cost", pa.decimal128(38, 12)),
        pa.field("started_at", pa.timestamp("us")),
        pa.field("usage_day", pa.date32()),
        *(pa.field(name, pa.int64()) for name in COUNTS),
    ]
)


@dataclass(frozen=True)
class Lake:
    """Files with a price book and requests, which both engines read."""

    folder: Path

    def write(self, name: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
        # Spark reads a time without a zone in the session's zone, which is UTC.
        pq.write_table(pa.Table.from_pylist(rows, schema), self.folder / f"{name}.parquet")

    def relation(self, name: str, engine: Sql) -> str:
        file = self.folder / f"{name}.parquet"
        return f"read_parquet('{file}')" if engine.name == "duckdb" else f"parquet.`{file}`"

    def priced(self, engine: Sql, columns: str) -> list[tuple[Any, ...]]:
        """The requests, priced by int_llm_requests__priced, in order."""

        inline = {
            "int_llm_price_books__assigned": (
                f"select '2026-10' as billing_month, '{VERSION}' as price_book_version, "
                f"'{VERSION}' as newest_price_book_version"
            ),
            "int_llm_billing__watermarked": (
                "select 'aws' as biller, '2026-10' as billing_month, timestamp '2026-10-01' as billing_watermark"
            ),
        }

        def ref(model: str) -> str:
            if model == "int_llm_prices__pivoted":
                return f"({rendered_model(model, engine.name, ref=ref)})"
            return f"({inline[model]})" if model in inline else self.relation(model, engine)

        sql = rendered_model("int_llm_requests__priced", engine.name, ref=ref)
        return engine.rows(f"select id, {columns} from ({sql}) as priced order by id")


def requested(
    id: int, provider: str | None, model: str | None, moment: datetime, tier: str, **counts: int | None
) -> dict[str, Any]:
    return {
        "id": id,
        "provider": provider,
        "request_model": model,
        "response_model": model,
        "served_model": model,
        "served_tier": tier,
        "billing_month": "2026-10",
        "usage_source": "provider",
        "is_batch": None,
        "is_billed": True,
        "started_at": moment.replace(tzinfo=None),
        "usage_day": moment.date(),
        **counts,
    }


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The whole price book, with each model under its own name."""
    made = Lake(tmp_path_factory.mktemp("lake"))
    prices = [{"slice_id": "s", **row} for row in price_rows(VERSION, book([], published=()))]
    made.write("stg_prices__prices", prices, PRICES.schema)
    names = sorted({(row["provider"], row["model_id"]) for row in prices})
    aliases = [
        {
            "price_book_version": VERSION,
            "provider": provider,
            "raw_model": model,
            "price_provider": provider,
            "price_model_id": model,
        }
        for provider, model in names
    ]
    made.write("int_llm_models__aliased", aliases, MODEL_ALIASES.schema)
    return made


def _sizes(model: Any, rng: random.Random) -> int:
    """A number of input tokens, often near a limit of the model's context steps."""
    listed = [model.prices] if not isinstance(model.prices, list) else [one.prices for one in model.prices]
    starts = {
        tier.start for prices in listed for price in vars(prices).values() for tier in getattr(price, "tiers", ())
    }
    if starts and rng.random() < 0.7:
        return max(rng.choice(sorted(starts)) + rng.choice((-1, 0, 1, 40_000)), 0)
    return rng.choice((0, 1, rng.randrange(2_000), rng.randrange(1_500_000)))


MEDIA = [f"{whole}_{medium}_tokens" for whole in ("input", "output") for medium in ("audio", "image", "video")]


def _parts(rng: random.Random, whole: int, number: int) -> list[int]:
    """Parts of a whole that leave some of it, often none."""
    marks = sorted(rng.randrange(whole + 1) for _ in range(number))
    return [rng.choice((0, after - before)) for before, after in pairwise([0, *marks])]


def _tier(model: Any, moment: datetime, rng: random.Random) -> tuple[str, dict[str, str] | None]:
    """A tier that the library has prices of at a moment, and its words for it."""
    held = [
        (tier, wanted)
        for tier, spellings in TIERS.items()
        for wanted in spellings
        for variant in model.price_variants or ()
        if variant.when == wanted and (variant.constraint is None or variant.constraint.active(moment))
    ]
    return rng.choice([("standard", None), *held])


def _cases(rng: random.Random, each: int) -> Iterator[tuple[dict[str, Any], Decimal]]:
    """Requests with random sizes, days, hours and tiers, and their cost by the library."""
    id = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            for _ in range(each):
                moment = FIRST + timedelta(days=rng.randrange(DAYS), seconds=rng.randrange(86_400))
                tier, context = _tier(model, moment, rng)
                keys = set(vars(model.get_prices(moment, context)))
                if "input_mtok" not in keys:
                    continue
                total = _sizes(model, rng)
                read, short, long, *media_in = _parts(rng, total, 6)
                output = rng.choice((0, rng.randrange(50_000))) if "output_mtok" in keys else 0
                reasoning, *media_out = _parts(rng, output, 4)
                media = dict(zip(MEDIA, [*media_in, *media_out], strict=True))
                searches = rng.randrange(5) if "web_searches_kcount" in keys else 0
                usage = Usage(
                    input_tokens=total,
                    cache_read_tokens=read,
                    cache_write_tokens=short + long,
                    cache_write_5m_tokens=short,
                    cache_write_1h_tokens=long,
                    output_tokens=output,
                    output_reasoning_tokens=reasoning,
                    web_searches=searches,
                    **media,
                    # What was read from a cache or thought is text.
                    **{f"cache_{medium}_read_tokens": 0 for medium in ("audio", "image", "video")},
                )
                price = model.calc_price(usage, provider, genai_request_timestamp=moment, price_context=context)
                counts = (total, read, short, long, output, reasoning, *media.values(), searches)
                yield (
                    requested(id, provider.id, model.id, moment, tier, **dict(zip(COUNTS, counts, strict=True))),
                    price.total_price.quantize(PLACES, ROUND_HALF_UP),
                )
                id += 1


def test_price_of_a_request_equals_the_library_s_for_every_model(engine: Sql, lake: Lake) -> None:
    """The costs of the token classes add up to it."""
    cases = list(_cases(random.Random(5), each=4))
    lake.write(REQUESTS, [request for request, _ in cases], REQUEST_FIELDS)
    classes = ("input", "cached_input", "cache_write_5m", "cache_write_1h", "output", "web_search", "request")
    found = lake.priced(engine, ", ".join(["computed_list_cost", *(f"{name}_cost_units" for name in classes)]))
    wrong = [
        (request, cost, units, expected)
        for (request, expected), (_, cost, *units) in zip(cases, found, strict=True)
        if cost != expected or Decimal(sum(units)).scaleb(-18).quantize(PLACES, ROUND_HALF_UP) != expected
    ]
    assert not wrong, (len(wrong), len(cases), wrong[:3])
    assert len(cases) > 8_000


JUNE = datetime(2026, 6, 10, 12, tzinfo=UTC)
# Prices of library version 0.2.3. A comment names the issue of a trap, if there is one.
TRAPS: list[tuple[str, dict[str, Any], str | None]] = [
    (
        # 120 at 3 + 18,000 at 0.30 + 2,048 at 3.75, 64 at 15 (litellm#6215, #9812: prompt tokens include cached tokens)
        "cached tokens are billed once",
        requested(
            0,
            "anthropic",
            "claude-sonnet-4-5",
            JUNE,
            "standard",
            input_tokens=20_168,
            cache_read_tokens=18_000,
            cache_write_5m_tokens=2_048,
            cache_write_1h_tokens=0,
            output_tokens=64,
        ),
        "0.014400000000",
    ),
    (
        # 2,048 at 6 instead of 3.75
        "a one-hour cache write has its own price",
        requested(
            0,
            "anthropic",
            "claude-sonnet-4-5",
            JUNE,
            "standard",
            input_tokens=2_048,
            cache_read_tokens=0,
            cache_write_5m_tokens=0,
            cache_write_1h_tokens=2_048,
            output_tokens=0,
        ),
        "0.012288000000",
    ),
    (
        # gpt-4-turbo has no price for cached input: 1,000 at 10 (langfuse/codex-observability-plugin#22)
        "cached tokens without a price of their own are input tokens, not free",
        requested(
            0,
            "openai",
            "gpt-4-turbo",
            JUNE,
            "standard",
            input_tokens=1_000,
            cache_read_tokens=900,
            output_tokens=0,
        ),
        "0.010000000000",
    ),
    (
        "the last request below the context step: 200,000 at 1.25",
        requested(0, "google", "gemini-2.5-pro", JUNE, "standard", input_tokens=200_000, output_tokens=0),
        "0.250000000000",
    ),
    (
        "the first request above the context step, with output at the step's price too: 200,001 at 2.50 + 1,000 at 15",
        requested(0, "google", "gemini-2.5-pro", JUNE, "standard", input_tokens=200_001, output_tokens=1_000),
        "0.515002500000",
    ),
    (
        # The gateway requests flex, the provider serves the default: 1,000 at 1.25 (litellm#13810)
        "the served tier counts",
        requested(
            0,
            "openai",
            "gpt-5",
            datetime(2026, 11, 20, tzinfo=UTC),
            "standard",
            input_tokens=1_000,
            output_tokens=0,
        ),
        "0.001250000000",
    ),
    (
        "a batch has the batch price",
        requested(
            0,
            "openai",
            "gpt-5",
            datetime(2026, 11, 20, tzinfo=UTC),
            "batch",
            input_tokens=1_000,
            output_tokens=1_000,
        ),
        "0.005625000000",
    ),
    (
        "the flag marks a batch too",
        {
            **requested(
                0,
                "openai",
                "gpt-5",
                datetime(2026, 11, 20, tzinfo=UTC),
                "standard",
                input_tokens=1_000,
                output_tokens=1_000,
            ),
            "is_batch": True,
        },
        "0.005625000000",
    ),
    (
        # An interrupted stream: its output is unknown, not 0 (litellm PR#30788)
        "missing usage is not a cost of 0",
        requested(0, "openai", "gpt-5", JUNE, "standard", input_tokens=1_000, output_tokens=None),
        None,
    ),
    (
        "searches without a price are not free",
        requested(
            0, "openai", "gpt-4-turbo", JUNE, "standard", input_tokens=1_000, output_tokens=0, web_search_count=3
        ),
        None,
    ),
    (
        "a model billed by the second has no token price",
        requested(0, "groq", "whisper-large-v3", JUNE, "standard", input_tokens=0, output_tokens=0),
        None,
    ),
    (
        "an unknown model is not free",
        requested(0, "openai", "gpt-5-sample-preview", JUNE, "standard", input_tokens=1_000, output_tokens=0),
        None,
    ),
    (
        "a request without a provider is listed with that reason",
        requested(0, None, "gpt-5", JUNE, "standard", input_tokens=1_000, output_tokens=0),
        None,
    ),
    (
        "a request without a model is listed with that reason",
        requested(0, "openai", None, JUNE, "standard", input_tokens=1_000, output_tokens=0),
        None,
    ),
]
STATUSES = {
    "missing usage is not a cost of 0": ("usage_missing", None),
    "searches without a price are not free": ("unpriced", "no_price_for_web_search"),
    "a model billed by the second has no token price": ("unpriced", "no_price_for_tokens"),
    "an unknown model is not free": ("unpriced", "unknown_model"),
    "a request without a provider is listed with that reason": ("unpriced", "no_provider"),
    "a request without a model is listed with that reason": ("unpriced", "no_model"),
}


def test_price_traps(engine: Sql, lake: Lake) -> None:
    lake.write(REQUESTS, [{**request, "id": place} for place, (_, request, _) in enumerate(TRAPS)], REQUEST_FIELDS)
    found = lake.priced(engine, "computed_list_cost, pricing_status, unpriced_reason")
    priced = {what: row[1:] for (what, _, _), row in zip(TRAPS, found, strict=True)}
    assert priced == {
        what: (None if cost is None else Decimal(cost), *STATUSES.get(what, ("priced", None)))
        for what, _, cost in TRAPS
    }


def test_retired_model_keeps_its_price_and_a_price_depends_on_the_day(engine: Sql, lake: Lake) -> None:
    """Other lists have removed gpt-4-0314. The price of o3 changed between the two days."""
    days = (datetime(2024, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
    lake.write(
        REQUESTS,
        [
            requested(place, "openai", model, day, "standard", input_tokens=1_000_000, output_tokens=0)
            for place, (model, day) in enumerate([("gpt-4", days[0]), ("o3", days[0]), ("o3", days[1])])
        ],
        REQUEST_FIELDS,
    )
    assert [cost for _, cost in lake.priced(engine, "computed_list_cost")] == [30, 10, 2]


def test_cache_savings_compare_with_the_price_of_uncached_tokens(engine: Sql, lake: Lake) -> None:
    """18,000 tokens cost 2.70 less, 2,048 cost 0.75 more. A cache that is written but never read costs more than none."""
    sizes = {"input_tokens": 20_168, "cache_write_5m_tokens": 2_048, "output_tokens": 0}
    lake.write(
        REQUESTS,
        [
            requested(0, "anthropic", "claude-sonnet-4-5", JUNE, "standard", cache_read_tokens=18_000, **sizes),
            requested(1, "anthropic", "claude-sonnet-4-5", JUNE, "standard", cache_read_tokens=0, **sizes),
        ],
        REQUEST_FIELDS,
    )
    assert lake.priced(engine, "cache_savings") == [(0, Decimal("0.047064")), (1, Decimal("-0.001536"))]
