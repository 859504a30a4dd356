"""No secret and no prompt is kept or shown: planted everywhere, they are found nowhere.

A secret of its own stands in every setting that is secret, and in the address of every one that is an address; a prompt in
every field of every format of a gateway's log. One refresh has successes, vendors that fail, records that are set aside and
files that are refused. Then everything below the installation is searched, and all that was printed or posted.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pymongo
import pytest

from ingestion.setting_table import SETTINGS
from ingestion.settings import PROJECT_ROOT, environment_name
from ingestion.sources.catalog import SOURCES
from ingestion.sources.llm_gateway.dropped import DOCUMENT_FIELDS, PROMPT_PATHS
from sample_company import identity
from sample_company.llm.request_log import mongo_server
from sample_company.server import Request, Response, Route, json_response, serving
from tests.end_to_end.installation import OWNERS, RULES
from tests.end_to_end.test_generated_records import (
    ANTHROPIC,
    ATLAS,
    AWS,
    COSTS,
    FOCUS,
    FOCUS_COLUMNS,
    LOGS,
    MONTH,
    OPENAI,
    OPENROUTER,
    SPAN,
    SPAN_ATTRIBUTES,
    SPAN_PATHS,
    identified,
)
from tests.faults.search import found_below, holds
from tests.ingestion.test_messages import GOOD, TYPED, csv_text, paths, stored, with_value

pytestmark = pytest.mark.slow

SECRET, PROMPT, KEPT = "zqsecretzq", "zqpromptzq", "zqkeptzqzq"
ALL = [SECRET, PROMPT, KEPT]
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
# A slice with more records that can't be read is refused as a whole.
OF_A_SLICE = 60
_number = itertools.count(1)


def secret() -> str:
    """A secret that no other setting has; its last characters are written otherwise in JSON and in URLs."""
    return f'{SECRET}{next(_number):03d}"/é'


def prompt() -> str:
    """A prompt in whose every part the mark stands, however a message cuts it."""
    return " ".join([f"{PROMPT}{next(_number):05d} 'quoted' \"twice\""] * 8)


# Settings

SECRETS = {environment_name(name): name for source in SOURCES for name in source.secrets}
ADDRESSES = {
    environment_name(f"sources.{source.name}.{declared.name}"): source
    for source in SOURCES
    for declared in fields(source.settings)
    if declared.name.endswith(("url", "uri")) or declared.name in ("exports", "actor_issuers")
    # The refresh itself asks the vendors at addresses with a password.
    if not declared.name.endswith(("base_url", "api_url"))
}
# What these need beside an address.
ENTRIES = {
    "SOURCES__FOCUS__EXPORTS": "bills={}",
    "SOURCES__LLM_GATEWAY__ACTOR_ISSUERS": "https://issuer.example={}",
    "SOURCES__LLM_GATEWAY__MONGO_URI": "{}&timeoutMS=50&serverSelectionTimeoutMS=50",
}
# What a source needs to come as far as the address.
BESIDE = {
    "SOURCES__LLM_PROVIDERS__COSTS_ENDPOINT_URL": {"SOURCES__LLM_PROVIDERS__COSTS_URL": "s3://bucket/costs"},
    "SOURCES__LLM_GATEWAY__ENDPOINT_URL": {"SOURCES__LLM_GATEWAY__LITELLM_URL": "s3://bucket/logs"},
    "SOURCES__LLM_GATEWAY__ACTOR_ISSUERS": {"SOURCES__LLM_GATEWAY__LITELLM_URL": "{folder}"},
    "SOURCES__AWS__ENDPOINT_URL": {"SOURCES__AWS__EXPORT_URL": "s3://bucket/report"},
    "SOURCES__FOCUS__ENDPOINT_URL": {"SOURCES__FOCUS__EXPORTS": "bills=s3://bucket/bills"},
}


def with_credentials(address: str) -> str:
    """An address with a user's password and a signed query."""
    kind, _, rest = address.partition("://")
    return f"{kind}://user:{SECRET}{next(_number):03d}@{rest}?token={SECRET}{next(_number):03d}"


