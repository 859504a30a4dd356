"""AWS: cost and usage reports of every format, in the columns of CUR 2.0."""

from ingestion.sources.aws.source import SOURCE

__all__ = ["SOURCE"]
