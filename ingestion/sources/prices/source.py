"""Two slices a price book: its prices, and the names that the lake's requests and reports give to its models.

A book that is superseded stays in the lake: months that closed with it are priced with it (README.md).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.lake.contract import Known, Rows, Slice, Source
from ingestion.lake.notes import landing_sequences, load_of
from ingestion.setting_table import about
from ingestion.settings import Home, Window, resolve
from ingestion.sources.prices.client import book, book_version, library_version, overrides_of, own_names, resolved
from ingestion.sources.prices.shape import MODEL_ALIASES, PRICE_BOOKS, PRICES, TABLES, price_rows
from ingestion.sources.registry.source import RegistrySettings, checked

BOOK, MODELS = "book|", "models|"
DATASET = "raw_prices"

# Where the lake names models: table, provider, model. What was served comes before what was asked for.
NAMED = (
    ("raw_llm_gateway/llm_requests", "provider", "coalesce(response_model, request_model)"),
    ("raw_llm_providers/openai_usage_completions", "'openai'", "model"),
    ("raw_llm_providers/anthropic_usage_messages", "'anthropic'", "model"),
)


# Landings are numbered from 1; those of earlier releases have the number 0.
BEFORE_ALL = -1


@dataclass(frozen=True)
class PricesSettings:
    """List prices of language models; nothing has to be set."""

    lake: str | None = field(
        default=None, metadata=about("the lake whose models are looked up; else the installation's")
    )
    registry: str | None = field(
        default=None, metadata=about("the folder of `prices.yml`; else that of the registry source")
    )


def _files(lake: Path, table: str, after: int, sequences: Mapping[str, int]) -> dict[Path, int]:
    """A table's files of landings after one, with the number of their landing, by that of each complete load."""
    found = {file: sequences.get(load_of(file), after) for file in sorted((lake / table).glob("*.parquet"))}
    return {file: sequence for file, sequence in found.items() if sequence > after}


def _named(files: Collection[Path], provider: str, model: str) -> set[tuple[str, str]]:
    """The models that some files name."""
    if not files:
        return set()
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select distinct {provider}, {model} from read_parquet($files, union_by_name = true) "
            f"where {provider} is not null and {model} is not null",
            {"files": [str(file) for file in files]},
        ).fetchall()
    return {(str(one), str(other)) for one, other in found}


def _marks(known: Known) -> dict[str, int]:
    """The last landing of each table whose models are known already, by the newest note of any price book.

    (Earlier releases noted the load's id, which is a time: their tables are looked through once more.)
    """
    notes = [note for slice_id, note in known.items() if slice_id.startswith(MODELS) and note.vendor_version]
    newest = max(notes, key=lambda note: note.order, default=None)
    marks = json.loads(newest.vendor_version) if newest and newest.vendor_version else {}
    return {table: mark for table, mark in marks.items() if isinstance(mark, int)}


def slices(settings: PricesSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The current book's prices, read where they are not in the lake yet; its models, as far as the lake names any.

    Only landings that are new since the last time are looked through for models.
    """
    home = Home.from_environment()
    lake = Path(settings.lake) if settings.lake else home.lake
    declared = resolve(RegistrySettings, "registry") or RegistrySettings()
    registry = checked(Path(settings.registry or declared.path or home.registry))
    overrides = overrides_of(registry)
    declared_models = {(entry.fields["provider"], entry.fields["model"]) for entry in registry.model_names}
    version = book_version(overrides)
    marks = _marks(known)
    datasets = dict.fromkeys(table.partition("/")[0] for table, _, _ in NAMED)
    sequences = {dataset: landing_sequences(lake / dataset) for dataset in datasets}
    fresh = {
        table: _files(lake, table, marks.get(table, BEFORE_ALL), sequences[table.partition("/")[0]])
        for table, _, _ in NAMED
    }
    reached = {**marks, **{table: max(files.values()) for table, files in fresh.items() if files}}

    def prices() -> Iterator[Rows]:
        rows = list(price_rows(version, book(overrides)))
        yield Rows(PRICES, rows)
        summary = {
            "price_book_version": version,
            "library_version": library_version(),
            "override_count": len(overrides),
            "price_count": len(rows),
        }
        yield Rows(PRICE_BOOKS, [summary])

    def models() -> Iterator[Rows]:
        own_sequences = landing_sequences(lake / DATASET)
        looked_up = _files(lake, f"{DATASET}/{MODEL_ALIASES.name}", BEFORE_ALL, own_sequences)
        found = _named(looked_up, "provider", "raw_model")
        for table, provider, model in NAMED:
            found |= _named(fresh[table], provider, model)
        found |= declared_models
        own = own_names(overrides)
        rows = []
        for provider, model in sorted(found):
            price_provider, price_model, how = resolved(provider, model, own)
            rows.append(
                {
                    "price_book_version": version,
                    "provider": provider,
                    "raw_model": model,
                    "price_provider": price_provider,
                    "price_model_id": price_model,
                    "resolved_by": how,
                }
            )
        yield Rows(MODEL_ALIASES, rows)

    yield Slice(BOOK + version, None, window.start, window.end, prices, version, version_proves=True)
    # A version of its own, and no proof: where the same models are named again, nothing is written.
    yield Slice(MODELS + version, None, window.start, window.end, models, json.dumps(reached, sort_keys=True))


SOURCE = Source(
    name="prices",
    title="Prices of language models",
    description="The dated price book (genai-prices and the registry's overrides), and the models that it is asked for.",
    settings=PricesSettings,
    tables=TABLES,
    slices=slices,
    after=("registry", "llm_providers", "llm_gateway"),
    needs_no_settings=True,
    kinds=("python",),
)
