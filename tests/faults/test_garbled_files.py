"""Files of each source that are cut off, garbled or written in another way: read, or refused by name."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import BadInput
from ingestion.lake.rejected import Rejected
from ingestion.settings import Month
from ingestion.sources.aws.convert import convert as convert_aws
from ingestion.sources.aws.source import inspect
from ingestion.sources.focus.convert import Delivered, months
from ingestion.sources.focus.convert import convert as convert_focus
from ingestion.sources.llm_gateway.columnar import read
from ingestion.sources.llm_gateway.dropped_files import count
from ingestion.sources.llm_gateway.formats import CANONICAL, SPEND_LOGS
from ingestion.sources.llm_gateway.relations import Local
from ingestion.sources.llm_providers.cost_files import cost_rows
from tests.end_to_end.test_generated_records import AWS, COSTS, FOCUS
from tests.ingestion.test_llm_rejected import NOW, SECRET, canonical
from tests.ingestion.test_messages import GOOD

SEED = "1"
OCTOBER = Month(2026, 10)


def by_aws(path: Path, where: str) -> None:
    inspect(convert_aws(path, where), where)


def by_focus(path: Path, where: str) -> None:
    months(path, where)
    convert_focus(path, where, path.with_name("target"), Delivered("bills", False))


def by_gateway(path: Path, where: str) -> None:
    kind = SPEND_LOGS if where.endswith((".csv", ".csv.gz")) else CANONICAL
    file = Local(path, where)
    read(kind, [file], {}, None, Rejected())
    count([(kind.name, NOW.date(), [file])])


def by_cost_files(path: Path, where: str) -> None:
    cost_rows(where, path.read_bytes(), OCTOBER, Rejected())


def csv_of(record: dict[str, Any]) -> bytes:
    rows = [list(record), *[list(map(str, record.values()))] * 3]
    return "".join(
        ",".join('"' + str(value).replace('"', '""') + '"' for value in row) + "\n" for row in rows
    ).encode()


def parquet_of(record: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({name: [str(value)] * 3 for name, value in record.items()}), target)
    return target.getvalue()


def lines_of(record: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for _ in range(3))


PAID = {"BilledCost": "1.25", "EffectiveCost": "1.25", **FOCUS, "Tags": json.dumps({"note": SECRET})}
FILES: dict[str, tuple[Callable[[Path, str], None], str, bytes]] = {
    "aws csv": (by_aws, "bill.csv.gz", csv_of({**AWS, "line_item_unblended_cost": "1.25", "note": SECRET})),
    "aws parquet": (by_aws, "bill.parquet", parquet_of({**AWS, "line_item_unblended_cost": "1.25"})),
    "focus csv": (by_focus, "bill.csv", csv_of(PAID)),
    "focus parquet": (by_focus, "bill.parquet", parquet_of(PAID)),
    "gateway lines": (by_gateway, "log.jsonl", lines_of(canonical(1, messages=SECRET))),
    "gateway csv": (by_gateway, "log.csv", csv_of({**GOOD["spend logs"][1], "messages": SECRET})),
    "gateway parquet": (by_gateway, "log.parquet", parquet_of(canonical(1, messages=SECRET))),
    "costs csv": (by_cost_files, "2026-10-xai.csv", csv_of({**COSTS, "amount": "1.25", "note": SECRET})),
    "costs lines": (by_cost_files, "2026-10-xai.jsonl", lines_of({**COSTS, "amount": "1.25", "note": SECRET})),
}


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def garbled(content: bytes, name: str) -> list[bytes]:
    chosen = random.Random(f"{SEED}{name}")
    places = [chosen.randrange(len(content)) for _ in range(2)]
    return [
        b"",
        content[: len(content) // 2],
        content[:-1],
        content[:1],
        content.replace(b'"', b"", 1),
        content.replace(b"\n", b"\r"),
        content + b"\x00" * 100,
        content + b"\xff\xfe\n",
        b"\xef\xbb\xbf" + content,
        gzip.compress(content),
        gzip.compress(content)[:-9],
        *(flipped(content, place) for place in places),
    ]


@pytest.mark.parametrize("name", FILES)
def test_garbled_file_is_read_or_refused_by_name(name: str, tmp_path: Path) -> None:
    reader, called, content = FILES[name]
    for number, odd in enumerate([content, *garbled(content, name)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / called
        path.write_bytes(odd)
        try:
            reader(path, called)
        except BadInput as refused:
            assert number, refused
            assert str(refused).startswith(called) and SECRET not in str(refused)
