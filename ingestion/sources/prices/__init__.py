"""Prices of language models: a dated price book, and which of its models the requests' models are."""

from ingestion.sources.prices.source import SOURCE

__all__ = ["SOURCE"]
