"""Bedrock's model invocation logs in S3: gzipped JSON lines.

Bodies (`inputBodyJson`, `outputBodyJson`) are never declared. Input tokens are fresh ones; what was read from or written
to the cache is counted beside them.
"""

from __future__ import annotations

from ingestion.sources.llm_gateway.formats.base import (
    ACTOR_TOKEN,
    Declared,
    Format,
    caller_attributes,
    instant,
    person,
    texts,
)

FIELDS: dict[str, Declared] = {
    **texts("schemaType", "timestamp", "accountId", "region", "requestId", "operation", "modelId"),
    **texts("inferenceRegion", "status", "errorCode"),
    "identity": texts("arn"),
    "requestMetadata": "JSON",
    "input": texts("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount"),
    "output": texts("outputTokenCount"),
}
_FAILED = "(nullif(errorCode, '') is not null or coalesce(try_cast(status as int), 200) >= 400)"

BEDROCK = Format(
    name="bedrock",
    fields=FIELDS,
    prepared=f"""
        select
            *,
            case
                when nullif(requestId, '') is null or nullif("timestamp", '') is null
                then error('no Bedrock invocation log, it has no requestId or no timestamp')
                else requestId
            end as own_id,
            cast(input.inputTokenCount as bigint) as fresh,
            coalesce(cast(input.cacheReadInputTokenCount as bigint), 0) as cached,
            coalesce(cast(input.cacheWriteInputTokenCount as bigint), 0) as written,
            cast(output.outputTokenCount as bigint) as made,
            {_FAILED} as has_failed
        from records""",
    columns={
        "source_system": "'bedrock'",
        "request_id": "own_id",
        "provider_request_id": "own_id",
        "started_at": instant('"timestamp"'),
        "operation": "operation",
        "provider": "'bedrock'",
        "provider_account_id": "accountId",
        # An inference profile's ARN ends in the model's or the profile's id.
        "request_model": "regexp_replace(modelId, '^arn:.*/', '')",
        "response_model": "regexp_replace(modelId, '^arn:.*/', '')",
        "deployment_id": "case when starts_with(modelId, 'arn:') then modelId end",
        "region": "coalesce(nullif(inferenceRegion, ''), region)",
        "is_stream": "coalesce(contains(operation, 'Stream'), false)",
        "status": "case when has_failed then 'failure' else 'success' end",
        "error_code": "coalesce(nullif(errorCode, ''), case when has_failed then status end)",
        "input_tokens": "fresh + cached + written",
        "input_uncached_tokens": "fresh",
        "cache_read_tokens": "case when fresh is not null then cached end",
        "cache_write_5m_tokens": "case when fresh is not null then written end",
        "output_tokens": "made",
        "total_tokens": "fresh + cached + written + made",
        "usage_source": "case when fresh is null and made is null then 'missing' else 'provider' end",
        "gateway_cache_hit": "false",
        # The principal is AWS's own word. A role's session is one user of it.
        "user_id": person("regexp_replace(identity.arn, '^.*:assumed-role/', '')"),
        "key_alias": "regexp_extract(identity.arn, ':(?:assumed-role|user|role)/([^/]+)', 1)",
        **caller_attributes("requestMetadata"),
        "tags": "'[]'",
    },
    token=f"requestMetadata ->> '{ACTOR_TOKEN}'",
)
