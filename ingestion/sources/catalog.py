"""All sources, in the order in which a refresh lands them, and the kinds of claim. A new source is added here."""

from __future__ import annotations

from ingestion.lake.contract import ClaimKind, Evidence, Source
from ingestion.lake.history import HISTORY
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

# What the lake holds: the vendors' deliveries, and what the ledger recorded itself. dbt needs all of them declared.
LAKE: tuple[Source, ...] = (*SOURCES, HISTORY)
DATASETS: tuple[str, ...] = tuple(source.dataset for source in LAKE)
# The tables whose earlier deliveries stay, by dataset and name.
VERSIONED = {(source.dataset, table.name): table for source in LAKE for table in source.tables if table.versioned}

# Those of the charges of any source, and each source's own.
CLAIM_KINDS: tuple[ClaimKind, ...] = (
    ClaimKind("resource_name", Evidence.NAME_PATTERN, "Name of the resource"),
    ClaimKind(
        "service_name",
        Evidence.DEFAULT,
        "Service that the charge is for: a default for what nothing else explains",
    ),
    ClaimKind("source", Evidence.DEFAULT, "Source of the charge: the last default"),
    *(kind for source in SOURCES for kind in source.claim_kinds),
)
