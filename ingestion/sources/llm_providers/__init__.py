"""LLM providers: what OpenAI and Anthropic bill and count, from their admin APIs."""

from ingestion.sources.llm_providers.source import SOURCE

__all__ = ["SOURCE"]
