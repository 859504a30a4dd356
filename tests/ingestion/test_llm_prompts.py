"""Prompts: none of them anywhere by default; of a workflow that a policy names, redacted, in a dataset of their own."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pymongo
import pytest

from ingestion.errors import SettingError
from ingestion.lake.contract import Landing
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_gateway import SOURCE as GATEWAY
from ingestion.sources.llm_gateway.dropped import prompt_fields
from ingestion.sources.llm_gateway.source import GatewaySettings
from ingestion.sources.llm_prompts import SOURCE
from ingestion.sources.llm_prompts.source import PromptSettings
from ingestion.sources.registry.client import RegistryError
from sample_company.llm.request_log import mongo_server

WINDOW = Window(Month(2026, 11), Month(2026, 11))
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORDS = "the secret of the house"
KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"
MAIL = "ada@sample.example"
POLICY = {
    "workflow": "support",
    "purpose": "quality review",
    "retention_days": 14,
    "approved_by": "privacy@sample.example",
    "valid_from": "2026-11-01",
}
ROOT = Path(__file__).parent.parent.parent


def slp(number: int, workflow: str | None, day: int = 19, **fields: Any) -> dict[str, Any]:
    """A StandardLoggingPayload with its messages."""
    start = datetime(2026, 11, day, 10, tzinfo=UTC).timestamp()
    return {
        "id": f"r{number}",
        "startTime": start,
        "endTime": start + 1,
        "status": "success",
        "custom_llm_provider": "openai",
        "model": "gpt-5-mini",
        "response_cost": 0.001,
        "metadata": {
            "usage_object": {"prompt_tokens": 10, "completion_tokens": 2},
            "spend_logs_metadata": {"workflow": workflow} if workflow else None,
        },
        "messages": [
            {"role": "system", "content": f"Be kind. {WORDS}"},
            {"role": "user", "content": [{"type": "text", "text": f"I am {MAIL}, my key is {KEY}"}]},
        ],
        "response": {"choices": [{"message": {"role": "assistant", "content": f"{WORDS}, {MAIL}!"}}]},
        **fields,
    }


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Declares a prompt policy; before it is called there is a registry without one."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("COSTOWNER_REGISTRY", str(folder))

    def declare(*policies: dict[str, Any]) -> Path:
        (folder / "owners.yml").write_text("owners: []\n")
        (folder / "prompt_policy.yml").write_text(json.dumps({"prompt_logging": list(policies)}))
        return folder

    declare()
    return declare


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes records as LiteLLM does, a file an hour and day."""
    folder = tmp_path / "logs"
    monkeypatch.setenv("SOURCES__LLM_GATEWAY__LITELLM_URL", str(folder))

    def write(*records: dict[str, Any], name: str = "batch_10-59-59_x") -> None:
        for record in records:
            moment = datetime.fromtimestamp(float(record["startTime"]), UTC)
            file = folder / f"{moment:%Y-%m-%d}" / f"{moment:%H}" / f"{name}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as output:
                output.write(json.dumps(record) + "\n")

    return write


def landed(home: Home, now: datetime = NOW) -> Landing:
    return land(home, SOURCE, PromptSettings(), WINDOW, now)


