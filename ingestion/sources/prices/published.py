"""Conditions that vendors publish and the price library does not have: places of inference, and days of the week.

A test compares each with the library's prices, so that one that the library learns is noticed and removed here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from ingestion.sources.prices.cards import ALWAYS, FOREVER, Override

_ANY = Override(
    provider="",
    model="",
    price_key=None,
    service_tier=None,
    multiplier=Decimal("1.1"),
    price=None,
    only_where_missing=False,
    valid_from=ALWAYS,
    valid_to=FOREVER,
)

# https://platform.claude.com/docs/en/build-with-claude/data-residency: 1.1 times for `inference_geo: us`, all prices of
# tokens, from Claude Opus 4.6 on.
_CLAUDE_4_6_AND_LATER = (
    *("claude-opus-4-6*", "claude-opus-4-7*", "claude-opus-4-8*", "claude-sonnet-4-6*"),
    *("claude-opus-5*", "claude-sonnet-5*", "claude-haiku-5*", "claude-fable-*"),
)
_CLAUDE_IN_THE_US = (*_CLAUDE_4_6_AND_LATER, "claude-mythos-*")
# https://cloud.google.com/vertex-ai/generative-ai/pricing: regional and multi-region endpoints are 10 % dearer than the
# global one, from Claude Sonnet 4.5 on.
_CLAUDE_ON_VERTEX = ("claude-sonnet-4-5*", "claude-haiku-4-5*", "claude-opus-4-5*", *_CLAUDE_4_6_AND_LATER)
_VERTEX_REGIONS = (
    *("us", "eu", "us-east1", "us-east5", "us-east4", "us-central1", "us-south1", "us-west1", "us-west4"),
    *(
        "northamerica-northeast1",
        "southamerica-east1",
        "europe-west1",
        "europe-west2",
        "europe-west3",
        "europe-west4",
    ),
    *("europe-west9", "europe-north1", "europe-southwest1", "asia-east1", "asia-northeast1", "asia-northeast3"),
    *("asia-south1", "asia-southeast1", "asia-southeast2", "australia-southeast1", "me-central2", "me-west1"),
)
# https://developers.openai.com/api/docs/models/gpt-5.4: endpoints of regional processing are charged a 10 % uplift.
_GPT_IN_A_REGION = ("gpt-5.4*", "gpt-5.5*", "gpt-5.6*")
_OPENAI_REGIONS = ("us", "eu", "ae", "au", "ca", "gb", "in", "jp", "kr", "sg", "uk")
# https://api-docs.deepseek.com/quick_start/pricing: peak hours, at twice the price, are on weekdays only.
_DEEPSEEK_PEAKS = ((3_600, 4 * 3_600), (6 * 3_600, 10 * 3_600))

PUBLISHED: tuple[Override, ...] = (
    *(replace(_ANY, provider="anthropic", model=model, regions=("us",)) for model in _CLAUDE_IN_THE_US),
    *(replace(_ANY, provider="google", model=model, regions=_VERTEX_REGIONS) for model in _CLAUDE_ON_VERTEX),
    *(replace(_ANY, provider="openai", model=model, regions=_OPENAI_REGIONS) for model in _GPT_IN_A_REGION),
    *(
        replace(
            _ANY,
            provider="deepseek",
            model="deepseek-v4-*",
            multiplier=Decimal("0.5"),
            weekdays=(6, 7),
            seconds=peak,
            valid_from=date(2026, 8, 23),
        )
        for peak in _DEEPSEEK_PEAKS
    ),
)
