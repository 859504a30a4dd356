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
from ingestion.sources.llm_gateway.formats.usage import SETTLED, Usage, most
from ingestion.sources.llm_gateway.formats.usage_names import BEDROCK as NAMES

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
        **SETTLED,
        "gateway_cache_hit": "false",
        # The principal is AWS's own word. A role's session is one user of it.
        "user_id": person("regexp_replace(identity.arn, '^.*:assumed-role/', '')"),
        "key_alias": "regexp_extract(identity.arn, ':(?:assumed-role|user|role)/([^/]+)', 1)",
        **caller_attributes("requestMetadata"),
        "tags": "'[]'",
    },
    usage=Usage(
        {name: most(*(path.replace("/", ".") for path in paths)) for name, paths in NAMES.items()},
        beside=frozenset({"cached"}),
    ),
    token=f"requestMetadata ->> '{ACTOR_TOKEN}'",
)
