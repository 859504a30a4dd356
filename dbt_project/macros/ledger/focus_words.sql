{#- FOCUS's value for a vendor's spelling of it, in any case; NULL for a value that FOCUS does not have. -#}
{% macro focus_category(column) %}
    {{ _focus_word(column, ["Usage", "Purchase", "Tax", "Credit", "Adjustment"]) }}
{% endmacro %}

{#- With the words of FOCUS 0.5 and 1.0-preview (On-Demand, Commitment-Based), which OCI still writes. -#}
{% macro focus_pricing_category(column) %}
    case
        when lower({{ column }}) in ('on-demand', 'ondemand', 'on demand')
        then 'Standard'
        when lower({{ column }}) = 'commitment-based'
        then 'Committed'
        else {{ _focus_word(column, ["Standard", "Dynamic", "Committed", "Other"]) }}
    end
{% endmacro %}

{% macro focus_frequency(column) %}
    {{ _focus_word(column, ["One-Time", "Recurring", "Usage-Based"]) }}
{% endmacro %}

{% macro focus_commitment_category(column) %} {{ _focus_word(column, ["Spend", "Usage"]) }} {% endmacro %}

{#- Of a commitment or of a capacity reservation. -#}
{% macro focus_use_status(column) %} {{ _focus_word(column, ["Used", "Unused"]) }} {% endmacro %}

{% macro focus_service_category(column) %}
    {{
        _focus_word(
            column,
            [
                "AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools",
                "Multicloud", "Identity", "Integration", "Internet of Things", "Management and Governance", "Media",
                "Migration", "Mobile", "Networking", "Security", "Storage", "Web", "Other",
            ],
        )
    }}
{% endmacro %}

{% macro _focus_word(column, words) %}
    case
        lower({{ column }}) {% for word in words %} when '{{ word | lower }}' then '{{ word }}' {% endfor %}
    end
{% endmacro %}
