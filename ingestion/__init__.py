"""Ingestion: one folder a source, each landing a vendor's records in the append-only lake.

Nothing in here knows of dbt or Dagster. `ingestion.sources.SOURCES` lists the sources;
`ingestion.lake.land` lands one of them.
"""
