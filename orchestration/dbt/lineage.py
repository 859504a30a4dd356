"""Column lineage on the events of a dbt build, so that the UI shows where each column of each model comes from."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject
from sqlglot.errors import SqlglotError

from orchestration.dbt.column_lineage import FILES, Origin, Table, column_origins
from orchestration.dbt.translator import layer_of
from orchestration.state_file import read_state, write_state

# Where Dagster keeps it (its API, and Dagster+, show it); the open-source UI shows the table below instead.
COLUMN_LINEAGE = "dagster/column_lineage"
SHOWN = "where columns come from"

Node = Mapping[str, Any]
Origins = Mapping[str, Iterable[Origin]]

# Which loads and files a model reads differs from refresh to refresh, and where its columns come from does not.
LITERALS = re.compile(r"'[^']*'(?:\s*,\s*'[^']*')*")


def _asset_of(event: Any) -> str | None:
    """The asset that an event of a dbt build materializes, as `schema/name`; None for checks."""
    if isinstance(event, dg.Output):
        return str(event.output_name).replace("__", "/", 1)
    if isinstance(event, dg.AssetMaterialization):
        return event.asset_key.to_user_string()
    return None


class Lineage:
    """The columns of a dbt project's tables, as its models are built one after another into `target`."""

    def __init__(
        self, project: DbtProject, target: Path, translator: DagsterDbtTranslator, dialect: str = "duckdb"
    ) -> None:
        self._dialect = dialect
        # Origins by the SQL that they were read from: reading all of it takes seconds, and it seldom changes.
        self._kept_file = target / "column_origins.json"
        self._kept: dict[str, Any] = read_state(self._kept_file) or {}
        manifest = json.loads(project.manifest_path.read_text())
        built = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
        self._compiled = target / "compiled" / manifest["metadata"]["project_name"]
        self._models = {f"{layer_of(node)}/{node['name']}": node for node in built if _is_model(node)}
        self._tables: dict[str, Table] = {node["unique_id"]: (node["schema"], node["name"]) for node in built}
        self._keys: dict[Table, dg.AssetKey] = {
            self._tables[node["unique_id"]]: translator.get_asset_key(node) for node in built
        }
        self._sources = {
            identifier: translator.get_asset_key(source) for identifier, source in manifest["sources"].items()
        }
        self._columns: dict[Table, list[str]] = {}
        for node in built:
            if not _is_model(node):
                with (project.project_dir / node["original_file_path"]).open(newline="") as file:
                    self._columns[self._tables[node["unique_id"]]] = next(csv.reader(file))

    def of(self, asset: str) -> dg.TableColumnLineage | None:
        """The lineage of a model that was just built; None for anything else, and for SQL that can't be read."""
        node = self._models.get(asset)
        if node is None:
            return None
        try:
            origins = self._origins(asset, node, (self._compiled / node["original_file_path"]).read_text())
        except (OSError, SqlglotError):
            return None
        self._columns[self._tables[node["unique_id"]]] = list(origins)
        return dg.TableColumnLineage(
            {column: list(self._dependencies(node, found)) for column, found in origins.items()}
        )

    def _origins(self, asset: str, node: Node, sql: str) -> Origins:
        read = [self._tables[key] for key in node["depends_on"]["nodes"] if key in self._tables]
        columns = {table: self._columns[table] for table in sorted(read) if table in self._columns}
        digest = hashlib.sha256(repr((self._dialect, LITERALS.sub("''", sql), columns)).encode()).hexdigest()
        kept = self._kept.get(asset)
        if kept is None or kept["of"] != digest:
            found = column_origins(sql, columns, self._dialect)
            kept = {"of": digest, "columns": {name: sorted(origins) for name, origins in found.items()}}
            self._kept[asset] = kept
        return {
            name: [((schema, table), column) for (schema, table), column in origins]
            for name, origins in kept["columns"].items()
        }

    def write(self) -> None:
        """Keep what was read, for the next build."""
        write_state(self._kept_file, self._kept)

    def _dependencies(self, node: Node, origins: Iterable[Origin]) -> Iterator[dg.TableColumnDep]:
        sources = [self._sources[key] for key in node["depends_on"]["nodes"] if key in self._sources]
        for table, column in sorted(origins):
            # A staging model reads the files of one raw table.
            key = sources[0] if table == FILES and len(sources) == 1 else self._keys.get(table)
            if key is not None:
                yield dg.TableColumnDep(asset_key=key, column_name=column)


def _is_model(node: Node) -> bool:
    return bool(node["resource_type"] == "model")


def as_table(lineage: dg.TableColumnLineage) -> str:
    """Column lineage as a table in Markdown, for people."""
    lines = ["| column | from |", "|---|---|"]
    for column, dependencies in lineage.deps_by_column.items():
        sources = [f"`{one.asset_key.to_user_string()}.{one.column_name}`" for one in dependencies]
        lines.append(f"| `{column}` | {', '.join(sources) or 'no column'} |")
    return "\n".join(lines)


def with_lineage(events: Iterable[Any], lineage: Lineage) -> Iterator[Any]:
    """The events of a dbt build, those of models with their column lineage."""
    for event in events:
        asset = _asset_of(event)
        found = lineage.of(asset) if asset else None
        if found is None:
            yield event
        else:
            metadata = {
                COLUMN_LINEAGE: dg.MetadataValue.column_lineage(found),
                SHOWN: dg.MetadataValue.md(as_table(found)),
            }
            yield event.with_metadata({**event.metadata, **metadata})
    lineage.write()
