"""FOCUS: any vendor's cost and usage file in the FOCUS format, versions 1.0 to 1.4."""

from ingestion.sources.focus.source import SOURCE

__all__ = ["SOURCE"]
