"""MongoDB Atlas: invoices with line items, projects and clusters."""

from ingestion.atlas.source import SOURCE

__all__ = ["SOURCE"]
