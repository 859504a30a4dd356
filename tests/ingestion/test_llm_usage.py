"""Usage that adds up, whatever the writer means by input and output; and every name of a count is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.sources.llm_gateway.dropped import Dropped
from ingestion.sources.llm_gateway.dropped_files import count
from ingestion.sources.llm_gateway.formats import BEDROCK, CANONICAL, LANGFUSE, LITELLM, OTEL, SPEND_LOGS, Format
from ingestion.sources.llm_gateway.formats import usage_names as names
from ingestion.sources.llm_gateway.formats.usage import COUNTS, MEDIA, SETTLED, Usage, settled
from ingestion.sources.llm_gateway.formats.usage import PARTS as PARTS_OF
from ingestion.sources.llm_gateway.relations import Local
from tests.ingestion.llm_records import one, read_records

DAY = date(2026, 11, 23)
PLAIN = {name: name for name in COUNTS}
INSIDE = Usage(PLAIN)
BESIDE = Usage(
    PLAIN,
    beside=frozenset(PARTS_OF),
    switches=tuple(tuple(part for part in PARTS_OF if PARTS_OF[part] == whole) for whole in ("input", "output")),
)
SOME = st.integers(0, 300)
PARTS = ("input_uncached_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def outcomes(
    connection: duckdb.DuckDBPyConnection, usage: Usage, records: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The columns that some counts come to."""
    schema = pa.schema([(name, pa.int64()) for name in COUNTS])
    connection.register("given", pa.Table.from_pylist([{n: r.get(n) for n in COUNTS} for r in records], schema))
    columns = ", ".join(f"{sql} as {name}" for name, sql in SETTLED.items())
    statement = f"select {columns} from ({settled(usage, 'select * from given')})"
    rows: list[dict[str, Any]] = connection.execute(statement).to_arrow_table().to_pylist()
    return rows


truths = st.fixed_dictionaries(dict.fromkeys(("fresh", "read", "five", "hour", "text", "reasoning", *MEDIA), SOME))


RESTS = {"input": "fresh", "output": "text"}


def sum_of(sizes: Mapping[str, int], whole: str, parts: Iterable[str]) -> int:
    """The sizes of some parts that belong to a whole."""
    return sum(sizes[part] for part in parts if PARTS_OF[part] == whole)


def written(truth: Mapping[str, int], beside: frozenset[str]) -> dict[str, int]:
    """A request as a writer who counts some parts beside their whole writes it, with the total of all tokens."""
    cached = truth["read"] + truth["five"] + truth["hour"]
    sizes = {"cached": cached, **{part: truth[part] for part in PARTS_OF if part != "cached"}}
    whole = {name: truth[rest] + sum_of(sizes, name, PARTS_OF) for name, rest in RESTS.items()}
    return {
        **{name: whole[name] - sum_of(sizes, name, beside) for name in RESTS},
        "total": sum(whole.values()),
        "read": truth["read"],
        "written": truth["five"] + truth["hour"],
        "written_1h": truth["hour"],
        "reasoning": truth["reasoning"],
        **{part: truth[part] for part in MEDIA},
    }


@settings(max_examples=8, deadline=None)
@given(st.lists(truths, min_size=1, max_size=40))
@pytest.mark.parametrize("usage", [INSIDE, BESIDE], ids=["inside", "beside"])
def test_every_reading_that_adds_up_is_found(
    connection: duckdb.DuckDBPyConnection, usage: Usage, some: list[dict[str, int]]
) -> None:
    each = [(truth, written(truth, beside)) for beside in usage.readings() for truth in some]
    rows = outcomes(connection, usage, [record for _, record in each])
    for (truth, record), row in zip(each, rows, strict=True):
        assert row["usage_status"] in ("as_documented", "other_reading") and row["unexplained_tokens"] == 0
        assert row["total_tokens"] == record["total"]
        if usage is INSIDE and record["reasoning"] != record["read"] + record["written"]:
            # No other reading comes to the same total.
            assert row["output_tokens"] == truth["text"] + sum_of(truth, "output", ["reasoning", *MEDIA])
            assert [row[part] for part in PARTS[1:]] == [truth["read"], truth["five"], truth["hour"]]
            assert row["input_uncached_tokens"] == truth["fresh"] + sum_of(truth, "input", MEDIA)


