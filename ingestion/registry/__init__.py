"""The registry: the customer's own declarations, owners, rules, pools and budgets, from YAML under git."""

from ingestion.registry.source import SOURCE

__all__ = ["SOURCE"]