def rows(home: Home, table: str = "raw_llm_prompts/llm_prompts") -> list[dict[str, Any]]:
    files = sorted((home.lake / table).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def holds(home: Home, *texts: str) -> list[str]:
    """The files of an installation in which any of the texts stands; Parquet is read, not only searched."""
    found = []
    for file in (file for file in home.root.rglob("*") if file.is_file()):
        content = file.read_bytes()
        if file.suffix == ".gz":
            content = gzip.decompress(content)
        if file.suffix == ".parquet":
            content += repr(pq.read_table(file, partitioning=None).to_pylist()).encode()
        found += [str(file) for text in texts if text.encode() in content]
    return found


def test_by_default_no_word_and_no_secret_is_in_any_file_and_what_came_is_counted(
    tmp_path: Path, registry: Callable[..., Path], log: Callable[..., None]
) -> None:
    log(slp(1, "support"), slp(2, None), slp(3, "support", day=18, messages="redacted-by-litellm", response={}))
    home = Home(tmp_path / "home")
    settings = GatewaySettings(litellm_url=str(tmp_path / "logs"))
    assert land(home, GATEWAY, settings, WINDOW, NOW).rows["llm_requests"] == 3
    assert landed(home).states == {}
    assert holds(home, WORDS, KEY, MAIL) == []
    counted = {
        (row["field"], row["usage_day"]): (row["source_system"], row["record_count"], row["redacted_count"])
        for row in rows(home, "raw_llm_gateway/dropped_fields")
    }
    assert counted == {
        ("messages", date(2026, 11, 19)): ("litellm", 2, 0),
        ("response", date(2026, 11, 19)): ("litellm", 2, 0),
        ("messages", date(2026, 11, 18)): ("litellm", 1, 1),
    }


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ({"response": {"id": "x", "model": "gpt-5-mini", "usage": {"prompt_tokens": 7}}}, set()),
        ({"response": {"choices": [{"message": {"role": "assistant", "content": "hi"}}]}}, {"response"}),
        ({"metadata": '{"mcp_tool_call_metadata": {"arguments": "hi"}}'}, {"metadata.mcp_tool_call_metadata"}),
        ({"input": {"inputTokenCount": 3, "inputBodyJson": {"messages": ["hi"]}}}, {"input.inputBodyJson"}),
        ({"input": {"inputTokenCount": 3}, "prompt_tokens": 4, "messages": [], "prompt": " "}, set()),
        (
            {"attributes": {"gen_ai.input.messages": "[{}]", "gen_ai.usage.input_tokens": 3}},
            {"attributes.gen_ai.input.messages"},
        ),
        ({"model_parameters": {"tools": [{"name": "x"}], "temperature": 0}}, {"model_parameters.tools"}),
    ],
)
def test_field_that_holds_words_is_distinguished_from_one_that_does_not(
    record: dict[str, Any], fields: set[str]
) -> None:
    assert {field for field, _ in prompt_fields(record)} == fields


def test_workflow_that_a_policy_names_lands_redacted_and_no_other(
    tmp_path: Path, registry: Callable[..., Path], log: Callable[..., None]
) -> None:
    registry(POLICY)
    log(slp(1, "support"), slp(2, "billing"), slp(3, None))
    home = Home(tmp_path / "home")
    assert landed(home).states == {"delivered": 1}
    found = rows(home)
    assert [(row["request_id"], row["position"], row["role"]) for row in found] == [
        ("r1", 1, "system"),
        ("r1", 2, "user"),
        ("r1", 3, "assistant"),
    ]
    assert found[0]["text_redacted"] == f"Be kind. {WORDS}"
    assert found[1]["text_redacted"] == "I am [EMAIL_ADDRESS], my key is [LLM_KEY]"
    assert json.loads(found[1]["redactions"]) == {"EMAIL_ADDRESS": 1, "LLM_KEY": 1}
    assert {row["retention_until"] for row in found} == {date(2026, 12, 3)}
    assert all(row["redaction_policy"].startswith("standard/1 presidio ") for row in found)
    assert holds(home, KEY, MAIL) == []
    assert landed(home).states == {"unchanged": 1}


def test_what_the_gateway_knows_of_the_key_outranks_the_caller(
    tmp_path: Path, registry: Callable[..., Path], log: Callable[..., None]
) -> None:
    registry(POLICY)
    record = slp(1, "support")
    record["metadata"]["user_api_key_auth_metadata"] = {"workflow": "payroll"}
    log(record)
    home = Home(tmp_path / "home")
    assert landed(home).states == {"empty": 1} and holds(home, WORDS) == []


def test_policy_holds_for_its_days_and_not_for_what_is_too_old(
    tmp_path: Path, registry: Callable[..., Path], log: Callable[..., None]
) -> None:
    registry({**POLICY, "retention_days": 3, "valid_to": "2026-11-19"})
    log(*(slp(day, "support", day=day) for day in (16, 17, 18, 19)))
    home = Home(tmp_path / "home")
    landed(home)
    # Of the 16th and 17th all must be gone by the 20th; on the 19th the permission has ended.
    assert {row["request_id"] for row in rows(home)} == {"r18"}


def test_changed_policy_reads_again(
    tmp_path: Path, registry: Callable[..., Path], log: Callable[..., None]
) -> None:
    registry(POLICY)
    log(slp(1, "support"), slp(2, "billing"))
    home = Home(tmp_path / "home")
    landed(home)
    registry(POLICY, {**POLICY, "workflow": "billing", "redaction": "strict"})
    assert landed(home).states == {"delivered": 1}
    assert {row["workflow"] for row in rows(home)} == {"support", "billing"}


