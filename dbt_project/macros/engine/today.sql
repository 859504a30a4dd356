{% macro today() %}
    {#- The day of the run, in UTC; COSTOWNER_NOW for simulations. -#}
    {%- set given = env_var("COSTOWNER_NOW", "") -%}
    {%- if given -%} cast('{{ given[:10] }}' as date)
    {%- else -%} {{ adapter.dispatch("utc_today")() }}
    {%- endif -%}
{% endmacro %}

{% macro duckdb__utc_today() %} cast(timezone('UTC', now()) as date) {% endmacro %}

{% macro spark__utc_today() %} current_date() {% endmacro %}
