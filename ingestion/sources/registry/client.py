"""Reading the registry's YAML files, with the line of every value, and checking them against the JSON Schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from ingestion.errors import SettingError, near_misses
from ingestion.sources.registry.breach import breach

# File name → the keys whose lists of entries it holds.
FILES = {
    "owners.yml": ("owners",),
    "ownership_rules.yml": ("rules",),
    "claim_keys.yml": ("claim_keys",),
    "allocation_pools.yml": ("pools",),
    "budgets.yml": ("budgets",),
    "prompt_policy.yml": ("prompt_logging",),
    "prices.yml": ("price_overrides", "model_names", "reprice"),
}
# Characters of a value, and values that a document may have more than once by aliases (YAML 1.2, section 3.2.2.2).
LONGEST_VALUE, MOST_REPEATED = 10_000, 100_000
# Brackets within each other.
DEEPEST = 50
DAYS = ("valid_from", "valid_to", "as_of")

# Where a value stands in its document: `("rules", 3, "claim")`.
Place = tuple[str | int, ...]


class RegistryError(SettingError):
    """The registry can't be used as it is. Lists every problem found, each with its file and line."""


@dataclass(frozen=True)
class Entry:
    """One declaration: where it stands, and its fields. `lines` are those of its values, by their place in it."""

    file: str
    line: int
    fields: dict[str, Any]
    lines: Mapping[Place, int] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it begins."""
        return self.at()

    def at(self, *steps: str | int) -> str:
        """Where one of its values stands: `at("members", 2)`. Of a value that it lacks: where it begins."""
        return f"{self.file}, line {self.lines.get(steps, self.line)}"


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
    model_names: tuple[Entry, ...]
    reprice: tuple[Entry, ...]
    digest: str


class _Faulty(Exception):
    """A file is not YAML, or not YAML of one meaning. The text begins with its line."""


class _Loader(yaml.SafeLoader):
    """YAML's reader, whose time grows with the square of the brackets that are open."""

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:
        if self.flow_level >= DEEPEST:
            raise _Faulty(f"line {self.line + 1}: nested more than {DEEPEST} deep, as no declaration is")
        super().fetch_flow_collection_start(TokenClass)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _named_once(node: yaml.Node, above: tuple[int, ...] = ()) -> None:
    """Raise _Faulty for a mapping that names a key twice (YAML would keep the last one), and for a value in itself."""
    if id(node) in above:
        raise _Faulty(f"line {_line(node)}: a value that contains itself")
    inside = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _named_once(item, inside)
    elif isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            # A merge (`<<`) may be repeated: it brings what is not named beside it.
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in first:
                    raise _Faulty(
                        f"line {_line(key)}: {key.value!r} is named twice (also line {first[key.value]})"
                    )
                first[key.value] = _line(key)
            _named_once(value, inside)


def _check_size(root: yaml.Node) -> None:
    """Raise _Faulty for a document whose aliases repeat more values than any registry has, or a value longer than any.

    An alias is one node in several places, and whoever walks over the document meets it in each of them. Each node is
    looked at once here.
    """
    sizes: dict[int, int] = {}

    def size(node: yaml.Node, above: frozenset[int]) -> int:
        if id(node) in above:
            raise _Faulty(f"line {_line(node)}: a value that contains itself")
        if id(node) not in sizes:
            parts = (
                [part for pair in node.value for part in pair]
                if isinstance(node, yaml.MappingNode)
                else node.value
            )
            if isinstance(node, yaml.ScalarNode) and len(node.value) > LONGEST_VALUE:
                raise _Faulty(f"line {_line(node)}: a value of more than {LONGEST_VALUE:,} characters")
            inside = above | {id(node)}
            sizes[id(node)] = 1 + (
                0 if isinstance(node, yaml.ScalarNode) else sum(size(part, inside) for part in parts)
            )
        return sizes[id(node)]

    if size(root, frozenset()) - len(sizes) > MOST_REPEATED:
        raise _Faulty(
            f"line {_line(root)}: its aliases repeat more than {MOST_REPEATED:,} values: write fewer of them"
        )


def _lines(node: yaml.Node, place: Place = ()) -> Iterator[tuple[Place, int]]:
    yield place, _line(node)
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _lines(item, (*place, number))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            # A list below its key begins a line later: the key is what one looks for.
            if isinstance(key, yaml.ScalarNode):
                yield from _lines(value, (*place, key.value))
                yield (*place, key.value), _line(value if isinstance(value, yaml.ScalarNode) else key)


