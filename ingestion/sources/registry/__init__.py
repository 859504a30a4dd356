"""The registry: the customer's own declarations, owners, rules, pools and budgets, from YAML under git."""

from ingestion.sources.registry.source import SOURCE

__all__ = ["SOURCE"]
