"""Column lineage, worked out once for a state of the dbt project and then shown on every run.

Parsing every model's SQL takes longer than building it; what a column is made of changes with the code only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._serdes import deserialize_value, serialize_value
from dagster_dbt import DbtCliInvocation

SHOWN = ("dagster/column_lineage", "dagster/column_schema")


def _asset_of(event: Any) -> str | None:
    """The asset that an event of a dbt build materializes, as `schema/name`; None for checks."""
    if isinstance(event, dg.Output):
        return str(event.output_name).replace("__", "/", 1)
    if isinstance(event, dg.AssetMaterialization):
        return event.asset_key.to_user_string()
    return None


def with_lineage(build: DbtCliInvocation, cache: Path, version: str) -> Iterator[Any]:
    """The events of a dbt build with column lineage and schema, from the cache where it is of this version.

    Where it is not, they are worked out if COSTOWNER_COLUMN_LINEAGE=1 (`make lineage`: some minutes), else left out.
    """
    kept = json.loads(cache.read_text()) if cache.exists() else {"version": None}
    if kept["version"] == version:
        for event in build.stream():
            found = kept["assets"].get(_asset_of(event))
            if found:
                known: dict[str, Any] = {name: deserialize_value(value) for name, value in found.items()}
                yield event.with_metadata({**event.metadata, **known})
            else:
                yield event
        return
    if os.environ.get("COSTOWNER_COLUMN_LINEAGE") != "1":
        yield from build.stream()
        return
    assets: dict[str, Mapping[str, str]] = {}
    for event in build.stream().fetch_column_metadata():
        asset = _asset_of(event)
        if asset:
            metadata: Mapping[str, Any] = event.metadata
            assets[asset] = {name: serialize_value(value) for name, value in metadata.items() if name in SHOWN}
        yield event
    draft = cache.with_suffix(".tmp")
    draft.write_text(json.dumps({"version": version, "assets": assets}))
    draft.replace(cache)