def cases(base: str, folder: Path) -> list[tuple[str, dict[str, str]]]:
    """A landing for each setting that is an address, with credentials in it: of a vendor whose answers are garbled."""
    found = []
    for name, source in ADDRESSES.items():
        beside = {key: value.format(folder=folder) for key, value in BESIDE.get(name, {}).items()}
        place = "mongodb://127.0.0.1:1/" if name.endswith("MONGO_URI") else base
        found.append((source.name, {**beside, name: ENTRIES.get(name, "{}").format(with_credentials(place))}))
    return found


# Records of gateways


def is_declared(declared: Any, path: tuple[Any, ...]) -> bool:
    """Whether a format takes a field's content into a column, so that it may land."""
    for step in path:
        if not isinstance(declared, Mapping) or step not in declared:
            return False
        declared = declared[step]
    return not isinstance(declared, Mapping)


TOKENS: dict[str, tuple[Any, ...]] = {
    "litellm": ("metadata", "spend_logs_metadata", "actor_token"),
    "spend logs": ("metadata", "spend_logs_metadata", "actor_token"),
    "langfuse": ("metadata", "actor_token"),
    "bedrock": ("requestMetadata", "actor_token"),
    "canonical": ("actor_token",),
    "otel": (*SPAN, "attributes", 1 + SPAN_ATTRIBUTES.index("costowner.actor_token"), "value", "stringValue"),
}
SHAPES = (
    lambda text: text,
    lambda text: [{"role": "user", "content": text}],
    lambda text: {"choices": [{"message": {"content": [{"type": "text", "text": text}]}}]},
)


def clean(name: str, identifier: str) -> dict[str, Any]:
    """A good record of a format without any text of its own but the ids."""
    return json.loads(json.dumps(identified(name, identifier)).replace("canary-7f3a", "word"))  # type: ignore[no-any-return]


