"""The MongoDB feed against a server that speaks MongoDB's protocol: no prompt lands, days are replaced whole."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import bson
import pyarrow.parquet as pq
import pymongo
import pytest
from bson.datetime_ms import DatetimeMS

from ingestion.errors import BadInput, SettingError, VendorError
from ingestion.lake.pipeline import land
from ingestion.setting_table import CALL_SECONDS, CALL_SIZE
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_gateway import SOURCE, source
from ingestion.sources.llm_gateway.client import MongoLog, decoded
from ingestion.sources.llm_gateway.formats import MONGODB, Format
from ingestion.sources.llm_gateway.source import GatewaySettings
from sample_company.llm.request_log import mongo_server

WINDOW = Window(Month(2026, 11), Month(2026, 11))
NOW = datetime(2026, 11, 4, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with mongo_server() as address:
        yield address


def document(number: int, day: int, **fields: Any) -> dict[str, Any]:
    return {
        "request_id": f"r{number}",
        "created_at": datetime(2026, 11, day, 12, tzinfo=UTC),
        "started_at": datetime(2026, 11, day, 12, tzinfo=UTC),
        "provider": "openai",
        "response_model": "gpt-5-mini",
        "status": "success",
        "input_tokens": 100,
        "output_tokens": 7,
        "reported_cost": "0.000125",
        "prompt": "the secret of the house",
        "messages": [{"role": "user", "content": "the secret of the house"}],
        **fields,
    }


def rows(home: Home, table: str = "llm_requests") -> list[dict[str, Any]]:
    files = (home.lake / "raw_llm_gateway" / table).glob("*.parquet")
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def test_documents_land_without_their_prompts(uri: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    settings = GatewaySettings(mongo_uri=uri, mongo_database="one", provider_accounts=("openai=proj_x",))
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.one.requests.insert_many([document(1, 2), document(2, 3, input_tokens=None)])
    landing = land(home, SOURCE, settings, WINDOW, NOW)
    assert landing.states == {"delivered": 2, "empty": 2}
    found = {row["request_id"]: row for row in rows(home)}
    assert found["r1"]["reported_cost"] == Decimal("0.000125") and found["r1"]["provider_account_id"] == "proj_x"
    assert found["r2"]["input_tokens"] is None and found["r2"]["usage_source"] == "missing"
    for file in home.lake.rglob("*.parquet"):
        assert b"the secret of the house" not in file.read_bytes()


# What a document's field may hold, besides what it should: texts and numbers of other kinds, and BSON's own.
ODD = (
    *("", " ", "None", "NaN", "soon", "1e27", "0001-01-01T00:00:00Z", "é\u202e", None, -1, 2**62, 1.5e300, True),
    *({"a": 1}, ["a"], [{"key": "a"}], float("nan"), b"bytes", datetime(1, 1, 1), datetime(9999, 12, 31)),  # noqa: DTZ001
    *(
        bson.Decimal128("NaN"),
        bson.Decimal128("1E+6000"),
        bson.ObjectId("5f" * 12),
        bson.Regex("a"),
        bson.Timestamp(1, 1),
    ),
    *(bson.Code("x"), bson.MinKey(), bson.Int64(7), DatetimeMS(-(2**60)), DatetimeMS(2**60)),
)


def test_odd_value_in_any_field_costs_its_document_at_most(uri: str, tmp_path: Path) -> None:
    fields = [name for name in MONGODB.fields if name != "created_at"]
    odd = [(name, value) for name in fields for value in random.Random("mongo").sample(ODD, 4)]
    documents = []
    for number, (name, value) in enumerate(odd):
        # Two documents of one id are one request.
        own = f"{value}-{number}" if name == "request_id" and value not in (None, "", " ") else value
        documents.append(document(number, 1 + number % 3, **{name: own}))
    home = Home(tmp_path)
    settings = GatewaySettings(mongo_uri=uri, mongo_database="odd")
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.odd.requests.insert_many(documents)
    landing = land(home, SOURCE, settings, WINDOW, NOW)
    assert landing.states == {"delivered": 3, "empty": 1}
    landed, aside = rows(home), rows(home, "rejected_records")
    assert len(landed) + len(aside) == len(documents)
    assert 0 < len(aside) < len(landed)


def test_what_was_dropped_is_counted_by_day_and_field_up_to_the_hour_that_is_read(
    uri: str, tmp_path: Path
) -> None:
    nothing: dict[str, Any] = {"prompt": None, "messages": []}
    late = {"created_at": NOW}
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.three.requests.insert_many(
            [
                document(1, 2),
                document(2, 2, **nothing),
                document(3, 2, messages=[], response={"text": "hush"}),
                document(4, 3, **nothing, output="", completion={}),
                document(5, 4, **late),
            ]
        )
    home = Home(tmp_path)
    land(home, SOURCE, GatewaySettings(mongo_uri=uri, mongo_database="three"), WINDOW, NOW)
    found = {
        (row["usage_day"].isoformat(), row["field"]): row["record_count"] for row in rows(home, "dropped_fields")
    }
    assert found == {
        ("2026-11-02", "messages"): 1,
        ("2026-11-02", "prompt"): 2,
        ("2026-11-02", "response"): 1,
    }


def test_day_that_grew_is_read_again_and_the_others_are_not_written(uri: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    settings = GatewaySettings(mongo_uri=uri, mongo_database="two")
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.two.requests.insert_many([document(1, 2), document(2, 3)])
        land(home, SOURCE, settings, WINDOW, NOW)
        client.two.requests.insert_one(document(3, 3))
    assert land(home, SOURCE, settings, WINDOW, NOW).states == {"delivered": 1, "unchanged": 3}


def test_server_that_is_not_there_names_the_setting_without_the_password(tmp_path: Path) -> None:
    settings = GatewaySettings(mongo_uri="mongodb://me:hush@127.0.0.1:9/?serverSelectionTimeoutMS=200")
    with pytest.raises(Exception, match=r"sources\.llm_gateway\.mongo_uri") as caught:
        land(Home(tmp_path), SOURCE, settings, WINDOW, NOW)
    assert "hush" not in str(caught.value)
    assert isinstance(caught.value.__cause__, SettingError) or "hush" not in repr(caught.value)


def test_text_that_is_no_utf8_leaves_its_document_readable() -> None:
    broken = bson.encode({"request_id": "r1", "user": "XXXX"}).replace(b"XXXX", b"X\xff\xfeX")
    assert decoded(broken) == {"request_id": "r1", "user": "X\ufffd\ufffdX"}


def test_day_of_more_than_the_size_of_an_answer_is_refused(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.five.requests.insert_many(document(number, 2, workflow="w" * 1000) for number in range(40))
    monkeypatch.setenv(CALL_SIZE.name, "20KB")
    log = MongoLog(uri, "five", "requests", frozenset(MONGODB.fields))
    with pytest.raises(BadInput, match=rf"MongoDB five\.requests: .*20KB \({CALL_SIZE.name}\)"):
        next(log.documents(NOW - timedelta(days=3), NOW))


def test_server_that_never_answers_ends_with_the_time_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALL_SECONDS.name, "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"mongodb://me:hush@127.0.0.1:{silent.getsockname()[1]}/"
        log = MongoLog(uri, "six", "requests", frozenset(MONGODB.fields))
        with pytest.raises(VendorError, match=rf"MongoDB six\.requests: .*{CALL_SECONDS.name}") as caught:
            next(log.documents(NOW - timedelta(days=3), NOW))
    assert "hush" not in str(caught.value)


def test_odd_day_and_a_day_that_fails_leave_the_others_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each statement costs more than the requests of a day: only what needs care is read by itself."""
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in range(1, 7)]
    odd, failing = days[1], days[3]
    alone: list[str] = []
    reading = source._read_records

    def read_alone(settings: GatewaySettings, kind: Format, where: str, records: Iterable[Any]) -> Any:
        alone.append(where)
        return reading(settings, kind, where, records)

    def records(start: datetime, end: datetime) -> Iterable[Any]:
        yield document(start.day, start.day)
        if start == failing:
            raise VendorError("MongoDB: no answer")
        if start == odd:
            yield document(99, start.day, input_tokens="many")

    monkeypatch.setattr(source, "_read_records", read_alone)
    together = source._DaysTogether(GatewaySettings(), MONGODB, "requests", records)
    together.days = {day: day + timedelta(days=1) for day in days}
    found: dict[int, Any] = {}
    for day in days:
        if day == failing:
            with pytest.raises(VendorError):
                together.read(day, day + timedelta(days=1))
        else:
            found[day.day] = together.read(day, day + timedelta(days=1))
    assert [parts[0].rows["request_id"].to_pylist() for parts in found.values()] == [
        ["r1"],
        ["r2"],
        ["r3"],
        ["r5"],
        ["r6"],
    ]
    assert [len(parts) for parts in found.values()] == [1, 3, 1, 1, 1], (
        "the odd record is set aside, with a remark"
    )
    # Those that were spooled with the day that failed are read by themselves too.
    assert alone == [f"requests, 2026-11-{day:02d}" for day in (1, 2, 3, 4)]
