"""A column is described once: what several models share stands in a docs block (dbt_project/models/docs/)."""

from __future__ import annotations

import re
from collections import Counter

import yaml

from ingestion.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "dbt_project" / "models"
BLOCK = re.compile(r"{% docs (\w+) %}(.*?){% enddocs %}", re.DOTALL)
REFERENCE = re.compile(r"{{ doc\('(\w+)'\) }}")
# A description of so few words is shorter than a reference to it.
SHORT = 3


def as_one_line(text: str) -> str:
    return " ".join(text.split())


def column_descriptions() -> list[str]:
    """The description of every column of every model, as written."""
    return [
        as_one_line(column.get("description") or "")
        for file in MODELS.rglob("*.yml")
        for model in yaml.safe_load(file.read_text()).get("models", [])
        for column in model.get("columns", [])
    ]


def blocks() -> dict[str, str]:
    """The text of each docs block, by name."""
    pages = "\n".join(file.read_text() for file in MODELS.rglob("*.md"))
    return {name: as_one_line(text) for name, text in BLOCK.findall(pages)}


def test_column_description_of_more_than_three_words_is_written_once() -> None:
    written = [text for text in column_descriptions() if not REFERENCE.fullmatch(text)]
    counted = Counter([*written, *blocks().values()])
    repeated = [text for text, count in counted.items() if count > 1 and len(text.split()) > SHORT]
    assert written and not repeated, "\n".join(["make a docs block of:", *sorted(repeated)])


def test_docs_block_is_shared_by_several_columns() -> None:
    references = Counter(REFERENCE.findall("\n".join(column_descriptions())))
    assert references and not [name for name in blocks() if references[name] < 2]
