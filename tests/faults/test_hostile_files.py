"""Files that unpack without end, have endless lines, thousands of columns or depths: refused by name, within limits."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.access.http import exact_json
from ingestion.access.objects import Folder
from ingestion.errors import BadInput
from ingestion.lake import text_files
from ingestion.lake.rejected import Rejected
from ingestion.lake.tags import flat_tags
from ingestion.setting_table import CALL_SIZE, FILE_SIZE
from ingestion.sources.aws import convert as aws
from ingestion.sources.aws.client import Export
from ingestion.sources.focus import convert as focus
from ingestion.sources.llm_gateway.columnar import read
from ingestion.sources.llm_gateway.dropped_files import count
from ingestion.sources.llm_gateway.formats import CANONICAL, LITELLM, OTEL, SPEND_LOGS, Format
from ingestion.sources.llm_gateway.relations import LONGEST_RECORD, Local
from ingestion.sources.llm_prompts.secrets import secret_spans
from ingestion.sources.llm_prompts.shape import moment
from ingestion.sources.prices.client import resolved
from ingestion.sources.registry.client import RegistryError
from ingestion.sources.registry.client import read as read_registry
from ingestion.sources.registry.globs import covers, matches, share_a_name
from tests.ingestion.test_llm_rejected import NOW, canonical

SECRET = "a word that nobody should read"
AWS_HEADER = "line_item_line_item_type,line_item_usage_start_date,line_item_unblended_cost,bill_payer_account_id"
FOCUS_HEADER = "BilledCost,EffectiveCost,BillingCurrency,BillingPeriodStart,ChargePeriodStart,ChargePeriodEnd"
# More than DuckDB's recursion bears.
DEEP = 200_000


def by_aws(path: Path, where: str) -> object:
    return aws.convert(path, where)


def by_focus(path: Path, where: str) -> object:
    return focus.reader(path, where)


def by_gateway(path: Path, where: str) -> object:
    return read(SPEND_LOGS, [Local(path, where)], {})


class Reader(NamedTuple):
    read: Callable[[Path, str], object]
    header: str


READERS = {
    "aws": Reader(by_aws, AWS_HEADER),
    "focus": Reader(by_focus, FOCUS_HEADER),
    "gateway": Reader(by_gateway, "request_id,startTime,spend"),
}


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Files of a megabyte at most; the sizes that were reached."""
    monkeypatch.setenv(FILE_SIZE.name, "1MB")
    sizes: list[int] = []
    check = text_files.check_unpacked

    def checked(size: int, where: str) -> None:
        sizes.append(size)
        check(size, where)

    monkeypatch.setattr(text_files, "check_unpacked", checked)
    return sizes


@pytest.mark.parametrize("filling", ["\n", "x", "1,2,3,4\n"])
@pytest.mark.parametrize("name", READERS)
def test_packed_file_is_unpacked_to_its_limit_and_no_further(
    name: str, filling: str, tmp_path: Path, small_files: list[int]
) -> None:
    path = tmp_path / "bill.csv.gz"
    text = f"{READERS[name].header}\n{filling * ((8 << 20) // len(filling))}"
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(BadInput, match=rf"there/bill\.csv\.gz: unpacks to more than 1MB \({FILE_SIZE.name}\)"):
        READERS[name].read(path, "there/bill.csv.gz")
    assert max(small_files) <= (1 << 20) + text_files.CHUNK


def test_members_and_padding_count_and_padding_is_cut_off(tmp_path: Path, small_files: list[int]) -> None:
    path = tmp_path / "bill.gz"
    members = gzip.compress(b"a" * 1000) + gzip.compress(b"b" * 256)
    path.write_bytes(members + bytes(5000))
    text_files.check_whole(path, "bill")
    assert path.read_bytes() == members and small_files[-1] == 1256
    path.write_bytes(gzip.compress(bytes(1 << 19)) * 3)
    with pytest.raises(BadInput, match=FILE_SIZE.name):
        text_files.check_whole(path, "bill")


@pytest.mark.parametrize("end", [3, 12, 40, -9, -4, -1])
def test_packed_file_that_is_cut_off_is_none(tmp_path: Path, end: int) -> None:
    path = tmp_path / "bill.gz"
    path.write_bytes(gzip.compress(bytes(range(200)))[:end])
    with pytest.raises(text_files.TORN):
        text_files.check_whole(path, "bill")


@pytest.mark.parametrize("name", READERS)
def test_header_that_never_ends_is_refused_by_its_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bill.csv.gz"
    path.write_bytes(gzip.compress(SECRET.encode() * 400_000))
    with pytest.raises(BadInput, match=r"bill\.csv\.gz, line 1: longer than 8 MB") as caught:
        READERS[name].read(path, "bill.csv.gz")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", READERS)