anything = st.fixed_dictionaries({name: st.none() | st.integers(-50, 400) for name in COUNTS})


@settings(max_examples=10, deadline=None)
@given(st.lists(anything, min_size=1, max_size=80))
@pytest.mark.parametrize("usage", [INSIDE, BESIDE], ids=["inside", "beside"])
def test_no_count_is_negative_parts_are_the_whole_and_a_doubt_has_its_tokens(
    connection: duckdb.DuckDBPyConnection, usage: Usage, some: list[dict[str, int | None]]
) -> None:
    for given_counts, row in zip(some, outcomes(connection, usage, some), strict=True):
        counts = [row[name] for name in SETTLED if name.endswith("_tokens")]
        assert all(count is None or count >= 0 for count in counts), (given_counts, row)
        if row["input_tokens"] is not None:
            assert sum(row[part] for part in PARTS) == row["input_tokens"]
        assert (row["usage_status"] == "disputed") == bool(row["unexplained_tokens"]), (given_counts, row)
        if row["usage_status"] != "disputed" and row["total_tokens"] is not None and given_counts["total"]:
            assert row["total_tokens"] == given_counts["total"]


@pytest.mark.parametrize(
    ("usage", "counts", "expected"),
    [
        # xAI: completion_tokens leaves reasoning out, the total has it.
        (
            INSIDE,
            {"input": 700, "output": 150, "reasoning": 900, "total": 1750},
            {"output_tokens": 1050, "reasoning_tokens": 900, "usage_status": "other_reading"},
        ),
        # The same without a total: output can't be smaller than its part.
        (INSIDE, {"input": 700, "output": 150, "reasoning": 900}, {"output_tokens": 1050, "input_tokens": 700}),
        # Bedrock's counts under the conventions' names.
        (
            INSIDE,
            {"input": 300, "read": 900, "written": 80, "output": 5},
            {"input_tokens": 1280, "input_uncached_tokens": 300, "usage_status": "other_reading"},
        ),
        # Fresh tokens by themselves, and beside an input that has all.
        (INSIDE, {"fresh": 20, "read": 80, "output": 1}, {"input_tokens": 100, "input_uncached_tokens": 20}),
        (INSIDE, {"input": 100, "fresh": 20, "read": 80, "output": 1}, {"usage_status": "as_documented"}),
        (INSIDE, {"input": 90, "fresh": 90, "read": 60}, {"input_tokens": 150, "usage_status": "other_reading"}),
        # Input that has its cached tokens already: the total shows it.
        (
            BESIDE,
            {"input": 900, "read": 600, "output": 40, "total": 940},
            {"input_tokens": 900, "input_uncached_tokens": 300, "total_tokens": 940},
        ),
        (
            BESIDE,
            {"input": 900, "read": 600, "output": 40},
            {"input_tokens": 1500, "usage_status": "as_documented"},
        ),
        # Cached tokens taken off twice.
        (
            BESIDE,
            {"input": -300, "read": 900, "output": 10, "total": 610},
            {
                "input_tokens": 600,
                "input_uncached_tokens": 0,
                "usage_status": "disputed",
                "unexplained_tokens": 300,
            },
        ),
        # No reading comes to the total.
        (
            INSIDE,
            {"input": 100, "read": 40, "output": 10, "total": 200},
            {"input_tokens": 100, "output_tokens": 10, "usage_status": "disputed", "unexplained_tokens": 90},
        ),
        # A total of nothing was not counted; an input below nothing is none.
        (
            INSIDE,
            {"input": 100, "output": 10, "total": 0},
            {"usage_status": "as_documented", "unexplained_tokens": 0},
        ),
        (
            INSIDE,
            {"input": -7, "output": 10},
            {"input_tokens": None, "output_tokens": 10, "usage_status": "disputed", "unexplained_tokens": 7},
        ),
        # Writes for an hour beside the others, though their name is that of all.
        (
            INSIDE,
            {"input": 500, "written": 100, "written_1h": 300, "output": 1},
            {"cache_write_5m_tokens": 100, "cache_write_1h_tokens": 300, "input_uncached_tokens": 100},
        ),
        (INSIDE, {}, {"usage_source": "missing", "usage_status": None, "unexplained_tokens": None}),
    ],
)
def test_reading_of_counts(
    connection: duckdb.DuckDBPyConnection, usage: Usage, counts: dict[str, int], expected: dict[str, Any]
) -> None:
    (row,) = outcomes(connection, usage, [counts])
    assert {name: row[name] for name in expected} == expected


