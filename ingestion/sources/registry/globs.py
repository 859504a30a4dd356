"""Names with * and ?, as the registry writes them: whether a name matches, how two patterns relate."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=1024)
def _expression(pattern: str, one: str = ".") -> re.Pattern[str]:
    """The pattern as a regular expression; `one` is what a `?` stands for.

    What is between two stars is taken where it comes first, and nowhere else (an atomic group): there is no way on from a
    later place that is not there from the first. So the time grows with the name, and not with the ways to divide it.
    """
    first, *rest = (
        "".join(one if letter == "?" else re.escape(letter) for letter in part) for part in pattern.split("*")
    )
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    atoms = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{atoms}.*{last}", re.DOTALL)


def matches(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern, by case."""
    return _expression(pattern).fullmatch(name) is not None


def covers(wide: str, narrow: str) -> bool:
    """Whether every name that matches the narrow pattern matches the wide one too.

    Only what is certain: a `*` of the narrow pattern has to meet a `*` of the wide one.
    """
    return _expression(wide, "[^*]").fullmatch(narrow) is not None


def share_a_name(one: str, other: str) -> bool:
    """Whether there is a name that matches both patterns."""

    # Places in the two patterns that some name leads to: with the stars, a grid of their lengths.
    reached, new = {(0, 0)}, [(0, 0)]
    while new:
        here, there = new.pop()
        mine, theirs = one[here : here + 1], other[there : there + 1]
        if not mine and not theirs:
            return True
        following = []
        if mine == "*":
            following += [(here + 1, there), (here, there + 1)]
        if theirs == "*":
            following += [(here, there + 1), (here + 1, there)]
        if mine and theirs and (mine == theirs or "?" in (mine, theirs)):
            following.append((here + 1, there + 1))
        for place in following:
            if place not in reached and place[0] <= len(one) and place[1] <= len(other):
                reached.add(place)
                new.append(place)
    return False
