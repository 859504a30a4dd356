"""LLM providers as a source: a slice is a provider's report of a closed UTC day, a list of its ids, or a cost file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ingestion.access.stores import open_store
from ingestion.lake.contract import ClaimKind, Evidence, Known, LedgerSource, Slice, Source
from ingestion.lake.rejected import REJECTED_RECORDS
from ingestion.setting_table import about
from ingestion.settings import Window
from ingestion.sources.llm_providers.anthropic.analytics import (
    ANALYTICS_COSTS,
    ANALYTICS_USAGE,
    CLAUDE_CODE,
    CLAUDE_CODE_MODELS,
)
from ingestion.sources.llm_providers.anthropic.client import ANTHROPIC_URL, Anthropic
from ingestion.sources.llm_providers.anthropic.shape import ANTHROPIC_COSTS, ANTHROPIC_USAGE
from ingestion.sources.llm_providers.anthropic.slices import anthropic_slices
from ingestion.sources.llm_providers.cost_files import PROVIDER_COSTS, cost_file_slices
from ingestion.sources.llm_providers.entities import ENTITIES
from ingestion.sources.llm_providers.openai.client import OPENAI_URL, OpenAi
from ingestion.sources.llm_providers.openai.shape import OPENAI_COSTS, OPENAI_USAGE
from ingestion.sources.llm_providers.openai.slices import openai_slices
from ingestion.sources.llm_providers.openai.usage_endpoints import OPENAI_OTHER_USAGE
from ingestion.sources.llm_providers.openrouter import ACTIVITY, OPENROUTER_URL, OpenRouter, openrouter_slices

TABLES = (
    OPENAI_COSTS,
    OPENAI_USAGE,
    OPENAI_OTHER_USAGE,
    ANTHROPIC_COSTS,
    ANTHROPIC_USAGE,
    ANALYTICS_COSTS,
    ANALYTICS_USAGE,
    CLAUDE_CODE,
    CLAUDE_CODE_MODELS,
    ACTIVITY,
    PROVIDER_COSTS,
    ENTITIES,
    REJECTED_RECORDS,
)


@dataclass(frozen=True)
class ProviderSettings:
    """The providers' own reports of cost and usage. A provider without a key is left out."""

    openai_admin_key: str | None = field(
        default=None,
        repr=False,
        metadata=about("an admin key of the OpenAI organization (`sk-admin-…`), read-only scopes", enables=True),
    )
    anthropic_admin_key: str | None = field(
        default=None,
        repr=False,
        metadata=about("an admin key of the Anthropic organization (`sk-ant-admin…`)", enables=True),
    )
    openai_base_url: str = field(default=OPENAI_URL, metadata=about("the address of OpenAI's API"))
    anthropic_base_url: str = field(default=ANTHROPIC_URL, metadata=about("the address of Anthropic's API"))
    openrouter_management_key: str | None = field(
        default=None, repr=False, metadata=about("a management key of the OpenRouter account", enables=True)
    )
    openrouter_base_url: str = field(default=OPENROUTER_URL, metadata=about("the address of OpenRouter's API"))
    costs_url: str | None = field(
        default=None,
        metadata=about("a folder or `s3://bucket/prefix` with cost files of other providers", enables=True),
    )
    costs_profile: str | None = field(
        default=None, metadata=about("a profile of the AWS configuration; else boto3's own chain")
    )
    costs_endpoint_url: str | None = field(
        default=None, metadata=about("the URL of an S3-compatible store, if not AWS")
    )


def slices(settings: ProviderSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """Closed days of each provider that has a key, and its ids; then the files."""
    if settings.openai_admin_key:
        yield from openai_slices(OpenAi(settings.openai_admin_key, settings.openai_base_url), window, now)
    if settings.anthropic_admin_key:
        anthropic = Anthropic(settings.anthropic_admin_key, settings.anthropic_base_url)
        yield from anthropic_slices(anthropic, window, known, now)
    if settings.openrouter_management_key:
        openrouter = OpenRouter(settings.openrouter_management_key, settings.openrouter_base_url)
        yield from openrouter_slices(openrouter, window, known, now)
    if settings.costs_url:
        store = open_store(
            settings.costs_url,
            profile=settings.costs_profile,
            endpoint_url=settings.costs_endpoint_url,
            setting="sources.llm_providers.costs_url",
        )
        yield from cost_file_slices(store, window)


CLAIM_KINDS = (
    ClaimKind(
        "llm_key",
        Evidence.MANAGED_KEY,
        "Key that a gateway or provider manages: its holder is known to the server",
    ),
    ClaimKind("llm_service_account", Evidence.MANAGED_KEY, "Service account at a model provider"),
    ClaimKind("llm_project", Evidence.PROVIDER_ACCOUNT, "Project at a model provider"),
    ClaimKind("llm_workspace", Evidence.PROVIDER_ACCOUNT, "Workspace at a model provider"),
    ClaimKind("llm_user", Evidence.PROVIDER_ACCOUNT, "User at a model provider who holds the key"),
    ClaimKind(
        "anthropic_workspace_tag",
        Evidence.TAG,
        "Tag of an Anthropic workspace; the key follows the colon",
        keys="tag",
    ),
    ClaimKind("llm_key_alias", Evidence.NAME_PATTERN, "Alias of a key"),
    ClaimKind(
        "llm_provider", Evidence.DEFAULT, "Model provider that billed it: a default for what nothing else explains"
    ),
)
SOURCE = Source(
    name="llm_providers",
    title="LLM providers",
    description="What OpenAI, Anthropic, OpenRouter and other model providers bill and count, by UTC day.",
    settings=ProviderSettings,
    tables=TABLES,
    slices=slices,
    ledger_sources=(
        LedgerSource("openai", freshness_sla_hours=48, has_tags=False, bills_llm_usage=True),
        LedgerSource("anthropic", freshness_sla_hours=48, has_tags=False, bills_llm_usage=True),
        LedgerSource("openrouter", freshness_sla_hours=48, has_tags=False, bills_llm_usage=True),
        # Files of several providers: each row's provider bills.
        LedgerSource("llm_costs", freshness_sla_hours=72, has_tags=False),
    ),
    claim_kinds=CLAIM_KINDS,
    kinds=("openai", "anthropic"),
)