def _text(file: Path) -> str:
    """A file's text, with plain line ends. Raises _Faulty."""
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _Faulty(f"line {line}: not UTF-8; save the file in that encoding") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _parsed(text: str) -> tuple[Any, dict[Place, int]]:
    """A document, and the line of each of its values. Raises _Faulty."""
    loader = node = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return {}, {(): 1}
        _check_size(node)
        _named_once(node)
        document = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _Faulty(f"line {line}: not YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _Faulty(f"line {line}: not YAML: the character #x{error.character:02x} is not allowed") from None
    except RecursionError:
        raise _Faulty("line 1: nested more deeply than any declaration") from None
    except ValueError:
        # A plain 2026-02-30 is a date to YAML, and none to the calendar.
        raise _Faulty(_no_day(node) if node else "line 1: not YAML") from None
    finally:
        if loader is not None:
            loader.dispose()
    return document, dict(_lines(node))


def _no_day(node: yaml.Node) -> str:
    """Which value of a document is a date that the calendar does not have."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node)
        except ValueError:
            return f"line {_line(node)}: {node.value!r} is not a day"
        return ""
    parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    return next((found for part in parts if (found := _no_day(part))), "")


def _plain(value: Any) -> Any:
    """Plain data for the schema: dates as the text that JSON knows, keys as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _no_days(fields: Mapping[str, Any]) -> Iterator[str]:
    """Fields whose text looks like a day, and is none."""
    for name in DAYS:
        if isinstance(value := fields.get(name), str):
            try:
                date.fromisoformat(value)
            except ValueError:
                yield name


def _strangers(folder: Path) -> Iterator[str]:
    """Files that would be passed over because of their name: `owners.yaml`, `owner_rules.yml`."""
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.suffix in (".yml", ".yaml") and file.name not in FILES:
            near = near_misses(f"{file.stem}.yml", FILES)
            if near:
                yield f"{file.name}: not a file of the registry, so nothing in it holds{near}"


def read(folder: Path) -> Registry:
    """Read and check all files of a registry folder.

    Raises RegistryError with every syntax and schema error; semantic checks are `check.problems`.
    A file that is absent is empty, except `owners.yml`.
    """
    entries: dict[str, tuple[Entry, ...]] = {}
    content = hashlib.sha256()
    if not folder.is_dir():
        raise RegistryError(
            f"{folder}: no such folder; COSTOWNER_REGISTRY or sources.registry.path names the registry"
        )
    problems: list[str] = list(_strangers(folder))
    if not problems and not (folder / "owners.yml").is_file():
        raise RegistryError(f"{folder / 'owners.yml'}: no such file; copy the template from registry/")
    for name, keys in FILES.items():
        file = folder / name
        entries.update(dict.fromkeys(keys, ()))
        if not file.is_file():
            continue
        try:
            text = _text(file)
            content.update(f"{name}:{len(text)}:{text}".encode())
            document, lines = _parsed(text)
        except _Faulty as fault:
            problems.append(f"{name}, {fault}")
            continue
        schema = json.loads((Path(__file__).parent / "schema" / f"{Path(name).stem}.schema.json").read_text())
        document = _plain(document)
        breaches = sorted(
            (_where(one, lines), breach(one)) for one in Draft202012Validator(schema).iter_errors(document)
        )
        # Two fields that are missing are two errors of one text.
        problems += [f"{name}, line {line}: {text}" for line, text in dict.fromkeys(breaches)]
        if breaches:
            continue
        for key in keys:
            entries[key] = tuple(_entries(name, key, document.get(key) or [], lines))
            problems += [
                f"{entry.at(day)}: {day}: {entry.fields[day]!r} is not a day"
                for entry in entries[key]
                for day in _no_days(entry.fields)
            ]
    if problems:
        raise RegistryError(f"the registry in {folder} has errors:\n" + "\n".join(problems))
    return Registry(**entries, digest=content.hexdigest())


def _where(found: ValidationError, lines: Mapping[Place, int]) -> int:
    """The line of a breach: of the field that is unknown, else of the value, or of what it stands in."""
    place: Place = tuple(found.absolute_path)
    nearest = [one for one in found.context or () if one.validator not in ("type", "required")]
    if nearest:
        return _where(nearest[0], lines)
    if found.validator == "additionalProperties":
        unknown = sorted(set(found.instance) - set(found.schema["properties"]))
        place = (*place, *unknown[:1])
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _entries(name: str, key: str, listed: list[dict[str, Any]], lines: Mapping[Place, int]) -> Iterator[Entry]:
    own: list[dict[Place, int]] = [{} for _ in listed]
    for place, line in lines.items():
        if len(place) > 1 and place[0] == key and isinstance(place[1], int):
            own[place[1]][place[2:]] = line
    for fields, within in zip(listed, own, strict=True):
        yield Entry(name, within[()], fields, within)
