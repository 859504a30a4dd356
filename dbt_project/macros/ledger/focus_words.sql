{#- FOCUS's value for a vendor's spelling of it, in any case; NULL for a value that FOCUS does not have. -#}
{% macro focus_category(column) %}
    {{ _focus_word(column, ["Usage", "Purchase", "Tax", "Credit", "Adjustment"]) }}
{% endmacro %}

{% macro focus_pricing_category(column) %}
    {{ _focus_word(column, ["Standard", "Dynamic", "Committed", "Other"]) }}
{% endmacro %}

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
