"""A record that can't be read is set aside with its place; the rest of its slice lands, in every format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.errors import BadInput
from ingestion.lake.pipeline import land
from ingestion.lake.rejected import MOST, Rejected
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_gateway import SOURCE
from ingestion.sources.llm_gateway.columnar import read, read_together
from ingestion.sources.llm_gateway.formats import CANONICAL, OTEL
from ingestion.sources.llm_gateway.relations import Local
from ingestion.sources.llm_gateway.source import GatewaySettings
from tests.ingestion.test_messages import GOOD

WINDOW = Window(Month(2026, 11), Month(2026, 11))
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SECRET = "a word that nobody should read"


def canonical(number: int, **fields: Any) -> dict[str, Any]:
    return {"request_id": f"r{number}", "started_at": "2026-11-01T00:00:00Z", "input_tokens": 5, **fields}


def lines(folder: Path, *records: Any) -> Local:
    file = folder / "records.jsonl"
    text = [record if isinstance(record, str) else json.dumps(record) for record in records]
    file.write_text("".join(f"{line}\n" for line in text))
    return Local(file, "records.jsonl")


@pytest.mark.parametrize("name", GOOD)
def test_lines_that_are_no_records_are_set_aside_in_every_format(tmp_path: Path, name: str) -> None:
    kind, good = GOOD[name]
    file = lines(tmp_path, good, '{"half', "[1, 2]", good)
    rejected = Rejected()
    found = read(kind, [file], {}, None, rejected)
    alone = read(kind, [lines(tmp_path, good)], {})
    assert found.rows.num_rows == 2 * alone.rows.num_rows
    assert [record["place"] for record in rejected.records] == ["records.jsonl, line 2", "records.jsonl, line 3"]


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"input_tokens": "NaN"}, "input_tokens"),
        ({"input_tokens": SECRET}, "input_tokens"),
        ({"input_tokens": 10**27}, "input_tokens"),
        ({"reported_cost": "1e27"}, "reported_cost"),
        ({"started_at": "0001-01-01T00:00:00Z"}, "started_at of the year 0001"),
        ({"started_at": "12026-11-01T00:00:00Z"}, "started_at of the year 9999"),
        ({"started_at": SECRET}, "started_at"),
        ({"request_id": None}, "request_id"),
        ({"latency_ms": {"a": SECRET}}, "latency_ms"),
    ],
)
def test_odd_value_costs_its_record_and_is_not_quoted(tmp_path: Path, odd: dict[str, Any], reason: str) -> None:
    file = lines(tmp_path, canonical(1), canonical(2) | odd, canonical(3))
    rejected = Rejected()
    found = read(CANONICAL, [file], {}, None, rejected).rows.to_pylist()
    assert [row["request_id"] for row in found] == ["r1", "r3"]
    [record] = rejected.records
    assert record["place"] == "records.jsonl, line 2" and reason in record["reason"]
    assert SECRET not in str(record)


def span(number: int, **attributes: object) -> dict[str, Any]:
    given: dict[str, object] = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5, **attributes}
    return {
        "traceId": "t",
        "spanId": f"s{number}",
        "startTimeUnixNano": "1793491200000000000",
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in given.items()],
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"gen_ai.usage.input_tokens": SECRET},
        {"gen_ai.usage.input_tokens": 10**27},
        {"gen_ai.usage.input_tokens": [SECRET]},
    ],
)
def test_odd_span_costs_itself_and_not_the_exporters_request(tmp_path: Path, odd: dict[str, object]) -> None:
    """A collector writes the spans of a request of its exporter as one line."""
    batch = [span(1), span(2), span(3, **odd), span(4)]
    line = {
        "resourceSpans": [
            {"resource": {}, "scopeSpans": [{"spans": batch[:2]}, {"spans": batch[2:]}]},
            {"scopeSpans": [{"spans": [span(5)]}]},
        ]
    }
    rejected = Rejected()
    found = read(OTEL, [lines(tmp_path, line, {"resourceSpans": []})], {}, None, rejected).rows.to_pylist()
    assert [row["request_id"] for row in found] == ["t/s1", "t/s2", "t/s4", "t/s5"]
    (record,) = rejected.records
    assert record["place"] == "records.jsonl, line 1, span 3" and SECRET not in str(record)


def test_object_that_is_odd_or_garbled_costs_itself(tmp_path: Path) -> None:
    """LiteLLM writes an object a record: the other objects of the hour land."""
    files = []
    contents = (json.dumps(canonical(1)), '{"cut\noff": ', "[]", json.dumps(canonical(4, input_tokens=SECRET)), "")
    for number, content in enumerate((*contents, json.dumps(canonical(6)))):
        file = tmp_path / f"{number}.json"
        file.write_text(content)
        files.append(Local(file, file.name))
    rejected = Rejected()
    found = read(CANONICAL, files, {}, None, rejected).rows.to_pylist()
    assert [row["request_id"] for row in found] == ["r1", "r6"]
    assert {record["place"] for record in rejected.records} >= {f"{n}.json, line 1" for n in (1, 2, 3)}


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("{garbled\n" + json.dumps(canonical(1)) + "\n" + json.dumps(canonical(2)), ["line 1"]),
        (json.dumps(canonical(1), indent=1) + json.dumps(canonical(0, input_tokens="x"), indent=1) + "\n"
         + json.dumps(canonical(2), indent=1), ["line 5"]),
    ],
)  # fmt: skip
def test_object_file_of_several_records_loses_only_the_odd_one(
    tmp_path: Path, content: str, places: list[str]
) -> None:
    file = tmp_path / "records.json"
    file.write_text(content)
    rejected = Rejected()
    found = read(CANONICAL, [Local(file, "records.json")], {}, None, rejected).rows.to_pylist()
    assert [row["request_id"] for row in found] == ["r1", "r2"]
    assert [record["place"] for record in rejected.records] == [f"records.json, {place}" for place in places]


@pytest.mark.parametrize(
    "good",
    [
        "\ufeff" + json.dumps(canonical(1)),
        json.dumps(canonical(1))[:-1] + f', "other": {"9" * 5000}}}',
        json.dumps(canonical(1))[:-1] + f', "other": {"[" * 1500}{"]" * 1500}}}',
    ],
    ids=["byte order mark", "a number of 5000 digits", "lists 1500 deep"],
)
def test_odd_record_costs_no_record_that_duckdb_reads(tmp_path: Path, good: str) -> None:
    files = []
    for number, content in enumerate((json.dumps(canonical(2, started_at=SECRET)), good)):
        file = tmp_path / f"{number}.json"
        file.write_text(content)
        files.append(Local(file, file.name))
    rejected = Rejected()
    found = read(CANONICAL, files, {}, None, rejected).rows.to_pylist()
    assert [row["request_id"] for row in found] == ["r1"]
    assert [record["place"] for record in rejected.records] == ["0.json, line 1"]


def test_list_of_records_is_refused_by_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_text(json.dumps([canonical(1), canonical(2)]))
    with pytest.raises(BadInput, match="line 1: a list, not a JSON object"):
        read(CANONICAL, [Local(file, "records.json")], {}, None, Rejected())


def test_small_slices_that_are_read_together_set_aside_what_no_vendor_bills(tmp_path: Path) -> None:
    """Read by one statement, they look right: the record is found when its slice is read by itself."""
    odd = lines(tmp_path, canonical(1), canonical(2, started_at="0001-01-01T00:00:00Z"))
    (tmp_path / "good").mkdir()
    good = lines(tmp_path / "good", canonical(3))
    first, second = read_together(CANONICAL, [[odd], [good]], {})
    assert first is None and second is not None and second.rows.num_rows == 1


def test_single_odd_record_is_set_aside(tmp_path: Path) -> None:
    rejected = Rejected()
    found = read(CANONICAL, [lines(tmp_path, canonical(1, input_tokens=SECRET))], {}, None, rejected)
    assert (found.rows.num_rows, len(rejected.records)) == (0, 1)


def test_row_of_a_table_is_set_aside(tmp_path: Path) -> None:
    import pyarrow as pa

    file = tmp_path / "records.parquet"
    pq.write_table(
        pa.Table.from_pylist([canonical(n) | {"input_tokens": text} for n, text in enumerate("5x7")]), file
    )
    rejected = Rejected()
    found = read(CANONICAL, [Local(file, "records.parquet")], {}, None, rejected).rows.to_pylist()
    assert [row["request_id"] for row in found] == ["r0", "r2"]
    assert [record["place"] for record in rejected.records] == ["records.parquet, row 2"]


ODD = st.sampled_from(
    [
        "{", "null", '"text"', "[]", "{}", '{"request_id": "x"}', '{"started_at": 5}',
        json.dumps(canonical(0, started_at="9999-12-31T00:00:00Z")),
        json.dumps(canonical(0, output_tokens=1e30)),
        json.dumps(canonical(0, reported_cost="1,5")),
        '{"request_id": "\\ud800", "started_at": "nie"}',
    ]
)  # fmt: skip


GOOD_ONE = st.integers(1, 99).map(lambda number: json.dumps(canonical(number)))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(ODD, st.just(False)) | st.tuples(GOOD_ONE, st.just(True)), max_size=12))
def test_every_record_lands_or_is_set_aside(
    tmp_path_factory: pytest.TempPathFactory, some: list[tuple[str, bool]]
) -> None:
    """None is lost, and none twice. A good one ends the file: a last line that is cut off is a file that is not whole."""
    whole = [*some, (json.dumps(canonical(100)), True)]
    file = lines(tmp_path_factory.mktemp("some"), *(record for record, _ in whole))
    rejected = Rejected()
    found = read(CANONICAL, [file], {}, None, rejected).rows.num_rows
    assert (found, len(rejected.records)) == (
        sum(is_good for _, is_good in whole),
        sum(not is_good for _, is_good in whole),
    )


def test_file_that_is_cut_off_or_holds_nothing_to_read_is_refused(tmp_path: Path) -> None:
    for records, reason in (
        ((canonical(1), '{"cut'), "line 2: not JSON; the line is cut off or garbled"),
        (({"another": "format"}, {"another": "format"}), "no record of the file can be read"),
        (("[]",) * (MOST + 1), f"more than {MOST} records"),
    ):
        with pytest.raises(BadInput, match=reason):
            read(CANONICAL, [lines(tmp_path, *records)], {}, None, Rejected())


def landed(tmp_path: Path, *files: tuple[str, tuple[Any, ...]]) -> tuple[Home, Any]:
    home = Home(tmp_path / "home")
    for name, records in files:
        folder = tmp_path / "log" / Path(name).parent
        folder.mkdir(parents=True, exist_ok=True)
        lines(folder, *records).path.rename(folder / Path(name).name)
    return home, land(home, SOURCE, GatewaySettings(canonical_url=str(tmp_path / "log")), WINDOW, NOW)


def test_slice_lands_with_its_rejected_records_in_the_lake_and_in_its_note(tmp_path: Path) -> None:
    home, landing = landed(
        tmp_path,
        ("dt=2026-11-01/a.jsonl", (canonical(1), canonical(2, input_tokens=SECRET), canonical(3))),
        ("dt=2026-11-01/b.json", ("garbage",)),
        ("dt=2026-11-01/c.json", (canonical(4, messages=SECRET),)),
    )
    assert landing.states == {"delivered": 1} and landing.rows["llm_requests"] == 3
    assert landing.rows["dropped_fields"] == 1
    [file] = (home.lake / "raw_llm_gateway" / "rejected_records").glob("*.parquet")
    rows = pq.read_table(file, partitioning=None).to_pylist()
    assert {row["slice_id"] for row in rows} == {"canonical|2026-11-01"}
    assert [row["place"].rpartition("/")[2] for row in rows] == ["a.jsonl, line 2", "b.json, line 1"]
    [notes] = (home.lake / "raw_llm_gateway" / "deliveries").glob("*.parquet")
    [note] = pq.read_table(notes, partitioning=None).to_pylist()
    assert "records set aside: 2; the first: " in note["message"]
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in home.lake.rglob("*.parquet"))
