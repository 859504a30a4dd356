"""What the UI shows beside an asset: a link to its code, and the columns of a raw table. dagster-dbt does so for models."""

from pathlib import Path

import dagster as dg

from ingestion.lake.columns import Table


def code_reference(file: Path) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Metadata of an asset that is declared in a file."""
    reference = dg.LocalFileCodeReference(file_path=str(file))
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def raw_table_metadata(table: Table, file: Path) -> dict[str, dg.CodeReferencesMetadataValue | dg.TableSchema]:
    """Metadata of a raw table that is declared in a file: its code and its columns."""
    columns = [dg.TableColumn(column.name, str(column.type), column.description) for column in table.columns]
    return {**code_reference(file), "dagster/column_schema": dg.TableSchema(columns=columns)}
