"""Vercel: billing charges, teams and projects."""

from ingestion.sources.vercel.source import SOURCE

__all__ = ["SOURCE"]
