{% macro same_series(one, other) %}
    {#- Whether two rows are of one series of cost, in one currency. -#}
    {{ one }}.series_kind = {{ other }}.series_kind
    and {{ one }}.series_id = {{ other }}.series_id
    and {{ one }}.billing_currency = {{ other }}.billing_currency
{% endmacro %}
