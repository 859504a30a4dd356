"""Providers by identity: every spelling of a gateway, an SDK or a convention has one name, in Python and in SQL."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.provider_names import SPELLINGS, provider_of, shown_by_model_sql, with_provider
from ingestion.sources.llm_gateway.formats import CANONICAL, LANGFUSE, LITELLM, OTEL, SPEND_LOGS
from tests.ingestion.llm_records import one, read_records

# What the writers write, by the documents of each.
WRITTEN = [
    ("Anthropic", "anthropic"),
    ("anthropic.messages", "anthropic"),
    ("openai.responses", "openai"),
    ("text-completion-openai", "openai"),
    ("OpenAI", "openai"),
    ("azure-openai.chat", "azure"),
    ("az.ai.openai", "azure"),
    ("azure.ai.inference", "azure_ai"),
    ("amazon_bedrock", "bedrock"),
    ("amazon-bedrock", "bedrock"),
    ("aws.bedrock", "bedrock"),
    ("bedrock_converse", "bedrock"),
    ("AWS", "bedrock"),
    ("google_vertexai", "vertex_ai"),
    ("google.vertex.chat", "vertex_ai"),
    ("vertex_ai-anthropic_models", "vertex_ai"),
    ("gcp.vertex_ai", "vertex_ai"),
    ("google-gla", "gemini"),
    ("google_genai", "gemini"),
    ("google.generative-ai", "gemini"),
    ("gcp.gemini", "gemini"),
    ("mistralai", "mistral"),
    ("mistral_ai", "mistral"),
    ("x_ai", "xai"),
    ("xai.chat", "xai"),
    ("cohere_chat", "cohere"),
    ("togetherai.chat", "together_ai"),
    ("openai_like", "openai_like"),
    (" vLLM ", "vllm"),
    ("None", None),
    ("null", None),
    ("", None),
    ("  ", None),
    (None, None),
]


def in_sql(written: str | None) -> str | None:
    statement = with_provider("select $1::varchar as written", "written")
    [row] = duckdb.execute(f"select named_provider from ({statement})", [written]).fetchall()
    return row[0]


@pytest.mark.parametrize(("written", "provider"), WRITTEN)
def test_provider_has_one_name_however_it_is_written(written: str | None, provider: str | None) -> None:
    assert provider_of(written) == provider
    assert in_sql(written) == provider


SPELLED = st.sampled_from([(spelling, name) for name, listed in SPELLINGS.items() for spelling in listed])


@given(
    SPELLED,
    st.sampled_from("-. _/"),
    st.sampled_from((str.upper, str.title, str.lower)),
    st.sampled_from(("", " ")),
)
@settings(max_examples=150, deadline=None)
def test_case_and_punctuation_of_a_spelling_do_not_matter(
    spelled: tuple[str, str], mark: str, cased: object, space: str
) -> None:
    spelling, name = spelled
    written = space + cased(spelling.replace("_", mark))  # type: ignore[operator]
    assert provider_of(written) == name
    assert in_sql(written) == name


@given(st.text(max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_text_is_the_same_provider_in_python_and_in_sql(text: str) -> None:
    written = text.encode("ascii", "ignore").decode().replace("\0", "")
    assert in_sql(written) == provider_of(written)


def test_each_spelling_is_of_one_provider() -> None:
    listed = [spelling for spellings in SPELLINGS.values() for spelling in spellings]
    assert len(listed) == len(set(listed))
    assert all(provider_of(name) == name for name in SPELLINGS)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o-mini", "openai"),
        ("GPT-5.4", "openai"),
        ("o3-mini", "openai"),
        ("text-embedding-3-small", "openai"),
        ("claude-sonnet-4-5-20250929", "anthropic"),
        ("claude-sonnet-4-5@20250929", "vertex_ai"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock"),
        ("amazon.nova-pro-v1:0", "bedrock"),
        ("gemini-2.5-flash", "gemini"),
        ("mistral-large-latest", "mistral"),
        # Sold by several: nobody is guessed.
        ("mistral-large-2411", None),
        ("gpt-oss-120b", None),
        ("llama-3.3-70b-versatile", None),
        ("text-embedding-004", None),
        ("anthropic/claude-sonnet-4.5", None),
        ("deepseek-v3", None),
        ("", None),
        (None, None),
    ],
)
def test_model_shows_its_provider_where_only_one_serves_it_by_that_name(
    model: str | None, provider: str | None
) -> None:
    assert duckdb.execute(f"select {shown_by_model_sql('$1::varchar')}", [model]).fetchone() == (provider,)


def langfuse(**fields: object) -> dict[str, object]:
    return {"id": "o", "type": "GENERATION", "start_time": "2026-11-02 10:00:00.000", "metadata": {}, **fields}


@pytest.mark.parametrize("absent", [None, "", "None", "null", "unknown"])
def test_provider_that_no_record_names_is_taken_from_the_model_and_marked(absent: str | None) -> None:
    metadata = {} if absent is None else {"provider": absent}
    row = one(LANGFUSE, langfuse(provided_model_name="gpt-4o-mini", metadata=metadata))
    assert (row["provider"], row["is_provider_inferred"]) == ("openai", True)
    row = one(LANGFUSE, langfuse(provided_model_name="llama-3.3-70b", metadata=metadata))
    assert (row["provider"], row["is_provider_inferred"]) == (None, False)


def test_provider_of_a_record_outranks_what_the_model_shows() -> None:
    row = one(LANGFUSE, langfuse(provided_model_name="gpt-4o-mini", metadata={"ls_provider": "azure"}))
    assert (row["provider"], row["is_provider_inferred"]) == ("azure", False)


def test_every_format_gives_a_provider_its_one_name() -> None:
    span = {
        "traceId": "t",
        "spanId": "s",
        "startTimeUnixNano": "1793613600000000000",
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.system", "value": {"stringValue": "AWS.Bedrock"}},
        ],
    }
    start = "2026-11-02T10:00:00Z"
    rows = [
        one(OTEL, {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}),
        one(LITELLM, {"id": "a", "startTime": start, "custom_llm_provider": "bedrock_converse"}),
        one(SPEND_LOGS, {"request_id": "a", "startTime": start, "custom_llm_provider": "Bedrock"}),
        one(LANGFUSE, langfuse(metadata={"ls_provider": "amazon_bedrock"})),
        one(CANONICAL, {"request_id": "a", "started_at": start, "provider": "aws.bedrock"}),
    ]
    assert [row["provider"] for row in rows] == ["bedrock"] * 5


def test_account_of_a_provider_is_found_by_any_spelling_of_the_setting() -> None:
    record = {"request_id": "a", "started_at": "2026-11-02T10:00:00Z", "provider": "aws.bedrock"}
    (row,) = read_records(CANONICAL, [record], **{"amazon_bedrock": "123456789012"})
    assert row["provider_account_id"] == "123456789012"
