"""Usage that adds up: which reading of a record's counts is the right one.

Whether cached tokens are part of the input or stand beside it, and whether reasoning is part of the output or stands
beside it, differs by provider, SDK and version, also under one name. A format documents one reading. Where the record's
own total contradicts it, the reading whose parts add up to the total is taken; without a total one whose parts fit
(an input that is smaller than its cached part can only leave that out). Where none does, the usage is disputed: the
counts are held within what adds up, and the tokens that this leaves unexplained are counted.

Everything here is SQL of DuckDB over one row: a function of the counts alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

# Tokens of other media than text, and what they are part of.
MEDIA = {f"{whole}_{medium}": whole for whole in ("input", "output") for medium in ("audio", "image", "video")}
# What stands inside its whole or beside it.
PARTS = {"cached": "input", "reasoning": "output", **MEDIA}
COUNTS = ("input", "fresh", "read", "written", "written_1h", "output", "reasoning", *MEDIA, "total")
# A reading from here on does not hold: the whole adds up and its parts do not; the parts fit and the whole does not; neither.
WHOLE_ONLY, PARTS_ONLY, NOTHING = 100, 200, 300


@dataclass(frozen=True)
class Usage:
    """The SQL of a format's counts, by name; and which parts the format documents to be beside their whole.

    `written` is all that was written to the cache; `written_5m` in its place what was not for an hour. `switches` are
    parts that records of the format are known to have both ways, together.
    """

    counts: Mapping[str, str]
    beside: frozenset[str] = frozenset()
    switches: tuple[tuple[str, ...], ...] = (("reasoning",), ("cached",))

    def readings(self) -> list[frozenset[str]]:
        """The parts that are beside their whole, reading by reading: the documented one, then the ones nearest to it."""
        flips = [some for size in range(len(self.switches) + 1) for some in combinations(self.switches, size)]
        return [self.beside ^ frozenset(part for parts in flip for part in parts) for flip in flips]


def settled(usage: Usage, relation: str) -> str:
    """SQL: the rows of a relation with the columns of SETTLED, which name counts that add up."""
    readings = usage.readings()
    sums = ", ".join(
        f"{_sum(whole, beside)} as {whole}_{number}"
        for number, beside in enumerate(readings)
        for whole in ("input", "output")
    )
    return f"""
        select *, {_outcome()} from (
            select
                *,
                {_whole("input", readings)} as whole_input,
                {_whole("output", readings)} as whole_output
            from (
                select *, {_reading(readings)} as reading
                from (select *, {sums} from ({_counted(usage, relation)}))
            )
        )"""


# Columns of `llm_requests` as SQL over what `settled` adds.
SETTLED = {
    "input_tokens": "used_input",
    "input_uncached_tokens": "used_input - used_read - used_written",
    "cache_read_tokens": "case when used_input is not null then used_read end",
    "cache_write_5m_tokens": "case when used_input is not null then used_written - used_written_1h end",
    "cache_write_1h_tokens": "case when used_input is not null then used_written_1h end",
    "output_tokens": "used_output",
    "reasoning_tokens": "used_reasoning",
    **{f"{part}_tokens": f"used_{part}" for part in MEDIA},
    "total_tokens": "used_input + used_output",
    "usage_source": "case when used_input is null and used_output is null then 'missing' else 'provider' end",
    "usage_status": "used_status",
    "unexplained_tokens": "used_unexplained",
}


def count_of(value: str) -> str:
    """SQL: a count from text. Protobuf's JSON writes "NaN" where an SDK has no number: none was counted."""
    return f"cast(nullif(regexp_replace({value}, '(?i)^(nan|-?infinity|none|null)$', ''), '') as bigint)"


def most(*values: str) -> str:
    """SQL: the largest of some counts as text that repeat each other; writers fill the names that they don't use with 0."""
    return f"list_max([{', '.join(count_of(value) for value in values)}])"


def _counted(usage: Usage, relation: str) -> str:
    """SQL: the counts as written, and the sizes of parts; a part below zero is none, and `negative` is what it lacked."""
    written = usage.counts.get("written", "null")
    hour = usage.counts.get("written_1h", "null")
    if "written_5m" in usage.counts:
        five = usage.counts["written_5m"]
        # Beside each other.
        written = (
            f"case when coalesce({five}, {hour}) is not null then coalesce({five}, 0) + coalesce({hour}, 0) end"
        )
    counts = {**usage.counts, "written": written, "written_1h": hour}
    listed = ", ".join(f"cast({counts.get(name, 'null')} as bigint) as raw_{name}" for name in COUNTS)
    parts = [name for name in COUNTS if name not in ("input", "output")]
    return f"""
        select
            *,
            coalesce(raw_input, given_fresh) as given_input,
            raw_output as given_output,
            coalesce(given_read, 0) as size_read,
            coalesce(given_written_1h, 0) as size_written_1h,
            -- An hour's writes that exceed all writes stand beside them.
            coalesce(given_written, 0) + case
                when size_written_1h > coalesce(given_written, 0) then size_written_1h else 0
            end as size_written,
            size_read + size_written as size_cached,
            {", ".join(f"coalesce(given_{part}, 0) as size_{part}" for part in PARTS if part != "cached")}
        from (
            select
                *,
                {", ".join(f"case when raw_{name} >= 0 then raw_{name} end as given_{name}" for name in parts)},
                {" + ".join(f"greatest(-coalesce(raw_{name}, 0), 0)" for name in parts)} as negative
            from (select *, {listed} from ({relation}))
        )"""


