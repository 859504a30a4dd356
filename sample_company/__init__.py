"""The sample company: a made-up customer that plays the outside world, with known true owners.

It writes AWS exports and gateway logs and serves the vendors' HTTP APIs on loopback, all in the vendors' own
formats. It imports nothing of the rest of the project, and what it knows of the true owners goes to a labels
file that neither ingestion nor dbt reads.
"""