def test_last_line_that_never_ends_is_refused_by_its_number(
    name: str, pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "LONGEST_LINE", 3 << 20)
    path = tmp_path / "bill.csv.gz"
    path.write_bytes(pack(f"{READERS[name].header}\n\n".encode() + b"x" * (4 << 20)))
    with pytest.raises(BadInput, match=r"bill\.csv\.gz: line 3: longer than 3 MB"):
        READERS[name].read(path, "bill.csv.gz")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("name", READERS)
def test_table_of_thousands_of_columns_is_refused(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"bill.{suffix}"
    columns = [
        *READERS[name].header.split(","),
        *(f"column {number}" for number in range(text_files.MOST_COLUMNS)),
    ]
    if suffix == "csv":
        path.write_text(f"{','.join(columns)}\n{',' * (len(columns) - 1)}\n")
    else:
        pq.write_table(pa.table({column: ["x"] for column in columns}), path)
    where = f"bill.{suffix}.gz" if suffix == "csv" else f"bill.{suffix}"
    with pytest.raises(BadInput, match=rf"{where}: {len(columns)} columns, and at most"):
        READERS[name].read(path, where)


def test_parquet_that_unpacks_to_more_than_a_file_may_is_refused(tmp_path: Path, small_files: list[int]) -> None:
    path = tmp_path / "bill.parquet"
    pq.write_table(pa.table({"x": ["x" * 1000 + str(number) for number in range(5000)]}), path, compression="zstd")
    assert path.stat().st_size < 1 << 20
    for reader in READERS.values():
        with pytest.raises(BadInput, match=FILE_SIZE.name):
            reader.read(path, "bill.parquet")


def test_object_without_room_on_the_disk_is_refused_before_it_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bill").write_bytes(bytes(2000))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000))  # type: ignore[attr-defined]
    (found,) = Folder(tmp_path).list("")
    with pytest.raises(BadInput, match=r"/bill: has 2,000 bytes, and .* has room for 1,000: .*TMPDIR"):
        Folder(tmp_path).download(found, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_file_that_is_held_in_memory_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "2026-10.csv").write_bytes(bytes(2000))
    monkeypatch.setenv(CALL_SIZE.name, "1KB")
    with pytest.raises(BadInput, match=rf"2026-10\.csv: has more than 1KB \({CALL_SIZE.name}\)"):
        Folder(tmp_path).read("2026-10.csv")


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


# A record of each format with something deep in it, and the rest of it as it should be.
DEEP_RECORDS: dict[str, tuple[Format, str]] = {
    **{
        f"canonical {field}": (CANONICAL, json.dumps(canonical(2))[:-1] + f', "{field}": {nested(DEEP)}}}')
        for field in ("messages", "tags", "key_attributes", "other")
    },
    "canonical objects": (
        CANONICAL,
        json.dumps(canonical(2))[:-1] + ', "messages": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}",
    ),
    "litellm usage": (
        LITELLM,
        f'{{"id": "r", "startTime": 1793491200, "metadata": {{"usage_object": {nested(DEEP)}}}}}',
    ),
    "litellm objects": (
        LITELLM,
        '{"id": "r", "startTime": 1793491200, "metadata": {"usage_object": {"a": '
        + '{"a":' * DEEP
        + "1"
        + "}" * DEEP
        + "}}}",
    ),
    "otel": (OTEL, f'{{"resourceSpans": {nested(DEEP)}}}'),
    "otel attributes": (
        OTEL,
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"key": "gen_ai.prompt", "value": '
        f"{nested(DEEP)}}}]}}]}}]}}]}}",
    ),
}


@pytest.mark.parametrize("name", DEEP_RECORDS)
def test_record_nested_without_end_costs_itself_at_most(name: str, tmp_path: Path) -> None:
    """DuckDB's own recursion would end the process."""
    kind, deep = DEEP_RECORDS[name]
    path = tmp_path / "records.jsonl"
    path.write_text(f"{json.dumps(canonical(1))}\n{deep}\n" if kind is CANONICAL else f"{deep}\n{{}}\n")
    rejected = Rejected()
    file = Local(path, "records.jsonl")
    try:
        rows = read(kind, [file], {}, None, rejected).rows.num_rows
        assert rows + len(rejected.records) >= 1
        count([(kind.name, NOW.date(), [file])])
    except BadInput as refused:
        assert str(refused).startswith("records.jsonl")


@pytest.mark.parametrize("name", ["records.jsonl", "records.json"])
def test_line_that_is_longer_than_any_record_is_refused_by_its_number(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(f'{json.dumps(canonical(1))}\n{{"x": "{SECRET * (LONGEST_RECORD // len(SECRET) + 1)}"}}\n')
    with pytest.raises(BadInput, match=rf"{name}, line 2: longer than 32 MB") as caught:
        read(CANONICAL, [Local(path, name)], {}, None, Rejected())
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("text", ['{"a":' + nested(DEEP) + "}", nested(DEEP), '{"a":' * DEEP + "1" + "}" * DEEP])
def test_tags_nested_without_end_are_none(text: str) -> None:
    assert flat_tags(text) is None


@pytest.mark.parametrize(
    "content", [nested(DEEP), '{"reportKeys": ' + nested(DEEP) + "}", '{"reportKeys": [' + "9" * 5000 + "]}"]
)
def test_manifest_that_cannot_be_read_refuses_its_period(content: str, tmp_path: Path) -> None:
    period = tmp_path / "20261001-20261101"
    period.mkdir()
    (period / "report-Manifest.json").write_text(content)
    export = Export(Folder(tmp_path))
    try:
        manifest = export.manifest("2026-10", "20261001-20261101/")
        assert manifest is not None
    except BadInput as refused:
        assert "report-Manifest.json: not JSON" in str(refused)


@pytest.mark.parametrize(
    "number", ["1e999999999", "1e-999999999", "-1E+999999999", "9" * 100_000, "0." + "9" * 100_000]
)
def test_number_beyond_all_bounds_is_read_as_it_is_and_costs_no_other_record(number: str) -> None:
    found = exact_json(f'[{{"cost": {number}}}, {{"cost": 1}}]')
    assert found[0]["cost"] == Decimal(number) and found[1] == {"cost": 1}
    if Decimal(number).adjusted() > 0:
        with pytest.raises(BadInput, match="here: not a time"):
            moment(found[0]["cost"], "here")


def bomb(levels: int = 12, width: int = 9) -> str:
    """A document of a few hundred characters whose aliases stand for some billions of values."""
    first = f"a0: &a0 [{', '.join(['x'] * width)}]"
    return "\n".join([first, *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels))])


