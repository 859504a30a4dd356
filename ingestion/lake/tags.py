"""Tags of any vendor as one flat JSON object: whatever the spelling, key to value.

FOCUS asks for an object (specification 1.2, "Key-Value Format"). Google's view has a list of structs `key`, `value`; Atlas
the same in JSON; other writers put JSON into a JSON text, or list `key:value`. Where a key comes twice, the entry that is
the resource's own counts before one that it inherits, and the first before the next; the others stay under `key (2)` …
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import duckdb
from duckdb.func import FunctionNullHandling

from ingestion.access.http import exact_json
from ingestion.lake.people import without_addresses
from ingestion.lake.vendor_files import may_be_deep

# How many texts lie within each other: JSON in JSON was seen twice.
DEEPEST = 4
KEYS = ("key", "k", "name", "tagkey")
VALUES = ("value", "v", "tagvalue")
INHERITED = ("x_inherited", "inherited")
# The function's name in SQL.
FLAT_TAGS = "flat_tags"
WITHOUT_ADDRESSES = "without_addresses"


def tags_of(value: Any) -> dict[str, Any] | None:
    """Tags as an object, from a parsed value or its text; None where it holds none, or can't be read as tags."""
    found: Any = value
    for _ in range(DEEPEST):
        if not isinstance(found, str):
            break
        found = _parsed(found)
    if isinstance(found, Mapping):
        return _gathered((str(key), item, False) for key, item in found.items())
    if isinstance(found, list | tuple):
        entries = list(_entries(found))
        return _gathered(entry for entry in entries if entry) if all(entries) else None
    return None


def _parsed(text: str) -> Any:
    """JSON, an object without the braces around it (Azure), or None."""
    stripped = text.strip().lstrip("\ufeff")
    for form in (stripped, f"{{{stripped}}}") if stripped else ():
        try:
            return _Pairs.read(form)
        except ValueError:
            continue
    return None


class _Pairs:
    """JSON whose objects keep a key that comes twice."""

    @staticmethod
    def read(text: str) -> Any:
        exact_json(text)  # what is not JSON, or nested too deeply, is refused there
        # A number stays as it is written: a version 1.10 is not 1.1.
        return json.loads(text, parse_float=str, object_pairs_hook=_Pairs._object)

    @staticmethod
    def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _gathered((key, value, False) for key, value in pairs)


def _gathered(entries: Iterable[tuple[str, Any, bool]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value, _ in sorted(entries, key=lambda entry: entry[2]):
        name, times = key, 1
        while name in found and found[name] != value:
            times += 1
            name = f"{key} ({times})"
        found[name] = value
    return found


def _entries(listed: Iterable[Any]) -> Iterator[tuple[str, Any, bool] | None]:
    """Key, value and whether it is inherited, of each entry of a list; None for one that is no tag."""
    for item in listed:
        if isinstance(item, Mapping):
            yield _pair(item)
        elif isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str):
            yield item[0], item[1], False
        elif isinstance(item, str) and item.strip():
            # FOCUS gives a tag that has no value the value true.
            cut = min((at for at in (item.find(":"), item.find("=")) if at > 0), default=0)
            yield (item[:cut].strip(), item[cut + 1 :].strip(), False) if cut else (item.strip(), True, False)
        else:
            yield None


def _pair(item: Mapping[Any, Any]) -> tuple[str, Any, bool] | None:
    by_name = {str(name).lower().replace("_", "") if name not in INHERITED else name: item[name] for name in item}
    key = next((by_name[name] for name in KEYS if by_name.get(name) is not None), None)
    if key is None and len(item) == 1:
        key, value = next(iter(item.items()))
        return str(key), value, False
    if key is None:
        return None
    value = next((by_name[name] for name in VALUES if name in by_name), True)
    return str(key), value, any(by_name.get(name) is True for name in INHERITED)


@lru_cache(maxsize=1 << 14)
def flat_tags(text: str | None) -> str | None:
    """The same of a text, as text. `{}` where a list holds none; half of a surrogate pair is no character, and replaced."""
    found = tags_of(text)
    if found is None:
        return None
    return json.dumps(found, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def with_flat_tags(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection `flat_tags(text)` and `without_addresses(text)`."""
    for name, function in ((FLAT_TAGS, flat_tags), (WITHOUT_ADDRESSES, _without_addresses)):
        connection.create_function(
            name, function, ["varchar"], "varchar", null_handling=FunctionNullHandling.SPECIAL
        )


@lru_cache(maxsize=1 << 14)
def _without_addresses(text: str | None) -> str | None:
    return without_addresses(text)


def without_addresses_sql(text: str) -> str:
    """SQL: a text without addresses of people, which all but a few are."""
    return f"case when contains({text}, '@') then {WITHOUT_ADDRESSES}({text}) else {text} end"


def tags_sql(text: str) -> str:
    """SQL: a text as tags. An object whose keys differ, without escaped surrogates, passes as it is: all but a few are."""
    return (
        f"case when not {may_be_deep(text)} and json_valid({text}) and json_type({text}) = 'OBJECT' "
        f"and not contains(lower({text}), '\\ud') "
        f"and len(json_keys({text})) = len(list_distinct(json_keys({text}))) then {text} else {FLAT_TAGS}({text}) end"
    )
