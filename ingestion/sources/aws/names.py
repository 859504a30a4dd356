"""Which column of CUR 2.0 a column of any AWS cost export is.

Legacy CUR's header is `category/Name`; its Parquet (and Athena's table) spells the same in snake case, an underscore
before each capital (AWS Cost and Usage Reports user guide, "Querying with Athena", "Column names"). CUR 2.0 keeps those
names, and puts tags, cost categories and most attributes of the product into maps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingestion.sources.aws.shape import COLUMN_TYPES, MAPS, OTHER_COLUMNS

# Legacy category, its prefix in snake case, and the map of CUR 2.0 that holds its columns.
MAPPED = (
    ("resourceTags", "resource_tags_", "resource_tags"),
    ("costCategory", "cost_category_", "cost_category"),
    ("product", "product_", "product"),
)
# Column of CUR 2.0 by what else it was called; used where the column itself is absent or empty.
OTHER_NAMES = {
    "product_region": "product_region_code",
    "reservation_reservation_arn": "reservation_reservation_a_r_n",
    "savings_plan_savings_plan_arn": "savings_plan_savings_plan_a_r_n",
}
FOCUS_COLUMNS = frozenset({"billedcost", "chargeperiodstart", "chargecategory"})


def snake(name: str) -> str:
    """AWS's rule for columns: an underscore before each capital, none doubled, lower case."""
    return _joined(re.sub(r"(?=[A-Z])", "_", name))


def words(name: str) -> str:
    """Snake case for what customers name: capitals in a row are one word (`CostCenter`, `TEAM`)."""
    return _joined(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)) or name


def _joined(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


@dataclass(frozen=True)
class Place:
    """A column of CUR 2.0, or a key in one of its maps.

    `spelled` is the vendor's own name, under which a value is kept where several come to one key. A `fallback` counts
    where the column's own source has no value.
    """

    column: str
    key: str | None = None
    spelled: str = ""
    fallback: bool = False


def places(header: str) -> list[Place]:
    """Where the values of a column go; nothing has no place: what CUR 2.0 doesn't know goes to `other_columns`."""
    category, slash, rest = header.partition("/")
    name = f"{snake(category)}_{snake(rest)}" if slash else header.lower()
    if name in COLUMN_TYPES or name in MAPS:
        return [Place(name, spelled=header)]
    also = [Place(OTHER_NAMES[name], spelled=header, fallback=True)] if name in OTHER_NAMES else []
    for legacy, prefix, column in MAPPED:
        spelled = rest if slash and category == legacy else name.removeprefix(prefix)
        if (slash and category == legacy) or (not slash and name.startswith(prefix)):
            key = snake(spelled) if column == "product" else words(spelled)
            return [*also, Place(column, key or spelled, spelled)]
    return [*also, Place(OTHER_COLUMNS, name, header)]


def is_focus(headers: Sequence[str]) -> bool:
    """Whether these are the columns of a FOCUS export."""
    return {re.sub(r"[\W_]", "", header).lower() for header in headers} >= FOCUS_COLUMNS


def is_own(headers: Sequence[str]) -> bool:
    """Whether a Parquet file's columns are CUR 2.0's own, new ones included.

    Legacy Parquet is known by columns that CUR 2.0 calls otherwise, and has none of its maps.
    """
    if any(header in MAPS for header in headers):
        return True
    return all(place.column in (header, OTHER_COLUMNS) for header in headers for place in places(header))
