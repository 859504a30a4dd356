"""The one place that maps dbt's nodes to Dagster's assets: keys, groups, owners, kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings


def layer_of(node: Mapping[str, Any]) -> str:
    """The layer of a node: its schema as declared, without what a shared metastore prefixes it with."""
    return str(node["config"].get("schema") or node["schema"])


class LedgerTranslator(DagsterDbtTranslator):
    """Groups follow the data's way: staging, intermediate, marts; sources are the raw tables' assets."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True, enable_code_references=False))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([layer_of(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return layer_of(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return ["team:data"]
