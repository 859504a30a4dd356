"""Vercel: billing charges, teams and projects."""

from ingestion.vercel.source import SOURCE

__all__ = ["SOURCE"]
