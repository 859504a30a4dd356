"""The Dagster UI: Dagster's own web server behind guards, and the processes that work beside it."""
