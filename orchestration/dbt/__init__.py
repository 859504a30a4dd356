"""How Dagster runs dbt: the project, its engine, what changed, and the lineage of what was built."""
