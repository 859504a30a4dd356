"""MongoDB Atlas: invoices with line items, projects and clusters."""

from ingestion.sources.atlas.source import SOURCE

__all__ = ["SOURCE"]
