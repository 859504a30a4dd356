"""Golden records of the gateways' formats, one for each trap that is known of them."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import BadInput
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.llm_gateway import SOURCE, source
from ingestion.sources.llm_gateway.columnar import read
from ingestion.sources.llm_gateway.formats import BEDROCK, CANONICAL, LANGFUSE, LITELLM, OTEL, SPEND_LOGS
from ingestion.sources.llm_gateway.identity import RAW_TOKEN, settle_actors
from ingestion.sources.llm_gateway.relations import Local
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS
from ingestion.sources.llm_gateway.source import GatewaySettings
from tests.answering import Answer, answering
from tests.ingestion.llm_records import one, read_records

SECRET = "the secret of the house"
WINDOW = Window(Month(2026, 11), Month(2026, 11))
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def payload(**fields: Any) -> dict[str, Any]:
    """A StandardLoggingPayload with what it always has."""
    return {
        "id": "chatcmpl-1",
        "litellm_call_id": "call-1",
        "call_type": "acompletion",
        "cache_hit": None,
        "status": "success",
        "custom_llm_provider": "anthropic",
        "startTime": 1795439764.5,
        "endTime": 1795439765.25,
        "model": "claude-sonnet-4-5",
        "response_cost": 0.015744,
        "prompt_tokens": 20168,
        "completion_tokens": 7,
        "metadata": {"usage_object": {"prompt_tokens": 20168, "completion_tokens": 7}},
        "messages": [{"role": "user", "content": SECRET}],
        **fields,
    }


def test_prompt_tokens_of_litellm_include_what_was_cached() -> None:
    """120 fresh, 18,000 read, 2,048 written of which 1,000 for an hour (facts, record 1)."""
    usage = {
        "prompt_tokens": 20168,
        "completion_tokens": 7,
        "cache_read_input_tokens": 18000,
        "cache_creation_input_tokens": 2048,
        "prompt_tokens_details": {"cache_creation_token_details": {"ephemeral_1h_input_tokens": 1000}},
    }
    row = one(LITELLM, payload(metadata={"usage_object": usage}))
    assert row["input_tokens"] == 20168 and row["input_uncached_tokens"] == 120
    assert (row["cache_read_tokens"], row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == (
        18000,
        1048,
        1000,
    )
    assert row["latency_ms"] == 750


@pytest.mark.parametrize(
    ("written", "is_hit"),
    [(True, True), ("True", True), (False, False), ("False", False), (None, False), ("None", False)],
)
def test_cache_hit_in_every_spelling(written: Any, is_hit: bool) -> None:
    assert one(LITELLM, payload(cache_hit=written))["gateway_cache_hit"] is is_hit


def test_gateway_cache_hit_keeps_its_own_id_and_what_it_saved() -> None:
    row = one(
        LITELLM,
        payload(
            id="chatcmpl-1_cache_hit1795439764.5", cache_hit=True, response_cost=0.0, saved_cache_cost=7.68e-05
        ),
    )
    assert row["request_id"] == "chatcmpl-1_cache_hit1795439764.5" and row["reported_cost"] == 0
    assert row["saved_cost"] == Decimal("0.0000768") and row["input_tokens"] == 20168


def test_stream_that_was_cut_off_has_no_usage_and_not_none() -> None:
    row = one(
        LITELLM,
        payload(
            stream=True,
            prompt_tokens=0,
            completion_tokens=0,
            metadata={"usage_object": {"prompt_tokens": 0, "completion_tokens": 0}},
        ),
    )
    assert row["usage_source"] == "missing" and row["input_tokens"] is None and row["output_tokens"] is None
    assert row["cache_read_tokens"] is None and row["is_stream"] is True


def test_requests_without_an_id_stay_apart() -> None:
    """litellm#6633: an empty request_id; the same record twice is one, and two records are two."""
    first, second = payload(id=""), payload(id="", startTime=1795439764.6)
    ids = [
        row["request_id"]
        for row in read_records(LITELLM, [first, second, first, payload(id=None, startTime=1795439764.7)])
    ]
    assert ids[0] == ids[2] and len(set(ids)) == 3 and all(ids)