HOSTILE_YAML = {
    "aliases": (bomb(), "line 1: its aliases repeat more than 100,000 values"),
    "itself": ("a: &a [*a]", "line 1: a value that contains itself"),
    "depth": ("[" * 100_000, "line 1: nested more than 50 deep"),
    "depth of blocks": ("\n".join(f"{' ' * n}a:" for n in range(900)), "nested more deeply"),
    "digits": ("a: " + "9" * 100_000, "line 1: a value of more than 10,000 characters"),
    "sexagesimal": ("a: 1" + ":00" * 100_000, "line 1: a value of more than 10,000 characters"),
}


@pytest.mark.parametrize("kind", HOSTILE_YAML)
def test_hostile_yaml_is_an_error_with_file_and_line(kind: str, tmp_path: Path) -> None:
    text, message = HOSTILE_YAML[kind]
    (tmp_path / "owners.yml").write_text("owners: []\n")
    (tmp_path / "budgets.yml").write_text(text)
    with pytest.raises(RegistryError, match=rf"budgets\.yml, .*{re.escape(message)}"):
        read_registry(tmp_path)


PATTERNS = st.text("ab*?", max_size=6)
NAMES = st.text("ab", max_size=6)


def plainly(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, letter) for letter in pattern))


@given(NAMES, PATTERNS, PATTERNS)
def test_patterns_match_as_they_are_written(name: str, pattern: str, other: str) -> None:
    assert matches(name, pattern) == bool(plainly(pattern).fullmatch(name))
    if matches(name, pattern) and matches(name, other):
        assert share_a_name(pattern, other)
    if covers(pattern, other) and matches(name, other):
        assert matches(name, pattern)


def test_pattern_of_many_stars_takes_no_longer_than_its_name() -> None:
    """Each would take longer than the universe has been there, tried by every way to divide the name."""
    many = "*a" * 40 + "*b"
    assert not matches("a" * 2000, many) and not covers(many, "a" * 2000)
    assert not share_a_name("*a" * 100 + "c", "*b" * 100 + "d")


@pytest.mark.parametrize("text", ["token" * 20_000, "x://x:" * 20_000, "x://:" * 20_000, "secret.key-" * 10_000])
def test_secrets_are_looked_for_in_time_that_grows_with_the_text(text: str) -> None:
    secret_spans(text)


def test_secret_after_a_long_beginning_is_found() -> None:
    assert {kind for _, _, kind in secret_spans("token" * 50 + " = hunter2hunter2")} >= {"SECRET"}
    assert {kind for _, _, kind in secret_spans("db://user:pa:ss@w@host/x")} == {"CONNECTION_STRING"}


def test_model_of_endless_parts_is_unknown() -> None:
    assert resolved("openai", "a/" * 100_000, set()) == (None, None, "unknown")


def test_columns_of_any_names_are_refused_without_their_content(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(f'"{SECRET * 10_000}\n1\n')
    for reader in READERS.values():
        with pytest.raises(BadInput) as caught:
            reader.read(path, "bill.csv.gz")
        assert SECRET not in str(caught.value)