# Where a count of a format comes out, and what else the record needs for it to be seen.
COLUMN = {
    "input": "input_tokens",
    "fresh": "input_uncached_tokens",
    "read": "cache_read_tokens",
    "written": "cache_write_5m_tokens",
    "written_5m": "cache_write_5m_tokens",
    "written_1h": "cache_write_1h_tokens",
    **{part: f"{part}_tokens" for part in MEDIA},
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
    "searched": "web_search_count",
}


def nested(counts: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in counts.items():
        *outer, last = path.split("/")
        place = found
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return found


def record_of(kind: Format, counts: Mapping[str, int]) -> dict[str, Any]:
    if kind is OTEL:
        attributes = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]
        attributes += [{"key": name, "value": {"intValue": str(count)}} for name, count in counts.items()]
        span = {
            "traceId": "t",
            "spanId": "s",
            "startTimeUnixNano": "1795439764500000000",
            "attributes": attributes,
        }
        return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    if kind is LANGFUSE:
        return {"id": "o", "type": "GENERATION", "start_time": "2026-11-23T13:16:04Z", "usage_details": counts}
    if kind is BEDROCK:
        return {"requestId": "r", "timestamp": "2026-11-23T13:16:04Z", **nested(counts)}
    if kind is CANONICAL:
        return {"request_id": "r", "started_at": "2026-11-23T13:16:04Z", **counts}
    identifier = {"id": "r"} if kind is LITELLM else {"request_id": "r"}
    return {**identifier, "startTime": "2026-11-23T13:16:04Z", "metadata": {"usage_object": nested(counts)}}


TABLES = (
    *((OTEL, names.OTEL), (LANGFUSE, names.LANGFUSE), (BEDROCK, names.BEDROCK), (CANONICAL, names.CANONICAL)),
    *((LITELLM, names.LITELLM), (SPEND_LOGS, names.LITELLM)),
)


@pytest.mark.parametrize(("kind", "table"), TABLES, ids=[kind.name for kind, _ in TABLES])
def test_each_name_of_a_count_is_read(kind: Format, table: names.Names) -> None:
    whole = {table["input"][0]: 1000, table["output"][0]: 1000}
    asked = [(count, name) for count, listed in table.items() for name in listed if count in COLUMN]
    records = [
        record_of(kind, {**({} if asked_for in ("input", "output", "fresh") else whole), name: 77})
        for asked_for, name in asked
    ]
    rows = read_records(kind, records)
    assert {asked[n]: row[COLUMN[asked[n][0]]] for n, row in enumerate(rows)} == dict.fromkeys(asked, 77)


@pytest.mark.parametrize(("kind", "table"), TABLES, ids=[kind.name for kind, _ in TABLES])
def test_each_name_of_a_total_decides(kind: Format, table: names.Names) -> None:
    for name in table.get("total", ()):
        counts = {table["input"][0]: 100, table["reasoning"][0]: 30, table["output"][0]: 40}
        beside, inside, neither = (
            one(kind, record_of(kind, {**counts, name: total})) for total in (170, 140, 900)
        )
        assert (beside["output_tokens"], inside["output_tokens"]) == (70, 40), name
        assert (neither["usage_status"], neither["total_tokens"]) == ("disputed", 170 if kind is LANGFUSE else 140)
        assert neither["unexplained_tokens"] == 900 - neither["total_tokens"]


