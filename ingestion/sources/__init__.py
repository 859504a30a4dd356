"""One folder a source, all of the same shape; `catalog.py` lists them.

`source.py` declares the source, its settings and its slices; `client.py` holds the vendor's protocol; `shape.py` the raw tables.
"""