def test_refused_key_is_a_failure_without_code() -> None:
    row = one(
        LITELLM,
        payload(
            status="failure",
            error_information={"error_code": "", "error_class": "UNCLASSIFIED", "traceback": SECRET},
            metadata={},
        ),
    )
    assert (row["status"], row["error_code"], row["error_class"]) == ("failure", None, "UNCLASSIFIED")
    assert row["key_hash"] is None and row["team_id"] is None


def test_retry_fallback_and_key_are_known() -> None:
    headers = {"x-litellm-attempted-retries": 2, "x-litellm-attempted-fallbacks": 1, "request-id": "req_1"}
    metadata = {
        "original_model_group": "gpt-5",
        "user_api_key_auth_metadata": {"service": "search"},
        "spend_logs_metadata": {"experiment": "exp-1", "cost_center": "cc-7", "workflow": "w"},
        "user_api_key_user_id": "Ada@sample.example",
        "user_api_key_project_id": "p1",
        "usage_object": {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"audio_tokens": 3}},
    }
    row = one(
        LITELLM,
        payload(
            hidden_params={"additional_headers": headers, "litellm_overhead_time_ms": 5.2481}, metadata=metadata
        ),
    )
    assert (row["attempt_number"], row["attempted_retries"], row["fallback_from"]) == (3, 2, "gpt-5")
    assert json.loads(row["key_attributes"]) == {"service": "search"} and row["gateway_overhead_ms"] == Decimal(
        "5.2481"
    )
    assert (row["experiment"], row["cost_center"], row["project_id"]) == ("exp-1", "cc-7", "p1")
    assert row["user_id"].startswith("sha256:") and row["input_audio_tokens"] == 3


def test_unknown_model_is_reported_as_it_is_and_tags_without_agents() -> None:
    row = one(
        LITELLM, payload(response_cost=0.0, request_tags=["User-Agent: curl", "User-Agent: curl/8", "env:prod"])
    )
    assert row["reported_cost"] == 0 and row["tags"] == '["env:prod"]'


@pytest.mark.parametrize("as_text", [False, True])
def test_tags_fill_their_columns_where_the_caller_says_nothing_else(as_text: bool) -> None:
    tags = ["env:prod", "Feature: a:b", "customer-id:c7", "plain", "workflow:"]
    own = {"spend_logs_metadata": {"customer_id": "own"}}
    row = one(LITELLM, payload(request_tags=json.dumps(tags) if as_text else tags, metadata=own))
    assert (row["environment"], row["feature"], row["customer_id"], row["workflow"]) == (
        "prod",
        "a:b",
        "own",
        None,
    )
    log = {"request_id": "r", "startTime": "2026-11-23T13:16:02Z", "request_tags": json.dumps(tags)}
    assert one(SPEND_LOGS, log)["customer_id"] == "c7"
    seen = one(LANGFUSE, observation(tags=tags))
    assert (seen["feature"], seen["customer_id"], seen["workflow"]) == ("a:b", "c7", "w")


