"""Orchestration: the lake, the ledger and the publication as one Dagster graph, refreshed daily and watched.

Imports `ingestion`; nothing imports it.
"""