_GIVEN_TOTAL = "nullif(given_total, 0)"


def _sum(whole: str, beside: frozenset[str]) -> str:
    """SQL: the input or output of a reading; NULL where it is not known."""
    return " + ".join(
        (f"given_{whole}", *(f"size_{part}" for part in PARTS if part in beside and PARTS[part] == whole))
    )


def _fits(number: int, beside: frozenset[str]) -> str:
    """SQL: whether no part of a reading is larger than its whole. What is not known contradicts nothing."""
    tests = []
    for whole in ("input", "output"):
        own = [part for part in PARTS if PARTS[part] == whole]
        apart = [f"size_{part}" for part in own if part in beside]
        # What is beside the whole is counted once; parts within it may overlap (cached audio).
        least = f"greatest({', '.join([*(f'size_{part}' for part in own), ' + '.join(apart) or '0'])})"
        tests.append(f"{whole}_{number} >= {least}")
    tests.append(f"input_{number} - size_cached = given_fresh")
    return " and ".join(f"coalesce({test}, true)" for test in tests)


def _adds_up(number: int) -> str:
    return f"coalesce(coalesce(input_{number}, 0) + coalesce(output_{number}, 0) = {_GIVEN_TOTAL}, true)"


def _is_whole(number: int) -> str:
    return f"coalesce(input_{number} >= 0, true) and coalesce(output_{number} >= 0, true)"


def _reading(readings: list[frozenset[str]]) -> str:
    """SQL: the number of the first reading that fits and adds up, else of the one that comes nearest."""
    tried = [
        *((f"{_fits(n, r)} and {_adds_up(n)}", n) for n, r in enumerate(readings)),
        *((f"{_is_whole(n)} and {_adds_up(n)}", WHOLE_ONLY + n) for n in range(len(readings))),
        *((_fits(n, r), PARTS_ONLY + n) for n, r in enumerate(readings)),
    ]
    return f"case {' '.join(f'when {test} then {number}' for test, number in tried)} else {NOTHING} end"


def _whole(whole: str, readings: list[frozenset[str]]) -> str:
    """SQL: the input or output of the reading that was taken; a whole below zero is none."""
    by_number = " ".join(f"when {number} then {whole}_{number}" for number in range(len(readings)))
    return f"case reading % 100 {by_number} end"


def _outcome() -> str:
    """SQL: the counts, each part within its whole, and what that leaves unexplained."""
    known_in, known_out = (
        "case when whole_input >= 0 then whole_input end",
        "case when whole_output >= 0 then whole_output end",
    )
    used = {
        "used_input": known_in,
        "used_output": known_out,
        # DuckDB's least passes over NULL: of a whole that is not known the part stands as it is.
        "used_read": "least(size_read, used_input)",
        "used_written": "least(size_written, used_input - used_read)",
        "used_written_1h": "least(size_written_1h, used_written)",
        **{
            f"used_{part}": f"case when given_{part} is not null then least(given_{part}, used_{whole}) end"
            for part, whole in PARTS.items()
            if part != "cached"
        },
        "is_disputed": f"reading >= {WHOLE_ONLY} or negative > 0",
        "used_unexplained": f"case when is_disputed then {_unexplained()} "
        "when used_input is not null or used_output is not null then 0 end",
        "used_status": "case when is_disputed then 'disputed' "
        "when used_input is null and used_output is null then null "
        "when reading = 0 then 'as_documented' else 'other_reading' end",
    }
    return ", ".join(f"{sql} as {name}" for name, sql in used.items())


def _unexplained() -> str:
    """SQL: the total against what is taken, counts that find no room in their whole or are below zero."""
    known = "coalesce(used_input, 0) + coalesce(used_output, 0)"
    uncached = "used_input - used_read - used_written"
    excess = {"input": ["size_cached - used_read - used_written"], "output": list[str]()}
    for part, whole in PARTS.items():
        if part != "cached":
            excess[whole].append(f"given_{part} - used_{part}")
    return " + ".join(
        (
            f"abs(coalesce({_GIVEN_TOTAL}, {known}) - ({known}))",
            *(f"greatest({', '.join(parts)}, -given_{whole}, 0)" for whole, parts in excess.items()),
            f"coalesce(abs(given_fresh - ({uncached})), 0)",
            "negative",
        )
    )
