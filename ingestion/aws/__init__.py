"""AWS: Cost and Usage Report 2.0 from Data Exports."""

from ingestion.aws.source import SOURCE

__all__ = ["SOURCE"]
