"""Links in the Dagster UI from an asset to its code. dagster-dbt makes those of models."""

from pathlib import Path

import dagster as dg


def code_reference(file: Path) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Metadata of an asset that is declared in a file."""
    reference = dg.LocalFileCodeReference(file_path=str(file))
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}
