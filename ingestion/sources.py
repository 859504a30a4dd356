"""All sources, in the order in which a refresh lands them. A new source is added here."""

from __future__ import annotations

from ingestion.atlas import SOURCE as ATLAS
from ingestion.aws import SOURCE as AWS
from ingestion.contract import Source
from ingestion.focus import SOURCE as FOCUS
from ingestion.llm_gateway import SOURCE as LLM_GATEWAY
from ingestion.llm_prompts import SOURCE as LLM_PROMPTS
from ingestion.llm_providers import SOURCE as LLM_PROVIDERS
from ingestion.prices import SOURCE as PRICES
from ingestion.registry import SOURCE as REGISTRY
from ingestion.vercel import SOURCE as VERCEL

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