@settings(max_examples=3, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize(("kind", "table"), TABLES, ids=[kind.name for kind, _ in TABLES])
def test_order_of_keys_and_absent_counts_change_nothing(
    kind: Format, table: names.Names, data: st.DataObject
) -> None:
    chosen = {
        name: data.draw(SOME)
        for listed in table.values()
        if data.draw(st.booleans())
        for name in [data.draw(st.sampled_from(listed))]
    }
    shuffled = {name: chosen[name] for name in data.draw(st.permutations(list(chosen)))}
    plain, other = read_records(kind, [record_of(kind, chosen), record_of(kind, shuffled)])
    absent = one(kind, record_of(kind, {**dict.fromkeys(chosen, 0), **chosen}))
    hidden = ("request_id", "key_attributes")
    assert {**plain, **dict.fromkeys(hidden)} == {**other, **dict.fromkeys(hidden)}
    assert {**plain, **dict.fromkeys(hidden)} == {**absent, **dict.fromkeys(hidden)}


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "", "None"])
def test_count_that_is_no_number_is_none_and_refuses_nothing(word: str) -> None:
    attributes = {"key": "gen_ai.usage.input_tokens", "value": {"doubleValue": word}}
    record = record_of(OTEL, {"gen_ai.usage.output_tokens": 3})
    record["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"].append(attributes)
    row = one(OTEL, record)
    assert (row["input_tokens"], row["output_tokens"], row["usage_status"]) == (None, 3, "as_documented")


@pytest.mark.parametrize(
    ("kind", "counts", "unread"),
    [
        (
            OTEL,
            {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.video_tokens": 7},
            "attributes.gen_ai.usage.video_tokens",
        ),
        (OTEL, {"llm.token_count.prompt_details.x y": 7}, "attributes.(no name)"),
        (LANGFUSE, {"input": 5, "input_document": 7, "total": 12}, "usage_details.input_document"),
        (
            LITELLM,
            {"prompt_tokens": 5, "completion_tokens_details/document_tokens": 7},
            "metadata.usage_object.completion_tokens_details.document_tokens",
        ),
        (SPEND_LOGS, {"prompt_tokens": 5, "video_tokens": 7}, "metadata.usage_object.video_tokens"),
    ],
)
def test_count_that_nobody_reads_is_counted_by_name(
    tmp_path: Path, kind: Format, counts: dict[str, int], unread: str
) -> None:
    nothing = dict.fromkeys(counts, 0)
    records = [record_of(kind, counts), record_of(kind, counts), record_of(kind, nothing)]
    if kind is SPEND_LOGS:
        # The database's exports have it as text.
        records = [{**record, "metadata": json.dumps(record["metadata"])} for record in records]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    (rows,) = count([(kind.name, DAY, [Local(file, "records.jsonl")])])
    assert rows == [
        {"source_system": kind.name, "field": unread, "is_usage": True, "usage_day": DAY, "record_count": 2}
        | {"redacted_count": 0}
    ]
    if kind is SPEND_LOGS:
        # Rows of the API are looked at one by one.
        dropped = Dropped()
        for record in records:
            dropped.look(kind.name, DAY, record)
        assert dropped.rows() == rows


@pytest.mark.parametrize("word", ["soon", "", "0001-01-01", '{"a": "\\ud800"}', "NaN"])
def test_unread_count_that_is_no_number_is_not_counted_and_refuses_nothing(tmp_path: Path, word: str) -> None:
    attributes = [
        {"key": "gen_ai.usage.video_tokens", "value": {kind: word}} for kind in ("intValue", "doubleValue")
    ]
    record = record_of(OTEL, {"gen_ai.usage.audio_clips": 3})
    record["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] += attributes
    file = tmp_path / "records.jsonl"
    file.write_text(json.dumps(record) + "\n")
    (rows,) = count([("otel", DAY, [Local(file, "records.jsonl")])])
    assert [(row["field"], row["record_count"]) for row in rows] == [("attributes.gen_ai.usage.audio_clips", 1)]


def test_every_name_that_is_read_is_not_among_the_unread(tmp_path: Path) -> None:
    for kind, table in TABLES:
        if kind in (BEDROCK, CANONICAL):
            continue
        counts = {name: 7 for listed in table.values() for name in listed}
        file = tmp_path / f"{kind.name}.jsonl"
        file.write_text(json.dumps(record_of(kind, counts)) + "\n")
        assert count([(kind.name, DAY, [Local(file, file.name)])]) == [[]], kind.name