def test_tier_and_place_are_read_in_both_of_litellms_logs() -> None:
    metadata = {"usage_object": {"prompt_tokens": 1, "completion_tokens": 1, "inference_geo": "us"}}
    cost = {"service_tier": "flex", "data_residency": None}
    log = {"request_id": "r", "startTime": "2026-11-23T13:16:02Z"}
    found = (
        one(LITELLM, payload(cost_breakdown=cost, metadata=metadata)),
        one(SPEND_LOGS, {**log, "metadata": json.dumps({**metadata, "cost_breakdown": cost})}),
    )
    assert [(row["service_tier"], row["region"]) for row in found] == [("flex", "us")] * 2


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        # The alias of the proxy's model list: what was deployed answered.
        (
            {
                "model_group": "sonnet",
                "response": {"model": "sonnet"},
                "model": "bedrock/us.a.c-1",
                "deployed": "bedrock/us.a.c-2",
            },
            "bedrock/us.a.c-2",
        ),
        (
            {"model_group": "Mini", "response": {"model": "mini"}, "model": "openai/gpt-4o-mini"},
            "openai/gpt-4o-mini",
        ),
        # The alias is the name of another model.
        (
            {"model_group": "gpt-4o", "response": {"model": "gpt-4o"}, "model": "openai/gpt-4o-mini"},
            "openai/gpt-4o-mini",
        ),
        # The group that was asked for before a fallback.
        (
            {
                "model_group": "backup",
                "response": {"model": "main"},
                "model": "openai/gpt-4o-mini",
                "metadata": {"original_model_group": "main"},
            },
            "openai/gpt-4o-mini",
        ),
        # The provider's own name, more exact than the deployment's.
        (
            {
                "model_group": "fast",
                "response": {"model": "gpt-4o-mini-2024-07-18"},
                "model": "openai/gpt-4o-mini",
            },
            "gpt-4o-mini-2024-07-18",
        ),
        (
            {"model_group": "gpt-4o", "response": {"model": "gpt-4o-2024-08-06"}, "model": "azure/prod"},
            "gpt-4o-2024-08-06",
        ),
        # An Azure deployment has a name of the customer's: what LiteLLM prices it as is known.
        (
            {
                "custom_llm_provider": "azure",
                "model_group": "chat",
                "response": {"model": "chat"},
                "model": "azure/prod",
                "model_map_information": {"model_map_key": "azure/gpt-4o"},
            },
            "azure/gpt-4o",
        ),
        # No response: a failure, or an embedding.
        (
            {"model_group": "embed", "response": None, "model": "openai/text-embedding-3-small"},
            "openai/text-embedding-3-small",
        ),
        ({"model_group": None, "response": {"model": "m-1"}, "model": "m"}, "m-1"),
        # Nothing else is known.
        ({"model_group": "m", "response": {"model": "m"}, "model": None}, "m"),
    ],
)
def test_alias_is_not_the_model_that_was_served(fields: dict[str, Any], served: str) -> None:
    deployed = fields.pop("deployed", None)
    row = one(LITELLM, payload(**fields, hidden_params={"litellm_model_name": deployed}))
    assert row["response_model"] == served


