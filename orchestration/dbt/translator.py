"""The one place that maps dbt's nodes to Dagster's assets: keys, groups, owners, kinds."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import dropwhile, takewhile
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

COMMENT = "--"


def layer_of(node: Mapping[str, Any]) -> str:
    """The layer of a node: its schema as declared, without what a shared metastore prefixes it with."""
    return str(node["config"].get("schema") or node["schema"])


def opening_comment(sql: str) -> str | None:
    """The first comment of some SQL, as one line: in this project, what the check promises or what to do."""
    lines = (line.strip() for line in sql.splitlines())
    comment = takewhile(
        lambda line: line.startswith(COMMENT), dropwhile(lambda line: not line.startswith(COMMENT), lines)
    )
    return " ".join(line.removeprefix(COMMENT).strip() for line in comment) or None


class LedgerTranslator(DagsterDbtTranslator):
    """A group a layer (staging, intermediate, marts), and a link from each model to its SQL; sources are the raw assets."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True, enable_code_references=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([layer_of(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return layer_of(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return ["team:data"]

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """A check with its SQL's opening comment as description, for whoever is paged. (Generic tests have their name.)"""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        test = manifest["nodes"][unique_id]
        if spec is None or spec.description or test.get("test_metadata"):
            return spec
        return spec._replace(description=test.get("description") or opening_comment(test["raw_code"]))
