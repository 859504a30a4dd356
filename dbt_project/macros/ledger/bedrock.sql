{#-
    Bedrock tokens in a usage type. CUR has two grammars (facts of AWS, section 3):
    AWS's own         {REGION}-{billing name of the model}-[mantle-][text-]{meter}[-{tier}][-cross-region-{global|geo}]
    its Marketplace's {R}-MP:{R}_{meter}[_{tier or routing}…]-Units, the model being the name of the product
-#}
{% macro is_bedrock(service_code) %} coalesce({{ service_code }} like 'AmazonBedrock%', false) {% endmacro %}

{% macro _bedrock_own() %}
    {{-
        return(
            "^(?:[A-Z]+[0-9]+-)?(.+?)-(?:mantle-)?(?:text-)?"
            ~ "(input-tokens|output-tokens|cache-(?:read|write)-input-token-count"
            ~ "|cache-(?:read|write)-tokens(?:-[0-9]+[mh])?)(?:-(.+))?$"
        )
    -}}
{% endmacro %}

{% macro _bedrock_marketplace() %}
    {{-
        return(
            "^(?:[A-Z]+[0-9]+-)?(?:MP:)?[A-Z]+[0-9]+_"
            ~ "((?:CacheRead|CacheWrite|CacheWrite1h)?(?:Input|Output)TokenCount|Million(?:Batch)?(?:Input|Output)Tokens"
            ~ "|(?:cache_read_|cache_write_)?(?:input|output)_tokens|cache_(?:read|write)_tokens(?:_[0-9]+[mh])?)"
            ~ "(?:_(.+?))?(?:-Units)?$"
        )
    -}}
{% endmacro %}

{% macro bedrock_billing_name(usage_type, product_name) %}
    {#- AWS's billing name of the model; NULL where the usage type is not in tokens. -#}
    coalesce(
        {{ regex_group(usage_type, _bedrock_own(), 1) }},
        case
            when {{ regex_group(usage_type, _bedrock_marketplace(), 1) }} is not null then {{ product_name }}
        end
    )
{% endmacro %}

{% macro bedrock_meter(usage_type) %}
    {#- AWS's spelling of the meter; NULL where the usage type is not in tokens. -#}
    coalesce(
        {{ regex_group(usage_type, _bedrock_own(), 2) }},
        {{ regex_group(usage_type, _bedrock_marketplace(), 1) }}
    )
{% endmacro %}

{% macro bedrock_tier(usage_type) %}
    {#- standard, batch, flex, priority or reserved. -#}
    coalesce(
        {{ regex_group("lower(" ~ usage_type ~ ")", "(?:[-_]|million)(batch|flex|priority|reserved)(?:[-_]|input|output|$)", 1) }},
        'standard'
    )
{% endmacro %}

{% macro bedrock_routing(usage_type) %}
    {#- Cross-region routing: global or geo; NULL where the call stays in its region. -#}
    coalesce(
        {{ regex_group("lower(" ~ usage_type ~ ")", "cross-region-(global|geo)", 1) }},
        {{ regex_group("lower(" ~ usage_type ~ ")", "(?:tokencount|tokens)(?:_[a-z0-9]+)*?_(global|geo)([-_]|$)", 1) }}
    )
{% endmacro %}

{% macro application_profile(service_code, resource_id) %}
    {#- The application inference profile of a Bedrock line: users create and tag these. -#}
    case
        when {{ is_bedrock(service_code) }} and {{ resource_id }} like '%:application-inference-profile/%'
        then {{ resource_id }}
    end
{% endmacro %}

{% macro bedrock_other_kind(usage_type) %}
    {#-
        The kind of Bedrock usage that is not in tokens, or not at their price, by the words of AWS's price
        lists (2026-07). NULL for everything else.
    -#}
    {%- set kinds = [
        ("provisioned_throughput", ["provisionedthroughput", "modelunits"]), ("reserved_throughput", ["reserved"]),
        ("customization", ["customization", "custom-model", "custom_model"]), ("guardrails", ["guardrail"]),
        ("search", ["search-units", "search_units"]),
        ("image", ["-t2i", "-i2i", "input-image", "output-image", "titanimage", "novacanvas"]),
        ("video", ["input-video", "output-video", "video-", "novareel"]),
        ("audio", ["input-audio", "output-audio", "input-speech", "output-speech"]),
    ] -%}
    case
        {%- for kind, words in kinds %}
            when
                {%- for word in words %}
                    lower({{ usage_type }}) like '%{{ word }}%'{{ " or" if not loop.last }}
                {%- endfor %}
            then '{{ kind }}'
        {%- endfor %}
    end
{% endmacro %}
