"""Names with * and ?, as the registry writes them: whether a name matches, how two patterns relate."""

from __future__ import annotations

import re
from functools import cache, lru_cache


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(letter, re.escape(letter)) for letter in pattern), re.DOTALL)


def matches(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern, by case."""
    return _expression(pattern).fullmatch(name) is not None


def covers(wide: str, narrow: str) -> bool:
    """Whether every name that matches the narrow pattern matches the wide one too.

    Only what is certain: a `*` of the narrow pattern has to meet a `*` of the wide one.
    """
    parts = {"*": ".*", "?": r"[^*]"}
    expression = "".join(parts.get(letter, re.escape(letter)) for letter in wide)
    return re.fullmatch(expression, narrow, re.DOTALL) is not None


def share_a_name(one: str, other: str) -> bool:
    """Whether there is a name that matches both patterns."""

    @cache
    def meet(here: int, there: int) -> bool:
        if here == len(one) and there == len(other):
            return True
        if here < len(one) and one[here] == "*":
            return meet(here + 1, there) or (there < len(other) and meet(here, there + 1))
        if there < len(other) and other[there] == "*":
            return meet(here, there + 1) or (here < len(one) and meet(here + 1, there))
        if here == len(one) or there == len(other):
            return False
        return (one[here] == other[there] or "?" in (one[here], other[there])) and meet(here + 1, there + 1)

    return meet(0, 0)
