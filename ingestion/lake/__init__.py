"""The lake: an append-only ledger of deliveries. `contract.py` defines its words, `pipeline.py` lands a source with dlt."""
