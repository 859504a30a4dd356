"""All sources, in the order in which a refresh lands them. A new source is added here."""

from __future__ import annotations

from ingestion.lake.contract import Source
from ingestion.sources.atlas import SOURCE as ATLAS
from ingestion.sources.aws import SOURCE as AWS
from ingestion.sources.focus import SOURCE as FOCUS
from ingestion.sources.llm_gateway import SOURCE as LLM_GATEWAY
from ingestion.sources.llm_prompts import SOURCE as LLM_PROMPTS
from ingestion.sources.llm_providers import SOURCE as LLM_PROVIDERS
from ingestion.sources.prices import SOURCE as PRICES
from ingestion.sources.registry import SOURCE as REGISTRY
from ingestion.sources.vercel import SOURCE as VERCEL

SOURCES: tuple[Source, ...] = (
    REGISTRY,
    AWS,
    FOCUS,
    VERCEL,
    ATLAS,
    LLM_PROVIDERS,
    LLM_GATEWAY,
    LLM_PROMPTS,
    PRICES,
)
