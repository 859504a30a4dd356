{#-
    What a usage type says of Bedrock tokens, in the two grammars that CUR has (facts of AWS, section 3):
    AWS's own         {REGION}-{billing name of the model}-[mantle-]{meter}[-{tier}][-cross-region-{global|geo}]
    its Marketplace's {R}-MP:{R}_{meter}[_{tier or routing}…]-Units, the model being the name of the product
-#}
{% macro is_bedrock(service_code) %} coalesce({{ service_code }} like 'AmazonBedrock%', false) {% endmacro %}

{% macro _bedrock_own() %}
    {{-
        return(
            "^(?:[A-Z]+[0-9]+-)?(.+?)-(?:mantle-)?"
            ~ "(input-tokens|output-tokens|cache-read-input-token-count|cache-write-input-token-count)(?:-(.+))?$"
        )
    -}}
{% endmacro %}

{% macro _bedrock_marketplace() %}
    {{-
        return(
            "^(?:[A-Z]+[0-9]+-)?(?:MP:)?[A-Z]+[0-9]+_"
            ~ "((?:CacheRead|CacheWrite|CacheWrite1h)?(?:Input|Output)TokenCount|(?:cache_read_|cache_write_)?(?:input|output)_tokens)"
            ~ "(?:_(.+?))?(?:-Units)?$"
        )
    -}}
{% endmacro %}

{% macro bedrock_billing_name(usage_type, product_name) %}
    {#- The model as AWS bills it; NULL where the usage type is of no tokens. -#}
    coalesce(
        {{ regex_group(usage_type, _bedrock_own(), 1) }},
        case
            when {{ regex_group(usage_type, _bedrock_marketplace(), 1) }} is not null then {{ product_name }}
        end
    )
{% endmacro %}

{% macro bedrock_meter(usage_type) %}
    {#- What is counted, as AWS spells it; NULL where the usage type is of no tokens. -#}
    coalesce(
        {{ regex_group(usage_type, _bedrock_own(), 2) }},
        {{ regex_group(usage_type, _bedrock_marketplace(), 1) }}
    )
{% endmacro %}

{% macro bedrock_tier(usage_type) %}
    {#- standard, batch, flex, priority or reserved. -#}
    coalesce(
        {{ regex_group("lower(" ~ usage_type ~ ")", "[-_](batch|flex|priority|reserved)([-_]|$)", 1) }},
        'standard'
    )
{% endmacro %}