def test_no_message_stays_in_dlts_working_folder(
    tmp_path: Path, registry: Callable[..., Path], log: Callable[..., None]
) -> None:
    registry(POLICY)
    log(slp(1, "support"))
    home = Home(tmp_path / "home")
    landed(home)
    (file,) = holds(home, WORDS)[:1]
    assert {Path(found).parent for found in holds(home, WORDS)} == {
        home.lake / "raw_llm_prompts" / "llm_prompts"
    }, file


def test_without_the_extra_nothing_lands_and_the_error_names_the_way_out(
    tmp_path: Path, registry: Callable[..., Path], log: Callable[..., None]
) -> None:
    """In a process of its own, in which Presidio can't be imported."""
    log(slp(1, "support"))
    program = (
        "import sys; sys.modules['presidio_analyzer'] = None\n"
        "from tests.ingestion.test_llm_prompts import *\n"
        f"landed(Home(Path({str(tmp_path / 'home')!r})))"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0  # no policy: it is not needed
    registry(POLICY)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and SettingError.__name__ in done.stderr
    assert "'support'" in done.stderr and "pip install" in done.stderr
    assert holds(Home(tmp_path / "home"), WORDS, KEY, MAIL) == []


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ([{"workflow": "support", "retention_days": 14}], "it lacks the required purpose"),
        ([{**POLICY, "retention_days": 0}], "retention_days: 0 is less than 1"),
        ([{**POLICY, "redaction": "none"}], "'none' is not one of"),
        ([POLICY, POLICY], "declared twice for the same days"),
        ([{**POLICY, "valid_to": "2026-11-01"}], "valid_to must be after valid_from"),
    ],
)
def test_policy_that_is_wrong_lands_nothing_and_names_the_line(
    tmp_path: Path,
    registry: Callable[..., Path],
    log: Callable[..., None],
    policies: list[dict[str, Any]],
    message: str,
) -> None:
    registry(*policies)
    log(slp(1, "support"))
    with pytest.raises(RegistryError, match=message) as caught:
        landed(Home(tmp_path / "home"))
    assert "prompt_policy.yml, line" in str(caught.value)


MESSAGES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"prompt": "hello"}, [("user", "hello")]),
    ({"messages": '[{"role": "user", "content": "as text"}]', "response": "{}"}, [("user", "as text")]),
    (
        {
            "response": {
                "role": "assistant",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            }
        },
        [("assistant", "a\nb")],
    ),
    (
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"function": {"arguments": "{}"}}]}]},
        [("assistant", '{"tool_calls": [{"function": {"arguments": "{}"}}]}')],
    ),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}],
                }
            ]
        },
        [("user", '[{"type": "image_url"}]')],
    ),
    ({"messages": "redacted-by-litellm", "response": {"text": "redacted-by-litellm"}}, []),
    ({"messages": None, "response": {}, "prompt": ""}, []),
]


@pytest.mark.parametrize(("record", "expected"), MESSAGES)
def test_messages_are_found_in_every_shape(record: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    from ingestion.sources.llm_prompts.shape import message_texts

    assert list(message_texts(record)) == expected


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with mongo_server() as address:
        yield address


def test_collection_is_asked_for_the_named_workflows_only(
    uri: str, tmp_path: Path, registry: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime(2026, 11, 19, 9, tzinfo=UTC)
    document = {
        "created_at": moment,
        "started_at": moment,
        "prompt": f"{WORDS} {MAIL}",
        "response": "",
        "system": None,
    }
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.wording.requests.insert_many(
            [{**document, "_id": "a", "workflow": "support"}, {**document, "_id": "b", "workflow": "other"}]
        )
    monkeypatch.setenv("SOURCES__LLM_GATEWAY__MONGO_URI", uri)
    monkeypatch.setenv("SOURCES__LLM_GATEWAY__MONGO_DATABASE", "wording")
    home = Home(tmp_path / "home")
    land(home, GATEWAY, GatewaySettings(mongo_uri=uri, mongo_database="wording"), WINDOW, NOW)
    (counted,) = rows(home, "raw_llm_gateway/dropped_fields")
    assert (counted["field"], counted["record_count"], counted["usage_day"]) == ("prompt", 2, date(2026, 11, 19))
    assert landed(home).states == {} and holds(home, WORDS) == []
    registry(POLICY)
    landed(home)
    assert [(row["request_id"], row["text_redacted"]) for row in rows(home)] == [("a", f"{WORDS} [EMAIL_ADDRESS]")]
