"""Pages of a vendor's list: a list that is cut off, goes in circles or never ends is refused, with its place.

A report of which a part is missing looks like a cheap month. Where a page does not lead to the next one, nothing of
the list is taken.
"""

from __future__ import annotations

from typing import Any

from ingestion.errors import BadInput

# More than any list has: a day of a million requests is a thousand pages.
MOST_PAGES = 10_000
# A page may be empty (a filter that the vendor applies late); many in a row lead nowhere.
MOST_EMPTY = 50


class Pages:
    """The pages of one list so far. Each method raises BadInput where they do not lead on."""

    def __init__(self, vendor: str, path: str) -> None:
        self.place = f"{vendor}: {path}"
        self.number = 0
        self.empty = 0
        self.cursors: set[str] = set()
        self.last: list[Any] = []

    def take(self, found: Any) -> list[Any]:
        """The records of the next page."""
        self.number += 1
        if not isinstance(found, list):
            raise BadInput(f"{self.place}, page {self.number}: the answer has no list of records")
        self.empty = 0 if found else self.empty + 1
        if self.number > MOST_PAGES or self.empty > MOST_EMPTY:
            raise BadInput(f"{self.place}: page {self.number} does not end the list, refused as endless")
        if found and found == self.last:
            raise BadInput(f"{self.place}, page {self.number}: the same records as on the page before")
        self.last = found
        return found

    def follow(self, cursor: Any, has_more: Any = None) -> Any:
        """The cursor of the page after; None where the list ends here. `has_more` None: the cursor alone decides."""
        is_missing = cursor is None or cursor == ""
        if has_more is False or (is_missing and not has_more):
            return None
        if is_missing:
            raise BadInput(
                f"{self.place}, page {self.number}: there is more, and no cursor leads to it; the list is not whole"
            )
        if str(cursor) in self.cursors:
            raise BadInput(f"{self.place}, page {self.number}: its cursor came before; the list goes in circles")
        self.cursors.add(str(cursor))
        return cursor
