"""Checks of our own, beside dbt's tests: reconciliation before publication, and freshness by content."""
