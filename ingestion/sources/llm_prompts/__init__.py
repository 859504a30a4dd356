"""Prompts and responses of the workflows that the registry's policy names, redacted before they are written."""

from ingestion.sources.llm_prompts.source import SOURCE

__all__ = ["SOURCE"]