@pytest.mark.parametrize(
    ("fields", "key", "served"),
    [
        ({"model": "openai/gpt-4o-mini", "model_group": "mini"}, "openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ({"model": "mini", "model_group": "mini"}, "openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ({"model": "mini", "model_group": "mini"}, None, "mini"),
        (
            {"model": "azure/prod", "model_group": "chat", "custom_llm_provider": "azure"},
            "azure/gpt-4o-mini",
            "azure/gpt-4o-mini",
        ),
        ({"model": "openai/prod", "model_group": "chat", "custom_llm_provider": "openai"}, "other", "openai/prod"),
    ],
)
def test_alias_is_not_the_model_of_a_spend_log(fields: dict[str, Any], key: str | None, served: str) -> None:
    log = {"request_id": "r", "startTime": "2026-11-23T13:16:02Z", **fields}
    metadata = json.dumps({"model_map_information": {"model_map_key": key}})
    assert one(SPEND_LOGS, {**log, "metadata": metadata})["response_model"] == served


def test_field_of_another_kind_refuses_nothing() -> None:
    """With message logging off `response` may be a text; metadata that is none is none."""
    row = one(LITELLM, payload(response="redacted-by-litellm", hidden_params="x"))
    assert row["response_model"] == "claude-sonnet-4-5" and row["reported_cost"] == Decimal("0.015744")


def test_line_ends_unicode_and_numbers_in_strings_survive() -> None:
    row = one(
        LITELLM, payload(session_id="a\r\nb\u2028\U0001f600", end_user=12345678901234567890123, model="glück")
    )
    assert row["session_id"] == "a\r\nb\u2028\U0001f600" and row["request_model"] == "glück"
    assert row["end_user_id"] == "12345678901234567890123"


def test_count_beyond_64_bits_is_refused_with_its_line() -> None:
    good, bad = payload(), payload(metadata={"usage_object": {"prompt_tokens": 10**30}})
    with pytest.raises(BadInput, match=r"records\.jsonl, line 4: "):
        read_records(LITELLM, [good, good, "", bad, good])


def test_costs_are_exact_to_twelve_places() -> None:
    costs = ["0.00019319999999999998", "7.68e-05", "0.0", "1.000000000001", "123456.123456789"]
    found = read_records(LITELLM, [json.dumps(payload(id=cost)).replace("0.015744", cost) for cost in costs])
    assert [row["reported_cost"] for row in found] == [
        Decimal(text) for text in ("0.0001932", "0.0000768", "0", "1.000000000001", "123456.123456789")
    ]


def test_spend_logs_from_the_api_a_csv_and_parquet_are_one(tmp_path: Path) -> None:
    metadata = {
        "usage_object": {"prompt_tokens": 9, "completion_tokens": 1},
        "attempted_retries": 1,
        "user_api_key_alias": "k",
    }
    log = {
        "request_id": "r1",
        "startTime": "2026-11-23 13:16:02.147031+00:00",
        "model": "m",
        "spend": "0.0004452",
        "cache_hit": "None",
        "metadata": json.dumps(metadata),
        "request_tags": '["a"]',
        "messages": SECRET,
    }
    table = pa.Table.from_pylist([log])
    pq.write_table(table, tmp_path / "x.parquet")
    duckdb.from_arrow(table).write_csv(str(tmp_path / "x.csv"))
    (tmp_path / "x.jsonl").write_text(
        json.dumps({**log, "metadata": metadata, "spend": 0.0004452, "request_tags": ["a"]})
    )
    found = [
        read(SPEND_LOGS, [Local(tmp_path / name, name)], {}).rows.to_pylist()
        for name in ("x.jsonl", "x.csv", "x.parquet")
    ]
    assert found[0] == found[1] == found[2]
    assert found[0][0]["reported_cost"] == Decimal("0.0004452") and found[0][0]["input_tokens"] == 9
    assert found[0][0]["started_at"] == datetime(2026, 11, 23, 13, 16, 2, 147031, tzinfo=UTC)


def test_spend_logs_of_the_api_are_paged_and_the_end_of_a_day_is_the_next_ones(tmp_path: Path) -> None:
    def page(number: int, *records: tuple[str, str]) -> Answer:
        data = [{"request_id": name, "startTime": start, "spend": 0.1, "metadata": {}} for name, start in records]
        return 200, json.dumps({"data": data, "page": number, "total_pages": 2 if data else 0}), {}

    first = page(1, ("a", "2026-11-01T00:00:00Z"), ("b", "2026-11-01T23:59:59.900000Z"))
    second = page(2, ("c", "2026-11-01T23:59:59.950000+00:00"), ("d", "2026-11-02T00:00:00+00:00"))
    home, now = Home(tmp_path), datetime(2026, 11, 2, tzinfo=UTC)
    with answering(first, second) as url:
        settings = GatewaySettings(litellm_api_url=url, litellm_api_key="sk-hush")
        # Before the quarter of an hour that is left to settle, the day ends a quarter of an hour early.
        early = land(home, SOURCE, settings, WINDOW, now)
    with answering(first, second, page(1)) as url:
        settings = GatewaySettings(litellm_api_url=url, litellm_api_key="sk-hush")
        late = land(home, SOURCE, settings, WINDOW, now + timedelta(minutes=16))
    assert early.rows["llm_requests"] == 1 and late.rows["llm_requests"] == 3
    assert late.states == {"delivered": 1, "empty": 1} and "hush" not in repr(settings)


def attributes(**pairs: Any) -> list[dict[str, Any]]:
    def value(given: Any) -> dict[str, Any]:
        return {"intValue": str(given)} if isinstance(given, int) else {"stringValue": given}

    return [{"key": name.replace("__", "."), "value": value(given)} for name, given in pairs.items()]


def span(identifier: str, operation: str | None, parent: str = "", **pairs: Any) -> dict[str, Any]:
    optional = {"gen_ai__operation__name": operation} if operation else {}
    return {
        "traceId": "t1",
        "spanId": identifier,
        "parentSpanId": parent,
        "name": f"{operation} gpt-5",
        "startTimeUnixNano": "1795439764500000999",
        "endTimeUnixNano": "1795439765000000000",
        "attributes": attributes(**optional, **pairs),
        "status": {},
    }


def exported(*spans: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": attributes(service__name="search-api", deployment__environment__name="prod")}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


def test_spans_around_a_request_are_none_and_old_names_are_known() -> None:
    usage = {
        "gen_ai__usage__input_tokens": 100,
        "gen_ai__usage__cache_read__input_tokens": 60,
        "gen_ai__usage__output_tokens": 9,
    }
    chat = span(
        "s2",
        "chat",
        "s1",
        gen_ai__provider__name="aws.bedrock",
        gen_ai__response__id="chatcmpl-1",
        gen_ai__input__messages=SECRET,
        **usage,
    )
    old = span(
        "s4", None, "s1", gen_ai__system="openai", gen_ai__request__model="gpt-5", gen_ai__usage__prompt_tokens=5
    )
    found = read_records(
        OTEL, [exported(span("s1", "invoke_agent"), chat), exported(span("s3", "execute_tool", "s1"), old)]
    )
    assert [row["request_id"] for row in found] == ["t1/s2", "t1/s4"]
    new, former = found
    assert (new["provider"], former["provider"]) == ("bedrock", "openai")
    assert (new["input_tokens"], new["input_uncached_tokens"], new["cache_read_tokens"]) == (100, 40, 60)
    assert new["provider_request_id"] == "chatcmpl-1" and new["parent_request_id"] == "t1/s1"
    assert new["started_at"] == datetime(2026, 11, 23, 13, 16, 4, 500000, tzinfo=UTC)
    assert (new["service_name"], new["environment"]) == ("search-api", "prod") and SECRET not in str(found)
    assert former["input_tokens"] == 5 and former["output_tokens"] is None


@pytest.mark.parametrize(
    ("request_model", "response_model", "sent", "served"),
    [
        ("sonnet", "sonnet", "anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("sonnet", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("gpt-5", "gpt-5", None, "gpt-5"),
        ("gpt-5", None, None, "gpt-5"),
    ],
)
def test_alias_is_not_the_model_of_a_span(
    request_model: str, response_model: str | None, sent: str | None, served: str
) -> None:
    pairs = {"gen_ai__request__model": request_model, "gen_ai__response__model": response_model}
    pairs["litellm__provider__model"] = sent
    chat = span("s1", "chat", **{name: value for name, value in pairs.items() if value})
    row = one(OTEL, exported(chat))
    assert (row["response_model"], row["request_model"]) == (served, request_model)


def test_span_that_failed_and_one_without_usage() -> None:
    failed = span("s1", "chat", error__type="timeout", gen_ai__request__model="m")
    row = one(OTEL, exported(failed))
    assert (row["status"], row["error_class"], row["usage_source"]) == ("failure", "timeout", "missing")


def invocation(**fields: Any) -> dict[str, Any]:
    return {
        "schemaType": "ModelInvocationLog",
        "timestamp": "2026-11-23T13:16:04Z",
        "accountId": "012345678901",
        "region": "us-east-1",
        "requestId": "req-1",
        "operation": "ConverseStream",
        "modelId": "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "identity": {"arn": "arn:aws:sts::012345678901:assumed-role/search-prod/ada@sample.example"},
        "requestMetadata": {"workflow": "triage", "cost_center": "cc-1"},
        "input": {
            "inputTokenCount": 120,
            "cacheReadInputTokenCount": 18000,
            "cacheWriteInputTokenCount": 2048,
            "inputBodyJson": {"messages": SECRET},
        },
        "output": {"outputTokenCount": 7, "outputBodyJson": [SECRET]},
        **fields,
    }


def test_bedrock_counts_cached_tokens_beside_fresh_ones_and_no_body_is_kept() -> None:
    row = one(BEDROCK, invocation())
    assert (row["input_tokens"], row["input_uncached_tokens"], row["total_tokens"]) == (20168, 120, 20175)
    assert row["request_model"] == "us.anthropic.claude-sonnet-4-5-20250929-v1:0" and row["is_stream"] is True
    assert (row["workflow"], row["cost_center"], row["key_alias"]) == ("triage", "cc-1", "search-prod")
    assert row["provider_account_id"] == "012345678901" and "ada" not in str(row) and SECRET not in str(row)
    failed = one(BEDROCK, invocation(errorCode="ThrottlingException", input={}, output=None))
    assert (failed["status"], failed["usage_source"], failed["input_tokens"]) == ("failure", "missing", None)


def observation(**fields: Any) -> dict[str, Any]:
    return {
        "id": "time-13-16-04-500000_chatcmpl-1",
        "trace_id": "t1",
        "type": "GENERATION",
        "start_time": "2026-11-23 13:16:04.500000",
        "end_time": "2026-11-23T13:16:05Z",
        "provided_model_name": "claude-sonnet-4-5",
        "usage_details": {
            "input": 120,
            "input_cached_tokens": 18000,
            "input_cache_creation": 2048,
            "output": 7,
            "total": 20175,
        },
        "total_cost": "0.015744",
        "tags": ["a"],
        "metadata": {"workflow": "w"},
        "input": SECRET,
        **fields,
    }


def test_alias_is_not_the_model_of_an_observation() -> None:
    deployed = {"litellm_model_name": "anthropic/claude-sonnet-4-5"}
    aliased = observation(provided_model_name="s", metadata={"model_group": "s", "hidden_params": deployed})
    named = observation(provided_model_name="m", metadata={"model_group": "s", "hidden_params": deployed})
    assert one(LANGFUSE, aliased)["response_model"] == "anthropic/claude-sonnet-4-5"
    assert one(LANGFUSE, named)["response_model"] == "m"


def test_canonical_record_without_a_status_failed_where_it_has_an_error() -> None:
    record = {"request_id": "r", "started_at": "2026-11-23T13:16:04Z"}
    assert one(CANONICAL, record)["status"] is None
    assert one(CANONICAL, {**record, "error_code": "429"})["status"] == "failure"
    assert one(CANONICAL, {**record, "error_class": "Timeout", "status": ""})["status"] == "failure"
    assert one(CANONICAL, {**record, "error_code": "429", "status": "success"})["status"] == "success"


@pytest.mark.parametrize("text", ["a prompt", "\0", '{"x": 1} 2026', "{"])
def test_attributes_of_a_key_that_are_no_json_are_none(text: str) -> None:
    record = {"request_id": "r", "started_at": "2026-11-23T13:16:04Z"}
    assert one(CANONICAL, {**record, "key_attributes": text})["key_attributes"] is None
    assert one(CANONICAL, {**record, "key_attributes": '{"team": "a"}'})["key_attributes"] == '{"team": "a"}'


def test_input_of_langfuse_is_fresh_input_and_only_calls_of_models_are_requests(tmp_path: Path) -> None:
    records = [
        observation(),
        observation(id="o2", type="SPAN"),
        observation(id="o3", type="EMBEDDING", usage_details={}),
    ]
    found = read_records(LANGFUSE, records)
    assert [row["operation"] for row in found] == ["chat", "embeddings"]
    assert (found[0]["input_tokens"], found[0]["input_uncached_tokens"], found[0]["total_tokens"]) == (
        20168,
        120,
        20175,
    )
    assert found[0]["provider_request_id"] == "chatcmpl-1" and found[0]["reported_cost"] == Decimal("0.015744")
    assert found[1]["usage_source"] == "missing" and found[1]["input_tokens"] is None
    usage = pa.map_(pa.string(), pa.int64())
    schema = pa.schema(
        [
            *((n, pa.string()) for n in ("id", "trace_id", "type", "provided_model_name", "input")),
            ("start_time", pa.timestamp("us")),
            ("usage_details", usage),
            ("total_cost", pa.decimal128(18, 12)),
            ("tags", pa.list_(pa.string())),
        ]
    )
    record = {
        **observation(),
        "start_time": datetime(2026, 11, 23, 13, 16, 4, 500000, tzinfo=UTC),
        "usage_details": list(observation()["usage_details"].items()),
        "total_cost": Decimal("0.015744"),
    }
    pq.write_table(
        pa.Table.from_pylist([{name: record[name] for name in schema.names}], schema), tmp_path / "x.parquet"
    )
    (row,) = read(LANGFUSE, [Local(tmp_path / "x.parquet", "x.parquet")], {}).rows.to_pylist()
    identity_columns = (
        "request_id",
        "started_at",
        "input_tokens",
        "cache_read_tokens",
        "reported_cost",
        "tags",
        "provider_request_id",
    )
    assert [row[name] for name in identity_columns] == [found[0][name] for name in identity_columns]


def test_every_format_lands_by_day_and_a_late_file_is_read(tmp_path: Path) -> None:
    places = {
        "canonical_url": (
            "canonical/dt=2026-11-23/a.jsonl",
            {
                "request_id": "c1",
                "started_at": "2026-11-23T01:00:00Z",
                "input_tokens": 1.0,
                "prompt": SECRET,
                "actor_id": "forged",
            },
        ),
        "otel_url": ("otel/year=2026/month=11/day=23/hour=13/traces_1.json", exported(span("s1", "chat"))),
        "bedrock_log_url": (
            "b/AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/11/23/13/x.json.gz",
            invocation(),
        ),
        "langfuse_url": ("lf/proj/observations_v2/2026-11-23T14-00-00.000Z.jsonl", observation()),
    }
    for key, record in places.values():
        file = tmp_path / key
        file.parent.mkdir(parents=True)
        content = json.dumps(record).encode()
        file.write_bytes(gzip.compress(content) if key.endswith(".gz") else content)
    body = tmp_path / "b/AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/11/23/13/data/body.json.gz"
    body.parent.mkdir()
    body.write_bytes(gzip.compress(SECRET.encode()))
    settings = GatewaySettings(**{name: str(tmp_path / key.split("/")[0]) for name, (key, _) in places.items()})
    home = Home(tmp_path / "home")
    assert land(home, SOURCE, settings, WINDOW, NOW).states == {"delivered": 4}
    assert land(home, SOURCE, settings, WINDOW, NOW).states == {"unchanged": 4}
    (tmp_path / "canonical/dt=2026-11-23/late.jsonl").write_text(
        json.dumps({"request_id": "c2", "started_at": "2026-11-23T02:00:00Z"})
    )
    assert land(home, SOURCE, settings, WINDOW, NOW).states == {"delivered": 1, "unchanged": 3}
    files = list(home.lake.rglob("llm_requests/*.parquet"))
    rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    assert {row["source_system"] for row in rows} == {"canonical", "otel", "bedrock", "langfuse"}
    assert all(row["actor_id"] is None and row["slice_id"] for row in rows) and SECRET not in str(rows)


def test_hours_that_are_read_together_stay_apart_and_a_bad_one_refuses_itself_alone(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for hour, lines in (("11", [payload(id="a"), payload(id="b")]), ("12", [payload(id="c")]), ("13", ["{cut"])):
        file = logs / "2026-11-23" / hour / "batch_1.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    (logs / "2026-11-23" / "time-11-00-00-000000_d.json").write_text(json.dumps(payload(id="d"), indent=1))
    home, settings = Home(tmp_path / "home"), GatewaySettings(litellm_url=str(logs))
    landing = land(home, SOURCE, settings, WINDOW, NOW)
    assert (
        landing.states == {"delivered": 2, "refused": 1}
        and "13/batch_1.jsonl, line 1: not JSON" in landing.refused[0][1]
    )
    (logs / "2026-11-23" / "13" / "batch_1.jsonl").unlink()
    assert land(Home(tmp_path / "other"), SOURCE, settings, WINDOW, NOW).states == {"delivered": 2}
    by_order = []
    for lake in (home.lake, tmp_path / "other" / "lake"):
        files = lake.rglob("llm_requests/*.parquet")
        rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
        by_order.append(sorted((row["slice_id"][-2:], row["request_id"]) for row in rows))
    assert by_order[0] == by_order[1] == [("11", "a"), ("11", "b"), ("11", "d"), ("12", "c")]


def test_odd_hour_leaves_the_others_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """History is thousands of hours: one by one they would take as many statements."""
    logs = tmp_path / "logs"
    for hour in range(20):
        records = [payload(id=f"{hour}"), payload(id=f"{hour}-odd", startTime="soon")][: 2 if hour == 7 else 1]
        file = logs / "2026-11-23" / f"{hour:02d}" / "batch_1.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    alone: list[datetime] = []

    def read_alone(*arguments: Any) -> Any:
        alone.append(arguments[3])
        return reading(*arguments)

    reading = source._read_objects
    monkeypatch.setattr(source, "_read_objects", read_alone)
    landing = land(Home(tmp_path / "home"), SOURCE, GatewaySettings(litellm_url=str(logs)), WINDOW, NOW)
    assert landing.states == {"delivered": 20} and landing.rows["llm_requests"] == 20
    assert landing.rows["rejected_records"] == 1
    assert len(alone) == 1 and alone[0].hour == 7


def test_file_whose_path_names_no_day_is_refused_and_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "spans.json").write_text(json.dumps(exported(span("s1", "chat"))))
    landing = land(Home(tmp_path / "home"), SOURCE, GatewaySettings(otel_url=str(tmp_path / "logs")), WINDOW, NOW)
    assert "names no day" in landing.refused[0][1]


def test_gzip_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "2026/11/23/13/x.json.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(b"\n".join(json.dumps(invocation()).encode() for _ in range(50)))[:-30])
    landing = land(
        Home(tmp_path / "home"), SOURCE, GatewaySettings(bedrock_log_url=str(tmp_path / "logs")), WINDOW, NOW
    )
    assert landing.states == {"refused": 1} and "x.json.gz" in landing.refused[0][1]


def test_token_is_handed_over_in_one_place_and_goes_no_further() -> None:
    (row,) = read_records(CANONICAL, [{"request_id": "x", "started_at": "2026-11-01", "actor_token": SECRET}])
    assert set(row) == LLM_REQUESTS.names and SECRET not in str(row)
    assert settle_actors(pa.table({"request_id": ["x"], RAW_TOKEN: [SECRET]})).column_names == ["request_id"]


@pytest.mark.parametrize("nothing", ["None", "null", "", "  ", "NULL", "undefined", "NaN"])
def test_id_that_is_no_id_is_none_in_every_format(nothing: str) -> None:
    start = "2026-11-02T10:00:00Z"
    ids = {"litellm_call_id": nothing, "trace_id": nothing, "session_id": nothing, "end_user": nothing}
    rows = [
        one(LITELLM, {"id": "a", "startTime": start, **ids, "metadata": {"user_api_key_hash": nothing}}),
        one(SPEND_LOGS, {"request_id": "a", "startTime": start, **ids, "api_key": nothing, "team_id": nothing}),
        one(
            LANGFUSE,
            {"id": "a", "type": "GENERATION", "start_time": start, "user_id": nothing, "session_id": nothing}
            | {"trace_id": nothing, "metadata": {"response_id": nothing}},
        ),
        one(
            CANONICAL,
            {"request_id": "a", "started_at": start, "call_id": nothing, "provider_request_id": nothing}
            | {"session_id": nothing, "parent_request_id": nothing, "team_id": nothing},
        ),
    ]
    for row in rows:
        for name in (
            "call_id",
            "trace_id",
            "session_id",
            "provider_request_id",
            "parent_request_id",
            "end_user_id",
        ):
            assert row[name] is None
        assert (row["key_hash"], row["team_id"], row["user_id"]) == (None, None, None)


@pytest.mark.parametrize("nothing", ["None", "null", ""])
def test_requests_whose_id_is_no_id_stay_requests_of_their_own(nothing: str) -> None:
    start = "2026-11-02T10:00:0{}Z"
    rows = read_records(SPEND_LOGS, [{"request_id": nothing, "startTime": start.format(n)} for n in (1, 2)])
    assert len({row["request_id"] for row in rows}) == 2
    assert all(row["request_id"].startswith("unnamed:") for row in rows)
