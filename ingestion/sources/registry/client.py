"""Reading the registry's YAML files, with the line of every entry, and checking them against the JSON Schema."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ingestion.errors import SettingError

LINE = "__line__"

# File name → the keys whose lists of entries it holds.
FILES = {
    "owners.yml": ("owners",),
    "ownership_rules.yml": ("rules",),
    "claim_keys.yml": ("claim_keys",),
    "allocation_pools.yml": ("pools",),
    "budgets.yml": ("budgets",),
    "prompt_policy.yml": ("prompt_logging",),
    "prices.yml": ("price_overrides", "reprice"),
}


class RegistryError(SettingError):
    """The registry can't be used as it is. Lists every problem found, each with its file and line."""


@dataclass(frozen=True)
class Entry:
    """One declaration: where it stands, and its fields."""

    file: str
    line: int
    fields: dict[str, Any]

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True)
class Registry:
    """All declarations, as written."""

    owners: tuple[Entry, ...]
    rules: tuple[Entry, ...]
    claim_keys: tuple[Entry, ...]
    pools: tuple[Entry, ...]
    budgets: tuple[Entry, ...]
    prompt_logging: tuple[Entry, ...]
    price_overrides: tuple[Entry, ...]
    reprice: tuple[Entry, ...]
    digest: str


class _LineLoader(yaml.SafeLoader):
    """YAML in which every mapping knows its line."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        mapping[LINE] = node.start_mark.line + 1
        return mapping


def _without_lines(value: Any) -> Any:
    """Plain data for the schema: no line marks, and dates as the text that JSON knows."""
    if isinstance(value, dict):
        return {key: _without_lines(item) for key, item in value.items() if key != LINE}
    if isinstance(value, list):
        return [_without_lines(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _line_of(document: Any, path: list[str | int]) -> int:
    """The line of the innermost mapping on a path."""
    line = 1
    for step in ["", *path]:
        if step != "":
            try:
                document = document[step]
            except (KeyError, IndexError, TypeError):
                break
        if isinstance(document, dict):
            line = document.get(LINE, line)
    return line


def read(folder: Path) -> Registry:
    """Read and check all files of a registry folder.

    Raises RegistryError with every syntax and schema error; semantic checks are `rules.problems`.
    A file that is absent is empty, except `owners.yml`.
    """
    problems: list[str] = []
    entries: dict[str, tuple[Entry, ...]] = {}
    content = hashlib.sha256()
    if not (folder / "owners.yml").is_file():
        raise RegistryError(f"{folder / 'owners.yml'}: no such file; copy the template from registry/")
    for name, keys in FILES.items():
        file = folder / name
        entries.update(dict.fromkeys(keys, ()))
        if not file.is_file():
            continue
        text = file.read_text()
        content.update(f"{name}:{len(text)}:{text}".encode())
        try:
            document = yaml.load(text, _LineLoader) or {}  # noqa: S506 - a SafeLoader
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problems.append(f"{name}, line {line}: not YAML: {error.problem}")
            continue
        schema = json.loads((Path(__file__).parent / "schema" / f"{Path(name).stem}.schema.json").read_text())
        for breach in Draft202012Validator(schema).iter_errors(_without_lines(document)):
            where = _line_of(document, list(breach.absolute_path))
            problems.append(f"{name}, line {where}: {breach.message}")
        for key in keys:
            listed = document.get(key) if isinstance(document, dict) else None
            entries[key] = tuple(
                Entry(name, int(item[LINE]), {k: v for k, v in item.items() if k != LINE})
                for item in listed or []
                if isinstance(item, dict)
            )
    if problems:
        raise RegistryError(f"the registry in {folder} has errors:\n" + "\n".join(problems))
    return Registry(**entries, digest=content.hexdigest())
