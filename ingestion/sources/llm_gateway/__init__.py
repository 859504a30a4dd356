"""LLM gateways: every request with its context, as LiteLLM logs it or as a MongoDB collection holds it."""

from ingestion.sources.llm_gateway.source import SOURCE

__all__ = ["SOURCE"]
