{% macro today() %}
    {#- The day of the run, in UTC; the variable `today` (YYYY-MM-DD) for simulations. -#}
    {%- set given = env_var("COSTOWNER_NOW", "") -%}
    cast({% if given %}'{{ given[:10] }}'{% else %}timezone('UTC', now()){% endif %} as date)
{% endmacro %}
