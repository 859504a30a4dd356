{% macro canonical_provider(column) %}
    {#- One name a provider: gateways know Bedrock by several (`bedrock_converse`, OpenTelemetry's `aws.bedrock`). -#}
    case
        when {{ column }} like 'bedrock%' or {{ column }} = 'aws.bedrock' then 'bedrock' else {{ column }}
    end
{% endmacro %}

{% macro canonical_tier(column) %}
    {#- The tier that was served: no name, `default` and `auto` are the standard one. -#}
    case
        when {{ column }} is null or {{ column }} in ('default', 'auto') then 'standard' else {{ column }}
    end
{% endmacro %}
