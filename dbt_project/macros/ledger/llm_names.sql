{% macro canonical_provider(column) %}
    {#-
        One name a provider, in lower case. Gateways have several for Bedrock (`bedrock_converse`, OpenTelemetry's
        `aws.bedrock`).
    -#}
    case
        when lower({{ column }}) like 'bedrock%' or lower({{ column }}) = 'aws.bedrock'
        then 'bedrock'
        else nullif(lower({{ column }}), '')
    end
{% endmacro %}

{% macro canonical_tier(column) %}
    {#- The tier that served a request: none, `default` and `auto` are `standard`. -#}
    case
        when coalesce(lower({{ column }}), '') in ('', 'default', 'auto', 'standard')
        then 'standard'
        else lower({{ column }})
    end
{% endmacro %}

{% macro plain_model_name(column) %}
    {#-
        A model's name as the registry's `model_names` are compared with it: lower case, without a gateway's path
        (`azure/Chat-Prod` is `chat-prod`). Of an ARN nothing is cut off but what stands before it. The registry's
        names are made so in Python (`plain_model_name`).
    -#}
    case
        when lower({{ column }}) like '%arn:%'
        then regexp_replace(lower(trim({{ column }})), '^.*?arn:', 'arn:')
        else regexp_replace(lower(trim({{ column }})), '^.*/', '')
    end
{% endmacro %}

{% macro canonical_model(column) %}
    {#-
        A model's name without the additions of gateways, clouds and providers: `openai/gpt-5-mini-2025-08-07` is `gpt-5-mini`,
        `bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0` is `claude-sonnet-4-5`. An alias of the newest version
        (`-latest`, Vertex's `@default`) and its dated name (`-20250219`, `-2411`, `-0613`) are one model.
    -#}
    {%- set vendors = "anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|writer" -%}
    {%- set dates = "-20[0-9]{2}-[0-9]{2}-[0-9]{2}|-20[0-9]{6}|-2[3-9](0[1-9]|1[0-2])|-(0[1-9]|1[0-2])([0-2][0-9]|3[01])" -%}
    {%- set without_path -%} regexp_replace(lower(trim({{ column }})), '^.*/', '') {%- endset -%}
    {%- set without_vendor -%} regexp_replace({{ without_path }}, '^([a-z-]+[.])?({{ vendors }})[.]', '') {%- endset -%}
    {%- set without_version -%}
        regexp_replace({{ without_vendor }}, '(-v[0-9]+:[0-9]+(:[0-9]+k)?|@[a-z0-9-]+)$', '')
    {%- endset -%}
    {%- set claude -%} regexp_replace(replace({{ without_version }}, '.', '-'), '-v[0-9]+$', '') {%- endset -%}
    regexp_replace(
        case
            -- Bedrock's newer ids have a version without a number after it, OpenRouter's a point.
            when lower({{ column }}) like '%claude-%'
            then {{ claude }}
            when lower({{ column }}) like '%gemini-%'
            then regexp_replace({{ without_version }}, '-00[0-9]$', '')
            else {{ without_version }}
        end,
        '(-latest|{{ dates }})$',
        ''
    )
{% endmacro %}

{% macro is_committed_tier(provider, tier) %}
    {#- Usage without a cost in any report: Anthropic's priority tier is paid by commitment. -#}
    ({{ provider }} = 'anthropic' and {{ tier }} like 'priority%')
{% endmacro %}

{% macro llm_biller(provider) %}
    {#-
        The vendor that bills a provider's requests: AWS bills Bedrock, and a vendor has several names in gateways, in
        OpenTelemetry and in FOCUS. A provider that is not listed bills for itself.
    -#}
    case
        when {{ provider }} in ('bedrock', 'sagemaker', 'aws') or {{ provider }} like 'amazon%'
        then 'aws'
        when {{ provider }} like 'azure%' or {{ provider }} like 'az.ai.%' or {{ provider }} like 'microsoft%'
        then 'microsoft'
        when
            {{ provider }} like 'vertex_ai%'
            or {{ provider }} like 'gemini%'
            or {{ provider }} like 'gcp%'
            or {{ provider }} like 'google%'
        then 'google'
        when {{ provider }} like 'vercel%'
        then 'vercel'
        when
            ({{ provider }} like 'openai%' and {{ provider }} not like 'openai_like%')
            or {{ provider }} like '%-openai'
        then 'openai'
        when {{ provider }} like 'anthropic%'
        then 'anthropic'
        {% for vendor in [
            "openrouter",
            "mistral",
            "cohere",
            "deepseek",
            "groq",
            "together",
            "fireworks",
            "perplexity",
            "cerebras",
            "moonshot",
            "voyage",
        ] %}
            when {{ provider }} like '{{ vendor }}%' then '{{ vendor }}'
        {% endfor %}
        when {{ provider }} in ('xai', 'x_ai')
        then 'xai'
        else {{ provider }}
    end
{% endmacro %}

{% macro litellm_attempt_id() %}
    {#-
        What an attempt is called in both of LiteLLM's logs. Each log makes its own ending of a cache hit's id
        (`<id of the answer>_cache_hit<time>`); the call and the answer are the same in both.
    -#}
    case
        when instr(request_id, '_cache_hit') > 0 and call_id is not null
        then concat({{ text_before_last("request_id", "_cache_hit") }}, '|', call_id)
        else request_id
    end
{% endmacro %}

{% macro is_inference() %}
    {#-
        Whether a request asks a model for work. Reading a stored response, polling a batch, counting tokens and managing files,
        threads or jobs are free, also where the answer repeats the usage of the first call. LiteLLM bills a batch on the
        poll that finds it complete: that one has tokens or a cost.
    -#}
    {%- set call = "replace(replace(replace(lower(coalesce(operation, '')), '_', ''), '-', ''), ' ', '')" -%}
    {%- set objects = "response|inputitem|assistant|thread|message|run|file|finetun|container|vectorstore|video|model|eval" -%}
    not (
        {{ regex_group(call, "^a?((get|list|retrieve|delete|cancel)(" ~ objects ~ ")|(get|list|cancel)batch)", 0) }}
        is not null
        or {{ regex_group(call, "^a?(create(file|batch|assistant|thread|finetuning|container|vectorstore)|counttokens?$)", 0) }}
        is not null
        or {{ regex_group(call, "^a?(addmessage|file(content|retrieve|list|delete)|video(content|retrieve|list|status|delete))", 0) }}
        is not null
        or (
            {{ regex_group(call, "^a?retrievebatch", 0) }} is not null
            and coalesce(input_tokens, 0) = 0
            and coalesce(output_tokens, 0) = 0
            and coalesce(reported_cost, 0) = 0
        )
    )
{% endmacro %}

{% macro is_answered() %}
    {#-
        Whether a provider did work for a request and is paid for it. An answer of the gateway's cache costs nothing. A failure
        costs nothing unless it has used tokens: output was made, or the gateway states a cost (a stream that broke).
        A record without status and error is an answer: many logs hold nothing else.
    -#}
    (
        case
            when status is null
            then error_code is null and error_class is null
            when status = 'success'
            then true
            else
                coalesce(output_tokens, 0) > 0
                or (coalesce(input_tokens, 0) > 0 and coalesce(reported_cost, 0) > 0)
        end
        and not coalesce(gateway_cache_hit, false)
        and {{ is_inference() }}
    )
{% endmacro %}
