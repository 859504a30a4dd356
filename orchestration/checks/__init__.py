"""Checks beside dbt's tests: reconciliation before publication, freshness by content, prompts, and the refresh itself."""
