"""The files of the dbt project that follow from the sources' declarations in Python. `make generate` writes them.

They are checked in, so that dbt runs without this. A test holds them to the declarations.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import yaml

from ingestion.lake.contract import DELIVERIES, DELIVERY_TOTALS
from ingestion.lake.rejected import REJECTED_RECORDS
from ingestion.settings import SHIPPED
from ingestion.sources.catalog import CLAIM_KINDS, LAKE, SOURCES
from ingestion.sources.registry.shape import DEFAULT_CLAIM_KEYS

PROJECT = SHIPPED / "dbt_project"
NOTICE = "Written by `make generate` from the declarations in ingestion/sources/."


def _sources() -> str:
    """dbt's sources: the raw tables, with their notes."""
    sources = [
        {
            "name": source.dataset,
            "description": source.description,
            "tables": [
                {"name": table.name, "description": table.description}
                for table in (*source.tables, DELIVERIES, DELIVERY_TOTALS)
            ],
        }
        for source in LAKE
    ]
    text = yaml.safe_dump({"version": 2, "sources": sources}, sort_keys=False, allow_unicode=True, width=115)
    return f"# {NOTICE}\n{text}"


def _macro(name: str, description: str, values: Iterable[str]) -> str:
    items = "".join(f'                "{value}",\n' for value in values)
    return (
        f"{{% macro {name}() %}}\n    {{#- {description} -#}}\n"
        f"    {{{{\n        return(\n            [\n{items}            ]\n        )\n    }}}}\n{{% endmacro %}}\n"
    )


def _lists(project: Path) -> str:
    """Macros that give the lists of names of which models are made."""
    ledger_sources = [ledger for source in SOURCES for ledger in source.ledger_sources]
    charge_models = sorted(
        file.stem for file in project.glob("models/intermediate/*/int_*_charges__classified.sql")
    )
    macros = (
        _macro(
            "lake_datasets", "The datasets of the vendors, one a source.", [source.dataset for source in SOURCES]
        ),
        _macro(
            "money_datasets",
            "The datasets that hold bills: the ledger is reconciled to them.",
            [source.dataset for source in SOURCES if source.has_bills],
        ),
        _macro(
            "datasets_with_rejected_records",
            "The datasets in which a record that can't be read is set aside.",
            [source.dataset for source in SOURCES if REJECTED_RECORDS in source.tables],
        ),
        _macro(
            "datasets_of_several_sources",
            "The datasets of several sources of the ledger: their slice ids begin with the source.",
            [source.dataset for source in SOURCES if len(source.ledger_sources) > 1],
        ),
        _macro(
            "sources_without_tags",
            "The sources whose charges can carry no tags.",
            [ledger.name for ledger in ledger_sources if not ledger.has_tags],
        ),
        _macro(
            "llm_billing_sources",
            "The sources whose bill covers usage of language models up to its newest charge.",
            [ledger.name for ledger in ledger_sources if ledger.bills_llm_usage],
        ),
        _macro(
            "default_claim_tag_keys",
            "The tag keys that make claims where the registry names no key, in their order.",
            DEFAULT_CLAIM_KEYS["tag"],
        ),
        _macro(
            "default_claim_cost_categories",
            "The cost categories that make claims where the registry names no key, in their order.",
            DEFAULT_CLAIM_KEYS["cost_category"],
        ),
        _macro("charge_models", "The classified charges of each source.", charge_models),
    )
    return f"{{# {NOTICE} #}}\n" + "\n".join(macros)


def _csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _claim_kinds() -> str:
    rows = ((kind.name, kind.evidence.name.lower(), kind.evidence.value, kind.description) for kind in CLAIM_KINDS)
    return _csv(("claim_kind", "evidence_kind", "evidence_rank", "description"), rows)


def _freshness_slas() -> str:
    rows = (
        (ledger.name, source.dataset, ledger.freshness_sla_hours)
        for source in SOURCES
        for ledger in source.ledger_sources
    )
    return _csv(("source", "dataset", "freshness_sla_hours"), rows)


def generated(project: Path = PROJECT) -> dict[Path, str]:
    """The files below a dbt project's folder, by path, with their content."""
    return {
        project / "models" / "staging" / "_sources.yml": _sources(),
        project / "macros" / "lake" / "declared_lists.sql": _lists(project),
        project / "seeds" / "claim_kinds.csv": _claim_kinds(),
        project / "seeds" / "source_freshness_slas.csv": _freshness_slas(),
    }


if __name__ == "__main__":
    for path, content in generated().items():
        path.write_text(content)