def landing(name: str) -> list[dict[str, Any]]:
    """Records that land, each with a prompt in a field that has no column; and one with a token that proves nothing."""
    kind, _ = GOOD[name]
    unread = [*PROMPT_PATHS, ("note",), ("metadata", "note"), ("a field that nobody knows", "deeper")]
    places: list[tuple[Any, ...]] = [path for path in unread if not is_declared(kind.fields, path)]
    if name == "otel":
        span_attributes = [path[1] for path in PROMPT_PATHS if path[0] == "attributes"]
        found = [clean(name, f"{name}-{number}") for number in range(len(span_attributes))]
        for record, key in zip(found, span_attributes, strict=True):
            span = record["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
            attribute = {"key": key, "value": {"stringValue": prompt()}}
            span["attributes"].append(attribute)
            span["events"] = [{"name": prompt(), "attributes": [attribute]}]
            span["name"] = prompt()
    else:
        found = [
            with_value(clean(name, f"{name}-{number}"), path, SHAPES[number % len(SHAPES)](prompt()))
            for number, path in enumerate(places)
        ]
    found.append(with_value(clean(name, f"{name}-token"), TOKENS[name], f"eyJ.{secret()}"))
    return found


def aside(name: str) -> list[dict[str, Any]]:
    """Records that can't be read, because their time is a prompt; so is some of their declared fields in each.

    To find a record that can't be read takes a while: one has as many of the fields as do not lie within each other.
    """
    kind, _ = GOOD[name]
    moment = (*SPAN, "startTimeUnixNano") if name == "otel" else (TYPED[name][0],)
    groups: list[list[tuple[Any, ...]]] = []
    for path in SPAN_PATHS if name == "otel" else paths(kind.fields):
        group = next((group for group in groups if not any(_overlap(path, other) for other in group)), None)
        if group is None:
            groups.append(group := [])
        group.append(path)
    # What makes a record a request at all stands alone: without it nothing else of the record is read.
    alone = [path for group in groups for path in group if path[0] in LOGS[name][2]]
    groups = [[path for path in group if path not in alone] for group in groups] + [[path] for path in alone]
    found = []
    for number, group in enumerate(groups):
        bad = clean(name, f"{name}-aside-{number}")
        for path in [*group, moment]:
            bad = with_value(bad, path, prompt())
        found.append(bad)
    return found


def _overlap(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether one of two fields lies within the other."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def broken_files(folder: Path, name: str) -> None:
    """A day each: a file that is cut off within a prompt, one that is garbled, one whose lines are not as its header."""
    kind, _ = GOOD[name]
    record = with_value(clean(name, f"{name}-broken"), ("note",), prompt())
    line = json.dumps(record).encode()
    packed = gzip.compress(b"\n".join([line] * 20))
    kinds: dict[str, bytes] = {
        ".jsonl": line + b"\n" + line[: len(line) // 2],
        ".jsonl.gz": packed[: len(packed) // 2],
        ".json": b"[" + line + b", " + line + b"]",
    }
    if ".csv" in kind.suffixes:
        kinds[".csv"] = (csv_text([record]) + f'a,"{prompt()}\nb,c,{prompt()}').encode()
    if ".parquet" in kind.suffixes:
        kinds[".parquet"] = b"PAR1" + prompt().encode()
    for number, (suffix, content) in enumerate(kinds.items()):
        day = folder / f"dt={MONTH}-{number + 3:02d}"
        day.mkdir(parents=True)
        (day / f"records{suffix}").write_bytes(content)


def write_logs(root: Path) -> dict[str, str]:
    """Logs of every format, by the setting that names them."""
    settings = {}
    for name, (setting, *_) in LOGS.items():
        folder = root / name
        settings[setting] = str(folder)
        bad = aside(name)
        days = [landing(name), *(bad[start : start + OF_A_SLICE] for start in range(0, len(bad), OF_A_SLICE))]
        for number, records in enumerate(days):
            good = [clean(name, f"{name}-good-{number}-{nth}") for nth in range(3)]
            day = f"{FIRST + timedelta(days=number):%Y-%m-%d}"
            target = folder / (f"{day}/10" if name == "litellm" else f"dt={day}")
            target.mkdir(parents=True)
            stored(target, ".jsonl", [*good, *records])
            if name == "litellm":
                (target / "records.jsonl").rename(target / "batch_10-59-59_x.jsonl")
        if name != "litellm":
            broken_files(folder, name)
    for suffix in (".csv", ".parquet"):
        target = root / "langfuse" / suffix[1:] / f"dt={MONTH}-08"
        target.mkdir(parents=True)
        stored(target, suffix, [clean("langfuse", f"table-{suffix}"), *landing("langfuse")[:3]])
    day = root / "litellm" / f"{MONTH}-11" / "10"
    day.mkdir(parents=True)
    kept = {
        **clean("litellm", "kept"),
        "startTime": f"{MONTH}-11T10:00:00Z",
        "metadata": {"spend_logs_metadata": {"workflow": "support"}},
        "messages": [{"role": "user", "content": f"{KEPT} of sk-ant-{SECRET}000aaaaaaaaaaaaaaaa"}],
    }
    (day / "batch_10-59-59_y.jsonl").write_text(json.dumps(kept) + "\n" + json.dumps(clean("litellm", "other")))
    return settings


POLICY = {
    "prompt_logging": [
        {
            "workflow": "support",
            "purpose": "quality review",
            "retention_days": 14,
            "approved_by": "privacy@sample.example",
            "valid_from": "2026-10-01",
        }
    ]
}


# Bills: what can't be read of them is set aside, or refuses the file.


def write_bills(root: Path) -> dict[str, str]:
    amounts = ("1.5", prompt())
    costs = [{**COSTS, "amount": amount} for amount in amounts]
    focus = [
        {**dict.fromkeys(FOCUS_COLUMNS, ""), **FOCUS, "BilledCost": one, "EffectiveCost": one} for one in amounts
    ]
    aws = [{**AWS, "line_item_unblended_cost": amount} for amount in amounts]
    for place, records in (
        (f"costs/{MONTH}-xai.csv", costs),
        (f"focus/{MONTH}/bill.csv", focus),
        ("aws/report/20261001-20261101/run/report-1.csv", aws),
    ):
        (root / place).parent.mkdir(parents=True)
        (root / place).write_text(csv_text(records))
    report = root / "aws" / "report" / "20261001-20261101"
    packed = report / "run" / "report-1.csv.gz"
    packed.write_bytes(gzip.compress((report / "run" / "report-1.csv").read_bytes()))
    key = packed.relative_to(root / "aws").as_posix()
    (report / "report-Manifest.json").write_text(json.dumps({"assemblyId": "run", "reportKeys": [key]}))
    return {
        "SOURCES__LLM_PROVIDERS__COSTS_URL": str(root / "costs"),
        "SOURCES__FOCUS__EXPORTS": f"dwh={root / 'focus'}",
        "SOURCES__AWS__EXPORT_URL": str(root / "aws" / "report"),
    }


# Vendors: one refuses its credentials, one fails, one's answers are garbled, the others have records that can't be read.


def routes(posted: list[str]) -> list[Route]:
    day = int(datetime(2026, 10, 5, tzinfo=UTC).timestamp())

    def repeating(status: int) -> Any:
        """An answer that repeats the whole request."""
        return lambda request: Response(
            status, repr((request.path, request.query, dict(request.headers))).encode()
        )

    def openai(request: Request) -> Response:
        start, end = (int(request.one(name) or 0) for name in ("start_time", "end_time"))
        results = [{**OPENAI, "amount": {"value": value, "currency": "usd"}} for value in (1.5, prompt())]
        buckets = [{"start_time": day, "end_time": day + 86_400, "results": results}] if start <= day < end else []
        return json_response({"data": buckets, "has_more": False})

    def anthropic(request: Request) -> Response:
        results = [{**ANTHROPIC, "amount": value} for value in ("150", prompt())]
        bucket = {"starting_at": "2026-10-05T00:00:00Z", "ending_at": "2026-10-06T00:00:00Z", "results": results}
        wanted = (request.one("starting_at") or "") <= "2026-10-05" < (request.one("ending_at") or "9")
        return json_response({"data": [bucket] if wanted else [], "has_more": False})

    def openrouter(request: Request) -> Response:
        records = [{**OPENROUTER, "date": "2026-10-05", "usage": value} for value in (1.5, prompt())]
        return json_response({"data": records if request.one("date") == "2026-10-05" else []})

    def spend_logs(request: Request) -> Response:
        begun = request.one("start_date") or ""
        wanted = begun.startswith(f"{MONTH}-06")
        good = {"request_id": "api-1", "startTime": f"{MONTH}-06T10:00:00Z", "model": "m", "messages": prompt()}
        bad = {**good, "request_id": "api-2", "completion_tokens": prompt()}
        return json_response({"data": [good, bad] if wanted else [], "total_pages": 1})

    def hook(request: Request) -> Response:
        posted.append(request.body.decode())
        return Response(200)

    invoice = {"id": "i", "orgId": "org", "statusName": "PENDING", "startDate": "2026-10-01T00:00:00Z",
               "endDate": "2026-11-01T00:00:00Z", "lineItems": [{**ATLAS, "totalPriceCents": 150}]}  # fmt: skip
    nothing = {"data": [], "has_more": False}
    return [
        Route("POST", "/hook/.*", hook),
        Route("GET", "/openai/organization/costs", openai),
        Route("GET", "/openai/.*", lambda request: json_response(nothing)),
        Route("GET", "/anthropic/v1/organizations/cost_report", anthropic),
        Route("GET", "/anthropic/.*", lambda request: json_response(nothing)),
        Route("GET", "/openrouter/activity", openrouter),
        Route("GET", "/openrouter/.*", lambda request: json_response({"data": [], "total_count": 0})),
        Route("GET", "/litellm/.*", spend_logs),
        Route("GET", "/vercel/.*", repeating(401)),
        Route("POST", "/atlas/api/oauth/token", lambda request: json_response({"access_token": secret(), "expires_in": 9})),
        Route("GET", "/atlas/.*/invoices", lambda request: json_response({"results": [invoice], "totalCount": 1})),
        Route("GET", "/atlas/.*/invoices/i", lambda request: Response(200, json.dumps(invoice).encode()[:-9])),
        Route("GET", "/atlas/.*", repeating(500)),
        Route("GET", "/garbled/.*", lambda request: Response(200, f'{{"data": ["{prompt()}'.encode())),
        Route("POST", "/garbled/.*", lambda request: Response(200, f'{{"access_token": "{secret()}'.encode())),
        *(Route(method, ".*", repeating(500)) for method in ("GET", "POST", "PUT", "HEAD")),
    ]  # fmt: skip


@dataclass
class Searched:
    """An installation after its refresh, with all that was printed and posted."""

    home: Path
    printed: dict[str, str] = field(default_factory=dict)
    posted: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    root = tmp_path_factory.mktemp("canaries")
    found = Searched(root / "home")
    registry = root / "registry"
    registry.mkdir()
    for name, text in (("owners", OWNERS), ("ownership_rules", RULES), ("prompt_policy", json.dumps(POLICY))):
        (registry / f"{name}.yml").write_text(text)
    identity.write_key_set(root / "identity")
    with serving(routes(found.posted)) as url, mongo_server() as mongo:
        collection = pymongo.MongoClient[dict[str, Any]](mongo)["llm_gateway"]["requests"]
        moment = datetime(2026, 10, 6, 10, tzinfo=UTC)
        good = {"created_at": moment, "started_at": moment, "request_model": "m", "workflow": "wf-a"}
        collection.insert_many(
            [
                *({**good, "_id": f"m-{name}", name: prompt()} for name in (*DOCUMENT_FIELDS, "note")),
                *(
                    {**good, "_id": f"a-{name}", "started_at": prompt(), name: prompt()}
                    for name in ("team_id", "tags")
                ),
            ]
        )
        host = url.removeprefix("http://")
        settings = {
            **{setting.name: secret() for setting in SETTINGS if setting.is_secret},
            **{name: secret() for name in SECRETS},
            **write_logs(root / "logs"),
            **write_bills(root / "bills"),
            "COSTOWNER_ALERT_WEBHOOK": f"{url}/hook/{SECRET}000",
            "COSTOWNER_UI_TOKEN": f"{SECRET}{next(_number):03d}".ljust(40, "x"),
            "SOURCES__LLM_GATEWAY__MONGO_URI": mongo,
            **identity.settings(root / "identity"),
            "SOURCES__VERCEL__TEAM_ID": "team_x",
            "SOURCES__ATLAS__CLIENT_ID": "i",
            "SOURCES__ATLAS__ORG_ID": "org",
            "SOURCES__ATLAS__DATABASE_USER": "reader",
            **{
                f"SOURCES__{name}_URL": f"http://user:{SECRET}{next(_number):03d}@{host}/{path}"
                for name, path in (
                    ("VERCEL__BASE", "vercel"),
                    ("ATLAS__BASE", "atlas"),
                    ("LLM_PROVIDERS__OPENAI_BASE", "openai"),
                    ("LLM_PROVIDERS__ANTHROPIC_BASE", "anthropic"),
                    ("LLM_PROVIDERS__OPENROUTER_BASE", "openrouter"),
                    ("LLM_GATEWAY__LITELLM_API", "litellm"),
                )
            },
            "AWS_ACCESS_KEY_ID": f"{SECRET}000",
            "AWS_SECRET_ACCESS_KEY": secret(),
            "HTTPS_PROXY": f"http://user:{SECRET}000@127.0.0.1:1",
            "NO_PROXY": "127.0.0.1",
            "COSTOWNER_HOME": str(found.home),
            "COSTOWNER_REGISTRY": str(registry),
            "COSTOWNER_NOW": "2026-10-12T06:00:00+00:00",
            "COSTOWNER_DUCKDB_MEMORY": "1GB",
            # An installation may ask dlt for its trace: it gets none all the same.
            "ENABLE_RUNTIME_TRACE": "true",
        }
        landings = cases(f"{url}/garbled", root / "logs" / "litellm")
        (root / "cases.json").write_text(json.dumps(landings))

        def run(name: str, *command: str, **more: str) -> None:
            done = subprocess.run(
                [sys.executable, "-m", *command],
                env={**os.environ, **settings, **more},
                cwd=PROJECT_ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            found.printed[name] = done.stdout + done.stderr

        months = ("--months", MONTH, "--verbose")
        run("refresh", "tests.faults.refresh_at_once", str(root / "cases.json"), *months)
        wrong = {name: value for _, case in landings for name, value in case.items()}
        for command in ("doctor", "sources"):
            run(command, "orchestration", command, "--json", **wrong)
    yield found


def test_refresh_has_successes_failures_and_refusals(searched: Searched) -> None:
    """Else the search would prove nothing."""
    output = searched.printed["refresh"]
    assert output.splitlines()[-1].startswith("refresh failed"), output[-6000:]
    assert "published without what is refused" in output
    with duckdb.connect(str(searched.home / "published" / "marts.duckdb"), read_only=True) as connection:
        systems = connection.execute("select distinct source_system from fact_llm_request").fetchall()
        states = dict(connection.execute("select state, count(*) from fact_delivery group by 1").fetchall())
        (aside,) = connection.execute("select count(distinct source) from rejected_record").fetchall()
        dropped = connection.execute("select sum(text_count) from llm_dropped_prompt_fields").fetchone()
    assert {name for (name,) in systems} >= {
        *("litellm", "litellm_spend_logs", "langfuse", "bedrock", "canonical", "otel", "mongodb")
    }
    assert states["delivered"] > 20
    assert aside[0] >= 4
    assert dropped and dropped[0] > 60
    refused = re.findall(r"/logs/([\w ]+/dt=2026-10-0[3-7]/records\.[\w.]+)[,:]", output)
    assert len(set(refused)) >= 15, sorted(set(refused))
    for cause in ("vercel as a whole: Vercel: ", "answered 401", "did not answer in JSON", "can't be reached"):
        assert cause in output, cause


def test_no_secret_and_no_prompt_lies_below_the_installation(searched: Searched) -> None:
    found = found_below(searched.home, ALL)
    kept = {file for text, file in found if text == KEPT}
    assert kept and all(file.startswith("lake/raw_llm_prompts/llm_prompts/") for file in kept)
    assert {pair for pair in found if pair[0] != KEPT} == set()
    assert len([file for file in searched.home.rglob("*") if file.is_file()]) > 200, (
        "there was something to search"
    )


def test_no_secret_and_no_prompt_is_printed_or_posted(searched: Searched) -> None:
    assert len(searched.posted) == 1 and "and 2" in searched.posted[0]
    shown = {**searched.printed, "webhook": searched.posted[0]}
    for name, text in shown.items():
        assert holds(text.encode(), ALL) == [], (name, [line for line in text.splitlines() if "zq" in line][:3])
    for command in ("doctor", "sources"):
        assert json.loads(searched.printed[command]), command


def test_search_finds_what_is_planted_however_it_is_kept(tmp_path: Path) -> None:
    text = f"before {SECRET} after"
    encoded = text.encode()
    (tmp_path / "plain.log").write_bytes(encoded)
    (tmp_path / "upper.log").write_text(text.upper())
    (tmp_path / "packed.gz").write_bytes(gzip.compress(encoded))
    (tmp_path / "packed.bin").write_bytes(zlib.compress(encoded))
    for number in range(3):
        (tmp_path / f"base64-{number}").write_bytes(base64.b64encode(b"x" * number + encoded))
    (tmp_path / "state.jsonl").write_bytes(b'{"state": "' + base64.b64encode(zlib.compress(encoded * 9)) + b'"}')
    (tmp_path / "wide").write_text(text, encoding="utf-16")
    (tmp_path / "digits").write_text(encoded.hex())
    (tmp_path / SECRET).mkdir()
    pq.write_table(pa.table({"a": [[text]]}), tmp_path / "rows.parquet")
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("create table t (a, b)")
        connection.execute("insert into t values (?, ?)", (zlib.compress(encoded), "x"))
    with duckdb.connect(str(tmp_path / "rows.duckdb")) as warehouse:
        warehouse.execute("create schema s; create table s.t as select {'a': [?]} as a from range(5000)", [text])
        warehouse.execute("checkpoint")
    names = {path.name for path in tmp_path.iterdir()}
    assert {file for _, file in found_below(tmp_path, [SECRET])} == names
    assert found_below(tmp_path, ["zqnothingzq"]) == set()
