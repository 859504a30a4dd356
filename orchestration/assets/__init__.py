"""The assets: raw tables a source, the ledger's dbt models, and the publication."""
