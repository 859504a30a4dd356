"""The canonical `llm_request`: the columns that every format of gateways' logs fills (`formats/`).

Text of prompts and responses, request bodies, headers, IP addresses and traces have no column. Missing usage is NULL,
never 0.
"""

from __future__ import annotations

from ingestion.lake.columns import Measure, Table, boolean, date, integer, json, money, number, text, timestamp
from ingestion.lake.contract import ClaimKind, Evidence
from ingestion.lake.rejected import REJECTED_RECORDS

LLM_REQUESTS = Table(
    "llm_requests",
    "One row a request attempt that reached a provider or a cache; no prompt, no response.",
    (
        text(
            "source_system",
            "litellm, litellm_spend_logs, langfuse, otel, bedrock, mongodb, canonical, or the name in a canonical record",
        ),
        text("request_id", "the gateway's id of the attempt; with source_system the identity of the row"),
        text("call_id", "what attempts of one call share"),
        text("trace_id", "trace"),
        text("session_id", "session"),
        text("parent_request_id", "the request that this one is nested in"),
        text("provider_request_id", "the provider's id of the request: matches the same request in two sources"),
        integer("attempted_retries", "retries that the gateway made before this record"),
        integer("attempted_fallbacks", "fallbacks to another model before this record"),
        integer("attempt_number", "number of the attempt within its call, from 1"),
        timestamp("started_at", "start of the attempt"),
        timestamp("ended_at", "end of the attempt"),
        timestamp("first_token_at", "when the first token came"),
        number("latency_ms", "milliseconds from start to end"),
        number("gateway_overhead_ms", "milliseconds of these that the gateway took for itself"),
        text("operation", "call type: acompletion, aembedding, anthropic_messages …"),
        text("provider", "provider that served it, by one name each: openai, anthropic, bedrock …"),
        boolean("is_provider_inferred", "no record names the provider: the model's name shows it"),
        text("provider_account_id", "the provider's project, workspace or account that the gateway calls with"),
        text("request_model", "model as asked for"),
        text("response_model", "model as served"),
        text("model_group", "the gateway's name for the model"),
        text("deployment_id", "the gateway's deployment"),
        text("region", "where it ran: region of the cloud, or the provider's inference geography"),
        text("service_tier", "tier as served"),
        boolean("is_stream", "streamed"),
        boolean("is_batch", "through the provider's batch API"),
        text("status", "success or failure"),
        text("error_code", "HTTP status or code of a failure"),
        text("error_class", "class of a failure; its text is not kept"),
        text("fallback_from", "model that was asked for first, where another one answered"),
        integer("input_tokens", "all input tokens, cached ones included"),
        integer("input_uncached_tokens", "input tokens that were neither read from nor written to a cache"),
        integer("cache_read_tokens", "input tokens read from the provider's cache"),
        integer(
            "cache_write_5m_tokens", "input tokens written to the cache for five minutes (or of unknown length)"
        ),
        integer("cache_write_1h_tokens", "input tokens written to the cache for an hour"),
        integer("output_tokens", "output tokens, reasoning included"),
        integer("reasoning_tokens", "output tokens that were reasoning"),
        integer("input_audio_tokens", "input tokens that were audio"),
        integer("input_image_tokens", "input tokens that were images"),
        integer("input_video_tokens", "input tokens that were videos"),
        integer("output_audio_tokens", "output tokens that were audio"),
        integer("output_image_tokens", "output tokens that were images"),
        integer("output_video_tokens", "output tokens that were videos"),
        integer("image_count", "images made"),
        integer("web_search_count", "web searches that the provider made"),
        integer("total_tokens", "input and output"),
        text("usage_source", "provider, or missing"),
        text(
            "usage_status",
            "as_documented, other_reading (the record's own counts show that cached or reasoning tokens are counted otherwise "
            "than its format documents) or disputed (they do not add up); NULL without usage",
        ),
        integer("unexplained_tokens", "tokens of disputed usage that no reading of its counts explains; else 0"),
        boolean("gateway_cache_hit", "answered from the gateway's own cache: no provider was asked"),
        money("reported_cost", "the gateway's own price of it"),
        text("reported_cost_currency", "USD"),
        money("saved_cost", "what the gateway's own cache saved, by the gateway's count"),
        text("key_hash", "hash of the key that was used"),
        text("key_alias", "name of the key"),
        text("user_id", "the key's user"),
        text("end_user_id", "the caller's customer or user; settable by the caller, no proof"),
        text("team_id", "the key's team"),
        text("team_alias", "the team's name"),
        text("organization_id", "the key's organization"),
        text("project_id", "the key's project at the gateway"),
        text("service_name", "service, as the caller names it"),
        text("workflow", "workflow, as the caller names it"),
        text("feature", "feature, as the caller names it"),
        text("customer_id", "customer, as the caller names it"),
        text("environment", "environment, as the caller names it"),
        text("experiment", "experiment or job, as the caller names it"),
        text("cost_center", "cost center, as the caller names it"),
        json(
            "key_attributes", "what the gateway itself keeps of the key (service, workflow …): outranks the caller"
        ),
        text("actor_type", "human, service or agent: of the signed identity"),
        text("actor_id", "subject of the signed identity"),
        text("actor_issuer", "issuer of the signed identity"),
        text("actor_team", "team that the signed identity names"),
        json("actor_chain", "who acts for whom (RFC 8693 `act`), outermost first"),
        text("actor_token_id", "hash of the token's `jti`; the token itself is never kept"),
        text("actor_status", "verified, or why the signed identity was refused; NULL where none was sent"),
        json("tags", "the caller's tags, without the automatic ones"),
    ),
    measures=(Measure("reported_cost", "reported_cost", "reported_cost_currency"),),
    charge_end="started_at",
)
DROPPED_FIELDS = Table(
    "dropped_fields",
    "One row a source system, field and UTC day: how many records came with text that was dropped, or with a count of "
    "usage that is not read.",
    (
        text("source_system", "litellm, litellm_spend_logs, langfuse, otel, bedrock, canonical or mongodb"),
        text("field", "the field's path in the gateway's record"),
        boolean("is_usage", "a count of usage under a name that is not read; else text of a prompt or response"),
        date("usage_day", "UTC day of the requests"),
        integer("record_count", "records in which the field held something"),
        integer("redacted_count", "of these, records in which the gateway itself had replaced the text"),
    ),
)
TABLES = (LLM_REQUESTS, DROPPED_FIELDS, REJECTED_RECORDS)
CLAIM_KINDS = (
    ClaimKind("signed_actor", Evidence.VERIFIED_ACTOR, "Actor of a signed identity whose signature was verified"),
    ClaimKind("signed_team", Evidence.VERIFIED_ACTOR, "Team that a verified signed identity names"),
    ClaimKind("request_team", Evidence.TAG, "Team that the caller named on the request"),
    ClaimKind("request_service", Evidence.TAG, "Service that the caller named on the request"),
    ClaimKind("request_workflow", Evidence.TAG, "Workflow that the caller named on the request"),
    ClaimKind("request_user", Evidence.TAG, "User that the caller named on the request"),
    ClaimKind("request_customer", Evidence.TAG, "Customer that the caller named on the request"),
    ClaimKind("request_feature", Evidence.TAG, "Feature that the caller named on the request"),
    ClaimKind("telemetry", Evidence.DEFAULT, "What per-request telemetry explains of the charge: unmetered"),
    ClaimKind(
        "identity",
        Evidence.DEFAULT,
        "How well it is known who made a request: verified, asserted, unknown, refused or replayed",
    ),
)
